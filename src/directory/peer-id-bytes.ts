// Peer IDs as they stand in frames: the bytes of their multihash. Knows the two
// multihashes that libp2p makes peer IDs of, and refuses any other.
import { peerIdFromMultihash } from '@libp2p/peer-id'
import type { PeerId } from '@libp2p/interface'

/** Multihash codes: the key itself (Ed25519, secp256k1) and the hash of a long key (RSA). */
const IDENTITY = 0x00
const SHA2_256 = 0x12
/** The longest peer ID: an inline key of at most 42 bytes. */
const MAX_DIGEST_BYTES = 64

/** @returns the multihash of a peer ID */
export function encodePeerId(peer: PeerId): Uint8Array<ArrayBuffer> {
  return new Uint8Array(peer.toMultihash().bytes)
}

/** @returns the same peer ID in memory of its own: the one that a key gives shares the memory that the key came in */
export function unsharedPeerId(peer: PeerId): PeerId {
  return decodePeerId(encodePeerId(peer)) ?? peer
}

/** @returns the peer ID, or undefined when these bytes are none */
export function decodePeerId(bytes: Uint8Array): PeerId | undefined {
  const [code, sizeBytes] = bytes
  if (sizeBytes === undefined || sizeBytes > MAX_DIGEST_BYTES || bytes.byteLength !== sizeBytes + 2) return undefined
  const own = bytes.slice()
  try {
    if (code === IDENTITY) return peerIdFromMultihash({ code, size: sizeBytes, digest: own.subarray(2), bytes: own })
    if (code === SHA2_256) return peerIdFromMultihash({ code, size: sizeBytes, digest: own.subarray(2), bytes: own })
  } catch {
    // An inline key that is no key: not a peer ID.
  }
  return undefined
}
