import { expect, test } from 'vitest'
import { GuestExchange, MakerExchange, WrongProofError, type Binding } from '../../src/invite/exchange.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const binding: Binding = {
  number: 7,
  words: ['oak', 'pilot', 'river'],
  network: 'parley',
  directory: bytes('directory'),
  maker: bytes('maker'),
  guest: bytes('guest'),
  makerNonce: bytes('0123456789abcdef'),
  guestNonce: bytes('fedcba9876543210')
}

test('with the same words both sides prove it and read what the other has sealed', () => {
  const guest = new GuestExchange(binding)
  const maker = new MakerExchange(binding, guest.share)
  const { proof, seal } = guest.proven(maker.share, maker.proof)
  const makerSeal = maker.proven(proof)
  expect(makerSeal.open(seal.seal(bytes('record of the guest')))).toEqual(Buffer.from('record of the guest'))
  expect(seal.open(makerSeal.seal(bytes('record of the maker')))).toEqual(Buffer.from('record of the maker'))
})

test.each<[string, Partial<Binding>]>([
  ['another word', { words: ['oak', 'pilot', 'road'] }],
  ['the words in another order', { words: ['pilot', 'oak', 'river'] }],
  ['another number', { number: 8 }],
  ['another network', { network: 'other' }],
  ['another directory', { directory: bytes('other directory') }],
  ['no directory', { directory: undefined }],
  ['another maker: a directory has swapped the peers', { maker: bytes('middle') }],
  ['another guest: somebody sits in the middle', { guest: bytes('middle') }],
  ['another nonce: a replayed exchange', { makerNonce: bytes('0123456789abcdeX') }]
])('with %s neither side takes the other’s proof', (_, change) => {
  const guest = new GuestExchange(binding)
  const maker = new MakerExchange({ ...binding, ...change }, guest.share)
  expect(() => guest.proven(maker.share, maker.proof)).toThrow(WrongProofError)
  // Its own proof, made as if it had believed the maker, is worth nothing either.
  const honest = new MakerExchange(binding, guest.share)
  const { proof } = guest.proven(honest.share, honest.proof)
  expect(() => maker.proven(proof)).toThrow(WrongProofError)
})

test('a proof is none of the other side: it can’t be sent back', () => {
  const guest = new GuestExchange(binding)
  const maker = new MakerExchange(binding, guest.share)
  expect(() => maker.proven(maker.proof)).toThrow(WrongProofError)
  const { proof } = guest.proven(maker.share, maker.proof)
  expect(() => guest.proven(maker.share, proof)).toThrow(WrongProofError)
})

test('what was sealed for another, or changed on its way, is not opened', () => {
  const guest = new GuestExchange(binding)
  const maker = new MakerExchange(binding, guest.share)
  const { proof, seal } = guest.proven(maker.share, maker.proof)
  const makerSeal = maker.proven(proof)
  const sealed = seal.seal(bytes('record of the guest'))
  expect(() => seal.open(sealed)).toThrow(WrongProofError)
  sealed[3] = (sealed[3] ?? 0) ^ 1
  expect(() => makerSeal.open(sealed)).toThrow(WrongProofError)
  expect(() => makerSeal.open(new Uint8Array(3))).toThrow(WrongProofError)
})
