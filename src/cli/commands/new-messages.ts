// `parley log --follow` and `parley await`: messages as they come, for a terminal
// or a script. They attach to the node that runs on the profile; where none runs
// they start one until they end, to which windows attach meanwhile.
import type { Command } from 'commander'
import { Wakeup } from '../../lib/index.ts'
import { type Config, type ExitCode, exitCodes, loadConfig, UsageError } from '../../node/settings.ts'
import { attachedNode, serveFaces } from '../attach/index.ts'
import type { ChatApi, ChatNodeEvents, HistoryEntry, NewsReader, OutgoingMessage } from '../chat-api/chat-api.ts'
import { findPeer, isNamed } from '../chat-api/find-peer.ts'
import { type CommandIo, writeLines } from '../process/io.ts'
import { unlockerOf } from '../process/unlocking.ts'
import { parseWait } from '../wording/time-span.ts'
import { flagsOf, hasSwitch, textOption } from '../options/given-options.ts'
import { readLimit, writeEntries } from './history.ts'
import { inBoundedTime, withChatNode } from './with-chat-node.ts'

/** New messages that are read at once. */
const NEWS = { limit: 100, maxBytes: 1024 * 1024 } as const

/** An own message is printed once it is delivered, or after this time as one that waits: its peer is away. */
const SETTLE_BEFORE_PRINT_MS = 1000

/** Prints the last messages with a peer and then each that comes or is sent, until it is interrupted. */
export async function followLog(io: CommandIo, command: Command): Promise<ExitCode> {
  const limit = readLimit(command)
  if (textOption(command, 'since') !== undefined || textOption(command, 'until') !== undefined)
    throw new UsageError('--follow goes on from the last messages: leave out --since and --until')
  return onNode(io, command, async (node) => {
    const reader = node.messaging.history.follow()
    const own = new OwnMessages(node)
    try {
      const { peer } = await findPeer(node, command.args, { trustName: true, signal: io.interrupted })
      const format = formatOf(node, command)
      const past = await node.messaging.history.page(peer, { limit })
      const print = async (entries: readonly HistoryEntry[]): Promise<void> =>
        writeEntries(io.stdout, entries, format, io.interrupted)
      own.follow(peer, (entry) => void print([entry]).catch(() => undefined)) // the reader of the output has gone
      for (const entry of past) own.printed(entry)
      await print(past)
      const last = past.at(-1)?.position ?? 0
      for await (const entry of newEntries(node, reader, io.interrupted)) {
        if (entry.message.peer !== peer || entry.position <= last) continue
        const latest = await own.settledSoon(entry, io.interrupted)
        own.printed(latest)
        await print([latest])
      }
    } finally {
      own.close()
      reader.close()
    }
    return exitCodes.interrupted
  })
}

/** Waits for a message, and prints it. */
export async function runAwait(io: CommandIo, command: Command): Promise<ExitCode> {
  const from = textOption(command, 'from')
  const pattern = patternOf(textOption(command, 'match'))
  const timeoutMs = waitOf(textOption(command, 'timeout'))
  return onNode(io, command, async (node) => {
    const deadline = timeoutMs === undefined ? new AbortController().signal : AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([io.interrupted, deadline])
    const reader = node.messaging.history.follow()
    let isKnown = from === undefined
    try {
      const peer = from === undefined ? undefined : (await findPeer(node, [from], { signal })).peer
      isKnown = true
      for await (const entry of newEntries(node, reader, signal)) {
        const { message } = entry
        const isFrom = peer === undefined || message.peer === peer
        if (message.direction !== 'in' || !isFrom || pattern?.test(message.text) === false) continue
        await writeEntries(io.stdout, [entry], formatOf(node, command), io.interrupted)
        return exitCodes.ok
      }
    } catch (error) {
      if (!deadline.aborted || isNamed(error, 'PeerNotFoundError')) throw error
      if (!isKnown) writeLines(io.stderr, [`parley: no peer called ${JSON.stringify(from)} was found in that time`])
    } finally {
      reader.close()
    }
    return io.interrupted.aborted ? exitCodes.interrupted : exitCodes.timedOut
  })
}

/** The own messages with a peer: one that was printed as waiting is printed again when it is delivered, or has failed. */
class OwnMessages {
  readonly #node: ChatApi
  /** Those that were printed as waiting, by ID. */
  readonly #waiting = new Map<string, HistoryEntry>()
  /** Those that were settled before they were printed, by ID. */
  readonly #settled = new Map<string, OutgoingMessage>()
  readonly #moved = new Wakeup()
  #onDelivery: ((event: ChatNodeEvents['delivery']) => void) | undefined

  constructor(node: ChatApi) {
    this.#node = node
  }

  follow(peer: string, again: (entry: HistoryEntry) => void): void {
    this.#onDelivery = ({ detail: { message } }) => {
      if (message.peer !== peer || message.state === 'pending') return
      const entry = this.#waiting.get(message.id)
      if (entry === undefined) this.#settled.set(message.id, message)
      else if (this.#waiting.delete(message.id)) again({ ...entry, message })
      this.#moved.wake()
    }
    this.#node.events.addEventListener('delivery', this.#onDelivery)
  }

  /** The entry in its last state, if it gets there soon; while others wait the peer is away, and no time is lost. */
  async settledSoon(entry: HistoryEntry, signal: AbortSignal): Promise<HistoryEntry> {
    if (!isPending(entry)) return entry
    const { id } = entry.message
    const late = AbortSignal.any([signal, AbortSignal.timeout(SETTLE_BEFORE_PRINT_MS)])
    while (!this.#settled.has(id) && this.#waiting.size === 0 && !late.aborted) await this.#moved.sleep(late)
    const message = this.#settled.get(id)
    return message === undefined ? entry : { ...entry, message }
  }

  printed(entry: HistoryEntry): void {
    this.#settled.delete(entry.message.id)
    if (isPending(entry)) this.#waiting.set(entry.message.id, entry)
  }

  close(): void {
    if (this.#onDelivery !== undefined) this.#node.events.removeEventListener('delivery', this.#onDelivery)
  }
}

function isPending({ message }: HistoryEntry): boolean {
  return message.direction === 'out' && message.state === 'pending'
}

/** Messages as they are stored, until the signal aborts. */
async function* newEntries(node: ChatApi, reader: NewsReader, signal: AbortSignal): AsyncGenerator<HistoryEntry> {
  const stored = new Wakeup()
  const wake = (): void => stored.wake()
  const types = ['message', 'sent', 'resumed'] as const
  for (const type of types) node.events.addEventListener(type, wake)
  try {
    while (!signal.aborted) {
      const news = await unlessGone(reader.next(NEWS))
      yield* news
      if (news.length === 0) await stored.sleep(signal)
    }
  } finally {
    for (const type of types) node.events.removeEventListener(type, wake)
  }
}

/** A node that has ended is looked for by what attaches to it. */
async function unlessGone(news: ReturnType<NewsReader['next']>): Promise<readonly HistoryEntry[]> {
  try {
    return (await news).entries
  } catch (error) {
    if (error instanceof Error && error.name === 'NodeGoneError') return []
    throw error
  }
}

async function onNode(io: CommandIo, command: Command, use: (node: ChatApi) => Promise<ExitCode>): Promise<ExitCode> {
  const config: Config = await loadConfig({ flags: flagsOf(command), env: io.env })
  const node = await attachedNode(config, { signal: io.interrupted, isAttended: false })
  if (node === undefined) {
    return withChatNode({
      config,
      interactive: false,
      unlock: await unlockerOf({ io, command }),
      run: async (own, screens) => {
        const endFaces = await serveFaces({ node: own, config, screens })
        try {
          return await use(own)
        } finally {
          await inBoundedTime(endFaces())
        }
      }
    })
  }
  try {
    return await use(node)
  } finally {
    node.close()
  }
}

function formatOf(node: ChatApi, command: Command): { asJson: boolean; name: (peer: string) => string } {
  const asJson = hasSwitch(command, 'json')
  return { asJson, name: (peer) => (asJson ? node.peers.look(peer).name : node.peers.look(peer).label) }
}

/** @throws UsageError */
function patternOf(text: string | undefined): RegExp | undefined {
  if (text === undefined) return undefined
  try {
    return new RegExp(text, 'u')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new UsageError(`--match ${JSON.stringify(text)} is no regular expression: ${why}`)
  }
}

/** @throws UsageError */
function waitOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseWait('--timeout', text)
}
