// `parley directory`: runs a directory and shows on its terminal who comes and
// goes, as the server of the case study did. Where no port was set it asks for one
// on a terminal, and elsewhere takes the first of the case study's that is free.
import type { Command } from 'commander'
import { MAX_PORT } from '../../lib/index.ts'
import type { FederatedDirectory, DirectoryGuest } from '../../node/index.ts'
import type { NodeLoad, PageWish } from '../../node/server/index.ts'
import {
  DEFAULT_DIRECTORY_PORTS,
  type ExitCode,
  exitCodes,
  isTooWide,
  loadConfig,
  readCidr,
  type Unlocker,
  UsageError
} from '../../node/settings.ts'
import { readAtPortPrompt } from '../chat-commands/input-line.ts'
import { flagsOf, givenOption, hasSwitch, listOption } from '../options/given-options.ts'
import { escapedJson } from '../process/clean-text.ts'
import { type CommandIo, sayMended, untilAborted, writeLines } from '../process/io.ts'
import { droppedText, LineOutput } from '../process/line-output.ts'
import { unlockerOf } from '../process/unlocking.ts'
import { federationLine } from '../wording/directory-wording.ts'
import { placesOf } from '../wording/identity-wording.ts'
import { inBoundedTime } from './with-chat-node.ts'

/** The word for each event on the terminal. */
const words = { ready: 'READY', left: 'LEFT', lost: 'LOST' } as const
const federationWords = {
  'directory-joined': 'JOINED',
  'directory-left': 'LEFT',
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
      givenOption(command, 'http') === undefined ? 'PARLEY_HTTP' : '--http'
    ]
    throw new UsageError(`${options.join(' and ')} ask for the same port, ${given}: give each its own`)
  }
  const wide = settings.trustedProxy.filter((range) => isTooWide(readCidr(range)))
  if (wide.length > 0) writeLines(io.stderr, [`parley: ${wideProxyText(wide)}`])
  const port = given ?? (await choosePort(io, settings.host, taken))
  if (port === undefined) return exitCodes.interrupted
  const { DirectoryNode, pressureText, RelayNode } = await import('../../node/server/index.ts')
  const unlock: Unlocker = await unlockerOf({ io, command })
  const node = await (settings.relayOnly ? RelayNode : DirectoryNode).create({ config, port, page, unlock })
  const isJson = hasSwitch(command, 'json')
  sayMended(io, node.mended)
  // Peers may come before all of it has started; the first line says where it listens.
  let early: { readonly event: string; readonly line: string }[] | undefined = []
  const log = directoryLog(io, isJson)
  const show = (event: string, line: string): void => {
    if (early === undefined) log.print([line], event)
    else early.push({ event, line })
  }
  const tell = (event: keyof typeof words, guest: DirectoryGuest): void => {
    const { nickname, shortId, from = null, ...rest } = guest
    const line = `${words[event]} ${nickname === '' ? '(no name)' : nickname} ${shortId}`
    const json = { event, ...rest, nickname, shortId, ...(event === 'ready' ? { from } : {}) }
    show(event, isJson ? escapedJson(json) : `${line}${event === 'ready' ? whereText(guest) : ''}`)
  }
  for (const event of ['ready', 'left', 'lost'] as const) {
    node.addEventListener(event, ({ detail }) => tell(event, detail))
  }
  const tellOfDirectory = (
    event: keyof typeof federationWords,
    { peer, shortId, address, from, network }: FederatedDirectory
  ): void => {
    const where = whereText({ address, from })
    const tail = network === undefined ? where : ` is of the network ${network}: not joined`
    const line = `${federationWords[event]} directory ${shortId}${tail}`
    const facts = { peer, shortId, ...(event === 'directory-joined' ? { address, from: from ?? null } : {}) }
    const json = { event, ...facts, ...(network === undefined ? {} : { network }) }
    show(event, isJson ? escapedJson(json) : line)
  }
  for (const event of ['directory-joined', 'directory-left', 'directory-lost', 'directory-refused'] as const) {
    node.addEventListener(event, ({ detail }) => tellOfDirectory(event, detail))
  }
  node.addEventListener('directory-unreached', ({ detail: { address, why } }) => {
    const json = { event: 'directory-unreached', address, why }
    show(json.event, isJson ? escapedJson(json) : `UNREACHED directory ${address}: ${why}`)
  })
  node.addEventListener('full', ({ detail: { limit, refused } }) => {
    const who = `${refused} ${refused === 1 ? 'peer was' : 'peers were'} refused`
    const line = `FULL ${limit} peers are registered here, ${who}: start another directory and --join it to this one`
    show('full', isJson ? escapedJson({ event: 'full', limit, refused }) : line)
  })
  node.addEventListener('federation', ({ detail }) => {
    show(detail.event, isJson ? escapedJson(detail) : federationLine(detail))
  })
  node.addEventListener('page-pressure', ({ detail }) => {
    const { what, holder, held, capacity, evicted } = detail
    const line =
      `PRESSURE page: ${holder} holds ${held} of ${capacity} ${pageThings[what]}; ` +
      `its oldest ${evicted === 1 ? 'one has' : `${evicted} have`} given way to others`
    show(
      'page-pressure',
      isJson ? escapedJson({ event: 'page-pressure', what, holder, held, capacity, evicted }) : line
    )
  })
  node.addEventListener('addresses', ({ detail: { addresses, pages } }) => {
    const links = pages.length === 0 ? '' : `, roster page: ${pages.join(' ')}`
    const line = `ADDRESSES ${hostsOf(addresses)}${links}`
    show('addresses', isJson ? escapedJson({ event: 'addresses', addresses, pages }) : line)
  })
  node.addEventListener('lan', ({ detail: { text } }) => {
    show('lan', isJson ? escapedJson({ event: 'lan', text }) : `LAN ${text}`)
  })
  node.addEventListener('stun', ({ detail: { text } }) => {
    show('stun', isJson ? escapedJson({ event: 'stun', text }) : `STUN ${text}`)
  })
  node.addEventListener('misbehaviour', ({ detail: { text, ...facts } }) => {
    const json = { event: 'misbehaviour', ...facts, peer: facts.peer ?? null, text }
    show(json.event, isJson ? escapedJson(json) : `MISBEHAVED ${text}`)
  })
  node.addEventListener('pressure', ({ detail }) => {
    const { is, ...facts } = detail
    const [event, word] = is === 'began' ? ['crowded', 'CROWDED'] : ['eased', 'EASED']
    show(event, isJson ? escapedJson({ event, ...facts }) : `${word} ${pressureText(detail)}`)
  })
  try {
    await node.start()
    const { shortId, peerId, network, isRelayOnly } = node
    const addresses = node.addresses()
    const pages = node.pages()
    const webSocket = node.webSocket()
    const facts = {
      ...(webSocket === undefined ? {} : { webSocket }),
      ...(isRelayOnly ? { relayOnly: true } : {})
    }
    const listening = {
      event: 'listening',
      peer: peerId,
      shortId,
      network,
      port: node.port,
      addresses,
      pages,
      ...facts
    }
    const where = `${shortId} listening on port ${node.port} (${hostsOf(addresses)})`
    const lines = [
      isRelayOnly ? `relay ${where}: it keeps no roster` : `directory ${where}, network ${network}`,
      ...(webSocket === undefined ? [] : [`WebSocket: ${webSocket}`]),
      ...(pages.length === 0 ? [] : [`${isRelayOnly ? 'page' : 'roster page'}: ${pages.join(' ')}`])
    ]
    log.print(isJson ? [escapedJson(listening)] : lines, listening.event)
    for (const { event, line } of early) log.print([line], event)
    early = undefined
    await untilAborted(io.interrupted)
    const load = node.load()
    const stopping = { event: 'stopping', ...load }
    log.print([isJson ? escapedJson(stopping) : stoppingLine(load, isRelayOnly)], stopping.event)
    return exitCodes.ok
  } finally {
    await inBoundedTime(node.stop())
  }
}

function stoppingLine({ peers, circuits }: NodeLoad, isRelayOnly: boolean): string {
  const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`
  const relayed = counted(circuits, 'relayed connection')
  if (isRelayOnly) return `STOPPING ${counted(peers, 'reservation')} and ${relayed} end here`
  return `STOPPING ${counted(peers, 'peer')} registered here, told when to come back; ${relayed} end here`
}

/** A warning only: the network may be one that no stranger reaches. */
function wideProxyText(ranges: readonly string[]): string {
  return (
    `WARNING: --trusted-proxy ${ranges.join(' ')} trusts strangers too: any client from there can claim to be any ` +
    'other, so limits by address protect nothing. Name the address of your reverse proxy alone.'
  )
}

/** The directory's reports. It serves its peers even if nothing reads them, or they can't be written. */
function directoryLog(io: CommandIo, isJson: boolean): LineOutput {
  io.surviveOutputFailure(({ message }) =>
    writeLines(io.stderr, [`parley: ${message}. The directory goes on; lines are dropped until then.`])
  )
  return new LineOutput({
    stream: io.stdout,
    droppedLines: (dropped, why) => [
      isJson
        ? escapedJson({ event: 'dropped', events: Object.fromEntries(dropped) })
        : `DROPPED ${droppedText(dropped, why)}`
    ]
  })
}

function whereText({ address, from }: Pick<DirectoryGuest, 'address' | 'from'>): string {
  return `${address === '' ? '' : ` ${address}`}${from === undefined ? '' : `, from ${from}`}`
}

/** The hosts that an operator gives to others. */
function hostsOf(addresses: readonly string[]): string {
  return placesOf(addresses)
    .map(({ host }) => host)
    .join(', ')
}

/**
 * @returns how to show the page; undefined when it shall not be shown
 * @throws UsageError
 */
function pageWish(command: Command, env: NodeJS.ProcessEnv): PageWish | undefined {
  const given = givenOption(command, 'http')
  const [text, where] = given === undefined ? [env['PARLEY_HTTP'], 'PARLEY_HTTP'] : [given, '--http']
  if (text === false || text === 'off') return undefined
  const host = nonEmpty(givenOption(command, 'httpHost')) ?? nonEmpty(env['PARLEY_HTTP_HOST'])
  const port = nonEmpty(text)
  if (port !== undefined && !(/^\d{1,5}$/u.test(port) && Number(port) <= MAX_PORT)) {
    throw new UsageError(
      `${where}: ${JSON.stringify(port)} can't be used: expected a port up to ${MAX_PORT}, 0 for any that is free, or off`
    )
  }
  return { port: port === undefined ? undefined : Number(port), host, names: namesOf(command, env) }
}

/** @throws UsageError */
function namesOf(command: Command, env: NodeJS.ProcessEnv): readonly string[] {
  const texts = listOption(command, 'httpName') ?? [env['PARLEY_HTTP_NAME'] ?? '']
  const names = texts.flatMap((text) => text.split(',').map((name) => name.trim())).filter((name) => name !== '')
  for (const name of names) {
    if (!/^[\p{L}\p{N}_.-]{1,253}$/u.test(name)) {
      throw new UsageError(`--http-name: ${JSON.stringify(name)} is no host name: give one like directory.example.org`)
    }
  }
  return names
}

/**
 * The port that the page was given where the directory would listen too; undefined when they can't meet.
 *
 * @param host the address that the directory listens on; undefined: all
 */
function portOfPage(page: PageWish | undefined, host: string | undefined): number | undefined {
  if (page?.port === undefined || page.port === 0) return undefined
  const isMet =
    host === undefined ||
    [host, page.host].some((one) => one === '0.0.0.0' || one === '::') ||
    // Without an address of its own the page is shown to this machine only.
    (page.host === undefined ? /^(?:localhost|127\..*)$/u.test(host) : page.host === host)
  return isMet ? page.port : undefined
}

function nonEmpty(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Of the case study's ports; undefined when all are taken. */
type FindFreePort = () => Promise<number | undefined>

/**
 * @param pagePort the port of the page, which the directory can't have too
 * @returns undefined when no port was given at the prompt
 * @throws UsageError
 */
export async function choosePort(
  io: CommandIo,
  host: string | undefined,
  pagePort: number | undefined
): Promise<number | undefined> {
  const { firstFreeDirectoryPort } = await import('../../node/server/index.ts')
  const findFree: FindFreePort = async () => firstFreeDirectoryPort(host, pagePort)
  if (io.stdin.isTTY === true) return askPort(io, findFree, pagePort)
  const free = await findFree()
  if (free === undefined) {
    throw new UsageError(`the ports ${DEFAULT_DIRECTORY_PORTS.join(', ')} are all taken: choose another with --port`)
  }
  return free
}

/** Several directories may ask at one time: a port that was free when it was offered is looked at again when it is chosen. */
export async function askPort(
  io: CommandIo,
  findFree: FindFreePort,
  pagePort: number | undefined
): Promise<number | undefined> {
  const { createInterface } = await import('node:readline/promises')
  const readline = createInterface({ input: io.stdin, output: io.stdout })
  // It repeats the errors of its input; a terminal that was closed is the process's business.
  readline.on('error', () => undefined)
  const ended = new AbortController()
  readline.once('close', () => ended.abort())
  readline.once('SIGINT', () => ended.abort())
  const signal = AbortSignal.any([ended.signal, io.interrupted])
  try {
    for (let offered = await findFree(); ;) {
      const typed = await readline.question(offered === undefined ? 'Port: ' : `Port (Enter for ${offered}): `, {
        signal
      })
      if (typed.trim() === '' && offered !== undefined) {
        const free = await findFree()
        if (free === offered) return offered
        writeLines(io.stdout, [`${offered} was taken in the meantime.`])
        offered = free
        continue
      }
      const input = readAtPortPrompt(typed)
      if (input.is === 'port' && input.port !== pagePort) return input.port
      if (input.is === 'quit') return undefined
      const isOfPage = input.is === 'port'
      writeLines(io.stdout, [isOfPage ? `${pagePort} is the port of the page.` : 'A port is a number from 1 to 65535.'])
    }
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  } finally {
    readline.close()
  }
}
