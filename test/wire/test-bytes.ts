/** A long reproducible run of bytes without two like pieces, and its fingerprint. */

import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import type { Uint8ArrayList } from 'uint8arraylist'

const PIECE_BYTES = 64 * 1024

/** Pieces that together are `totalBytes` long. Each is new memory: libp2p keeps what it was given until it is sent. */
export function* testBytes(totalBytes: number): Generator<Uint8Array> {
  for (let sentBytes = 0; sentBytes < totalBytes; sentBytes += PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, totalBytes - sentBytes)).fill(sentBytes / PIECE_BYTES)
    const stamp = new TextEncoder().encode(`at ${sentBytes} `)
    piece.set(stamp.subarray(0, piece.length))
    yield piece
  }
}

export function fingerprintOf(totalBytes: number): string {
  const hash = createHash('sha256')
  for (const piece of testBytes(totalBytes)) {
    hash.update(piece)
  }
  return hash.digest('hex')
}

export function addTo(hash: Hash, bytes: Uint8ArrayList): void {
  for (const piece of bytes) {
    hash.update(piece)
  }
}
