// The cryptography of Noise by libsodium, where its prebuilt package is
// installed: a handshake takes a tenth of the time in it, and what people write to
// one another a third. Knows the five primitives and nothing of the handshake.
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'
import { hkdfSync, randomBytes } from 'node:crypto'
import { createRequire } from 'node:module'
import { JOIN_UP_TO_BYTES } from './lean-sends.ts'
import { lendBuffer } from './spare-buffers.ts'

/** Messages of Noise from this size on are opened where they were read: a fresh buffer for each costs as much as opening. */
export const OPEN_IN_PLACE_FROM_BYTES = 16 * 1024

/** The functions used of sodium-native, which has no types: results go into the first argument. */
export interface Sodium {
  crypto_hash_sha256(into: Uint8Array, input: Uint8Array): void
  crypto_scalarmult_base(intoPublicKey: Uint8Array, privateKey: Uint8Array): void
  crypto_scalarmult(intoShared: Uint8Array, privateKey: Uint8Array, publicKey: Uint8Array): void
  crypto_aead_chacha20poly1305_ietf_encrypt(
    into: Uint8Array,
    plaintext: Uint8Array,
    associated: Uint8Array | null,
    none: null,
    nonce: Uint8Array,
    key: Uint8Array
  ): number
  /** @throws when it was not sealed with this key, nonce and associated bytes */
  crypto_aead_chacha20poly1305_ietf_decrypt(
    into: Uint8Array,
    none: null,
    ciphertext: Uint8Array,
    associated: Uint8Array | null,
    nonce: Uint8Array,
    key: Uint8Array
  ): number
}

const KEY_BYTES = 32
/** What sealing adds to each message: the tag of Poly1305. */
export const TAG_BYTES = 16

/** @returns undefined where there is none for this machine, or it was left out when Parley was installed */
export function loadSodium(): Sodium | undefined {
  try {
    // The package has no types; these are the functions that it documents.
    return createRequire(import.meta.url)('sodium-native') as Sodium
  } catch {
    // It is optional: Noise brings an implementation of its own.
    return undefined
  }
}

/** For `noise({ crypto })`; its messages are the same as without. */
export function sodiumCrypto(sodium: Sodium): ICryptoInterface {
  const generateX25519KeyPairFromSeed: ICryptoInterface['generateX25519KeyPairFromSeed'] = (privateKey) => {
    const publicKey = new Uint8Array(KEY_BYTES)
    sodium.crypto_scalarmult_base(publicKey, privateKey)
    return { publicKey, privateKey }
  }
  return {
    hashSHA256: (input) => {
      const hash = new Uint8Array(KEY_BYTES)
      sodium.crypto_hash_sha256(hash, input.subarray())
      return hash
    },
    getHKDF: (chainingKey, input) => {
      const keys = new Uint8Array(hkdfSync('sha256', input, chainingKey, '', 3 * KEY_BYTES))
      return [
        keys.subarray(0, KEY_BYTES),
        keys.subarray(KEY_BYTES, 2 * KEY_BYTES),
        keys.subarray(2 * KEY_BYTES, 3 * KEY_BYTES)
      ]
    },
    generateX25519KeyPair: () => generateX25519KeyPairFromSeed(randomBytes(KEY_BYTES)),
    generateX25519KeyPairFromSeed,
    generateX25519SharedKey: (privateKey, publicKey) => {
      const shared = new Uint8Array(KEY_BYTES)
      sodium.crypto_scalarmult(shared, privateKey.subarray(), publicKey.subarray())
      return shared
    },
    chaCha20Poly1305Encrypt: (plaintext, nonce, associated, key) => {
      const sealed = roomFor(plaintext.byteLength + TAG_BYTES)
      let filled = 0
      for (const bytes of plaintext instanceof Uint8Array ? [plaintext] : plaintext) {
        sealed.set(bytes, filled)
        filled += bytes.byteLength
      }
      // In place, as libsodium allows.
      const text = sealed.subarray(0, filled)
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, text, orNull(associated), null, nonce, key)
      return sealed
    },
    chaCha20Poly1305Decrypt: (ciphertext, nonce, associated, key) => {
      const bytes = ciphertext.subarray()
      // One failure for all: too short is as forged as the rest.
      if (bytes.byteLength < TAG_BYTES) throw new RangeError(`${bytes.byteLength} bytes hold no tag of ${TAG_BYTES}`)
      const textBytes = bytes.byteLength - TAG_BYTES
      // A handshake, which has associated bytes, still needs what it has opened. What is small is not left where it
      // was read, nor put into the pool of small buffers: a record that is kept would keep all of its neighbours there.
      const isInPlace = associated.byteLength === 0 && bytes.byteLength >= OPEN_IN_PLACE_FROM_BYTES
      const opened = isInPlace ? bytes.subarray(0, textBytes) : Buffer.allocUnsafeSlow(textBytes)
      sodium.crypto_aead_chacha20poly1305_ietf_decrypt(opened, null, bytes, orNull(associated), nonce, key)
      return opened
    }
  }
}

function roomFor(bytes: number): Uint8Array {
  return bytes > JOIN_UP_TO_BYTES ? lendBuffer(bytes) : Buffer.allocUnsafe(bytes)
}

function orNull(associated: Uint8Array): Uint8Array | null {
  return associated.byteLength === 0 ? null : associated
}
