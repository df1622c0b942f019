/**
 * The one loop for a peer's frames: drives both directions through it-pipe until
 * both have ended or one has failed. The codec gives the bytes their meaning and
 * the caller gives the frames theirs; this knows only order, backpressure and time.
 */

import type { Stream } from '@libp2p/interface'
import { pipe } from 'it-pipe'
import type { Uint8ArrayList } from 'uint8arraylist'
import { streamDuplex } from './duplex.ts'
import type { ByteDuplex } from './duplex.ts'
import { DeadlineError, toError } from './errors.ts'
import type { Stage } from './errors.ts'
import type { FrameQueue } from './frame-queue.ts'
import { decodeFrames, joinFrames } from './frames.ts'

/**
 * How long a remote may be silent without closing its half after we have closed
 * ours, in milliseconds. A stream is only freed when both halves are closed.
 */
const CLOSE_TIMEOUT_MS = 10_000

/** Turns frames into what they mean and back. What `decode` throws ends the stream. */
export interface FrameCodec<In, Out> {
  /** Undefined for a frame of a kind that is not known: it is skipped. */
  decode(frame: Uint8Array): In | undefined
  encode(frame: Out): Uint8Array
}

/**
 * A codec that writes a whole batch itself, with the length of each frame before it: cheaper than a frame at a time. Of
 * several pieces each is written alone.
 */
export interface BatchCodec<In, Out> extends Pick<FrameCodec<In, Out>, 'decode'> {
  encodeBatch(batch: readonly Out[]): Uint8Array | readonly Uint8Array[]
}

/** Bytes both ways, and how to cut them. */
interface FrameCarrier {
  readonly source: AsyncIterable<Uint8ArrayList>
  readonly sink: ByteDuplex['sink']
  abort(error: Error): void
}

export interface DriveFramesInit<In, Out> {
  readonly carrier: FrameCarrier
  readonly codec: FrameCodec<In, Out> | BatchCodec<In, Out>
  /** What goes out. The caller ends it; then this side's half is closed. */
  readonly outgoing: FrameQueue<Out>
  /**
   * Awaited before more is read: that is the backpressure. Never called twice
   * at once, never with an empty batch. It should not wait for room in
   * `outgoing` without end: two sides that do so wait for each other.
   */
  onFrames(batch: In[]): Promise<void>
  /**
   * The remote has ended its half and all its frames were handled. Without it
   * `outgoing` is ended then, so that what is queued still goes out and the
   * stream is freed; with it, ending `outgoing` is the caller's part.
   */
  onRemoteEnd?: (() => void) | undefined
  /** The largest frame either way, in bytes. */
  readonly maxFrameBytes: number
  /** How long the first known frame may take, in milliseconds. Without it the remote may stay silent. */
  readonly firstFrameTimeoutMs?: number | undefined
  /**
   * How long the remote may be silent, in milliseconds, between our end and
   * its own. Default {@link CLOSE_TIMEOUT_MS}.
   */
  readonly closeTimeoutMs?: number | undefined
}

export interface RunFramesInit<In, Out> extends Omit<DriveFramesInit<In, Out>, 'carrier'> {
  readonly stream: Stream
  /** Aborts the stream. */
  readonly signal?: AbortSignal | undefined
  /** How long the remote may let nothing through, in milliseconds. Default {@link WRITE_STALL_TIMEOUT_MS}. */
  readonly stallTimeoutMs?: number | undefined
}

/** {@link driveFrames} over a stream that nothing has read yet. */
export async function runFrames<In, Out>(init: RunFramesInit<In, Out>): Promise<void> {
  const { stream, signal, stallTimeoutMs, ...rest } = init
  const { source, sink } = streamDuplex(stream, { signal, stallTimeoutMs })
  await driveFrames({ ...rest, carrier: { source, sink, abort: (error) => stream.abort(error) } })
}

/**
 * Resolves when both directions have ended cleanly. When anything fails the
 * carrier and `outgoing` are aborted, both directions are waited for, and it
 * rejects with the first failure: always an Error.
 *
 * @throws {WireError} of the class that names the failure of the stream
 * @throws whatever the codec or `onFrames` throws
 */
export async function driveFrames<In, Out>(init: DriveFramesInit<In, Out>): Promise<void> {
  const { carrier, codec, outgoing, maxFrameBytes } = init
  let failure: Error | undefined
  const fail = (thrown: unknown): void => {
    failure ??= toError(thrown)
    silence.clear()
    carrier.abort(failure)
    outgoing.abort(failure)
  }
  const silence = new SilenceTimer(fail)
  const closeTimeoutMs = init.closeTimeoutMs ?? CLOSE_TIMEOUT_MS
  let hasEnded = false
  let remoteHasEnded = false
  let isHandling = false

  const receive = async (): Promise<void> => {
    silence.start('hello', init.firstFrameTimeoutMs)
    await pipe(
      carrier.source,
      decodeFrames({ maxFrameBytes }),
      decodeWith(codec),
      async (batches: AsyncIterable<In[]>) => {
        for await (const batch of batches) {
          silence.clear()
          isHandling = true
          await init.onFrames(batch)
          isHandling = false
          if (hasEnded) {
            silence.start('close', closeTimeoutMs)
          }
        }
      }
    )
    remoteHasEnded = true
    silence.clear()
    if (init.onRemoteEnd === undefined) {
      outgoing.end()
    } else {
      init.onRemoteEnd()
    }
  }

  const send = async (): Promise<void> => {
    await pipe(outgoing, encodeWith(codec, maxFrameBytes), (source) => carrier.sink(source))
    hasEnded = true
    // Only a remote that we wait for is silent: not while its frames are being handled here.
    if (!remoteHasEnded && !isHandling && !silence.isAwaited) {
      silence.start('close', closeTimeoutMs)
    }
  }

  await Promise.all([receive().catch(fail), send().catch(fail)])
  silence.clear()
  if (failure !== undefined) {
    throw failure
  }
}

function decodeWith<In>(codec: Pick<FrameCodec<In, never>, 'decode'>) {
  return async function* (batches: AsyncIterable<Uint8Array[]>): AsyncGenerator<In[]> {
    for await (const batch of batches) {
      const frames: In[] = []
      try {
        for (const bytes of batch) {
          const frame = codec.decode(bytes)
          if (frame !== undefined) {
            frames.push(frame)
          }
        }
      } catch (error) {
        // What came before the bad frame counts, however the bytes were split into reads.
        if (frames.length > 0) {
          yield frames
        }
        throw error
      }
      if (frames.length > 0) {
        yield frames
      }
    }
  }
}

function encodeWith<Out>(
  codec: Pick<FrameCodec<never, Out>, 'encode'> | Pick<BatchCodec<never, Out>, 'encodeBatch'>,
  maxFrameBytes: number
) {
  return async function* (batches: AsyncIterable<Out[]>): AsyncGenerator<Uint8Array> {
    for await (const batch of batches) {
      if ('encodeBatch' in codec) {
        const written = codec.encodeBatch(batch)
        if (written instanceof Uint8Array) yield written
        else yield* written
      } else {
        yield joinFrames(
          batch.map((frame) => codec.encode(frame)),
          maxFrameBytes
        )
      }
    }
  }
}

/** One deadline at a time for a remote that should be saying something. */
class SilenceTimer {
  readonly #expire: (error: DeadlineError) => void
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(expire: (error: DeadlineError) => void) {
    this.#expire = expire
  }

  /** A deadline is running. */
  get isAwaited(): boolean {
    return this.#timer !== undefined
  }

  start(stage: Stage, timeoutMs: number | undefined): void {
    this.clear()
    if (timeoutMs !== undefined && timeoutMs !== Infinity) {
      this.#timer = setTimeout(() => this.#expire(new DeadlineError(stage, timeoutMs)), timeoutMs)
    }
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
