// The beginning of a stream of circuit relay v2: one message each way, bounded in
// bytes and time, before it carries a circuit. It knows no message's meaning.
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { onClosed, toError, withDeadline } from '../wire/index.ts'
import { MAX_RELAY_FRAME_BYTES, RELAY_ANSWER_TIMEOUT_MS } from './relay-frames.ts'

/** Unread bytes of a stream before it carries a circuit: the message, and what comes right behind it. */
const MAX_UNREAD_BYTES = 2 * MAX_RELAY_FRAME_BYTES

export class RelayStream {
  readonly #stream: Stream
  readonly #messages: ReturnType<typeof lpStream<Stream>>
  readonly #signal: AbortSignal

  /** @param signal ends each wait for a message */
  constructor(stream: Stream, signal: AbortSignal) {
    this.#stream = stream
    this.#messages = lpStream(stream, { maxDataLength: MAX_RELAY_FRAME_BYTES, maxBufferSize: MAX_UNREAD_BYTES })
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

  /** Writes the last message on the stream, then closes it as {@link close} does. */
  async end(message: Uint8Array): Promise<void> {
    await this.write(message)
    await this.close()
  }

  /** Ends this half. The remote is held back from now on, and the stream is aborted unless the remote ends its half in time. */
  async close(): Promise<void> {
    const stream = this.#stream
    if (stream.readStatus === 'readable') stream.pause()
    this.release()
    try {
      await withDeadline('close', RELAY_ANSWER_TIMEOUT_MS, this.#signal, async (signal) => {
        const { promise: isClosed, resolve } = Promise.withResolvers<void>()
        onClosed(stream, resolve)
        await stream.close({ signal })
        if (stream.status === 'open') await isClosed
      })
    } catch (error) {
      stream.abort(toError(error))
    }
  }

  /** Calls the listener once: when the stream closes, or now when it has. @returns ends the listening */
  onClose(listener: () => void): () => void {
    return onClosed(this.#stream, listener)
  }

  abort(error: Error): void {
    this.#stream.abort(error)
  }

  /** Leaves the stream to a circuit, with what has arrived behind the message. */
  release(): Stream {
    return this.#messages.unwrap()
  }
}
