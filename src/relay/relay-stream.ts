// The beginning of a stream of circuit relay v2: one message each way, bounded in
// bytes and time, before it carries a circuit. It knows no message's meaning.
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { withDeadline } from '../wire/index.ts'
import { MAX_RELAY_FRAME_BYTES, RELAY_ANSWER_TIMEOUT_MS } from './relay-frames.ts'

export class RelayStream {
  readonly #stream: Stream
  readonly #messages: ReturnType<typeof lpStream<Stream>>
  readonly #signal: AbortSignal

  /** @param signal ends each wait for a message */
  constructor(stream: Stream, signal: AbortSignal) {
    this.#stream = stream
    this.#messages = lpStream(stream, { maxDataLength: MAX_RELAY_FRAME_BYTES })
    this.#signal = signal
  }

  /**
   * @throws {DeadlineError} when the remote is silent
   * @throws when what it sends is no message of the allowed size, or the stream ends
   */
  async read(): Promise<Uint8Array> {
    return withDeadline('negotiate', RELAY_ANSWER_TIMEOUT_MS, this.#signal, async (signal) =>
      (await this.#messages.read({ signal })).subarray()
    )
  }

  async write(message: Uint8Array): Promise<void> {
    await withDeadline('negotiate', RELAY_ANSWER_TIMEOUT_MS, this.#signal, async (signal) =>
      this.#messages.write(message, { signal })
    )
  }

  /** The last word on the stream. */
  async end(message: Uint8Array): Promise<void> {
    await this.write(message)
    await withDeadline('close', RELAY_ANSWER_TIMEOUT_MS, this.#signal, async (signal) => this.#stream.close({ signal }))
  }

  abort(error: Error): void {
    this.#stream.abort(error)
  }

  /** Leaves the stream to a circuit, with what has arrived behind the message. */
  release(): Stream {
    return this.#messages.unwrap()
  }
}
