// A second `parley` on the default profile while a window has it: it becomes another
// person with an identity of its own, or another face of the same one. At a terminal
// the user is asked, unless the setting secondWindow decides. It opens no profile.
import { setTimeout as sleep } from 'node:timers/promises'
import { isSameName } from '../../lib/index.ts'
import { defaultProfile, isProfileHeld, type Config } from '../../node/settings.ts'
import { runningParley, type Json } from '../control/index.ts'
import { listOf } from '../control/message-json.ts'
import { cleanText } from '../process/clean-text.ts'
import { InterruptedError, writeLines, type CommandIo } from '../process/io.ts'
import { wrappedLine } from '../wording/terminal-lines.ts'

/**
 * How often a held profile is looked at before a second window asks: its holder may be starting, or be over in a
 * moment.
 */
const SECOND_WINDOW_LOOKS = 4

/** The pause between two such checks. */
const SECOND_WINDOW_LOOK_MS = 250

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
export async function windowOf(io: CommandIo, config: Config, openFirst: readonly string[] = []): Promise<Window> {
  const { profile, secondWindow } = config.settings
  if (config.sources.profile === 'flag' || profile !== defaultProfile) return { is: 'first' }
  const isTerminal = io.stdin.isTTY === true && io.stdout.isTTY === true
  if (secondWindow === 'another' || (secondWindow === 'ask' && !isTerminal)) return { is: 'another' }
  const ready = await runningHere(io, config)
  if (ready === undefined) return { is: 'first' }
  await checkWords(io, config, openFirst)
  return { is: secondWindow === 'same' ? 'same' : await ask(io, ready) }
}

/**
 * The event `ready` of the parley that holds the profile, empty if it does not answer yet; undefined when the profile
 * is free.
 */
async function runningHere(io: CommandIo, config: Config): Promise<Json | undefined> {
  for (let look = 1; ; look++) {
    if (!(await isProfileHeld(config))) return undefined
    const parley = await runningParley(config, { signal: io.interrupted, mayBeLocked: true }).catch(() => undefined)
    parley?.close()
    if (parley !== undefined) return parley.ready
    // The holder is just starting, or is a command that ends in a moment.
    if (look >= SECOND_WINDOW_LOOKS) return {}
    await sleep(SECOND_WINDOW_LOOK_MS, undefined, { signal: io.interrupted })
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
    const names = listOf(contacts?.['contacts']).map(({ name }) => String(name))
    if (contacts !== undefined && !names.some((name) => isSameName(name, words.join(' ')))) throw error
  }
}

function whoRuns({ nickname, shortId }: Json): string {
  const who =
    typeof nickname === 'string' && typeof shortId === 'string' ? `: you are ${nickname} (${shortId}) there` : ''
  return `Parley already runs on your profile${who}.`
}

async function ask(io: CommandIo, ready: Json): Promise<'another' | 'same'> {
  const lines = [
    whoRuns(ready),
    '  Enter  opens this window as another person, with an identity of its own',
    '  s      opens it as the same person, beside the Parley that runs'
  ]
  const { columns = Infinity } = io.stdout
  writeLines(
    io.stdout,
    lines.flatMap((line) => wrappedLine(cleanText(line), columns))
  )
  for (;;) {
    writeLines(io.stdout, ['Enter or s:'])
    const answer = (await typedLine(io)).trim().toLowerCase()
    if (answer === '') return 'another'
    if (answer === 's') return 'same'
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
