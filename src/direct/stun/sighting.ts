// Sightings: a directory's signed word at which public address and port it saw a peer's
// UDP socket. A reader of an address with its sighting knows that the peer was there, and
// has not just named a third party. Knows no packets and no sockets: see
// docs/spec/direct-1.0.0.md, section 2.
import { createHash } from 'node:crypto'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { ipBytes, IPV4_BYTES } from '../../wire/index.ts'

/** What stands in a request in place of the peer ID: half of a SHA-256 hash, as nobody gains by a collision with its own tag. */
export const SIGHTING_TAG_BYTES = 16

/** Random, of the peer that asks: it ties the sightings of one attempt together. */
export const SIGHTING_NONCE_BYTES = 16

/** The directory's time in milliseconds, of 64 bits. */
const TIME_BYTES = 8

/** Of the only kind of key that directories have (RFC 8032). */
const ED25519_SIGNATURE_BYTES = 64

/** The directory's time, and its signature. */
export const SIGHTING_PROOF_BYTES = TIME_BYTES + ED25519_SIGNATURE_BYTES

/**
 * Between two sightings of one attempt, by the directory's clock, in milliseconds: each side asks its directories at
 * most `LOOK_TIMEOUT_MS` long, and the relayed connection carries the offer within a few seconds at worst. A router
 * gives the port to another socket no sooner than after two minutes, as a rule (RFC 4787, 4.3).
 */
export const MAX_SIGHTING_AGE_MS = 10_000

/** Where a directory saw a peer, with its proof. */
export interface Sighting {
  readonly directory: PeerId
  /** The shortest notation of an IPv4 or IPv6 address. */
  readonly address: string
  readonly port: number
  /** {@link SIGHTING_PROOF_BYTES}: 8 of the directory's time in milliseconds, 64 of the Ed25519 signature. */
  readonly proof: Uint8Array
}

/** Whose sightings these are. */
export interface SightingOwner {
  readonly peer: PeerId
  /** {@link SIGHTING_NONCE_BYTES}, of the attempt. */
  readonly nonce: Uint8Array
}

const encoder = new TextEncoder()
const TAG_DOMAIN = encoder.encode('parley sighting tag\0')
const SIGHTING_DOMAIN = encoder.encode('parley sighting\0')

/** @returns {@link SIGHTING_TAG_BYTES} that stand for the peer in its requests, and mean nothing to a reader without the nonce */
export function sightingTag({ peer, nonce }: SightingOwner): Uint8Array {
  const hash = createHash('sha256').update(TAG_DOMAIN).update(peer.toMultihash().bytes).update(nonce)
  return new Uint8Array(hash.digest().subarray(0, SIGHTING_TAG_BYTES))
}

/** What a directory signs. */
export interface SightingClaim {
  readonly tag: Uint8Array
  /** By the directory's steady clock. */
  readonly timeMs: bigint
  readonly address: string
  readonly port: number
}

/**
 * @returns the proof
 * @throws TypeError where the address is none, or the key is not an Ed25519 key
 */
export async function signSighting(claim: SightingClaim, key: PrivateKey): Promise<Uint8Array> {
  const signed = signedBytes(claim)
  if (signed === undefined) throw new TypeError(`a sighting needs an IP address; ${claim.address} is not one`)
  const signature = await key.sign(signed)
  if (signature.byteLength !== ED25519_SIGNATURE_BYTES) throw new TypeError('sightings are signed with Ed25519 keys')
  const proof = new Uint8Array(SIGHTING_PROOF_BYTES)
  new DataView(proof.buffer).setBigUint64(0, claim.timeMs)
  proof.set(signature, TIME_BYTES)
  return proof
}

/** @returns whether the directory signed that it saw that owner there */
export async function isSigned(sighting: Sighting, owner: SightingOwner): Promise<boolean> {
  const { directory, address, port, proof } = sighting
  if (
    directory.type !== 'Ed25519' ||
    proof.byteLength !== SIGHTING_PROOF_BYTES ||
    owner.nonce.byteLength !== SIGHTING_NONCE_BYTES
  ) {
    return false
  }
  const signed = signedBytes({ tag: sightingTag(owner), timeMs: timeOf(proof), address, port })
  return signed !== undefined && directory.publicKey.verify(signed, proof.subarray(TIME_BYTES))
}

export interface VerifySightingInit extends SightingOwner {
  /** What the reader's directories have just said of the reader itself, and it has verified. */
  readonly own: readonly Sighting[]
}

/**
 * Whether the reader may send to where another peer says that it was seen: by a directory that the reader uses too, at
 * nearly the same time by that directory's clock.
 */
export async function verifySighting(sighting: Sighting, { own, ...owner }: VerifySightingInit): Promise<boolean> {
  if (sighting.proof.byteLength !== SIGHTING_PROOF_BYTES) return false
  const timeMs = timeOf(sighting.proof)
  const isRecent = own.some(({ directory, proof }) => {
    const apartMs = timeMs - timeOf(proof)
    return directory.equals(sighting.directory) && apartMs <= MAX_SIGHTING_AGE_MS && apartMs >= -MAX_SIGHTING_AGE_MS
  })
  return isRecent && (await isSigned(sighting, owner))
}

function timeOf(proof: Uint8Array): bigint {
  return new DataView(proof.buffer, proof.byteOffset, proof.byteLength).getBigUint64(0)
}

/** @returns undefined where the address is none */
function signedBytes({ tag, timeMs, address, port }: SightingClaim): Uint8Array | undefined {
  const ip = ipBytes(address)
  if (ip === undefined) return undefined
  const bytes = new Uint8Array(SIGHTING_DOMAIN.byteLength + SIGHTING_TAG_BYTES + TIME_BYTES + 1 + ip.byteLength + 2)
  const view = new DataView(bytes.buffer)
  let at = SIGHTING_DOMAIN.byteLength
  bytes.set(SIGHTING_DOMAIN)
  bytes.set(tag, at)
  at += SIGHTING_TAG_BYTES
  view.setBigUint64(at, timeMs)
  at += TIME_BYTES
  bytes[at++] = ip.byteLength === IPV4_BYTES ? 4 : 6
  bytes.set(ip, at)
  view.setUint16(at + ip.byteLength, port)
  return bytes
}
