/**
 * One libp2p stream of `/chat/1.0.0`: decides its dialect, says and awaits Hello, and moves batches both ways through
 * it-pipe until it ends. It does not know of other streams of the same peer, nor what a message makes anybody do.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { pipe } from 'it-pipe'
import type { Uint8ArrayList } from 'uint8arraylist'
import {
  DeadlineError,
  driveFrames,
  FrameQueue,
  onClosed,
  QueueClosedError,
  streamDuplex,
  toError
} from '../wire/index.ts'
import type { ByteDuplex, Opener } from '../wire/index.ts'
import { SessionClosedError } from './application.ts'
import { decideDialect, readFirstBytes } from './dialect.ts'
import type { Dialect, PeerKind, PlainDialect } from './dialect.ts'
import { ChatFrameCodec, MAX_FRAME_BYTES, sized } from './frame-codec.ts'
import type { SizedFrame, SizedMessage } from './frame-codec.ts'
import { ChatError, InvalidFrameError } from './frames.ts'
import type { ChatFrame, HeldMark, OutgoingFrame } from './frames.ts'
import { HeldSource } from './held-source.ts'
import { MAX_UNCONFIRMED_BYTES } from './send-window.ts'
import { decodeFramedTexts, decodeLines, PlainWriter } from './text-dialects.ts'

/** The peer is known to speak Parley and its stream did not start with a Hello. It is never read as plain text. */
export class HelloMissingError extends ChatError {
  override readonly name = 'HelloMissingError'
  constructor() {
    super('The peer speaks Parley, but its stream does not begin with a Hello: the stream was cut')
  }
}

/** Text was sent to what was taken for another program, and then it said Hello. Open again: it will be Parley. */
export class PeerIsParleyError extends ChatError {
  override readonly name = 'PeerIsParleyError'
  constructor() {
    super('The peer turned out to speak Parley after plain text was sent to it: the stream was cut; open it again')
  }
}

/** The peer does not read, and what this side owes it has filled the queue. The stream is cut. */
class PeerNotReadingError extends ChatError {
  override readonly name = 'PeerNotReadingError'
  readonly limitBytes: number
  constructor(limitBytes: number) {
    super(`The peer does not read, and ${limitBytes} bytes wait for it, which is the limit: the stream was cut`)
    this.limitBytes = limitBytes
  }
}

/** A peer of unknown kind opened a stream and said nothing. */
class SilentStreamError extends ChatError {
  override readonly name = 'SilentStreamError'
  readonly timeoutMs: number
  constructor(timeoutMs: number) {
    super(`A peer of unknown kind opened a stream and said nothing for ${timeoutMs} ms: the stream was cut`)
    this.timeoutMs = timeoutMs
  }
}

/** What the examples `chat-with-mdns` and `chat-with-rendezvous` of go-libp2p speak: always lines. Parley never does. */
export const linesProtocolId = '/chat/1.1.0'

/** Room beside the messages for receipts, refusals and signals: MAX_UNCONFIRMED_MESSAGES ids take 72 KiB of it. */
const CONTROL_QUEUE_BYTES = 256 * 1024

/** From the moment that both are known to speak Parley to the other side's Hello. */
const HELLO_TIMEOUT_MS = 10_000

/** A Hello is 22 to 41 bytes and is written at once: a peer that stops inside it for so long is typing text. */
const AMBIGUOUS_WAIT_MS = 500

/** A stream from a peer of unknown kind that says nothing is cut after this, as it holds one of few places. */
const SILENT_UNDECIDED_MS = 60_000

/** For the last frames to be written and for the other side to close too. */
const CHAT_CLOSE_TIMEOUT_MS = 3_000

/** What holds the streams of one peer. */
export interface StreamOwner {
  readonly connection: Connection
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
  /** @param lost aborts when the stream is gone, and leaving it unread holds back no peer */
  texts(dialect: PlainDialect, batch: readonly string[], lost: AbortSignal): Promise<void>
  /** A text of a plain dialect was skipped. */
  tooLong(sizeBytes: number): void
  /** Resolves when the other end has received all that was written before, as far as that can be known. Never rejects. */
  received(): Promise<void>
}

type Outgoing =
  | { readonly dialect: 'parley'; readonly queue: FrameQueue<SizedFrame> }
  | { readonly dialect: 'plain'; readonly queue: PlainWriter }

/** What may be waiting of two sessions that follow each other on one stream, and the signals. */
const parleyQueueBytes = 2 * MAX_UNCONFIRMED_BYTES + CONTROL_QUEUE_BYTES

export class ChatStream {
  readonly id: number
  readonly openedBy: Opener
  readonly #stream: Stream
  readonly #owner: StreamOwner
  #outgoing: Outgoing | undefined
  #failure: Error | undefined
  #closing = false
  /** This side has closed its half of a plain stream and reads no more; the connection ends the rest. */
  readonly #left = Promise.withResolvers<void>()
  #isLeft = false
  readonly #lost = new AbortController()
  #closeTimer: NodeJS.Timeout | undefined

  constructor(id: number, stream: Stream, openedBy: Opener, owner: StreamOwner) {
    this.id = id
    this.openedBy = openedBy
    this.#stream = stream
    this.#owner = owner
    onClosed(stream, () => this.#lost.abort())
  }

  get connection(): Connection {
    return this.#owner.connection
  }

  /**
   * Runs until both directions have ended.
   *
   * @throws the first failure; not the ones that come after `close()`
   */
  async run(signal: AbortSignal): Promise<void> {
    const duplex = streamDuplex(this.#stream)
    const source = new HeldSource(duplex.source)
    const onStop = (): void => this.abort(toError(signal.reason))
    signal.addEventListener('abort', onStop, { once: true })
    if (signal.aborted) onStop()
    try {
      const dialect = await this.#decide(source, duplex.sink)
      if (this.#isLeft) return
      if (dialect === undefined) await this.#stream.close({ signal: AbortSignal.timeout(CHAT_CLOSE_TIMEOUT_MS) })
      else if (dialect === 'parley') await this.#runParley(source, duplex.sink)
      else await this.#runPlain(dialect, source, duplex.sink)
    } catch (thrown) {
      this.abort(toError(thrown))
    } finally {
      clearTimeout(this.#closeTimer)
      signal.removeEventListener('abort', onStop)
    }
    if (this.#failure !== undefined && !this.#closing) throw this.#failure
  }

  /** Queues a frame without waiting. False: there is no room, or the stream does not speak Parley (any more). */
  offer(frame: SizedFrame): boolean {
    return this.#outgoing?.dialect === 'parley' && this.#outgoing.queue.offer(frame)
  }

  /**
   * Queues frames that cannot wait: a side that waits for room here reads nothing meanwhile, and two such sides stand
   * still for ever. There is room for all that an honest peer is owed; for another one the stream is cut.
   */
  tell(frames: readonly OutgoingFrame[]): void {
    if (!frames.every((frame) => this.offer(sized(frame)))) this.abort(new PeerNotReadingError(CONTROL_QUEUE_BYTES))
  }

  /**
   * Queues messages in their order, at once where there is room.
   *
   * @param onQueued called as soon as all are queued
   * @throws {SessionClosedError} when the stream ends first, or does not speak Parley
   */
  async push(messages: readonly SizedMessage[], onQueued: () => void): Promise<void> {
    if (this.#outgoing?.dialect !== 'parley') throw new SessionClosedError(cause(this.#failure))
    const { queue } = this.#outgoing
    try {
      for (const message of messages) if (!queue.offer(message)) await queue.push(message)
    } catch (error) {
      // The stream has ended, and its session does so in a moment.
      throw error instanceof QueueClosedError ? new SessionClosedError({ cause: error }) : error
    }
    onQueued()
  }

  /**
   * Writes a text of a plain dialect.
   *
   * @param onWritten called at the moment when the stream has taken it
   * @throws {SessionClosedError} when the stream ends first, or speaks Parley
   */
  async write(text: string, onWritten: () => void): Promise<void> {
    if (this.#outgoing?.dialect !== 'plain') throw new SessionClosedError(cause(this.#failure))
    await this.#outgoing.queue.write(text, onWritten)
  }

  /**
   * What is queued still goes out. In Parley the other side then has a moment to close too; a plain stream is left
   * half-closed: many of the programs that speak it never close theirs, and end when theirs is reset.
   */
  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.#closeTimer = setTimeout(
      () => this.abort(new DeadlineError('close', CHAT_CLOSE_TIMEOUT_MS)),
      CHAT_CLOSE_TIMEOUT_MS
    )
    if (this.#outgoing === undefined) return this.abort(new SessionClosedError())
    this.#outgoing.queue.end()
    if (this.#outgoing.dialect === 'plain') void this.#leavePlain(this.#outgoing.queue)
  }

  /** The first reason stays. */
  abort(error: Error): void {
    this.#failure ??= error
    this.#outgoing?.queue.abort(this.#failure)
    this.#stream.abort(this.#failure)
  }

  /** Starting is what closes this half, if nothing was ever written. */
  async #leavePlain(writer: PlainWriter): Promise<void> {
    try {
      await writer.start()
    } catch (error) {
      this.abort(toError(error))
      return
    }
    // A socket that is closed while something is unread drops what is still under way.
    await this.#owner.received()
    this.#isLeft = true
    this.#left.resolve()
  }

  /** The dialect, once nothing can change it any more; `undefined` when the stream ended without a word, or was left. */
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
        const isLines = this.#stream.protocol === linesProtocolId
        const decision = decideDialect({
          isLines,
          knownParley,
          kind,
          bytes,
          waitedEnough: waitedEnough || source.ended
        })
        if (decision.kind === 'decided') return decision.dialect
        if (decision.kind === 'not-parley') throw new HelloMissingError()
        if (decision.kind === 'provisional') {
          if (source.ended) return decision.dialect
          if (this.#outgoing === undefined) await this.#speak(decision.dialect, sink)
        }
        if (source.ended && bytes.byteLength === 0) return undefined
        const waits = [this.#left.promise]
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
        if (this.#isLeft) return undefined
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
    const writer = await this.#writerOf(dialect, sink)
    const read = async (batches: AsyncIterable<string[]>): Promise<void> => {
      for await (const batch of batches) {
        if (this.#isLeft) return
        await this.#owner.texts(dialect, batch, this.#lost.signal)
      }
    }
    const onTooLong = (sizeBytes: number): void => this.#owner.tooLong(sizeBytes)
    const decode = dialect === 'lines' ? decodeLines(onTooLong) : decodeFramedTexts(onTooLong)
    const reading = pipe(source, decode, read)
    const fail = (thrown: unknown): void => this.abort(toError(thrown))
    // When one direction fails the other is cut; when the other side ends, so does this one.
    const both = Promise.all([reading.then(() => writer.end()).catch(fail), writer.start().catch(fail)])
    await Promise.race([both, this.#left.promise])
  }

  /** What was taken for granted gives way to what the first bytes say, as long as nothing has gone out. */
  async #writerOf(dialect: PlainDialect, sink: ByteDuplex['sink']): Promise<PlainWriter> {
    if (this.#outgoing?.dialect !== 'plain') return this.#speak(dialect, sink)
    const { queue } = this.#outgoing
    if (queue.dialect === dialect || queue.started) return queue
    queue.abort(new SessionClosedError())
    return this.#speak(dialect, sink)
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
    let greeted = false
    await driveFrames<ChatFrame, SizedFrame>({
      carrier: { source: this.#helloFirst(source), sink, abort: (error) => this.abort(error) },
      codec: new ChatFrameCodec(),
      outgoing: queue,
      maxFrameBytes: MAX_FRAME_BYTES,
      firstFrameTimeoutMs: HELLO_TIMEOUT_MS,
      closeTimeoutMs: Infinity, // close() bounds it, and the writing before it too
      onFrames: async (batch) => {
        await this.#read(batch, greeted)
        greeted = true
      }
    })
  }

  /** Text would be read as the length of a frame, and waited for: the first bytes tell at once. */
  async *#helloFirst(source: HeldSource): AsyncGenerator<Uint8ArrayList, void, undefined> {
    while (readFirstBytes(source.peek()) === 'need-more' && !source.ended) await source.more()
    if (readFirstBytes(source.peek()) !== 'hello') throw new HelloMissingError()
    yield* source
  }

  /** The first frame is a Hello, and no other one is. */
  async #read(batch: readonly ChatFrame[], greeted: boolean): Promise<void> {
    let frames = batch
    if (!greeted) {
      const [hello, ...rest] = batch
      if (hello?.kind !== 'hello') throw new HelloMissingError()
      await this.#owner.ready(this, 'parley', hello.held)
      frames = rest
    }
    if (frames.some((frame) => frame.kind === 'hello')) throw new InvalidFrameError('a second Hello')
    if (frames.length > 0) await this.#owner.frames(this, frames)
  }
}

function cause(error: Error | undefined): ErrorOptions {
  return error === undefined ? {} : { cause: error }
}
