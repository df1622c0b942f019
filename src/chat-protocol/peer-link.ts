/**
 * All streams of one peer and the session over them: runs the streams, asks the session's logic what their coming and
 * going means, and carries frames between the session and the layer above. It decides nothing about storage or trust.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { toError } from '../wire/index.ts'
import type { RateLimiter } from '../wire/index.ts'
import type { ChatEvents, ChatServiceInit, ChatSession } from './application.ts'
import { LiveSession } from './chat-session.ts'
import type { SessionCarrier } from './chat-session.ts'
import { ChatStream } from './chat-stream.ts'
import type { StreamOwner } from './chat-stream.ts'
import { STRANGER_MESSAGES_PER_SECOND } from './constants.ts'
import type { PeerKind, PlainDialect } from './dialect.ts'
import { SessionClosedError, StreamReplacedError, TooManyStreamsError } from './errors.ts'
import type { ChatFrame, ChatMessage, OutgoingFrame } from './frames.ts'
import { answer, refusals } from './receipts.ts'
import type { Disposition } from './receipts.ts'
import { SessionLogic } from './session.ts'
import type { Opener, SessionEvent } from './session.ts'

/** What all links share. */
export interface LinkContext {
  readonly init: ChatServiceInit
  readonly rates: RateLimiter
  /** This life of the service. */
  readonly signal: AbortSignal
  emit<T extends keyof ChatEvents>(type: T, detail: ChatEvents[T]['detail']): void
  isParley(peer: PeerId): boolean
  sawParley(peer: PeerId): void
  /** Never rejects; bounded in time. */
  kindOf(connection: Connection): Promise<PeerKind>
  log(formatter: string, ...args: unknown[]): void
}

export class PeerLink implements SessionCarrier {
  readonly peer: PeerId
  readonly #context: LinkContext
  readonly #key: string
  readonly #logic: SessionLogic
  readonly #streams = new Map<number, ChatStream>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #waiting = new Set<(session: ChatSession) => void>()
  #nextStream = 1
  #session: LiveSession | undefined

  constructor(peer: PeerId, localIsSmaller: boolean, context: LinkContext) {
    this.peer = peer
    this.#key = peer.toString()
    this.#context = context
    this.#logic = new SessionLogic({ localIsSmaller })
  }

  get session(): ChatSession | undefined {
    return this.#session
  }

  get idle(): boolean {
    return this.#streams.size === 0
  }

  /** Takes over a stream. Resolves when it has ended, to the reason if it was a failure; never rejects. */
  run(stream: Stream, opener: Opener, connection: Connection): Promise<Error | undefined> {
    const running = this.#run(stream, opener, connection).finally(() => this.#running.delete(running))
    this.#running.add(running)
    return running
  }

  /**
   * The session, as soon as there is one over any stream.
   *
   * @throws why the stream that `running` stands for ended, when that comes first
   */
  async opened(running: Promise<Error | undefined>): Promise<ChatSession> {
    if (this.#session !== undefined) return this.#session
    const { promise, resolve, reject } = Promise.withResolvers<ChatSession>()
    this.#waiting.add(resolve)
    const watching = running.then((why) => reject(why ?? new SessionClosedError()))
    try {
      return await Promise.race([promise, watching.then(() => promise)])
    } finally {
      this.#waiting.delete(resolve)
    }
  }

  carrier(): ChatStream | undefined {
    const id = this.#logic.sendOn
    if (id === undefined) return undefined
    this.#logic.handle({ kind: 'used', id })
    return this.#streams.get(id)
  }

  async closeStreams(): Promise<void> {
    for (const stream of this.#streams.values()) stream.close()
    await Promise.all(this.#running)
  }

  async #run(stream: Stream, opener: Opener, connection: Connection): Promise<Error | undefined> {
    // Each stream costs look-ups, and a Hello on it makes this side send again what has no receipt.
    if (opener === 'remote' && this.#slowedMs() > 0) {
      const error = new TooManyStreamsError(STRANGER_MESSAGES_PER_SECOND)
      stream.abort(error)
      return error
    }
    const chatStream = new ChatStream(this.#nextStream++, stream, opener, this.#ownerOf(connection))
    this.#streams.set(chatStream.id, chatStream)
    let why: Error | undefined
    try {
      await chatStream.run(this.#context.signal)
    } catch (thrown) {
      // A stop of our own is no failure of the peer.
      why = this.#context.signal.aborted ? undefined : toError(thrown)
      this.#context.log('chat stream %d with %p ended - %e', chatStream.id, this.peer, thrown)
    }
    this.#streams.delete(chatStream.id)
    this.#apply({ kind: 'ended', id: chatStream.id, why })
    return why
  }

  #ownerOf(connection: Connection): StreamOwner {
    const { init, isParley, kindOf, sawParley } = this.#context
    const { peer } = this
    return {
      get knownParley() {
        return isParley(peer)
      },
      kind: () => kindOf(connection),
      parley: () => sawParley(peer),
      hello: async () => ({ kind: 'hello', ...(await init.helloFor(peer)) }),
      ready: async ({ id, opener }, dialect, held) => {
        if (dialect === 'parley') await init.onHello(peer, held)
        // Aborted meanwhile: it will not be told of again.
        if (this.#streams.has(id)) this.#apply({ kind: 'ready', stream: { id, opener, dialect } })
      },
      frames: (stream, frames) => this.#frames(stream, frames),
      texts: (dialect, texts) => this.#texts(dialect, texts)
    }
  }

  #apply(event: SessionEvent): void {
    for (const effect of this.#logic.handle(event)) {
      switch (effect.kind) {
        case 'drop':
          this.#streams.get(effect.id)?.abort(new StreamReplacedError())
          break
        case 'close':
          this.#session?.end(effect.why)
          this.#session = undefined
          this.#context.emit('session:close', { peer: this.peer, why: effect.why })
          break
        case 'open': {
          const session = new LiveSession(this.peer, effect.dialect, this)
          this.#session = session
          for (const resolve of this.#waiting) resolve(session)
          this.#context.emit('session:open', { session })
          break
        }
      }
    }
  }

  /** In order; neighbouring messages go up as one batch, and a signal is told at most once per batch. */
  async #frames(stream: ChatStream, frames: readonly ChatFrame[]): Promise<void> {
    const told = new Set<string>()
    let messages: ChatMessage[] = []
    for (const frame of frames) {
      if (frame.kind === 'message') {
        messages.push(frame.message)
        continue
      }
      if (messages.length > 0) await this.#messages(stream, messages)
      messages = []
      await this.#frame(stream, frame, told)
    }
    if (messages.length > 0) await this.#messages(stream, messages)
  }

  async #frame(stream: ChatStream, frame: Exclude<ChatFrame, { kind: 'message' }>, told: Set<string>): Promise<void> {
    const { peer } = this
    switch (frame.kind) {
      case 'receipt': {
        const ids = this.#session?.settle(frame.ids, frame.ranges) ?? []
        if (ids.length > 0) await this.#context.init.onReceipts(peer, ids, frame.state)
        break
      }
      case 'refuse': {
        const { reason, retryAfterMs } = frame
        const ids = this.#session?.refused(frame.ids) ?? []
        if (ids.length > 0) this.#context.emit('refuse', { peer, reason, retryAfterMs, ids })
        break
      }
      case 'oversized':
        this.#answer(stream, refusals([frame.id], 'too-long', 0))
        break
      case 'enter':
      case 'typing':
        if (this.#mayTell(frame.kind, told)) this.#context.emit(frame.kind, { peer })
        break
      case 'bye':
        if (this.#mayTell('bye', told)) this.#context.emit('bye', { peer, reason: frame.reason })
        break
      case 'hello':
        break // the stream has read it: it opened the session
    }
  }

  /** Signals cost this side work too: a stranger's count like messages, and what is over the rate is dropped. */
  #mayTell(signal: string, told: Set<string>): boolean {
    if (told.has(signal)) return false
    told.add(signal)
    return this.#slowedMs() === 0
  }

  async #messages(stream: ChatStream, messages: readonly ChatMessage[]): Promise<void> {
    const { init, rates } = this.#context
    const nowMs = performance.now()
    const granted = this.#isStranger() ? rates.of(this.#key, nowMs).take(messages.length, nowMs) : messages.length
    const accepted = messages.slice(0, granted)
    const dispositions = accepted.length === 0 ? [] : await init.onMessages(this.peer, accepted)
    const over = messages.length - granted
    const refused: Disposition[] = Array.from({ length: over }, () => {
      return { kind: 'refused', reason: 'rate', retryAfterMs: rates.of(this.#key, nowMs).waitMs(over, nowMs) }
    })
    this.#answer(stream, answer(messages, [...dispositions, ...refused]))
  }

  /**
   * On the stream that brought the messages: when an answer is lost with its stream, so is the stream that the sender
   * sends on, and it sends again. On another one an answer could be lost while the sender waits for it.
   */
  #answer(stream: ChatStream, frames: readonly OutgoingFrame[]): void {
    if (this.#streams.has(stream.id)) stream.tell(frames)
  }

  /** A plain dialect has no way to refuse, so a stranger is slowed: nothing more is read until the rate allows it. */
  async #texts(dialect: PlainDialect, texts: readonly string[]): Promise<void> {
    const { init, signal } = this.#context
    for (const text of texts) {
      for (let waitMs = this.#slowedMs(); waitMs > 0; waitMs = this.#slowedMs()) {
        await delay(waitMs, undefined, { signal })
      }
      await init.onPlainText(this.peer, text, dialect)
    }
  }

  /** Takes one from a stranger's rate. @returns 0 when it was there, or the peer is no stranger; else when it will be */
  #slowedMs(): number {
    if (!this.#isStranger()) return 0
    const nowMs = performance.now()
    return this.#context.rates.of(this.#key, nowMs).takeOne(nowMs)
  }

  #isStranger(): boolean {
    return this.#context.init.paceOf(this.peer) === 'stranger'
  }
}
