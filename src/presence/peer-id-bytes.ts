// Peer IDs as the frames of every protocol hold them: the bytes of their multihash. It
// accepts the two multihashes that libp2p makes peer IDs of.
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

/** @returns the same peer ID in memory of its own: the peer ID of a key shares the memory of the bytes it was read from */
export function unsharedPeerId(peer: PeerId): PeerId {
  return decodePeerId(encodePeerId(peer)) ?? peer
}

/** @returns undefined when the bytes are no peer ID */
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
