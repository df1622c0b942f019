/**
 * A stream on which both sides take turns: one frame at a time, bounded in bytes and
 * time. The protocol gives the frames their meaning; this knows none of them. Streams
 * of many frames at a time, both ways at once, are for `runFrames`.
 *
 * @example
 * const frames = await FrameStream.open(connection, inviteFrames, { signal })
 * await frames.write({ type: 'ask', … })
 * const answer = await frames.read()
 * await frames.close()
 */
import type { AbortOptions, Connection, NewStreamOptions, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { withDeadline } from './deadline.ts'
import { toError } from './errors.ts'
import { endStream, onClosed } from './stream-end.ts'

/** Frames that may lie unread: the one that is waited for, and what comes right behind it. */
const MAX_UNREAD_FRAMES = 2

/** What is spoken on such a stream. What `decode` throws is thrown to the reader. */
export interface FrameProtocol<Frame> {
  readonly id: string
  /** The largest frame either way, in bytes, without its length. */
  readonly maxFrameBytes: number
  /** How long each frame may take, opening and closing the stream too, in milliseconds. */
  readonly timeoutMs: number
  encode(frame: Frame): Uint8Array
  decode(bytes: Uint8Array): Frame
}

export class FrameStream<Frame> {
  readonly #stream: Stream
  readonly #protocol: FrameProtocol<Frame>
  readonly #signal: AbortSignal
  readonly #frames: ReturnType<typeof lpStream<Stream>>

  /** @param signal ends each wait */
  constructor(stream: Stream, protocol: FrameProtocol<Frame>, signal: AbortSignal) {
    const { maxFrameBytes } = protocol
    this.#stream = stream
    this.#protocol = protocol
    this.#signal = signal
    this.#frames = lpStream(stream, {
      maxDataLength: maxFrameBytes,
      maxBufferSize: MAX_UNREAD_FRAMES * maxFrameBytes
    })
  }

  /**
   * @param options.signal ends this wait, and each later one
   * @throws {DeadlineError} when the remote is silent
   * @throws {UnsupportedProtocolError} when the remote does not speak the protocol
   */
  static async open<Frame>(
    connection: Connection,
    protocol: FrameProtocol<Frame>,
    { signal, ...options }: NewStreamOptions & Required<AbortOptions>
  ): Promise<FrameStream<Frame>> {
    const stream = await withDeadline('negotiate', protocol.timeoutMs, signal, async (inTime) =>
      connection.newStream(protocol.id, { ...options, signal: inTime })
    )
    return new FrameStream(stream, protocol, signal)
  }

  /**
   * @param timeoutMs in milliseconds; Infinity where the remote may be silent
   * @throws {DeadlineError} when the remote is silent
   * @throws when the frame is too large, or the stream ends; what the protocol throws
   */
  async read(timeoutMs = this.#protocol.timeoutMs): Promise<Frame> {
    const read = async (signal: AbortSignal): Promise<Uint8Array> => (await this.#frames.read({ signal })).subarray()
    const bytes = await (timeoutMs === Infinity
      ? read(this.#signal)
      : withDeadline('read', timeoutMs, this.#signal, read))
    return this.#protocol.decode(bytes)
  }

  /** @throws {DeadlineError} when the remote does not take it */
  async write(frame: Frame): Promise<void> {
    await withDeadline('write', this.#protocol.timeoutMs, this.#signal, async (signal) =>
      this.#frames.write(this.#protocol.encode(frame), { signal })
    )
  }

  /** Writes the last frame, then closes the stream as {@link close} does. */
  async end(last: Frame): Promise<void> {
    await this.write(last)
    await this.close()
  }

  /** Ends this half, and reads no more. The stream is aborted unless the remote ends its half in time. Never throws. */
  async close(): Promise<void> {
    const stream = this.#stream
    if (stream.readStatus === 'readable') stream.pause()
    this.release()
    try {
      await endStream(stream, { timeoutMs: this.#protocol.timeoutMs, signal: this.#signal })
    } catch (error) {
      stream.abort(toError(error))
    }
  }

  /** Calls the listener once: when the stream closes, or now when it has. @returns ends the listening */
  onClose(listener: () => void): () => void {
    return onClosed(this.#stream, listener)
  }

  abort(error: unknown): void {
    this.#stream.abort(toError(error))
  }

  /** Leaves the stream to another reader and writer, with what has arrived behind the last frame. */
  release(): Stream {
    return this.#frames.unwrap()
  }
}
