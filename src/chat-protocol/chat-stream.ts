/**
 * One libp2p stream of `/chat/1.0.0`: decides its dialect, says and awaits Hello, and moves batches both ways through
 * it-pipe until it ends. It does not know of other streams of the same peer, nor what a message makes anybody do.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { pipe } from 'it-pipe'
import { DeadlineError, FrameQueue, decodeFrames, streamDuplex, toError } from '../wire/index.ts'
import type { ByteDuplex } from '../wire/index.ts'
import { AMBIGUOUS_WAIT_MS, CLOSE_TIMEOUT_MS, CONTROL_QUEUE_BYTES, HELLO_TIMEOUT_MS } from './constants.ts'
import { MAX_FRAME_BYTES, MAX_UNCONFIRMED_BYTES, SILENT_UNDECIDED_MS } from './constants.ts'
import { decideDialect, readFirstBytes } from './dialect.ts'
import type { Dialect, PeerKind, PlainDialect } from './dialect.ts'
import {
  HelloMissingError,
  InvalidFrameError,
  PeerIsParleyError,
  SessionClosedError,
  SilentStreamError,
  PeerNotReadingError
} from './errors.ts'
import { decodeChatFrames, encodeChatFrames, sized } from './frame-transforms.ts'
import type { SizedFrame } from './frame-transforms.ts'
import type { ChatFrame, HeldMark, OutgoingFrame } from './frames.ts'
import { HeldSource } from './held-source.ts'
import { PlainWriter } from './plain-writer.ts'
import type { Opener } from './session.ts'
import { decodeFramedTexts, decodeLines, maxFramedTextBytes } from './text-dialects.ts'

/** Whoever holds the streams of one peer. */
export interface StreamOwner {
  /** Never goes back to false. */
  readonly knownParley: boolean
  /** Never rejects. */
  kind(): Promise<PeerKind>
  /** The peer speaks Parley: never take it for anything else again. */
  parley(): void
  hello(): Promise<OutgoingFrame & { kind: 'hello' }>
  /** May be called a second time, for Parley, when a plain dialect was taken for granted and a Hello came. */
  ready(stream: ChatStream, dialect: Dialect, held: HeldMark | undefined): Promise<void>
  frames(stream: ChatStream, batch: readonly ChatFrame[]): Promise<void>
  texts(dialect: PlainDialect, batch: readonly string[]): Promise<void>
}

type Outgoing =
  | { readonly dialect: 'parley'; readonly queue: FrameQueue<SizedFrame> }
  | { readonly dialect: 'plain'; readonly queue: PlainWriter }

/** What may be waiting of two sessions that follow each other on one stream, and the signals. */
const parleyQueueBytes = 2 * MAX_UNCONFIRMED_BYTES + CONTROL_QUEUE_BYTES

export class ChatStream {
  readonly id: number
  readonly opener: Opener
  readonly #stream: Stream
  readonly #owner: StreamOwner
  #outgoing: Outgoing | undefined
  #failure: Error | undefined
  #closing = false
  #closeTimer: NodeJS.Timeout | undefined

  constructor(id: number, stream: Stream, opener: Opener, owner: StreamOwner) {
    this.id = id
    this.opener = opener
    this.#stream = stream
    this.#owner = owner
  }

  /**
   * Runs until both directions have ended.
   *
   * @throws the first failure; not the ones that come after `close()`
   */
  async run(signal: AbortSignal): Promise<void> {
    const duplex = streamDuplex(this.#stream, { signal })
    const source = new HeldSource(duplex.source)
    try {
      const dialect = await this.#decide(source, duplex.sink)
      if (dialect === undefined) await this.#stream.close({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) })
      else if (dialect === 'parley') await this.#runParley(source, duplex.sink)
      else await this.#runPlain(dialect, source, duplex.sink)
    } catch (thrown) {
      this.abort(toError(thrown))
    } finally {
      clearTimeout(this.#closeTimer)
    }
    if (this.#failure !== undefined && !this.#closing) throw this.#failure
  }

  /** Queues a frame without waiting. False: there is no room, or the stream does not speak Parley (any more). */
  offer(frame: SizedFrame): boolean {
    return this.#outgoing?.dialect === 'parley' && this.#outgoing.queue.offer(frame)
  }

  /**
   * Queues frames that cannot wait: whoever waited for room here would not read meanwhile, and two sides that do so
   * stand still for ever. There is room for all that an honest peer is owed; for another one the stream is cut.
   */
  tell(frames: readonly OutgoingFrame[]): void {
    if (!frames.every((frame) => this.offer(sized(frame)))) this.abort(new PeerNotReadingError(CONTROL_QUEUE_BYTES))
  }

  /** Resolves when the frame is queued. */
  async push(frame: SizedFrame, signal: AbortSignal): Promise<void> {
    if (this.#outgoing?.dialect !== 'parley') throw new SessionClosedError(cause(this.#failure))
    await this.#outgoing.queue.push(frame, { signal })
  }

  /** Resolves when the stream has taken the text. */
  async write(text: string, signal: AbortSignal): Promise<void> {
    if (this.#outgoing?.dialect !== 'plain') throw new SessionClosedError(cause(this.#failure))
    await this.#outgoing.queue.write(text, signal)
  }

  /** What is queued still goes out; then the other side has a moment to close too. */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.#closeTimer = setTimeout(() => this.abort(new DeadlineError('close', CLOSE_TIMEOUT_MS)), CLOSE_TIMEOUT_MS)
    if (this.#outgoing === undefined) return this.abort(new SessionClosedError())
    this.#outgoing.queue.end()
    // Starting is what closes this half, if nothing was ever written.
    if (this.#outgoing.dialect === 'plain') this.#outgoing.queue.start().catch((error) => this.abort(toError(error)))
  }

  /** The first reason stays. */
  abort(error: Error): void {
    this.#failure ??= error
    this.#outgoing?.queue.abort(this.#failure)
    this.#stream.abort(this.#failure)
  }

  /** The dialect, once nothing can change it any more; `undefined` when the stream ended without a word. */
  async #decide(source: HeldSource, sink: ByteDuplex['sink']): Promise<Dialect | undefined> {
    const decided = new AbortController()
    const after = async (ms: number, then: () => void): Promise<void> => {
      await delay(ms, undefined, { signal: decided.signal }).then(then, () => {})
    }
    let kind: PeerKind | undefined
    let waitedEnough = false
    let silent: Promise<void> | undefined
    let ambiguous: Promise<void> | undefined
    const asked = this.#owner.knownParley ? undefined : this.#owner.kind().then((answer) => void (kind = answer))
    try {
      for (;;) {
        const bytes = source.peek()
        const { knownParley } = this.#owner
        const decision = decideDialect({ knownParley, kind, bytes, waitedEnough: waitedEnough || source.ended })
        if (decision.kind === 'decided') return decision.dialect
        if (decision.kind === 'not-parley') throw new HelloMissingError()
        if (decision.kind === 'provisional') {
          if (source.ended) return decision.dialect
          if (this.#outgoing === undefined) await this.#speak(decision.dialect, sink)
        }
        if (source.ended && bytes.byteLength === 0) return undefined
        const waits: Promise<void>[] = []
        if (asked !== undefined && kind === undefined) waits.push(asked)
        if (readFirstBytes(bytes) === 'need-more' && !source.ended) waits.push(source.more())
        if (bytes.byteLength > 0 && !waitedEnough) {
          waits.push((ambiguous ??= after(AMBIGUOUS_WAIT_MS, () => void (waitedEnough = true))))
        }
        if (bytes.byteLength === 0 && kind?.kind === 'undecided') {
          waits.push(
            (silent ??= after(SILENT_UNDECIDED_MS, () => this.abort(new SilentStreamError(SILENT_UNDECIDED_MS))))
          )
        }
        await Promise.race(waits)
      }
    } finally {
      decided.abort()
    }
  }

  async #speak(dialect: PlainDialect, sink: ByteDuplex['sink']): Promise<PlainWriter> {
    const queue = new PlainWriter(dialect, sink)
    this.#outgoing = { dialect: 'plain', queue }
    await this.#owner.ready(this, dialect, undefined)
    return queue
  }

  async #runPlain(dialect: PlainDialect, source: HeldSource, sink: ByteDuplex['sink']): Promise<void> {
    const writer = this.#outgoing?.dialect === 'plain' ? this.#outgoing.queue : await this.#speak(dialect, sink)
    const read = async (batches: AsyncIterable<string[]>): Promise<void> => {
      for await (const batch of batches) await this.#owner.texts(dialect, batch)
    }
    const reading =
      dialect === 'lines'
        ? pipe(source, decodeLines, read)
        : pipe(source, decodeFrames({ maxFrameBytes: maxFramedTextBytes }), decodeFramedTexts, read)
    await this.#both(writer, reading, writer.start())
  }

  async #runParley(source: HeldSource, sink: ByteDuplex['sink']): Promise<void> {
    this.#owner.parley()
    if (this.#outgoing?.dialect === 'plain') {
      if (this.#outgoing.queue.started) throw new PeerIsParleyError()
      this.#outgoing.queue.abort(new PeerIsParleyError())
    }
    const queue = new FrameQueue<SizedFrame>({ maxBytes: parleyQueueBytes, sizeOf: ({ sizeBytes }) => sizeBytes })
    queue.offer(sized(await this.#owner.hello()))
    this.#outgoing = { dialect: 'parley', queue }
    if (this.#failure !== undefined || this.#closing) throw this.#failure ?? new SessionClosedError()
    await this.#both(
      queue,
      this.#readParley(source),
      pipe(queue, encodeChatFrames, (bytes) => sink(bytes))
    )
  }

  async #readParley(source: HeldSource): Promise<void> {
    const late = new DeadlineError('hello', HELLO_TIMEOUT_MS)
    const timer = setTimeout(() => this.abort(late), HELLO_TIMEOUT_MS)
    try {
      // Text would be read as the length of a frame, and waited for: the first bytes tell at once.
      while (readFirstBytes(source.peek()) === 'need-more' && !source.ended) await source.more()
      if (readFirstBytes(source.peek()) !== 'hello') throw new HelloMissingError()
      await pipe(source, decodeFrames({ maxFrameBytes: MAX_FRAME_BYTES }), decodeChatFrames, async (batches) => {
        await this.#readFrames(batches, () => clearTimeout(timer))
      })
    } finally {
      clearTimeout(timer)
    }
  }

  /** The first frame is a Hello, and no other one is. */
  async #readFrames(batches: AsyncIterable<ChatFrame[]>, onHello: () => void): Promise<void> {
    let greeted = false
    for await (const batch of batches) {
      let frames: readonly ChatFrame[] = batch
      if (!greeted) {
        const [hello, ...rest] = batch
        if (hello?.kind !== 'hello') throw new HelloMissingError()
        onHello()
        greeted = true
        await this.#owner.ready(this, 'parley', hello.held)
        frames = rest
      }
      if (frames.some((frame) => frame.kind === 'hello')) throw new InvalidFrameError('a second Hello')
      if (frames.length > 0) await this.#owner.frames(this, frames)
    }
  }

  /** Both directions to their ends. When one fails the other is cut; when the other side ends, so does this one. */
  async #both(queue: { end(): void }, reading: Promise<void>, writing: Promise<void>): Promise<void> {
    const fail = (thrown: unknown): void => this.abort(toError(thrown))
    await Promise.all([reading.then(() => queue.end()).catch(fail), writing.catch(fail)])
  }
}

function cause(error: Error | undefined): ErrorOptions {
  return error === undefined ? {} : { cause: error }
}
