// The number by which two people check that nobody intercepts their connection: 60
// digits made of both identities, the same on both screens. Pure, and exactly as
// docs/spec/safety-number.md says, so that other programs can compute it too.
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'
import { createHash } from 'node:crypto'

/**
 * Rounds of SHA-512 behind each half of a safety number, as Signal's fingerprints have: they make a search for a key
 * with the same 30 digits 5200 times as long (2^112 hashes in place of 2^100), and take a few milliseconds here.
 */
export const SAFETY_NUMBER_ROUNDS = 5_200

/** Keeps it apart from all other uses of the hash. */
const domain = 'parley safety number'
/** Changes with the algorithm. */
const version = 1
const groupsPerSide = 6
const bytesPerGroup = 5
const digitsPerGroup = 5

/**
 * The number of two peers, as twelve groups of five digits. Their order does not matter.
 *
 * @param a a peer ID, as text
 * @param b another one
 */
export function safetyNumber(a: string, b: string): readonly string[] {
  const sides = [fingerprint(a), fingerprint(b)].toSorted((one, other) => (one.join('') < other.join('') ? -1 : 1))
  return sides.flat()
}

/** One side's half of the number. */
function fingerprint(peer: string): readonly string[] {
  const identity = identityBytes(peer)
  let hash = sha512(Buffer.from(domain, 'ascii'), Uint8Array.of(version), identity)
  for (let round = 1; round < SAFETY_NUMBER_ROUNDS; round++) hash = sha512(hash, identity)
  return Array.from({ length: groupsPerSide }, (_, index) => {
    const value = hash.readUIntBE(index * bytesPerGroup, bytesPerGroup)
    return String(value % 10 ** digitsPerGroup).padStart(digitsPerGroup, '0')
  })
}

/** The key itself if the peer ID holds it; for an RSA key its SHA-256, which the ID holds. */
function identityBytes(peer: string): Uint8Array {
  const id = peerIdFromString(peer)
  switch (id.type) {
    case 'Ed25519':
      return id.publicKey.raw
    case 'secp256k1':
      return publicKeyToProtobuf(id.publicKey)
    default:
      return id.toMultihash().bytes
  }
}

function sha512(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
