/**
 * The one adapter that makes a libp2p stream a bounded duplex for it-pipe, and
 * its two halves. libp2p 3's streams are not duplexes, and their own iterators
 * neither hold a remote back nor bound what it can make us keep. It knows no
 * protocol and no frames.
 */

import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { onAbort } from '../lib/index.ts'
import { MAX_STREAM_WINDOW_BYTES, MAX_UNREAD_PIECES } from './budgets.ts'
import { withDeadline } from './deadline.ts'
import { DeadlineError, toError, WireError } from './errors.ts'
import { lossOf, lossOnClose, onClosed, StreamLostError } from './stream-end.ts'

/**
 * The most that a bounded duplex holds of one stream, in bytes: one window that
 * was handed to the reader's queue and one that the remote may fill meanwhile.
 */
export const MAX_HELD_BYTES = 2 * MAX_STREAM_WINDOW_BYTES

/**
 * The largest piece given to a stream in one `send()`, in bytes: with the 12
 * bytes of Yamux it is one message of Noise, where 64 KiB would be a large and a
 * tiny one. The cost of a call is lost in that of encryption, and no more than
 * this waits inside libp2p when the remote stops reading.
 */
export const MAX_WRITE_BYTES = 65_535 - 16 - 12

/**
 * How long a remote may leave us unable to write, in milliseconds, before the
 * stream is given up. Longer than the 15 s in which a dead connection is
 * noticed, so that what is cut here is a live peer that does not read.
 */
export const WRITE_STALL_TIMEOUT_MS = 60_000

/** Bytes both ways, each way with real backpressure and a hard bound. */
export interface ByteDuplex {
  /**
   * Ends when the remote has ended its half and everything is read.
   *
   * The remote is held back while the reader does not ask for more: at most
   * {@link MAX_HELD_BYTES} are held of a remote that keeps to Yamux. Leaving
   * early keeps it held back; then close or abort the stream.
   *
   * @throws {StreamLostError} when the stream is reset, aborted, or its connection closes before the remote's end
   */
  readonly source: AsyncGenerator<Uint8ArrayList>

  /**
   * Writes everything, waits whenever the stream is full, and closes the write
   * half at the end. Resolves when all was handed to the connection, which does
   * not mean that the remote has it. When it rejects the stream is aborted.
   *
   * @throws {StreamLostError} when the stream is lost
   * @throws {DeadlineError} of stage `write` or `close` when the remote lets nothing through for `stallTimeoutMs`
   * @throws whatever `source` throws
   */
  sink(source: AsyncIterable<Uint8Array | Uint8ArrayList>): Promise<void>
}

export interface StreamDuplexOptions {
  /** Aborts the stream, and with it both directions. */
  readonly signal?: AbortSignal | undefined
  /** How long the remote may let nothing through, in milliseconds. Default {@link WRITE_STALL_TIMEOUT_MS}. */
  readonly stallTimeoutMs?: number | undefined
}

/**
 * Takes over a stream: from here on only the duplex reads and writes it. Works on a
 * stream that has received bytes, or has ended, before. The bound holds for
 * streams of a connection made with {@link boundedYamux}.
 *
 * @example
 * const duplex = streamDuplex(stream)
 * await pipe(duplex.source, decodeFrames({ maxFrameBytes }), answer, encodeFrames({ maxFrameBytes }), duplex.sink)
 */
export function streamDuplex(stream: Stream, options: StreamDuplexOptions = {}): ByteDuplex {
  const readHalf = new ReadHalf(stream)
  const writeHalf = new WriteHalf(stream, options.stallTimeoutMs ?? WRITE_STALL_TIMEOUT_MS)
  abortWith(stream, options.signal)
  return {
    source: readHalf.source(),
    sink: (source) => writeHalf.sink(source)
  }
}

function abortWith(stream: Stream, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const unlisten = onAbort(signal, () => stream.abort(toError(signal.reason)))
  onClosed(stream, unlisten)
}

/**
 * The reading half: a pull source with a hard bound. libp2p pushes; this pauses
 * the stream whenever its reader is not asking, so that the remote is held back
 * by Yamux's window.
 *
 * Three things about libp2p 3 shape it:
 * - `resume()` first dispatches what was buffered and then tells Yamux to go on,
 *   so a `pause()` made inside that dispatch is undone: it waits for a microtask.
 * - `remoteCloseWrite` fires while unread bytes still lie in the stream: the end
 *   is the end only when the queue and the stream are both empty.
 * - an exception in a listener ends the process: listeners here only note facts.
 */
class ReadHalf {
  readonly #stream: Stream
  #queue = new Uint8ArrayList()
  /** How often something was put on the queue since it was empty. */
  #pieces = 0
  #remoteEnded: boolean
  #lost: StreamLostError | undefined
  #wake: (() => void) | undefined

  constructor(stream: Stream) {
    this.#stream = stream
    this.#lost = lossOf(stream, 'read')
    this.#remoteEnded = this.#lost === undefined && stream.remoteWriteStatus === 'closed'
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteEnd)
    stream.addEventListener('message', this.#onMessage)
  }

  /** Everything that has arrived, one list at a time. Bytes that came before a loss are yielded before it is thrown. */
  async *source(): AsyncGenerator<Uint8ArrayList> {
    try {
      for (;;) {
        if (this.#queue.byteLength > 0) {
          const taken = this.#queue
          this.#queue = new Uint8ArrayList()
          this.#pieces = 0
          yield taken
        } else if (this.#stream.readStatus === 'paused' && this.#stream.readBufferLength > 0) {
          this.#resume()
        } else if (this.#isOver()) {
          if (this.#lost !== undefined) {
            throw this.#lost
          }
          return
        } else {
          if (this.#stream.readStatus === 'paused') {
            this.#resume()
          }
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
          this.#wake = undefined
        }
      }
    } finally {
      this.#detach()
    }
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#queue.append(event.data)
    this.#pieces += 1
    // A read may bring thousands of tiny frames before the pause takes effect.
    if (this.#pieces >= MAX_UNREAD_PIECES) {
      this.#queue = new Uint8ArrayList(this.#queue.slice())
      this.#pieces = 1
    }
    queueMicrotask(this.#pause)
    this.#wake?.()
  }

  readonly #onRemoteEnd = (): void => {
    this.#remoteEnded = true
    this.#wake?.()
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    this.#lost ??= lossOnClose(event, 'read', this.#remoteEnded)
    if (this.#lost?.loss === 'aborted') {
      this.#queue = new Uint8ArrayList()
    }
    this.#wake?.()
  }

  readonly #pause = (): void => {
    if (this.#stream.readStatus === 'readable') {
      this.#stream.pause()
    }
  }

  #resume(): void {
    try {
      this.#stream.resume()
    } catch (error) {
      // The buffered bytes have been dispatched; only telling a muxer that is gone has failed.
      this.#stream.log('could not tell the muxer to go on - %e', toError(error))
    }
  }

  /** Nothing more will come, neither from the remote nor from the stream's own buffer. */
  #isOver(): boolean {
    const { readStatus, readBufferLength } = this.#stream
    const isReadable = readStatus === 'readable' || readStatus === 'paused'
    return (this.#remoteEnded || this.#lost !== undefined || !isReadable) && !(isReadable && readBufferLength > 0)
  }

  /** A reader that left early leaves the stream paused: the remote is held back until the stream is ended. */
  #detach(): void {
    if (!this.#isOver()) {
      this.#pause()
    }
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onRemoteEnd)
    this.#stream.removeEventListener('close', this.#onClose)
  }
}

/**
 * The writing half: a sink that obeys the stream. When `send()` says false it
 * waits for `drain`, so that no more than one piece waits inside libp2p.
 *
 * It listens for `drain` itself: `stream.onDrain()` keeps its first promise for
 * ever and never holds back from the second call on.
 */
class WriteHalf {
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
    // In equal parts, so that none is tiny.
    const parts = Math.ceil(bytes.byteLength / MAX_WRITE_BYTES)
    const partBytes = Math.ceil(bytes.byteLength / parts)
    for (let offset = 0; offset < bytes.byteLength; offset += partBytes) {
      const end = Math.min(offset + partBytes, bytes.byteLength)
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
