/**
 * All streams of one peer and the session over them: runs the streams, tells the session's logic what happens on them
 * and what the layer above sends, and carries out what it answers. It decides nothing about sessions, storage or trust,
 * and leaves what arrives to {@link Inbound}.
 */
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { DeadlineTimer } from '../lib/index.ts'
import { distanceOf, orAborted, preferredOpener, steadyNow, toError } from '../wire/index.ts'
import type { Opener } from '../wire/index.ts'
import { SessionClosedError } from './application.ts'
import type { ChatSession } from './application.ts'
import { ChatStream } from './chat-stream.ts'
import type { StreamOwner } from './chat-stream.ts'
import type { Dialect, PeerKind } from './dialect.ts'
import { sized, sizedMessage } from './frame-codec.ts'
import type { SizedMessage } from './frame-codec.ts'
import { ChatError } from './frames.ts'
import type { ByeReason, ChatFrame, ChatMessage, OutgoingFrame, ReceiptState } from './frames.ts'
import { Inbound, receiptsById } from './inbound.ts'
import type { InboundContext, UnkeptTexts } from './inbound.ts'
import { SessionLogic, StreamReplacedError } from './session.ts'
import type { SessionEffect, SessionEvent } from './session.ts'
import { STRANGER_MESSAGES_PER_SECOND } from './stranger-pace.ts'

/** A stranger opens streams faster than it may. The stream is cut; the others stay. */
class TooManyStreamsError extends ChatError {
  override readonly name = 'TooManyStreamsError'
  readonly perSecond: number
  constructor(perSecond: number) {
    super(`A stranger opened streams, messages and signals at more than ${perSecond} a second: the stream was cut`)
    this.perSecond = perSecond
  }
}

/** What all links share. */
export interface LinkContext extends InboundContext {
  readonly self: PeerId
  isParley(peer: PeerId): boolean
  sawParley(peer: PeerId): void
  /** Never rejects; bounded in time. */
  kindOf(connection: Connection): Promise<PeerKind>
  log(formatter: string, ...args: unknown[]): void
}

/** What waits for the session to give it to a stream. */
interface Sending {
  resolve(): void
  reject(error: Error): void
}

export class PeerLink {
  readonly peer: PeerId
  readonly #context: LinkContext
  readonly #logic: SessionLogic
  readonly #inbound: Inbound
  readonly #streams = new Map<number, ChatStream>()
  readonly #running = new Set<Promise<unknown>>()
  readonly #waiting = new Set<(session: ChatSession) => void>()
  readonly #sending = new Map<number, Sending>()
  /** What is due moves on with each answer: the timer finds that out when it runs off. */
  readonly #timer = new DeadlineTimer(steadyNow, () => {
    this.step({ kind: 'timeout' })
    return this.#logic.deadlineMs ?? Infinity
  })
  #nextStream = 1
  #nextBatch = 1
  #session: LiveSession | undefined
  /** The connection that carried the session when that was reported last. */
  #carriedBy: Connection | undefined

  constructor(peer: PeerId, context: LinkContext) {
    this.peer = peer
    this.#context = context
    this.#logic = new SessionLogic(preferredOpener(context.self, peer))
    this.#inbound = new Inbound(peer, context, {
      isOpen: ({ id }) => this.#streams.has(id),
      receipt: async (frame) => this.#receipt(frame),
      refuse: (frame) => this.step(frame)
    })
  }

  get session(): ChatSession | undefined {
    return this.#session
  }

  get idle(): boolean {
    return this.#streams.size === 0
  }

  get connection(): Connection | undefined {
    const id = this.#logic.sendOn
    return id === undefined ? undefined : this.#streams.get(id)?.connection
  }

  /** The connection of the newest stream that this side has opened. */
  get ownConnection(): Connection | undefined {
    return [...this.#streams.values()].findLast(({ openedBy }) => openedBy === 'us')?.connection
  }

  /** Takes over a stream. Resolves when it has ended, to the reason if it was a failure; never rejects. */
  run(stream: Stream, openedBy: Opener, connection: Connection): Promise<Error | undefined> {
    const running = this.#run(stream, openedBy, connection).finally(() => this.#running.delete(running))
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

  /** The stream to send on now, noted as used. */
  carrier(): ChatStream | undefined {
    const id = this.#logic.sendOn
    if (id === undefined) return undefined
    this.step({ kind: 'used', id })
    return this.#streams.get(id)
  }

  /** Resolves when all are with a stream. */
  async send(messages: readonly SizedMessage[], signal: AbortSignal | undefined): Promise<void> {
    const batch = this.#nextBatch++
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#sending.set(batch, { resolve, reject })
    this.step({ kind: 'send', batch, messages })
    try {
      await orAborted(promise, signal)
    } finally {
      if (this.#sending.delete(batch)) this.step({ kind: 'withdraw', batch })
    }
  }

  async closeStreams(): Promise<void> {
    for (const stream of this.#streams.values()) stream.close()
    await Promise.all(this.#running)
  }

  async #run(stream: Stream, openedBy: Opener, connection: Connection): Promise<Error | undefined> {
    // Each stream costs look-ups, and a Hello on it makes this side send again what has no receipt.
    if (openedBy === 'them' && this.#context.pace.slowedMs(this.peer) > 0) {
      const error = new TooManyStreamsError(STRANGER_MESSAGES_PER_SECOND)
      stream.abort(error)
      return error
    }
    const unkept: UnkeptTexts = { count: 0 }
    const chatStream = new ChatStream(this.#nextStream++, stream, openedBy, this.#ownerOf(connection, unkept))
    this.#streams.set(chatStream.id, chatStream)
    this.step({ kind: 'begun', id: chatStream.id })
    let why: Error | undefined
    try {
      await chatStream.run(this.#context.signal)
    } catch (thrown) {
      // A stop of our own is no failure of the peer.
      why = this.#context.signal.aborted ? undefined : toError(thrown)
      this.#context.log('chat stream %d with %p ended - %e', chatStream.id, this.peer, thrown)
    }
    if (unkept.count > 0 && !this.#context.signal.aborted)
      this.#context.emit('unkept', { peer: this.peer, why: 'no-room', texts: unkept.count })
    this.#streams.delete(chatStream.id)
    this.step({ kind: 'ended', id: chatStream.id, why })
    return why
  }

  #ownerOf(connection: Connection, unkept: UnkeptTexts): StreamOwner {
    const { init, isParley, kindOf, sawParley } = this.#context
    const { peer } = this
    return {
      connection,
      get knownParley() {
        return isParley(peer)
      },
      kind: () => kindOf(connection),
      parley: () => sawParley(peer),
      hello: async () => ({ kind: 'hello', ...(await init.helloFor(peer)) }),
      ready: async ({ id, openedBy }, dialect, held) => {
        if (dialect === 'parley') await init.onHello(peer, held)
        // Aborted meanwhile: it will not be told of again.
        if (this.#streams.has(id)) this.step({ kind: 'ready', stream: { id, openedBy, dialect } })
      },
      frames: (stream, frames) => this.#inbound.frames(stream, frames),
      texts: (dialect, texts, lost) => this.#inbound.texts(texts, { dialect, lost }, unkept),
      tooLong: (sizeBytes) => this.#inbound.tooLong(sizeBytes),
      received: async () => {
        // An answer to a ping comes after all that was sent before it was read. If it fails, the peer is gone.
        await distanceOf(connection)
          ?.measureAnew()
          .catch(() => undefined)
      }
    }
  }

  /** Tells the session's logic, and does what it says. */
  step(event: Exclude<SessionEvent, { kind: 'receipt' }>): void {
    for (const effect of this.#logic.step(event, steadyNow())) this.#carryOut(effect)
    this.#timer.dueAt(this.#logic.deadlineMs ?? Infinity)
    if (event.kind === 'ready' || event.kind === 'ended') this.#reportPath()
  }

  #reportPath(): void {
    const { connection, peer } = this
    if (connection === undefined || connection === this.#carriedBy) return
    const isMoved = this.#carriedBy !== undefined
    this.#carriedBy = connection
    if (isMoved) this.#context.emit('session:moved', { peer, connection })
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'receipted':
        break // the loop that reads frames waits for it
      case 'drop':
        this.#streams.get(effect.id)?.abort(new StreamReplacedError())
        break
      case 'cut':
        this.#streams.get(effect.id)?.abort(effect.why)
        break
      case 'close':
        this.#timer.stop()
        this.#session?.end(effect.why)
        this.#session = undefined
        this.#carriedBy = undefined
        this.#inbound.sessionEnded()
        this.#context.emit('session:close', { peer: this.peer, why: effect.why })
        break
      case 'open':
        this.#opens(new LiveSession(this.peer, effect.dialect, this), false)
        break
      case 'resume':
        this.#timer.stop()
        this.#session?.end(undefined)
        this.#inbound.sessionResumed()
        this.#opens(new LiveSession(this.peer, 'parley', this), true)
        break
      case 'write':
        this.#write(effect)
        break
      case 'sent':
      case 'unsent': {
        const sending = this.#sending.get(effect.batch)
        this.#sending.delete(effect.batch)
        if (effect.kind === 'sent') sending?.resolve()
        else sending?.reject(effect.why)
        break
      }
      case 'refused': {
        const { reason, retryAfterMs, ids } = effect
        this.#context.emit('refuse', { peer: this.peer, reason, retryAfterMs, ids })
        break
      }
    }
  }

  async #receipt(frame: Extract<ChatFrame, { kind: 'receipt' }>): Promise<void> {
    for (const effect of this.#logic.step(frame, steadyNow())) {
      if (effect.kind === 'receipted') await this.#context.init.onReceipts(this.peer, effect.ids, effect.state)
      else this.#carryOut(effect)
    }
    this.#timer.dueAt(this.#logic.deadlineMs ?? Infinity)
  }

  #opens(session: LiveSession, resumed: boolean): void {
    this.#session = session
    for (const resolve of this.#waiting) resolve(session)
    this.#context.emit('session:open', { session, resumed })
  }

  #write({ write, id, messages }: Extract<SessionEffect, { kind: 'write' }>): void {
    const onWritten = (): void => this.step({ kind: 'written', write })
    this.#give(this.#streams.get(id), messages, onWritten).catch((thrown: unknown) =>
      this.step({ kind: 'unwritten', write, why: toError(thrown) })
    )
  }

  async #give(stream: ChatStream | undefined, messages: readonly SizedMessage[], onWritten: () => void): Promise<void> {
    if (stream === undefined) throw new SessionClosedError()
    if (this.#session?.dialect === 'parley') return await stream.push(messages, onWritten)
    for (const { frame } of messages) await stream.write(frame.message.text, onWritten)
  }
}

/**
 * What the layer above holds of a session until it ends: it sends and signals with it. Which stream carries what it is
 * given, the link knows.
 */
class LiveSession implements ChatSession {
  readonly peer: PeerId
  readonly dialect: Dialect
  readonly #link: PeerLink
  #ended: SessionClosedError | undefined

  constructor(peer: PeerId, dialect: Dialect, link: PeerLink) {
    this.peer = peer
    this.dialect = dialect
    this.#link = link
  }

  get connection(): Connection | undefined {
    return this.#ended === undefined ? this.#link.connection : undefined
  }

  async send(messages: readonly ChatMessage[], options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const frames = messages.map(sizedMessage)
    if (this.#ended !== undefined) throw this.#ended
    await this.#link.send(frames, options.signal)
  }

  acknowledge(ids: readonly string[], state: ReceiptState): void {
    this.#tell(receiptsById(ids, state))
  }

  enter(): void {
    this.#tell([{ kind: 'enter' }])
  }

  typing(): void {
    // A hint that is late is worth nothing, so no room is no failure.
    if (this.dialect === 'parley' && this.#ended === undefined) this.#link.carrier()?.offer(sized({ kind: 'typing' }))
  }

  async bye(reason: ByeReason): Promise<void> {
    this.#tell([{ kind: 'bye', reason }])
    if (reason === 'quit') await this.close()
  }

  async close(): Promise<void> {
    if (this.#ended === undefined) await this.#link.closeStreams()
  }

  /** Called once, when the session has ended. */
  end(why: Error | undefined): void {
    this.#ended = new SessionClosedError(why === undefined ? {} : { cause: why })
  }

  /** Queues frames that cannot wait. */
  #tell(frames: readonly OutgoingFrame[]): void {
    if (this.dialect === 'parley' && this.#ended === undefined) this.#link.carrier()?.tell(frames)
  }
}
