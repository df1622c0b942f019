/**
 * The one adapter that makes a libp2p stream a bounded duplex for it-pipe.
 * libp2p 3's streams are not duplexes, and their own iterators neither hold a
 * remote back nor bound what it can make us keep. It knows no protocol.
 */

import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { onAbort } from '../lib/index.ts'
import { MAX_STREAM_WINDOW_BYTES } from './budgets.ts'
import { toError } from './errors.ts'
import { ReadHalf } from './read-half.ts'
import { WRITE_STALL_TIMEOUT_MS, WriteHalf } from './write-half.ts'

/**
 * The most that a bounded duplex holds of one stream, in bytes: one window that
 * was handed to the reader's queue and one that the remote may fill meanwhile.
 */
export const MAX_HELD_BYTES = 2 * MAX_STREAM_WINDOW_BYTES

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
  stream.addEventListener('close', unlisten, { once: true })
}
