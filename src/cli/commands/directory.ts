// `parley directory`: runs a directory and shows on its terminal who comes and
// goes, as the server of the case study did.
import type { Command } from 'commander'
import type { DirectoryFellow, DirectoryGuest } from '../../node/index.ts'
import { escapedJson } from '../clean-text.ts'
import { federationLine } from '../federation-wording.ts'
import { sayMended, writeLines, type CommandIo } from '../io.ts'
import { readAtPortPrompt } from '../input-line.ts'
import { placesOf } from '../plain/greeting.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { exitCodes, loadConfig, UsageError, type ExitCode, type Unlocker } from '../../node/settings.ts'
import { unlockerOf } from '../unlocking.ts'
import { inBoundedTime } from '../with-chat-node.ts'
import { pageWish, portOfPage } from './directory-options.ts'

/** How each event stands on the terminal. */
const words = { ready: 'READY', left: 'LEFT', lost: 'LOST' } as const
const fellowWords = {
  'directory-joined': 'JOINED',
  'directory-lost': 'LOST',
  'directory-refused': 'REFUSED'
} as const

/** What of the roster page is scarce, in plain words. */
const pageThings = { connection: 'connections', 'event-stream': 'live streams', query: 'queries' } as const

export async function runDirectory(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const page = pageWish(command, io.env)
  const { settings, sources } = config
  const taken = portOfPage(page, settings.host)
  // A port in the file of settings is the one to chat on.
  const given = sources.port === 'file' ? undefined : settings.port
  if (given !== undefined && given === taken) {
    const options = [
      sources.port === 'flag' ? '--port' : 'PARLEY_PORT',
      command.getOptionValue('http') === undefined ? 'PARLEY_HTTP' : '--http'
    ]
    throw new UsageError(`${options.join(' and ')} ask for the same port, ${given}: give each its own`)
  }
  const port = given ?? (await choosePort(io, settings.host, taken))
  if (port === undefined) return exitCodes.interrupted
  const { DirectoryNode, pressureText } = await import('../../node/index.ts')
  const unlock: Unlocker = await unlockerOf({ io, command })
  const node = await DirectoryNode.create({ config, port, page, unlock })
  const isJson = hasSwitch(command, 'json')
  sayMended(io, node.mended)
  // Others may come before all of it has started; the terminal says first of all where it listens.
  let early: string[] | undefined = []
  const show = (line: string): void => {
    if (early === undefined) writeLines(io.stdout, [line])
    else early.push(line)
  }
  const tell = (event: keyof typeof words, { peer, nickname, shortId, address }: DirectoryGuest): void => {
    const line = `${words[event]} ${nickname === '' ? '(no name)' : nickname} ${shortId}${event === 'ready' ? ` ${address}` : ''}`
    show(isJson ? escapedJson({ event, peer, nickname, shortId, address }) : line)
  }
  for (const event of ['ready', 'left', 'lost'] as const) {
    node.addEventListener(event, ({ detail }) => tell(event, detail))
  }
  const tellFellow = (event: keyof typeof fellowWords, { peer, shortId, address, network }: DirectoryFellow): void => {
    const tail = network === undefined ? address : `is of the network ${network}: not joined`
    const line = `${fellowWords[event]} directory ${shortId} ${tail}`.trimEnd()
    const facts = { peer, shortId, ...(event === 'directory-joined' ? { address } : {}) }
    const json = { event, ...facts, ...(network === undefined ? {} : { network }) }
    show(isJson ? escapedJson(json) : line)
  }
  for (const event of ['directory-joined', 'directory-lost', 'directory-refused'] as const) {
    node.addEventListener(event, ({ detail }) => tellFellow(event, detail))
  }
  node.addEventListener('directory-unreached', ({ detail: { address, why } }) => {
    const json = { event: 'directory-unreached', address, why }
    show(isJson ? escapedJson(json) : `UNREACHED directory ${address}: ${why}`)
  })
  node.addEventListener('full', ({ detail: { limit, refused } }) => {
    const who = `${refused} ${refused === 1 ? 'peer was' : 'peers were'} refused`
    const line = `FULL ${limit} peers are registered here, ${who}: start another directory and --join it to this one`
    show(isJson ? escapedJson({ event: 'full', limit, refused }) : line)
  })
  node.addEventListener('federation', ({ detail }) => {
    show(isJson ? escapedJson(detail) : federationLine(detail))
  })
  node.addEventListener('page-pressure', ({ detail }) => {
    const { what, holder, held, capacity, evicted } = detail
    const line =
      `PRESSURE page: ${holder} holds ${held} of ${capacity} ${pageThings[what]}; ` +
      `its oldest ${evicted === 1 ? 'one has' : `${evicted} have`} given way to others`
    show(isJson ? escapedJson({ event: 'page-pressure', what, holder, held, capacity, evicted }) : line)
  })
  node.addEventListener('misbehaviour', ({ detail: { text, ...facts } }) => {
    const json = { event: 'misbehaviour', ...facts, peer: facts.peer ?? null, text }
    show(isJson ? escapedJson(json) : `MISBEHAVED ${text}`)
  })
  node.addEventListener('pressure', ({ detail }) => {
    const { is, ...facts } = detail
    const [event, word] = is === 'began' ? ['crowded', 'CROWDED'] : ['eased', 'EASED']
    show(isJson ? escapedJson({ event, ...facts }) : `${word} ${pressureText(detail)}`)
  })
  try {
    await node.start()
    const { shortId, peerId, network } = node
    const addresses = node.addresses()
    const pages = node.pages()
    if (isJson) {
      writeLines(io.stdout, [
        escapedJson({ event: 'listening', peer: peerId, shortId, network, port: node.port, addresses, pages })
      ])
    } else {
      const hosts = placesOf(addresses).map(({ host }) => host)
      writeLines(io.stdout, [
        `directory ${shortId} listening on port ${node.port} (${hosts.join(', ')}), network ${network}`,
        ...(pages.length === 0 ? [] : [`roster page: ${pages.join(' ')}`])
      ])
    }
    writeLines(io.stdout, early)
    early = undefined
    const why = await node.whyNotFound()
    if (why !== undefined) writeLines(io.stderr, [`Note: ${why}`])
    await untilInterrupted(io.interrupted)
    return exitCodes.ok
  } finally {
    await inBoundedTime(node.stop())
  }
}

/**
 * On a terminal the one that is typed, else the first free one.
 *
 * @param taken the port of the page
 */
async function choosePort(
  io: CommandIo,
  host: string | undefined,
  taken: number | undefined
): Promise<number | undefined> {
  const { firstFreeDirectoryPort, DEFAULT_DIRECTORY_PORTS } = await import('../../node/index.ts')
  const free = await firstFreeDirectoryPort(host, taken)
  if (io.stdin.isTTY === true) return askPort(io, free, taken)
  if (free === undefined) {
    throw new UsageError(`the ports ${DEFAULT_DIRECTORY_PORTS.join(', ')} are all taken: choose another with --port`)
  }
  return free
}

async function askPort(
  io: CommandIo,
  free: number | undefined,
  taken: number | undefined
): Promise<number | undefined> {
  const { createInterface } = await import('node:readline/promises')
  const readline = createInterface({ input: io.stdin, output: io.stdout })
  const ended = new AbortController()
  readline.once('close', () => ended.abort())
  readline.once('SIGINT', () => ended.abort())
  const question = free === undefined ? 'Port: ' : `Port (Enter for ${free}): `
  try {
    for (;;) {
      const typed = await readline.question(question, { signal: AbortSignal.any([ended.signal, io.interrupted]) })
      if (typed.trim() === '' && free !== undefined) return free
      const input = readAtPortPrompt(typed)
      if (input.is === 'port' && input.port !== taken) return input.port
      if (input.is === 'quit') return undefined
      const isTaken = input.is === 'port'
      writeLines(io.stdout, [isTaken ? `${taken} is the port of the page.` : 'A port is a number from 1 to 65535.'])
    }
  } catch (error) {
    if (ended.signal.aborted || io.interrupted.aborted) return undefined
    throw error
  } finally {
    readline.close()
  }
}

async function untilInterrupted(interrupted: AbortSignal): Promise<void> {
  if (interrupted.aborted) return
  await new Promise<void>((resolve) => interrupted.addEventListener('abort', () => resolve(), { once: true }))
}
