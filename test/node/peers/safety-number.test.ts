/** The safety number follows docs/spec/safety-number.md, and differs for any two pairs of identities. */
import { generateKeyPair, generateKeyPairFromSeed, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SAFETY_NUMBER_ROUNDS, safetyNumber } from '../../../src/node/peers/safety-number.ts'

const spec = readFileSync(new URL('../../../docs/spec/safety-number.md', import.meta.url), 'utf8')

async function peerOf(seed: Uint8Array): Promise<string> {
  return peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString()
}

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 })

/** The specification, implemented a second time. */
function half(identity: Uint8Array): string {
  let hash = createHash('sha512').update('parley safety number').update(Uint8Array.of(1)).update(identity).digest()
  for (let n = 2; n <= 5200; n++) hash = createHash('sha512').update(hash).update(identity).digest()
  const groups = [0, 5, 10, 15, 20, 25].map((at) => BigInt(`0x${hash.subarray(at, at + 5).toString('hex')}`) % 100_000n)
  return groups.map((group) => String(group).padStart(5, '0')).join(' ')
}

test('the code computes the worked example of the specification', async () => {
  const a = await peerOf(new Uint8Array(32).fill(1))
  const b = await peerOf(new Uint8Array(32).fill(2))
  expect(spec).toContain(`| \`${a}\` | \`${b}\` |`)
  const shown = /```number\n([\d \n]+)```/u.exec(spec)?.[1]?.trim().split(/\s+/u)
  expect(safetyNumber(a, b)).toEqual(shown)
  expect(spec).toContain(`\`SAFETY_NUMBER_ROUNDS\` (${SAFETY_NUMBER_ROUNDS})`)
})

test('it is twelve groups of five digits, the same from both sides, and different for any other key', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(seeds, { minLength: 3, maxLength: 3, selector: String }), async (three) => {
      const [a = '', b = '', c = ''] = await Promise.all(three.map(peerOf))
      const number = safetyNumber(a, b)
      expect(number.join(' ')).toMatch(/^\d{5}( \d{5}){11}$/u)
      expect(safetyNumber(b, a)).toEqual(number)
      expect(safetyNumber(a, c)).not.toEqual(number)
      expect(safetyNumber(c, b)).not.toEqual(number)
      expect(number.slice(0, 6).join('') < number.slice(6).join('')).toBe(true)
    }),
    { numRuns: 8 }
  )
})

test('each key type brings the bytes that the specification names', async () => {
  const ed25519 = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const secp256k1 = peerIdFromPrivateKey(await generateKeyPair('secp256k1'))
  const rsa = peerIdFromPrivateKey(await generateKeyPair('RSA', 2048))
  const own = half(ed25519.publicKey.raw)
  const other = half(publicKeyToProtobuf(secp256k1.publicKey))
  if (rsa.publicKey === undefined) throw new Error('a peer ID that was made of a key has it')
  const hashed = half(
    Buffer.concat([Buffer.from([0x12, 0x20]), createHash('sha256').update(publicKeyToProtobuf(rsa.publicKey)).digest()])
  )
  const numberOf = (peer: { toString(): string }): string => safetyNumber(ed25519.toString(), peer.toString()).join(' ')
  expect(numberOf(secp256k1)).toBe([own, other].toSorted().join(' '))
  expect(numberOf(rsa)).toBe([own, hashed].toSorted().join(' '))
})
