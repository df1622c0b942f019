import { noise, pureJsCrypto, type ICryptoInterface } from '@chainsafe/libp2p-noise'
import { createCipheriv } from 'node:crypto'
import { tcp } from '@libp2p/tcp'
import fc from 'fast-check'
import { createLibp2p } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { OPEN_IN_PLACE_FROM_BYTES, loadSodium, sodiumCrypto } from '../../../src/transport/tuning/noise-crypto.ts'
import { boundedYamux } from '../../../src/transport/index.ts'

const PROTOCOL = '/noise-crypto-test/1.0.0'
const sodium = loadSodium()
/** The prebuilt package is for the machines that most people have; elsewhere there is nothing to test. */
const itWithSodium = it.skipIf(sodium === undefined)
const own = sodium === undefined ? pureJsCrypto : sodiumCrypto(sodium)
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

itWithSodium('hashes, derives, agrees and seals as the stock implementation does', () => {
  const whatever = fc.uint8Array({ maxLength: 200 })
  fc.assert(
    fc.property(bytes(32), bytes(32), bytes(12), whatever, whatever, (one, other, nonce, text, associated) => {
      expect(own.hashSHA256(new Uint8ArrayList(text, associated))).toEqual(
        pureJsCrypto.hashSHA256(new Uint8ArrayList(text, associated))
      )
      expect(own.getHKDF(one, text)).toEqual(pureJsCrypto.getHKDF(one, text).map((key) => Uint8Array.from(key)))
      const pair = own.generateX25519KeyPairFromSeed(one)
      expect(pair).toEqual(pureJsCrypto.generateX25519KeyPairFromSeed(one))
      const { publicKey } = pureJsCrypto.generateX25519KeyPairFromSeed(other)
      expect(own.generateX25519SharedKey(one, publicKey)).toEqual(pureJsCrypto.generateX25519SharedKey(one, publicKey))
      const sealed = own.chaCha20Poly1305Encrypt(new Uint8ArrayList(text, text), nonce, associated, one).subarray()
      const doubled = Uint8Array.from([...text, ...text])
      expect([...sealed]).toEqual([...pureJsCrypto.chaCha20Poly1305Encrypt(doubled, nonce, associated, one).subarray()])
      expect([...own.chaCha20Poly1305Decrypt(sealed, nonce, associated, one).subarray()]).toEqual([...doubled])
    }),
    { numRuns: 50 }
  )
})

itWithSodium('opens what is large as it seals it, whole or in pieces', () => {
  const key = new Uint8Array(32).fill(1)
  const nonce = new Uint8Array(12).fill(2)
  const none = new Uint8Array(0)
  for (const size of [OPEN_IN_PLACE_FROM_BYTES - 17, OPEN_IN_PLACE_FROM_BYTES - 1, OPEN_IN_PLACE_FROM_BYTES, 65_519]) {
    const text = new Uint8Array(size).map((_, index) => index)
    const sealed = own.chaCha20Poly1305Encrypt(text, nonce, none, key).subarray()
    const inPieces = new Uint8ArrayList(text.subarray(0, 7), text.subarray(7))
    expect(Buffer.compare(own.chaCha20Poly1305Encrypt(inPieces, nonce, none, key).subarray(), sealed)).toBe(0)
    const cipher = createCipheriv('chacha20-poly1305', key, nonce, { authTagLength: 16 })
    const expected = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
    expect(Buffer.compare(sealed, expected)).toBe(0)
    expect(Buffer.compare(own.chaCha20Poly1305Decrypt(sealed, nonce, none, key).subarray(), text)).toBe(0)
  }
})

itWithSodium('opens nothing that was changed, cut short or sealed otherwise', () => {
  const key = new Uint8Array(32).fill(1)
  const nonce = new Uint8Array(12)
  const associated = Uint8Array.of(1, 2, 3)
  for (const size of [0, 80, OPEN_IN_PLACE_FROM_BYTES]) {
    const sealed = own.chaCha20Poly1305Encrypt(new Uint8Array(size), nonce, associated, key).subarray()
    const changed = Uint8Array.from(sealed)
    changed[0] = (changed[0] ?? 0) ^ 1
    const open = (text: Uint8Array, by: Uint8Array, of: Uint8Array) => () =>
      own.chaCha20Poly1305Decrypt(text, nonce, of, by)
    expect(open(sealed, key, associated)).not.toThrow()
    expect(open(changed, key, associated)).toThrow()
    expect(open(sealed.subarray(0, sealed.byteLength - 1), key, associated)).toThrow()
    expect(open(sealed, key, Uint8Array.of())).toThrow()
    expect(open(sealed, new Uint8Array(32), associated)).toThrow()
  }
  expect(() => own.chaCha20Poly1305Decrypt(new Uint8Array(15), nonce, associated, key)).toThrow()
})

itWithSodium('leaves what it has opened as it was where a handshake goes on with it, or where it is small', () => {
  const key = new Uint8Array(32).fill(1)
  const nonce = new Uint8Array(12)
  for (const [size, associated] of [
    [OPEN_IN_PLACE_FROM_BYTES, Uint8Array.of(1)],
    [OPEN_IN_PLACE_FROM_BYTES - 17, new Uint8Array(0)]
  ] as const) {
    const sealed = own.chaCha20Poly1305Encrypt(new Uint8Array(size), nonce, associated, key).subarray()
    const before = Uint8Array.from(sealed)
    const opened = own.chaCha20Poly1305Decrypt(sealed, nonce, associated, key).subarray()
    expect(Buffer.compare(sealed, before)).toBe(0)
    expect(opened.buffer).not.toBe(sealed.buffer)
    expect(opened.buffer.byteLength).toBe(size)
  }
})

itWithSodium('agrees on no key with a public key that leaves no secret', () => {
  const { privateKey } = own.generateX25519KeyPair()
  expect(() => own.generateX25519SharedKey(privateKey, new Uint8Array(32))).toThrow()
})

async function nodeWith(crypto: ICryptoInterface | undefined) {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise(crypto === undefined ? {} : { crypto })],
    streamMuxers: [boundedYamux()],
    connectionMonitor: { enabled: false }
  })
  onTestFinished(async () => libp2p.stop())
  return libp2p
}

itWithSodium.each([
  ['dials', own, undefined],
  ['answers', undefined, own]
])('%s a peer that has the stock implementation', async (_, dialerCrypto, listenerCrypto) => {
  const [dialer, listener] = [await nodeWith(dialerCrypto), await nodeWith(listenerCrypto)]
  const received: Uint8Array[] = []
  await listener.handle(PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => {
      received.push(data.subarray())
      stream.send(data)
    })
  })
  const stream = await dialer.dialProtocol(listener.getMultiaddrs(), PROTOCOL)
  const answered: Uint8Array[] = []
  stream.addEventListener('message', ({ data }) => answered.push(data.subarray()))
  const sent = Buffer.alloc(100_000, 'both small and large')
  stream.send(sent.subarray(0, 10))
  stream.send(sent.subarray(10))
  await eventually(() => expect(Buffer.concat(answered)).toEqual(sent))
  expect(Buffer.concat(received)).toEqual(sent)
})
