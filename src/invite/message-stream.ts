// A stream on which both sides take turns: one message each way, bounded in bytes and
// time. The codec gives the bytes their meaning; this knows none of them.
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { toError, withDeadline } from '../wire/index.ts'

/** Each message is there within a few round trips or not at all; a person waits for it. */
export const MESSAGE_TIMEOUT_MS = 10_000

export interface MessageCodec<Message> {
  readonly maxBytes: number
  encode(message: Message): Uint8Array
  decode(bytes: Uint8Array): Message
}

export class MessageStream<Message> {
  readonly #stream: Stream
  readonly #codec: MessageCodec<Message>
  readonly #signal: AbortSignal
  readonly #messages: ReturnType<typeof lpStream<Stream>>

  /** @param signal ends each wait */
  constructor(stream: Stream, codec: MessageCodec<Message>, signal: AbortSignal) {
    this.#stream = stream
    this.#codec = codec
    this.#signal = signal
    this.#messages = lpStream(stream, { maxDataLength: codec.maxBytes, maxBufferSize: 2 * codec.maxBytes })
  }

  /**
   * @param timeoutMs Infinity where the other side may be silent
   * @throws {DeadlineError} when the remote is silent
   * @throws what the codec throws; when the message is too large; when the stream ends
   */
  async read(timeoutMs = MESSAGE_TIMEOUT_MS): Promise<Message> {
    const read = async (signal: AbortSignal): Promise<Uint8Array> => (await this.#messages.read({ signal })).subarray()
    const bytes =
      timeoutMs === Infinity
        ? await read(this.#signal)
        : await withDeadline('read', timeoutMs, this.#signal, async (signal) => read(signal))
    return this.#codec.decode(bytes)
  }

  async write(message: Message): Promise<void> {
    await withDeadline('write', MESSAGE_TIMEOUT_MS, this.#signal, async (signal) =>
      this.#messages.write(this.#codec.encode(message), { signal })
    )
  }

  /** Writes the last message, and closes the own half; never throws. */
  async end(last?: Message): Promise<void> {
    try {
      if (last !== undefined) await this.write(last)
      await withDeadline('close', MESSAGE_TIMEOUT_MS, this.#signal, async (signal) => this.#stream.close({ signal }))
    } catch (error) {
      this.abort(error)
    }
  }

  abort(error: unknown): void {
    this.#stream.abort(toError(error))
  }
}
