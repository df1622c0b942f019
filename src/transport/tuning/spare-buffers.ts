// Buffers for large messages on their way out, used again when they have been
// written. Left to the collector they would pile up to what V8 allows outside
// its heap, 64 MB, which a directory that has sent its rosters never gives back.
// And the pieces that Node cuts small buffers from. Knows nothing of what is in them.

/** A message of Noise, which is at most 65,535 bytes. */
export const SPARE_BUFFER_BYTES = 64 * 1024

/** Such buffers that are kept for the next messages: a megabyte, a few rosters under way. */
export const MAX_SPARE_BUFFERS = 16

const spare: Buffer[] = []
const lent = new WeakMap<ArrayBufferLike, Buffer>()

/** @returns bytes that hold anything; others may have them again once they are given back */
export function lendBuffer(bytes: number): Uint8Array {
  if (bytes > SPARE_BUFFER_BYTES) return Buffer.allocUnsafeSlow(bytes)
  const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(SPARE_BUFFER_BYTES)
  lent.set(buffer.buffer, buffer)
  return buffer.subarray(0, bytes)
}

/** For bytes that are no longer read. Bytes that were not lent, or were given back before, are left alone. */
export function giveBack(bytes: Uint8Array): void {
  const buffer = lent.get(bytes.buffer)
  if (buffer === undefined) return
  lent.delete(bytes.buffer)
  if (spare.length < MAX_SPARE_BUFFERS) spare.push(buffer)
}

/** Node cuts buffers of up to half of this from one piece. Its own 64 KiB are for programs that keep no small buffers. */
export const PIECE_BYTES = 8 * 1024

/**
 * For a process with thousands of connections: a peer ID or a record, which lives as long as its connection, keeps the
 * whole piece that it was cut from.
 */
export function cutFromSmallPieces(): void {
  Buffer.poolSize = PIECE_BYTES
}
