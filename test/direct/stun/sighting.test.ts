/** A sighting proves that its owner was there a moment ago, and nothing else. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { PrivateKey } from '@libp2p/interface'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isSigned,
  MAX_SIGHTING_AGE_MS,
  SIGHTING_NONCE_BYTES,
  SIGHTING_PROOF_BYTES,
  type Sighting,
  type SightingOwner,
  sightingTag,
  signSighting,
  verifySighting
} from '../../../src/direct/stun/index.ts'
import { SIGHTING_TAG_BYTES } from '../../../src/direct/stun/sighting.ts'

const directoryKey = await generateKeyPair('Ed25519')
const otherKey = await generateKeyPair('Ed25519')
const ours: SightingOwner = { peer: await newPeer(), nonce: new Uint8Array(SIGHTING_NONCE_BYTES).fill(1) }
const theirs: SightingOwner = { peer: await newPeer(), nonce: new Uint8Array(SIGHTING_NONCE_BYTES).fill(2) }

async function newPeer(): Promise<SightingOwner['peer']> {
  return peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
}

async function sighted(
  owner: SightingOwner,
  timeMs: number,
  place: { readonly address?: string; readonly key?: PrivateKey } = {}
): Promise<Sighting> {
  const { address = '203.0.113.7', key = directoryKey } = place
  const port = 40_000
  const proof = await signSighting({ tag: sightingTag(owner), timeMs: BigInt(timeMs), address, port }, key)
  return { directory: peerIdFromPrivateKey(key), address, port, proof }
}

test('a sighting of a directory that both use, of the same moment, holds', async () => {
  const own = [await sighted(ours, 50_000)]
  expect(await verifySighting(await sighted(theirs, 50_000 - MAX_SIGHTING_AGE_MS), { ...theirs, own })).toBe(true)
  expect(await verifySighting(await sighted(theirs, 50_000 + MAX_SIGHTING_AGE_MS), { ...theirs, own })).toBe(true)
  const overIpv6 = await sighted(theirs, 50_000, { address: '2001:db8::7' })
  expect(await verifySighting(overIpv6, { ...theirs, own })).toBe(true)
})

test('an older or later one, by the clock of the directory, does not hold', async () => {
  const own = [await sighted(ours, 50_000)]
  const apart = MAX_SIGHTING_AGE_MS + 1
  expect(await verifySighting(await sighted(theirs, 50_000 - apart), { ...theirs, own })).toBe(false)
  expect(await verifySighting(await sighted(theirs, 50_000 + apart), { ...theirs, own })).toBe(false)
})

test('one of a directory that the reader does not use does not hold', async () => {
  const own = [await sighted(ours, 5_000)]
  expect(await verifySighting(await sighted(theirs, 5_000, { key: otherKey }), { ...theirs, own })).toBe(false)
  expect(await verifySighting(await sighted(theirs, 5_000), { ...theirs, own: [] })).toBe(false)
})

test('another owner, attempt, address, port, time or directory breaks the signature', async () => {
  const good = await sighted(theirs, 5_000)
  expect(await isSigned(good, theirs)).toBe(true)
  expect(await isSigned(good, ours)).toBe(false)
  expect(await isSigned(good, { ...theirs, nonce: ours.nonce })).toBe(false)
  expect(await isSigned(good, { ...theirs, nonce: new Uint8Array(SIGHTING_NONCE_BYTES - 1) })).toBe(false)
  expect(await isSigned({ ...good, address: '203.0.113.8' }, theirs)).toBe(false)
  expect(await isSigned({ ...good, address: 'example.org' }, theirs)).toBe(false)
  expect(await isSigned({ ...good, port: 40_001 }, theirs)).toBe(false)
  expect(await isSigned({ ...good, directory: peerIdFromPrivateKey(otherKey) }, theirs)).toBe(false)
  const later = good.proof.slice()
  later[7] = 1
  expect(await isSigned({ ...good, proof: later }, theirs)).toBe(false)
})

test('a proof of any other bytes proves nothing, and does not throw', async () => {
  const good = await sighted(theirs, 5_000)
  const own = [await sighted(ours, 5_000)]
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: SIGHTING_PROOF_BYTES + 8 }), async (proof) => {
      expect(await verifySighting({ ...good, proof }, { ...theirs, own })).toBe(false)
    })
  )
})

test('the tag tells nothing of its peer without the nonce, and is another for each attempt', () => {
  expect(sightingTag(ours)).toHaveLength(SIGHTING_TAG_BYTES)
  expect(sightingTag(ours)).toEqual(sightingTag({ ...ours }))
  expect(sightingTag(ours)).not.toEqual(sightingTag({ ...ours, nonce: theirs.nonce }))
  expect(sightingTag(ours)).not.toEqual(sightingTag({ ...ours, peer: theirs.peer }))
})
