/**
 * Length-prefixed frames as it-pipe transforms: an unsigned varint, then that
 * many bytes. Works in batches, so that a busy stream costs one step per read or
 * write and not one per frame. It does not know what is inside a frame.
 *
 * @see https://github.com/multiformats/unsigned-varint
 */

import { setImmediate as turn } from 'node:timers/promises'
import { Uint8ArrayList } from 'uint8arraylist'
import { FrameTooLargeError, WireError } from './errors.ts'

/** The remote ended its half in the middle of a frame. */
export class TruncatedFrameError extends WireError {
  override readonly name = 'TruncatedFrameError'
  readonly receivedBytes: number
  /** The announced size, or undefined when the end came within the length prefix. */
  readonly frameBytes: number | undefined

  constructor(receivedBytes: number, frameBytes: number | undefined) {
    const where =
      frameBytes === undefined
        ? `after ${receivedBytes} bytes of a length prefix`
        : `after ${receivedBytes} of ${frameBytes} bytes of a frame`
    super('read', `The remote ended the stream ${where}`)
    this.receivedBytes = receivedBytes
    this.frameBytes = frameBytes
  }
}

/** A length prefix is not a minimal unsigned varint of at most the allowed bytes. */
export class BadLengthPrefixError extends WireError {
  override readonly name = 'BadLengthPrefixError'

  constructor(detail: string) {
    super('read', `Bad length prefix: ${detail}; the remote does not speak length-prefixed frames`)
  }
}

/**
 * Bytes of an unsigned-varint length prefix. Nine is the limit of the
 * multiformats specification (63 bits).
 * @see https://github.com/multiformats/unsigned-varint#practical-maximum-of-9-bytes-for-security
 */
const MAX_LENGTH_PREFIX_BYTES = 9

/**
 * Frames handed on as one batch. An empty frame is one byte on the wire but an
 * object of some 100 bytes here: without this a full window of them would be a
 * million objects at once.
 */
export const MAX_FRAMES_PER_BATCH = 1024

/**
 * The first allocation for a frame that is still incomplete, in bytes. It grows
 * by doubling as bytes arrive, so that announcing a large frame costs nothing
 * to us until it is really sent.
 */
const FIRST_PARTIAL_BYTES = 4096

export interface FrameLimits {
  /** The largest payload of a frame, in bytes, without its length prefix. */
  readonly maxFrameBytes: number
}

export interface DecodeLimits extends FrameLimits {
  /** A frame over {@link FrameLimits.maxFrameBytes} and up to this is no error: it is skipped, as its length says. */
  readonly maxSkippedBytes?: number
  /** Called at the announcement of a frame that is skipped. */
  readonly onSkipped?: (sizeBytes: number) => void
}

/**
 * Bytes, split anywhere, to frames. Each batch holds the frames that one read
 * completed (at most {@link MAX_FRAMES_PER_BATCH}) and is never empty; after a
 * full one the event loop has a turn, as a window holds hundreds of thousands
 * of tiny frames. Frames may be views of the bytes that were read: copy what is
 * kept for long.
 *
 * Frames before a bad one are still yielded.
 *
 * @throws {FrameTooLargeError} at the announcement, before any byte of the frame is kept
 * @throws {BadLengthPrefixError} when a prefix is over-long
 * @throws {TruncatedFrameError} when the source ends within a frame
 */
export function decodeFrames(limits: DecodeLimits) {
  return async function* (
    source: AsyncIterable<Uint8Array | Uint8ArrayList> | Iterable<Uint8Array | Uint8ArrayList>
  ): AsyncGenerator<Uint8Array[]> {
    const assembler = new FrameAssembler(limits)
    let batch: Uint8Array[] = []
    for await (const chunk of source) {
      for (const bytes of chunk instanceof Uint8Array ? [chunk] : chunk) {
        let offset = 0
        while (offset < bytes.byteLength) {
          try {
            offset = assembler.read(bytes, offset, batch)
          } catch (error) {
            if (batch.length > 0) {
              yield batch
            }
            throw error
          }
          if (batch.length === MAX_FRAMES_PER_BATCH) {
            yield batch
            batch = []
            await turn()
          }
        }
      }
      if (batch.length > 0) {
        yield batch
        batch = []
      }
    }
    assembler.end()
  }
}

/**
 * Batches of frames to bytes, one write per batch.
 *
 * @throws {FrameTooLargeError} before anything of the batch is written
 */
export function encodeFrames(limits: FrameLimits) {
  return async function* (
    source: AsyncIterable<Uint8Array[]> | Iterable<Uint8Array[]>
  ): AsyncGenerator<Uint8ArrayList> {
    for await (const batch of source) {
      if (batch.length > 0) {
        yield new Uint8ArrayList(joinFrames(batch, limits.maxFrameBytes))
      }
    }
  }
}

/**
 * The batch in one piece of memory, as it is sent: many small writes cost far more than one copy.
 *
 * @throws {FrameTooLargeError}
 */
export function joinFrames(batch: readonly Uint8Array[], maxFrameBytes: number): Uint8Array {
  let totalBytes = 0
  for (const frame of batch) {
    if (frame.byteLength > maxFrameBytes) {
      throw new FrameTooLargeError('write', frame.byteLength, maxFrameBytes)
    }
    totalBytes += prefixBytesOf(frame.byteLength) + frame.byteLength
  }
  const joined = new Uint8Array(totalBytes)
  let offset = 0
  for (const frame of batch) {
    let rest = frame.byteLength
    while (rest >= 0x80) {
      joined[offset++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    joined[offset++] = rest
    joined.set(frame, offset)
    offset += frame.byteLength
  }
  return joined
}

function prefixBytesOf(sizeBytes: number): number {
  let bytes = 1
  for (let rest = sizeBytes; rest >= 0x80; rest = Math.floor(rest / 0x80)) {
    bytes++
  }
  return bytes
}

/** Puts frames together again from pieces of any size; holds at most one incomplete frame. */
class FrameAssembler {
  readonly #limits: DecodeLimits
  /** Bytes of the prefix read so far, their value, and the weight of the next byte. */
  #prefixBytes = 0
  #prefixValue = 0
  #prefixWeight = 1
  /** The frame that the prefix announced: undefined while the prefix is being read. */
  #frameBytes: number | undefined
  #partial = new Uint8Array(0)
  #partialBytes = 0
  /** The frame is over the limit: its bytes are counted and not kept. */
  #isSkipped = false

  constructor(limits: DecodeLimits) {
    this.#limits = limits
  }

  /** Reads up to the end of one frame, appends it to `batch` if it is complete, and returns the next offset. */
  read(bytes: Uint8Array, offset: number, batch: Uint8Array[]): number {
    let next = offset
    if (this.#frameBytes === undefined) {
      next = this.#readPrefix(bytes, next)
    }
    const frameBytes = this.#frameBytes
    if (frameBytes === undefined) {
      return next
    }
    const wanted = frameBytes - this.#partialBytes
    const end = Math.min(next + wanted, bytes.byteLength)
    if (this.#isSkipped) {
      this.#partialBytes += end - next
      if (this.#partialBytes === frameBytes) this.#startPrefix()
      return end
    }
    if (this.#partialBytes === 0 && end - next === wanted) {
      batch.push(bytes.subarray(next, end))
      this.#startPrefix()
      return end
    }
    this.#keep(bytes.subarray(next, end), frameBytes)
    if (this.#partialBytes === frameBytes) {
      batch.push(this.#partial.subarray(0, frameBytes))
      this.#partial = new Uint8Array(0)
      this.#startPrefix()
    }
    return end
  }

  /** @throws {TruncatedFrameError} when a frame has been begun. */
  end(): void {
    if (this.#frameBytes !== undefined) {
      throw new TruncatedFrameError(this.#partialBytes, this.#frameBytes)
    }
    if (this.#prefixBytes > 0) {
      throw new TruncatedFrameError(this.#prefixBytes, undefined)
    }
  }

  #startPrefix(): void {
    this.#prefixBytes = 0
    this.#prefixValue = 0
    this.#prefixWeight = 1
    this.#frameBytes = undefined
    this.#partialBytes = 0
    this.#isSkipped = false
  }

  #readPrefix(bytes: Uint8Array, offset: number): number {
    let next = offset
    while (next < bytes.byteLength) {
      const byte = bytes[next++] ?? 0
      this.#prefixBytes++
      this.#prefixValue += (byte & 0x7f) * this.#prefixWeight
      this.#prefixWeight *= 0x80
      if (byte < 0x80) {
        this.#checkPrefix(byte)
        this.#frameBytes = this.#prefixValue
        return next
      }
      if (this.#prefixBytes === MAX_LENGTH_PREFIX_BYTES) {
        throw new BadLengthPrefixError(`more than ${MAX_LENGTH_PREFIX_BYTES} bytes`)
      }
    }
    return next
  }

  #checkPrefix(lastByte: number): void {
    if (lastByte === 0 && this.#prefixBytes > 1) {
      throw new BadLengthPrefixError(`${this.#prefixBytes} bytes where fewer would do`)
    }
    const { maxFrameBytes, maxSkippedBytes = maxFrameBytes, onSkipped } = this.#limits
    if (this.#prefixValue > maxSkippedBytes) {
      throw new FrameTooLargeError('read', this.#prefixValue, maxSkippedBytes)
    }
    if (this.#prefixValue > maxFrameBytes) {
      this.#isSkipped = true
      onSkipped?.(this.#prefixValue)
    }
  }

  #keep(bytes: Uint8Array, frameBytes: number): void {
    const neededBytes = this.#partialBytes + bytes.byteLength
    if (neededBytes > this.#partial.byteLength) {
      const grownBytes = Math.max(neededBytes, 2 * this.#partial.byteLength, FIRST_PARTIAL_BYTES)
      const grown = new Uint8Array(Math.min(grownBytes, frameBytes))
      grown.set(this.#partial.subarray(0, this.#partialBytes))
      this.#partial = grown
    }
    this.#partial.set(bytes, this.#partialBytes)
    this.#partialBytes = neededBytes
  }
}
