// The stream on which two peers tell each other their offers: one frame each way,
// bounded in bytes and time. It knows no frame's meaning.
import type { Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { onClosed, toError, withDeadline } from '../wire/index.ts'
import { decodeDirect, encodeDirect, MAX_DIRECT_FRAME_BYTES, type DirectFrame } from './direct-frames.ts'

/** A frame is there within a few round trips, and after the other side has looked where it is seen. */
const OFFER_TIMEOUT_MS = 5_000

export class OfferStream {
  readonly #stream: Stream
  readonly #frames: ReturnType<typeof lpStream<Stream>>
  readonly #signal: AbortSignal

  /** @param signal ends each wait */
  constructor(stream: Stream, signal: AbortSignal) {
    this.#stream = stream
    this.#frames = lpStream(stream, {
      maxDataLength: MAX_DIRECT_FRAME_BYTES,
      maxBufferSize: 2 * MAX_DIRECT_FRAME_BYTES
    })
    this.#signal = signal
  }

  /**
   * @throws {DeadlineError} when the remote is silent
   * @throws {BadDirectFrameError}
   * @throws when a frame is too long, or the stream ends
   */
  async read(): Promise<DirectFrame> {
    return withDeadline('negotiate', OFFER_TIMEOUT_MS, this.#signal, async (signal) =>
      decodeDirect((await this.#frames.read({ signal })).subarray())
    )
  }

  async write(frame: DirectFrame): Promise<void> {
    await withDeadline('negotiate', OFFER_TIMEOUT_MS, this.#signal, async (signal) =>
      this.#frames.write(encodeDirect(frame), { signal })
    )
  }

  /** Ends this half. The stream is aborted unless the other side ends its own in time. */
  async close(): Promise<void> {
    const stream = this.#stream
    try {
      await withDeadline('close', OFFER_TIMEOUT_MS, this.#signal, async (signal) => {
        const { promise: isClosed, resolve } = Promise.withResolvers<void>()
        onClosed(stream, resolve)
        await stream.close({ signal })
        if (stream.status === 'open') await isClosed
      })
    } catch (error) {
      stream.abort(toError(error))
    }
  }

  abort(error: Error): void {
    this.#stream.abort(error)
  }
}
