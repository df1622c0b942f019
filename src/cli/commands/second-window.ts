// A second `parley` while the profile is held. For a command that ends by itself it
// waits. Of a window on the default profile it becomes another person with an
// identity of its own, or another face of the same one: at a terminal the user is
// asked, unless the setting secondWindow decides. It opens no profile.
import { setTimeout as sleep } from 'node:timers/promises'
import { isSameName, type Json, jsonList } from '../../lib/index.ts'
import { defaultProfile, isProfileHeld, processNote, profileHolder, type Config } from '../../node/settings.ts'
import { runningParley } from '../control/index.ts'
import { cleanText } from '../process/clean-text.ts'
import { InterruptedError, writeLines, type CommandIo } from '../process/io.ts'
import { wrappedLine } from '../wording/terminal-lines.ts'

/** How long a command may hold the profile before it is named: its end, or a start, takes no longer. */
const WORTH_NAMING_MS = 1_000

/** How long a command that ends by itself is waited for before the user is asked: `parley send` takes 8 s at most. */
const COMMAND_WAIT_MS = 15_000

/** The pause between two looks at a held profile. */
const HELD_LOOK_MS = 250

export type Window =
  /** The profile is free. */
  | { readonly is: 'first' }
  /** The next free identity. */
  | { readonly is: 'another' }
  /** Another face of the parley that runs. */
  | { readonly is: 'same' }

/**
 * A named profile is used without asking. On a pipe there is no question either: it gets the next free identity,
 * and reports that.
 *
 * @param openFirst the words that name the peer to begin with, if any
 * @throws InterruptedError when the answer is Ctrl-C or the end of input; BadAddressError, before the question, when the
 *   words are no address and no name
 */
export async function windowOf(
  io: CommandIo,
  config: Config,
  openFirst: readonly string[] = [],
  patience: { readonly waitMs: number } = { waitMs: COMMAND_WAIT_MS }
): Promise<Window> {
  const { profile, secondWindow } = config.settings
  const isNamed = config.sources.profile === 'flag' || profile !== defaultProfile
  const isTerminal = io.stdin.isTTY === true && io.stdout.isTTY === true
  if (isNamed && !isTerminal) return { is: 'first' }
  if (!isNamed && (secondWindow === 'another' || (secondWindow === 'ask' && !isTerminal))) return { is: 'another' }
  for (;;) {
    const holder = await holderOf(io, config, patience)
    // Opening a named profile that is still held says what holds it.
    if (holder === undefined || isNamed) return { is: 'first' }
    await checkWords(io, config, openFirst)
    if (secondWindow === 'same') return { is: 'same' }
    const answer = await ask(io, holder)
    if (answer !== 'wait') return { is: answer }
  }
}

/** Who holds the profile. */
type Holder =
  /** The event `ready` of a parley that a person has opened. */
  | { readonly is: 'window'; readonly ready: Json }
  /** A command that ends by itself, or a process that does not answer: it starts, ends, or has no socket. */
  | { readonly is: 'command'; readonly text: string }

/** @returns undefined when the profile is free, or becomes free within the wait */
async function holderOf(
  io: CommandIo,
  config: Config,
  { waitMs }: { readonly waitMs: number }
): Promise<Holder | undefined> {
  const startedAtMs = performance.now()
  let hasSaid = false
  for (;;) {
    if (!(await isProfileHeld(config))) return undefined
    const parley = await runningParley(config, { signal: io.interrupted, mayBeLocked: true }).catch(() => undefined)
    parley?.close()
    const command = parley?.ready['command']
    if (parley !== undefined && command === undefined) return { is: 'window', ready: parley.ready }
    const heldForMs = performance.now() - startedAtMs
    const who = processNote(await profileHolder(config))
    const text =
      typeof command === 'string'
        ? `parley ${command}${who} has your profile, and has not ended yet`
        : `Another parley${who} has your profile, and does not answer`
    if (heldForMs >= waitMs) return { is: 'command', text }
    if (!hasSaid && heldForMs >= WORTH_NAMING_MS) {
      hasSaid = true
      writeLines(io.stderr, [`${text}: waiting … Ctrl-C stops that.`])
    }
    await sleep(HELD_LOOK_MS, undefined, { signal: io.interrupted }).catch(() => io.interrupted.throwIfAborted())
  }
}

/** A contact's name may look like an address that is none, as "anna: home". */
async function checkWords(io: CommandIo, config: Config, words: readonly string[]): Promise<void> {
  if (words.length === 0) return
  const { parseAddress } = await import('../../node/index.ts')
  try {
    parseAddress(words)
  } catch (error) {
    const parley = await runningParley(config, { signal: io.interrupted }).catch(() => undefined)
    const contacts = await parley?.ask({ do: 'contacts' }, { signal: io.interrupted }).catch(() => undefined)
    parley?.close()
    const names = jsonList(contacts?.['contacts']).map(({ name }) => String(name))
    if (contacts !== undefined && !names.some((name) => isSameName(name, words.join(' ')))) throw error
  }
}

function whoRuns({ nickname, shortId }: Json): string {
  const who =
    typeof nickname === 'string' && typeof shortId === 'string' ? `: you are ${nickname} (${shortId}) there` : ''
  return `Parley already runs on your profile${who}.`
}

async function ask(io: CommandIo, holder: Holder): Promise<'another' | 'same' | 'wait'> {
  const isWindow = holder.is === 'window'
  const key = isWindow ? 's' : 'w'
  const lines = [
    isWindow ? whoRuns(holder.ready) : `${holder.text}.`,
    '  Enter  opens this window as another person, with an identity of its own',
    isWindow
      ? '  s      opens it as the same person, beside the Parley that runs'
      : '  w      waits until it has ended, and opens it as the same person'
  ]
  const { columns = Infinity } = io.stdout
  writeLines(
    io.stdout,
    lines.flatMap((line) => wrappedLine(cleanText(line), columns))
  )
  for (;;) {
    writeLines(io.stdout, [`Enter or ${key}:`])
    const answer = (await typedLine(io)).trim().toLowerCase()
    if (answer === '') return 'another'
    if (answer === key) return isWindow ? 'same' : 'wait'
  }
}

/** One line from the terminal; what was typed ahead is for what comes next. */
async function typedLine({ stdin, interrupted }: CommandIo): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let text = ''
  const onChunk = (chunk: Buffer | string): void => {
    text += chunk.toString()
    const end = text.indexOf('\n')
    if (end !== -1) resolve(text.slice(0, end))
  }
  const onEnd = (): void => reject(new InterruptedError())
  const onAbort = (): void => reject(interrupted.reason)
  stdin.on('data', onChunk).once('end', onEnd)
  // It is paused when a question was asked before.
  stdin.resume()
  interrupted.addEventListener('abort', onAbort, { once: true })
  try {
    interrupted.throwIfAborted()
    return await promise
  } finally {
    stdin.off('data', onChunk).off('end', onEnd)
    interrupted.removeEventListener('abort', onAbort)
    stdin.pause()
    const end = text.indexOf('\n')
    if (end !== -1 && end + 1 < text.length) stdin.unshift(text.slice(end + 1))
  }
}
