// The short form of a peer ID, and how much of a key it tells.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import { isIdPrefix, isShortFormOf, isShortIdBeginning, nameOrShortId, shortId } from '../../src/lib/short-id.ts'

const peer = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'

/** How many bits of an Ed25519 key the first characters behind the head of its ID tell. */
function bitsOf(characters: number): number {
  const behindHead = 44
  return 256 - Math.log2(58) * (behindHead - characters)
}

test('tells 68 bits of the key, so that nobody finds a second one', async () => {
  expect(shortId(peer)).toBe('BmAwcd4PJNJv')
  expect(bitsOf(shortId(peer).length)).toBeGreaterThan(68)
  // What the code once claimed to be 58^8 tries.
  expect(Math.round(bitsOf(8))).toBe(45)
  const ids = await Promise.all(
    Array.from({ length: 50 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString())
  )
  // The count of characters behind the head, on which the bits rest.
  expect(new Set(ids.map((id) => `${id.slice(0, 8)} ${id.length}`))).toEqual(new Set(['12D3KooW 52']))
})

test('what anyone can make a key for is no ID: eight characters, with their head or without', () => {
  for (const text of ['BmAwcd4P', '12D3KooWBmAwcd4P', '12D3KooWB']) expect(isIdPrefix(text, peer)).toBe(false)
  for (const text of ['BmAwcd4P', '12D3KooWBmAwcd4P', '12D3KooWB', 'BmAw'])
    expect(isShortIdBeginning(text, peer)).toBe(true)
  for (const text of ['BmAwcd4PJNJv', '12D3KooWBmAwcd4PJNJv', peer]) expect(isIdPrefix(text, peer)).toBe(true)
})

test('stands for a name that nobody could see', () => {
  expect(['bob', '\u200b', '\u3164\u2800', '', undefined].map((name) => nameOrShortId(name, peer))).toEqual([
    'bob',
    ...Array.from({ length: 4 }, () => 'BmAwcd4PJNJv')
  ])
  expect(['BmAwcd4P', 'BmAwcd4PJNJv', 'BmAw', 'bob'].map((name) => isShortFormOf(name, peer))).toEqual([
    true,
    true,
    false,
    false
  ])
})
