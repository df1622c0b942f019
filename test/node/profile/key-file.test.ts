/** The bytes of a key file: docs/spec/key-file.md. */
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  KEY_DERIVATION,
  MAX_KEY_DERIVATION,
  MIN_PASSPHRASE_CHARACTERS,
  decodeKeyFile,
  encodeLockedKey,
  encodeOpenKey,
  KeyFileError,
  PassphraseUnusableError
} from '../../../src/node/profile/key-file.ts'
import { WrongPassphraseError } from '../../../src/node/api/errors.ts'

/** As cheap as Argon2 allows: what a guess costs is measured nowhere here. */
const cheap = { memoryKib: 32, passes: 1, lanes: 1 }
const passphrase = 'correct horse battery'
const key = await generateKeyPair('Ed25519')
const peer = peerIdFromPrivateKey(key).toString()

async function unlock(bytes: Uint8Array, phrase = passphrase): Promise<unknown> {
  const stored = decodeKeyFile(bytes)
  if (stored.state === 'open') return privateKeyToProtobuf(stored.key)
  return privateKeyToProtobuf(await stored.unlock(phrase))
}

describe('a key with a passphrase', () => {
  test('comes back with it, and only with it', async () => {
    const bytes = await encodeLockedKey(key, passphrase, cheap)
    expect(await unlock(bytes)).toEqual(privateKeyToProtobuf(key))
    await expect(unlock(bytes, `${passphrase}.`)).rejects.toThrow(WrongPassphraseError)
    await expect(unlock(bytes, '')).rejects.toThrow(WrongPassphraseError)
  })

  test('comes back with whatever passphrase is long enough', async () => {
    const phrases = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((text) => Array.from(text.normalize('NFC')).length >= MIN_PASSPHRASE_CHARACTERS)
    await fc.assert(
      fc.asyncProperty(phrases, async (phrase) => {
        expect(await unlock(await encodeLockedKey(key, phrase, cheap), phrase)).toEqual(privateKeyToProtobuf(key))
      }),
      { numRuns: 50 }
    )
  })

  test('tells whose it is while it is locked, and nothing of the key', async () => {
    const bytes = await encodeLockedKey(key, passphrase, cheap)
    expect(decodeKeyFile(bytes)).toMatchObject({ state: 'locked', peer })
    // libp2p keeps the seed in the first half of a private key; the second is the public key, which is no secret.
    expect(Buffer.from(bytes).indexOf(key.raw.subarray(0, 32))).toBe(-1)
  })

  test('is another file each time it is written', async () => {
    const one = await encodeLockedKey(key, passphrase, cheap)
    const other = await encodeLockedKey(key, passphrase, cheap)
    expect(one).not.toEqual(other)
    expect(one.length).toBe(other.length)
  })

  test('is refused when any byte was changed, or it was cut short at any', async () => {
    const bytes = await encodeLockedKey(key, passphrase, cheap)
    const opened: string[] = []
    const tried = async (what: string, changed: Uint8Array): Promise<void> => {
      try {
        await unlock(changed)
        opened.push(what)
      } catch (error) {
        if (!(error instanceof WrongPassphraseError) && !(error instanceof KeyFileError)) throw error
      }
    }
    for (let at = 0; at < bytes.length; at++) {
      const changed = Uint8Array.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x01
      await tried(`byte ${at}`, changed)
      await tried(`cut at ${at}`, bytes.subarray(0, at))
    }
    expect(opened).toEqual([])
  })

  test('asks for no more memory and time than this program would give', async () => {
    const bytes = Buffer.from(await encodeLockedKey(key, passphrase, cheap))
    const memoryAt = 'parley-key\n'.length + 1
    bytes.writeUInt32BE(MAX_KEY_DERIVATION.memoryKib + 1, memoryAt)
    expect(() => decodeKeyFile(bytes)).toThrow(/out of bounds/u)
    bytes.writeUInt32BE(cheap.memoryKib, memoryAt)
    bytes.writeUInt32BE(MAX_KEY_DERIVATION.passes + 1, memoryAt + 4)
    expect(() => decodeKeyFile(bytes)).toThrow(/out of bounds/u)
  })

  test('of a later format is left to a later program', async () => {
    const bytes = await encodeLockedKey(key, passphrase, cheap)
    bytes['parley-key\n'.length] = 2
    expect(() => decodeKeyFile(bytes)).toThrow(/newer Parley/u)
  })

  test('takes a passphrase that another keyboard composes otherwise for the same', async () => {
    const bytes = await encodeLockedKey(key, 'Zo\u00eb et caf\u00e9', cheap)
    expect(await unlock(bytes, 'Zoe\u0308 et\u00a0cafe\u0301')).toEqual(privateKeyToProtobuf(key))
  })

  test('has the worked example of the specification', async () => {
    const stored = decodeKeyFile(Buffer.from(example.file, 'hex'))
    expect(stored.peer).toBe(example.peer)
    expect(
      Buffer.from((await unlock(Buffer.from(example.file, 'hex'), example.passphrase)) as Uint8Array).toString('hex')
    ).toBe(example.key)
  })

  test('costs a guess at least what RFC 9106 recommends', () => {
    expect(KEY_DERIVATION).toEqual({ memoryKib: 64 * 1024, passes: 3, lanes: 4 })
  })
})

test('a passphrase that is empty, too short or too long is not set', async () => {
  for (const phrase of ['', '1234567', '   ', 'x'.repeat(2000)]) {
    await expect(encodeLockedKey(key, phrase, cheap)).rejects.toThrow(PassphraseUnusableError)
  }
})

test('random bytes are no key, and end nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, hasMagic) => {
      const all = hasMagic ? Buffer.concat([Buffer.from('parley-key\n'), bytes]) : bytes
      try {
        decodeKeyFile(all)
      } catch (error) {
        expect(error).toBeInstanceOf(KeyFileError)
      }
    })
  )
})

test('a key without a passphrase is read as it always was', () => {
  expect(decodeKeyFile(encodeOpenKey(key))).toMatchObject({ state: 'open', peer })
})

/** docs/spec/key-file.md §4. */
const example = {
  passphrase: 'correct horse battery',
  peer: '12D3KooWRqYgh8cXKPyC3Aztvk63PFEd9X8MR7nQ9xYfaV6cc3Nt',
  key: '080112402448767fb74551bf01860755123f5838b7ca4c4dbb0807338983e9ef2e4f0901ee087666bef0566a583ffd882091de82679eff69f3ace63c62947a8483c96985',
  file: '7061726c65792d6b65790a01000100000000000304ee087666bef0566a583ffd882091de82679eff69f3ace63c62947a8483c9698585092a42864b44f4e70b15b53ce443cee76358ec1367d0944b47407ac2d74f0f121ba684e0a72f23ad7f530e9603af7ae71c0b6ae893274a05e0c90db1ce15302b6df80d0c0093e8e6596c4c800f6d2c2625ba8004f46ecf937da7ffc0da4893ec23627f4f2a5ae363f9aa3e78350da7'
}
