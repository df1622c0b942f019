/**
 * The writing half of a libp2p stream as an it-pipe sink that obeys it. When
 * `send()` says false it waits for `drain`, so that no more than one piece waits
 * inside libp2p. It knows nothing of frames.
 *
 * It listens for `drain` itself: `stream.onDrain()` keeps its first promise for
 * ever and never holds back from the second call on.
 */

import type { Stream, StreamCloseEvent } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { withDeadline } from './deadline.ts'
import { DeadlineError, toError, WireError } from './errors.ts'
import { lossOf, lossOnClose, StreamLostError } from './stream-loss.ts'

/**
 * The largest piece given to a stream in one `send()`, in bytes. At 64 KiB the
 * cost of a call is lost in that of encryption, and no more than this waits
 * inside libp2p when the remote stops reading.
 */
export const MAX_WRITE_BYTES = 64 * 1024

/**
 * How long a remote may leave us unable to write, in milliseconds, before the
 * stream is given up. Longer than the 15 s in which a dead connection is
 * noticed, so that what is cut here is a live peer that does not read.
 */
export const WRITE_STALL_TIMEOUT_MS = 60_000

export class WriteHalf {
  readonly #stream: Stream
  readonly #stallTimeoutMs: number
  #lost: StreamLostError | undefined
  #isClosed = false
  /** Rejects the one wait that is under way. */
  #interrupt: ((error: Error) => void) | undefined

  constructor(stream: Stream, stallTimeoutMs: number) {
    this.#stream = stream
    this.#stallTimeoutMs = stallTimeoutMs
    this.#lost = lossOf(stream, 'write')
    stream.addEventListener('close', this.#onClose, { once: true })
  }

  /** Writes all of `source`, then closes this half. When either fails the stream is aborted. */
  async sink(source: AsyncIterable<Uint8Array | Uint8ArrayList>): Promise<void> {
    const iterator = source[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await this.#orLost(iterator.next())
        if (next.done === true) {
          break
        }
        await this.#write(next.value)
      }
      await this.#close()
    } catch (thrown) {
      const error = toError(thrown)
      this.#stream.abort(error)
      this.#leave(iterator)
      throw error
    }
  }

  async #write(bytes: Uint8Array | Uint8ArrayList): Promise<void> {
    for (let offset = 0; offset < bytes.byteLength; offset += MAX_WRITE_BYTES) {
      const end = Math.min(offset + MAX_WRITE_BYTES, bytes.byteLength)
      const piece = bytes instanceof Uint8Array ? bytes.subarray(offset, end) : bytes.sublist(offset, end)
      if (!this.#send(piece)) {
        await this.#drained()
      }
    }
  }

  #send(piece: Uint8Array | Uint8ArrayList): boolean {
    if (this.#lost !== undefined) {
      throw this.#lost
    }
    try {
      return this.#stream.send(piece)
    } catch (error) {
      throw this.#lost ?? new StreamLostError('write', 'disconnected', toError(error))
    }
  }

  /** Resolves when the stream takes bytes again. A remote that lets nothing through for too long is given up. */
  async #drained(): Promise<void> {
    while (this.#stream.writableNeedsDrain) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const timer = setTimeout(() => reject(new DeadlineError('write', this.#stallTimeoutMs)), this.#stallTimeoutMs)
      const onDrain = (): void => resolve()
      this.#stream.addEventListener('drain', onDrain)
      try {
        await this.#orLost(promise)
      } finally {
        clearTimeout(timer)
        this.#stream.removeEventListener('drain', onDrain)
      }
    }
  }

  async #close(): Promise<void> {
    await this.#drained()
    this.#isClosed = true
    try {
      await withDeadline('close', this.#stallTimeoutMs, undefined, (signal) => this.#stream.close({ signal }))
    } catch (thrown) {
      if (thrown instanceof WireError) {
        throw thrown
      }
      throw this.#lost ?? new StreamLostError('close', 'disconnected', toError(thrown))
    }
    if (this.#lost !== undefined) {
      throw this.#lost
    }
  }

  /**
   * `work`, or the loss of the stream if that comes first. One rejecter is kept
   * instead of racing with a promise of the loss, which would collect a
   * reaction for each write as long as the stream lives.
   */
  #orLost<T>(work: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#interrupt = reject
    work.then(resolve, reject)
    if (this.#lost !== undefined) {
      reject(this.#lost)
    }
    return promise
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    this.#lost ??= lossOnClose(event, 'write', this.#isClosed)
    if (this.#lost !== undefined) {
      this.#interrupt?.(this.#lost)
    }
  }

  /** Ends the source. It may be waiting itself, so this does not wait for it. */
  #leave(iterator: AsyncIterator<unknown>): void {
    iterator.return?.().catch((error: unknown) => {
      this.#stream.log('the source of a lost stream did not end well - %e', toError(error))
    })
  }
}
