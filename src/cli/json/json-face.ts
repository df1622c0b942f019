// The chat as JSON lines, for scripts: commands in, answers and events out, in
// the order of their happening. It shares the table of commands with the plain
// face and knows nothing of terminals.
import { rm } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { abortAfter } from '../../lib/index.ts'
import type {
  ChatApi,
  ChatNodeEvents,
  NewsReader,
  OutgoingMessage,
  PeerTarget,
  ResolveOptions
} from '../chat-api/chat-api.ts'
import { identityOf } from '../chat-commands/chat-commands.ts'
import { CommandUsageError, type CommandResult, MAX_PAGE_MESSAGES } from '../chat-commands/chat-command.ts'
import { MAX_INPUT_LINE_BYTES, readLines } from '../process/input-lines.ts'
import { isNamed, RESOLVE_TIMEOUT_MS } from '../chat-api/find-peer.ts'
import { SETTLE_AT_END_MS, SETTLE_AT_QUIT_MS, untilSettled } from '../chat-api/settling.ts'
import { unreadCounts } from '../chat-commands/history-commands.ts'
import { exitCodes, ParleyError } from '../../node/settings.ts'
import { resultJson } from './answer-json.ts'
import {
  searchNewsJson,
  shareJson,
  conversationJson,
  directoryJson,
  entryJson,
  invitationNewsJson,
  transferJson,
  noticeJson,
  readyJson,
  requestJson,
  rowJson
} from './event-json.ts'
import { readJsonCommand, type Envelope, type JsonCommand } from './json-command.ts'
import type { EventJson, EventName } from './json-fields.ts'
import { JsonOutput } from './json-output.ts'
import { sessionSnapshot, unlessUnreadable } from './session-snapshot.ts'

/** New messages that a face reads at once: a few writes. Larger pages take memory and gain no time. */
const MAX_NEWS_BYTES = 256 * 1024

export type JsonOutcome = 'quit' | 'detached' | 'end of input' | 'interrupted'

type Json = Readonly<Record<string, unknown>>
type Command = Extract<JsonCommand, { is: 'command' }>

export interface JsonFaceInit {
  readonly node: ChatApi
  readonly input: Readable
  readonly output: Writable
  /** PEER of `parley chat PEER --json`. */
  readonly openFirst?: readonly string[]
  /**
   * Set for a guest on another face's node: the node goes on without it, so nothing has to settle at its
   * end, and no person is there to judge another key at a known address.
   */
  readonly guest?: {
    /** Resolves when the first answers about who is online are in: once for all guests. */
    readonly looked: Promise<unknown>
    /** The command that the node is for, and with which it ends; undefined for one that a person ends. */
    readonly command?: string | undefined
  }
}

export class JsonFace {
  readonly #node: ChatApi
  readonly #input: Readable
  readonly #output: JsonOutput
  readonly #openFirst: readonly string[]
  readonly #guest: JsonFaceInit['guest']
  readonly #life = new AbortController()
  readonly #unsubscribe: (() => void)[] = []
  readonly #waiting = new Set<Promise<void>>()
  /** Messages sent by this face that have not settled, by ID. */
  readonly #unsettled = new Map<string, OutgoingMessage>()
  /** Copies of the history that were made for this guest. */
  readonly #copies: string[] = []
  /** Changes that `ready` will include are not written before it. */
  #isReady = false
  #outcome: JsonOutcome | undefined
  /** Of the messages that come while this face is there. */
  readonly #news: NewsReader

  constructor(init: JsonFaceInit) {
    this.#node = init.node
    this.#input = init.input
    this.#openFirst = init.openFirst ?? []
    this.#guest = init.guest
    this.#output = new JsonOutput({
      stream: init.output,
      signal: this.#life.signal,
      nextMessages: async () => this.#nextMessages()
    })
    this.#news = this.#node.messaging.history.follow()
    this.#listen()
  }

  /** Answers commands until `quit`, the end of input or an interruption. The node runs already, and is not stopped. */
  async run(): Promise<JsonOutcome> {
    try {
      const looked = this.#guest?.looked ?? this.#node.peers.firstLook({ signal: this.#life.signal })
      await looked.catch(() => undefined)
      const requests = (await unlessUnreadable(this.#node.messaging.requests())) ?? []
      const snapshot = await sessionSnapshot(this.#node)
      const unread = (await unlessUnreadable(unreadCounts(this.#node))) ?? new Map()
      const figures = await this.#node.figures()
      this.#isReady = true
      const { command } = this.#guest ?? {}
      const ready = { ...readyJson(this.#node, figures, requests, unread), ...snapshot }
      await this.#output.begin(command === undefined ? ready : { ...ready, command })
      if (this.#openFirst.length > 0)
        await this.#answer(JSON.stringify({ do: 'open', peer: this.#openFirst, trustName: true }))
      for await (const line of this.#lines()) {
        if (this.#outcome !== undefined) break
        await this.#answer(line)
        if (this.#outcome !== undefined) break
      }
      this.#outcome ??= 'end of input'
      if (this.#outcome !== 'interrupted' && this.#guest === undefined) await this.#settle()
      await Promise.allSettled(this.#waiting)
      await this.#output.end({ event: 'bye', reason: this.#outcome })
      return this.#outcome
    } finally {
      for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
      this.#news.close()
      await Promise.all(this.#copies.map(async (file) => rm(file, { force: true }).catch(() => undefined)))
      this.#input.destroy()
    }
  }

  /** Ends it from outside: a signal. */
  end(outcome: JsonOutcome): void {
    this.#outcome ??= outcome
    this.#life.abort()
    this.#input.destroy()
  }

  async *#lines(): AsyncGenerator<string> {
    try {
      for await (const line of readLines(this.#input, { maxBytes: MAX_INPUT_LINE_BYTES })) {
        if (line.is === 'too long') {
          const message = `a line may have ${line.limitBytes} bytes: this one was longer and was skipped`
          await this.#output.answer({ event: 'error', code: 'line-too-long', message })
        } else if (line.text.trim() !== '') yield line.text
      }
    } catch (error) {
      // end() destroys the stream under the iterator: that is an end of input like any other.
      if (!this.#input.destroyed) throw error
    }
  }

  async #answer(line: string): Promise<void> {
    const command = readJsonCommand(line, this.#guest !== undefined)
    if (command.is === 'error') {
      const { envelope, code, message } = command
      await this.#output.answer({ event: 'error', ...envelope, code, message })
      return
    }
    try {
      if (command.is === 'copy history') {
        await this.#copyHistory(command.envelope)
        return
      }
      const result = await this.#run(command)
      if (result.is === 'quit' || result.is === 'detached') this.#outcome = result.is
      if (result.is === 'sent') this.#sent(result.message)
      if (result.is === 'sent' && command.waitSeconds !== undefined)
        this.#answerLater(command, result, command.waitSeconds)
      else await this.#done(command.envelope, result)
    } catch (error) {
      await this.#output.answer({ event: 'error', ...command.envelope, ...errorJson(error) })
    }
  }

  /** The guest opens the copy and removes it; what it leaves goes with it. */
  async #copyHistory(envelope: Envelope): Promise<void> {
    const file = await this.#node.messaging.copyHistory({ signal: this.#life.signal })
    this.#copies.push(file)
    await this.#output.answer({ event: 'done', ...envelope, file })
  }

  async #run({ command, args, trustName }: Command): Promise<CommandResult> {
    const signal = AbortSignal.any([this.#life.signal, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)])
    const resolve = async (words: readonly string[]) => this.#resolve(words, { trustName, signal })
    return command.run({ node: this.#node, current: undefined, resolve }, args)
  }

  async #resolve(words: readonly string[], options: ResolveOptions): Promise<PeerTarget> {
    if (this.#guest === undefined) return this.#node.peers.resolve(words, options)
    try {
      return await this.#node.peers.resolve(words, { ...options, refuseChangedKey: true })
    } catch (error) {
      // A peer whose ID is in its address need not be online: a message waits for it.
      const isAway = error instanceof ParleyError && error.exitCode === exitCodes.unreachable
      if (!isAway || !words.some((word) => word.includes('/p2p/'))) throw error
      return this.#node.peers.resolve(words, options)
    }
  }

  async #done(envelope: Envelope, result: CommandResult): Promise<void> {
    await this.#output.answer({ event: 'done', ...envelope, ...resultJson(result) })
  }

  /** The next command doesn't wait for a message to arrive; only this one's answer does. */
  #answerLater({ envelope }: Command, result: Extract<CommandResult, { is: 'sent' }>, waitSeconds: number): void {
    const signal = AbortSignal.any([this.#life.signal, abortAfter(waitSeconds * 1000)])
    const answered = this.#node.messaging.settled(result.message, { signal }).then(
      async (message) => this.#done(envelope, { ...result, message }),
      async () => this.#done(envelope, { ...result, message: this.#unsettled.get(result.message.id) ?? result.message })
    )
    this.#waiting.add(answered)
    void answered.finally(() => this.#waiting.delete(answered))
  }

  #sent(message: OutgoingMessage): void {
    if (message.state === 'pending') this.#unsettled.set(message.id, message)
  }

  async #settle(): Promise<void> {
    if (this.#outcome === 'detached') return
    const isQuitting = this.#outcome === 'quit'
    const timeout = AbortSignal.timeout(isQuitting ? SETTLE_AT_QUIT_MS : SETTLE_AT_END_MS)
    const signal = AbortSignal.any([this.#life.signal, timeout])
    await untilSettled(this.#node, [...this.#unsettled.values()], { signal, isQuitting })
  }

  #listen(): void {
    this.#on('roster', ({ detail }) => ({
      joined: detail.joined.map(rowJson),
      left: detail.left.map(rowJson),
      changed: detail.changed.map(rowJson),
      total: this.#node.snapshot().roster.length
    }))
    this.#on('self', () => ({ ...identityOf(this.#node) }))
    this.#on('directory', ({ detail }) => directoryJson(detail))
    this.#on('contact', ({ detail: { peer, name, isContact } }) => ({ peer, name, contact: isContact }))
    this.#onMessages('message')
    this.#onMessages('sent')
    this.#onMessages('resumed')
    this.#on('request', ({ detail }) => {
      // Held messages have positions too: those accepted later come with the answer to /accept, not as news.
      this.#output.messages()
      return requestJson(detail)
    })
    this.#on('delivery', ({ detail: { message, state } }) => {
      if (state !== 'pending') this.#unsettled.delete(message.id)
      const { peer, id, reason, seenAtMs } = message
      return { peer, id, state, reason: reason ?? null, seenAtMs: seenAtMs ?? null }
    })
    this.#on('refused', ({ detail: { peer, name, reason, retryAfterMs } }) => ({ peer, name, reason, retryAfterMs }))
    this.#on('conversation', ({ detail: { peer, name, state } }) => ({ peer, name, ...conversationJson(state) }))
    this.#on('read', ({ detail: { peer } }) => ({ peer, name: this.#node.peers.look(peer).name }))
    this.#on('forgotten', ({ detail: { peer } }) => ({ peer, name: this.#node.peers.look(peer).name }))
    this.#on('entered', ({ detail: { peer, name } }) => ({ peer, name }))
    this.#on('typing', ({ detail: { peer, name } }) => ({ peer, name }))
    this.#on('left', ({ detail: { peer, name, reason } }) => ({ peer, name, reason }))
    this.#on('invitation', ({ detail }) => invitationNewsJson(detail))
    this.#on('transfer', ({ detail: { what, transfer, source } }) => ({
      what,
      ...transferJson(transfer),
      ...(source === undefined ? {} : { source: source.peer, sourceName: source.label })
    }))
    this.#on('share', ({ detail }) => ({ shares: detail.shares.map(shareJson) }))
    this.#on('found', ({ detail }) => searchNewsJson(detail))
    this.#on('notice', ({ detail }) => noticeJson(detail))
  }

  #on<K extends keyof ChatNodeEvents & EventName>(type: K, toJson: (event: ChatNodeEvents[K]) => EventJson<K>): void {
    const listener = (event: ChatNodeEvents[K]): void => {
      if (!this.#isReady && (type === 'roster' || type === 'directory')) return
      this.#output.event({ event: type, ...toJson(event) })
    }
    this.#node.events.addEventListener(type, listener)
    this.#unsubscribe.push(() => this.#node.events.removeEventListener(type, listener))
  }

  /** A message that was stored is read from there when it is its turn. */
  #onMessages(type: 'message' | 'sent' | 'resumed'): void {
    const listener = (): void => this.#output.messages()
    this.#node.events.addEventListener(type, listener)
    this.#unsubscribe.push(() => this.#node.events.removeEventListener(type, listener))
  }

  async #nextMessages(): Promise<readonly Json[]> {
    // A notice names a part that can't be read. Messages after it follow; those in it can still be asked for.
    const next = this.#news.next({ limit: MAX_PAGE_MESSAGES, maxBytes: MAX_NEWS_BYTES })
    const news = await unlessUnreadable(next).catch(unlessGone)
    if (news === undefined) return []
    return news.entries.map((entry) => ({
      event: entry.message.direction === 'in' ? 'message' : 'sent',
      ...entryJson(entry, this.#node.peers.look(entry.message.peer).name)
    }))
  }
}

/** A node in another process that has ended: when it is back its event `resumed` leads to another look. */
function unlessGone(error: unknown): undefined {
  if (!isNamed(error, 'NodeGoneError')) throw error
}

/** `PeerNotFoundError` becomes `peer-not-found`; an unforeseen error is `unexpected`. */
function errorJson(error: unknown): Json {
  if (!(error instanceof Error)) return { code: 'unexpected', message: String(error) }
  if (error instanceof CommandUsageError) return { code: 'bad-arguments', message: error.message }
  if (error.name === 'TimeoutError' || error.name === 'AbortError') {
    return { code: 'timeout', message: `no answer within ${RESOLVE_TIMEOUT_MS / 1000} s` }
  }
  if (!('exitCode' in error)) return { code: 'unexpected', message: error.message }
  const code = error.name
    .replace(/Error$/u, '')
    .replace(/(?<=[a-z])(?=[A-Z])/gu, '-')
    .toLowerCase()
  return { code, message: error.message, exitCode: error.exitCode }
}
