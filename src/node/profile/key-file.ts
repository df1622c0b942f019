// The bytes of an identity key at rest, with a passphrase or without one, as
// docs/spec/key-file.md specifies them. It knows no folder and no terminal.
import { privateKeyFromProtobuf, privateKeyToProtobuf, publicKeyFromRaw } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { argon2, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { WrongPassphraseError, ParleyError } from '../api/errors.ts'
import { lockedKeyMagic } from './profile-preview.ts'
import { exitCodes } from '../api/exit-codes.ts'

/** A new passphrase that is too short, or too long. */
export class PassphraseUnusableError extends ParleyError {
  override readonly name = 'PassphraseUnusableError'
  override readonly exitCode = exitCodes.usage
}

/**
 * Argon2id behind the passphrase of an identity key: the second recommended choice of RFC 9106 §4, for machines without
 * gigabytes to spare. A guess takes about 130 ms and 64 MiB here, and no less memory on an attacker's hardware.
 */
export const KEY_DERIVATION = { memoryKib: 65_536, passes: 3, lanes: 4 } as const

/** What the header of a key file may ask for: another machine may have written it, and must not fill this one's memory. */
export const MAX_KEY_DERIVATION = { memoryKib: 262_144, passes: 12, lanes: 16 } as const

/** A protected Ed25519 key has 165 bytes; an RSA key of 8192 bits, which libp2p reads too, less than 5 KB. */
const MAX_KEY_FILE_BYTES = 16 * 1024

/** NIST SP 800-63B allows no fewer. */
export const MIN_PASSPHRASE_CHARACTERS = 8

/** Longer than people type; input from a file descriptor must have an end, too. */
const MAX_PASSPHRASE_BYTES = 1024

/** An identity as its file holds it. */
export type StoredKey =
  | { readonly state: 'open'; readonly peer: string; readonly key: PrivateKey }
  | {
      readonly state: 'locked'
      readonly peer: string
      /** @throws WrongPassphraseError */
      unlock(passphrase: string): Promise<PrivateKey>
    }

/** The file holds no key that this program can read. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
}

const magic = lockedKeyMagic
const version = 1
const cipher = 'chacha20-poly1305'
const sizes = { publicKey: 32, salt: 16, nonce: 12, tag: 16, key: 32 } as const
/** Magic, version, memory, passes, lanes, public key, salt, nonce. */
const headerBytes = magic.length + 1 + 4 + 4 + 1 + sizes.publicKey + sizes.salt + sizes.nonce

interface Derivation {
  readonly memoryKib: number
  readonly passes: number
  readonly lanes: number
}

interface Header extends Derivation {
  readonly publicKey: Uint8Array
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
}

const derive = promisify(argon2)

/** The file without a passphrase: libp2p's protobuf of a private key. */
export function encodeOpenKey(key: PrivateKey): Uint8Array {
  return privateKeyToProtobuf(key)
}

/**
 * The file with a passphrase. Salt and nonce are new each time.
 *
 * @param derivation what a guess at the passphrase costs
 * @throws PassphraseUnusableError
 */
export async function encodeLockedKey(
  key: PrivateKey,
  passphrase: string,
  derivation: Derivation = KEY_DERIVATION
): Promise<Uint8Array> {
  if (key.type !== 'Ed25519') throw new KeyFileError(`a key of the type ${key.type} can't be protected`)
  checkPassphrase(passphrase)
  const salt = randomBytes(sizes.salt)
  const nonce = randomBytes(sizes.nonce)
  const header = encodeHeader({ ...derivation, publicKey: key.publicKey.raw, salt, nonce })
  const secret = await deriveKey(passphrase, salt, derivation)
  const sealer = createCipheriv(cipher, secret, nonce, { authTagLength: sizes.tag })
  const plain = encodeOpenKey(key)
  sealer.setAAD(header, { plaintextLength: plain.length })
  const sealed = Buffer.concat([sealer.update(plain), sealer.final()])
  secret.fill(0)
  return Buffer.concat([header, sealed, sealer.getAuthTag()])
}

/** @throws KeyFileError for what is neither form */
export function decodeKeyFile(bytes: Uint8Array): StoredKey {
  if (bytes.length > MAX_KEY_FILE_BYTES) {
    throw new KeyFileError(`it has ${bytes.length} bytes, and a key file at most ${MAX_KEY_FILE_BYTES}`)
  }
  if (!magic.equals(bytes.subarray(0, magic.length))) return decodeOpenKey(bytes)
  const header = decodeHeader(bytes)
  const peer = peerIdFromPublicKey(publicKeyFromRaw(header.publicKey)).toString()
  const kept = Buffer.from(bytes)
  return { state: 'locked', peer, unlock: async (passphrase) => unlock(kept, header, peer, passphrase) }
}

/** @throws PassphraseUnusableError saying what is wrong with it */
export function checkPassphrase(passphrase: string): void {
  const characters = Array.from(normalised(passphrase)).length
  if (characters < MIN_PASSPHRASE_CHARACTERS) {
    const has = characters === 0 ? 'is empty' : `has ${characters} ${characters === 1 ? 'character' : 'characters'}`
    throw new PassphraseUnusableError(
      `the passphrase ${has} and needs at least ${MIN_PASSPHRASE_CHARACTERS}: four or five random words are good`
    )
  }
  const bytes = Buffer.byteLength(normalised(passphrase))
  if (bytes > MAX_PASSPHRASE_BYTES) {
    throw new PassphraseUnusableError(`the passphrase has ${bytes} bytes, and may have ${MAX_PASSPHRASE_BYTES}`)
  }
}

function decodeOpenKey(bytes: Uint8Array): StoredKey {
  try {
    const key = privateKeyFromProtobuf(bytes)
    return { state: 'open', key, peer: peerIdFromPrivateKey(key).toString() }
  } catch (error) {
    throw new KeyFileError('it holds no private key', { cause: error })
  }
}

async function unlock(bytes: Buffer, header: Header, peer: string, passphrase: string): Promise<PrivateKey> {
  const secret = await deriveKey(passphrase, header.salt, header)
  const opener = createDecipheriv(cipher, secret, header.nonce, { authTagLength: sizes.tag })
  secret.fill(0)
  const sealed = bytes.subarray(headerBytes, -sizes.tag)
  opener.setAAD(bytes.subarray(0, headerBytes), { plaintextLength: sealed.length })
  opener.setAuthTag(bytes.subarray(-sizes.tag))
  let plain: Buffer
  try {
    plain = Buffer.concat([opener.update(sealed), opener.final()])
  } catch (error) {
    throw new WrongPassphraseError(
      'wrong passphrase (or the key file is damaged): try again, or put the file back from a backup',
      { cause: error }
    )
  }
  const key = privateKeyFromProtobuf(plain)
  plain.fill(0)
  if (peerIdFromPrivateKey(key).toString() !== peer) throw new KeyFileError('it holds the key of another peer')
  return key
}

/** A passphrase typed on another keyboard or system is the same one: RFC 8265, OpaqueString. */
function normalised(passphrase: string): string {
  return passphrase.replace(/\p{Zs}/gu, ' ').normalize('NFC')
}

async function deriveKey(passphrase: string, salt: Uint8Array, derivation: Derivation): Promise<Buffer> {
  const message = Buffer.from(normalised(passphrase), 'utf8')
  try {
    return await derive('argon2id', {
      message,
      nonce: salt,
      parallelism: derivation.lanes,
      tagLength: sizes.key,
      memory: derivation.memoryKib,
      passes: derivation.passes
    })
  } finally {
    message.fill(0)
  }
}

function encodeHeader({ memoryKib, passes, lanes, publicKey, salt, nonce }: Header): Buffer {
  const numbers = Buffer.alloc(10)
  numbers.writeUInt8(version, 0)
  numbers.writeUInt32BE(memoryKib, 1)
  numbers.writeUInt32BE(passes, 5)
  numbers.writeUInt8(lanes, 9)
  return Buffer.concat([magic, numbers, publicKey, salt, nonce])
}

function decodeHeader(bytes: Uint8Array): Header {
  if (bytes.length <= headerBytes + sizes.tag) throw new KeyFileError('it ends within its header')
  const all = Buffer.from(bytes)
  const numbers = all.subarray(magic.length)
  const found = numbers.readUInt8(0)
  if (found !== version) {
    throw new KeyFileError(`it has the format ${found}, and this Parley reads ${version}: a newer Parley may read it`)
  }
  const memoryKib = numbers.readUInt32BE(1)
  const passes = numbers.readUInt32BE(5)
  const lanes = numbers.readUInt8(9)
  const most = MAX_KEY_DERIVATION
  // Argon2 wants 8 KiB for each lane (RFC 9106 §3.1).
  const isUsable =
    lanes >= 1 &&
    lanes <= most.lanes &&
    passes >= 1 &&
    passes <= most.passes &&
    memoryKib >= 8 * lanes &&
    memoryKib <= most.memoryKib
  if (!isUsable) {
    throw new KeyFileError(`its key derivation (${memoryKib} KiB, ${passes} passes, ${lanes} lanes) is out of bounds`)
  }
  let at = magic.length + 10
  const take = (size: number): Buffer => all.subarray(at, (at += size))
  return {
    memoryKib,
    passes,
    lanes,
    publicKey: take(sizes.publicKey),
    salt: take(sizes.salt),
    nonce: take(sizes.nonce)
  }
}
