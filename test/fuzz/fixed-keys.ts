/** Keys that are the same in every run, so that an input means the same; made at once, as a bundle cannot wait. */
import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'

/** The DER of an Ed25519 private key up to its 32 bytes (RFC 8410). */
const derPrefix = Buffer.from('302e020100300506032b657004220420', 'hex')
/** And of the public key. */
const publicDerBytes = 12

/** The same number gives the same key. */
export function fixedKey(n: number): PrivateKey {
  const seed = Buffer.alloc(32, n)
  const der = createPrivateKey({ key: Buffer.concat([derPrefix, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(der).export({ format: 'der', type: 'spki' })
  return privateKeyFromRaw(new Uint8Array(Buffer.concat([seed, spki.subarray(publicDerBytes)])))
}
