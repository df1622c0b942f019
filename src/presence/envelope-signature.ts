// The signature of a libp2p envelope: made by a key, and checked. A directory has thousands to check, and libsodium, where
// its prebuilt package is installed, takes a third of the time for one. Bytes and verdicts are always libp2p's.
import type { PrivateKey } from '@libp2p/interface'
import { RecordEnvelope } from '@libp2p/peer-record'
import { createRequire } from 'node:module'

type Signed = Pick<RecordEnvelope, 'payloadType' | 'payload' | 'signature' | 'publicKey' | 'validate'>

/** What is sealed: bytes of one kind, named by its domain and its type. */
interface Sealed {
  readonly domain: string
  readonly codec: Uint8Array
  readonly payload: Uint8Array
}

/** The functions used of sodium-native, which has no types. They throw for a signature or key of another length. */
interface Sodium {
  crypto_sign_detached(intoSignature: Uint8Array, message: Uint8Array, seedAndPublicKey: Uint8Array): void
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
}

const SIGNATURE_BYTES = 64

const sodium = load()

export async function sealEnvelope(
  { domain, codec, payload }: Sealed,
  privateKey: PrivateKey
): Promise<RecordEnvelope> {
  if (sodium === undefined || privateKey.type !== 'Ed25519') {
    return RecordEnvelope.seal({ domain, codec, marshal: () => payload, equals: () => false }, privateKey)
  }
  const signature = new Uint8Array(SIGNATURE_BYTES)
  sodium.crypto_sign_detached(signature, signedBytes(domain, codec, payload), privateKey.raw)
  return new RecordEnvelope({ publicKey: privateKey.publicKey, payloadType: codec, payload, signature })
}

/** @throws what libp2p throws for a key or a signature that can't be used; the signal's reason when it is aborted */
export async function isSignedFor(domain: string, envelope: Signed, signal?: AbortSignal): Promise<boolean> {
  signal?.throwIfAborted()
  // libsodium may refuse more, such as keys of small order, and never less. Nodes with it and without must agree, so
  // libp2p decides about all that it refuses.
  if (sodium !== undefined && isSignedBySodium(sodium, domain, envelope)) return true
  return envelope.validate(domain, signal === undefined ? {} : { signal })
}

function isSignedBySodium(by: Sodium, domain: string, { publicKey, signature, payloadType, payload }: Signed): boolean {
  if (publicKey.type !== 'Ed25519' || signature.byteLength !== SIGNATURE_BYTES) return false
  return by.crypto_sign_verify_detached(signature, signedBytes(domain, payloadType, payload.subarray()), publicKey.raw)
}

/**
 * What an envelope's signature covers: domain, type and payload, each after its length.
 *
 * @see https://github.com/libp2p/specs/blob/master/RFC/0002-signed-envelopes.md#signature-production-and-verification
 */
function signedBytes(domain: string, payloadType: Uint8Array, payload: Uint8Array): Uint8Array {
  const parts = [Buffer.from(domain), payloadType, payload]
  return Buffer.concat(parts.flatMap((part) => [unsignedVarint(part.byteLength), part]))
}

function unsignedVarint(value: number): Uint8Array {
  const bytes: number[] = []
  let left = value
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  return Uint8Array.of(...bytes, left)
}

/** @returns undefined where there is none for this machine, or it was left out when Parley was installed */
function load(): Sodium | undefined {
  try {
    return createRequire(import.meta.url)('sodium-native') as Sodium
  } catch {
    return undefined
  }
}
