import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { expect, test } from 'vitest'
import { guessingFor, ownCandidates, reachable, type Reachable } from '../../src/direct/candidates.ts'
import { MAX_OFFER_CANDIDATES, type Candidate, type Offer } from '../../src/direct/direct-frames.ts'
import {
  MAX_SIGHTING_AGE_MS,
  SIGHTING_NONCE_BYTES,
  sightingTag,
  signSighting,
  type Sighting
} from '../../src/direct/stun/index.ts'

const keys = await Promise.all([1, 2, 3, 4].map(async () => generateKeyPair('Ed25519')))
const [directoryKey, otherDirectoryKey, ownKey, peerKey] = keys as [PrivateKey, PrivateKey, PrivateKey, PrivateKey]
const idOf = (key: PrivateKey): PeerId => peerIdFromPrivateKey(key)
const [self, peer] = [idOf(ownKey), idOf(peerKey)]
const nonce = new Uint8Array(SIGHTING_NONCE_BYTES).fill(5)

interface Seen {
  readonly address: string
  readonly port?: number
  readonly of?: PeerId
  readonly by?: PrivateKey
  readonly atMs?: number
}

async function sighted({ address, port = 5_000, of = peer, by = directoryKey, atMs = 0 }: Seen): Promise<Sighting> {
  const tag = sightingTag({ peer: of, nonce })
  const proof = await signSighting({ tag, timeMs: 1_000_000n + BigInt(atMs), address, port }, by)
  return { directory: idOf(by), address, port, proof }
}

const own = [await sighted({ address: '198.51.100.1', of: self })]

/** Which addresses of an offer are sent to, by a machine in 192.168.1.0/24 and 2001:db8:1::/64. */
async function judged(candidates: readonly Candidate[]): Promise<Reachable> {
  const offer: Offer = {
    type: 'offer',
    token: new Uint8Array(16),
    stream: 1,
    mapping: 'independent',
    nonce,
    candidates
  }
  const isOnLink = (ip: string): boolean => /^(192\.168\.1\.|2001:db8:1:)/u.test(ip)
  return reachable(offer, { peer, own, isOnLink })
}

const named = (host: string): Candidate => ({ host, port: 5_000, sighted: undefined })
const proven = async (seen: Seen): Promise<Candidate> => {
  const { directory, proof, address, port } = await sighted(seen)
  return { host: address, port, sighted: { directory, proof } }
}

test('a public address with a sighting that holds is sent to, and guessed at', async () => {
  const place = { host: '203.0.113.7', port: 5_000 }
  expect(await judged([await proven({ address: place.host })])).toEqual({ places: [place], sighted: [place] })
})

test('ports are guessed at no IPv6 address: there are no routers that vary them, and no need', async () => {
  const place = { host: '2001:db8:7::7', port: 5_000 }
  expect(await judged([await proven({ address: place.host })])).toEqual({ places: [place], sighted: [] })
})

test.each<[string, () => Promise<Candidate>]>([
  ['that the peer merely names', async () => named('203.0.113.7')],
  ['with a sighting of another peer', async () => proven({ address: '203.0.113.7', of: self })],
  [
    'with a sighting by a directory that this side does not use',
    async () => proven({ address: '203.0.113.7', by: otherDirectoryKey })
  ],
  ['with an old sighting', async () => proven({ address: '203.0.113.7', atMs: -MAX_SIGHTING_AGE_MS - 1 })],
  [
    'with the sighting of another address',
    async () => ({ ...(await proven({ address: '203.0.113.8' })), host: '203.0.113.7' })
  ],
  ['with the sighting of another port', async () => ({ ...(await proven({ address: '203.0.113.7' })), port: 22 })]
])('nothing is sent to a public address %s', async (_what, candidate) => {
  expect(await judged([await candidate()])).toEqual({ places: [], sighted: [] })
})

test.each([
  '127.0.0.1',
  '::1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '169.254.7.7',
  'fe80::7',
  '169.254.169.254',
  '10.1.2.3',
  'fd00::7',
  '192.168.2.7'
])('nothing is sent to %s, with a sighting or without', async (address) => {
  expect(await judged([named(address), await proven({ address })])).toEqual({ places: [], sighted: [] })
})

test.each(['192.168.1.7', '2001:db8:1::7'])('%s, in a network of an own interface, needs no sighting', async (host) => {
  expect(await judged([named(host)])).toEqual({ places: [{ host, port: 5_000 }], sighted: [] })
})

test('a private address is never guessed at, whoever has seen it', async () => {
  const place = { host: '192.168.1.7', port: 5_000 }
  expect(await judged([await proven({ address: place.host })])).toEqual({ places: [place], sighted: [] })
})

test('a peer names what was seen and its own interfaces, and no address that means nothing elsewhere', async () => {
  const seen = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => sighted({ address: '203.0.113.7', port: 1 + n }))
  )
  const bound = ['127.0.0.1', '192.168.1.7', 'fe80::7%eth0', 'fd00::7', '::1'].map((host) => ({ host, port: 6_000 }))
  const told = ownCandidates(seen, bound)
  expect(told.length).toBeLessThanOrEqual(MAX_OFFER_CANDIDATES)
  expect(told.filter((one) => one.sighted === undefined).map(({ host }) => host)).toEqual(['192.168.1.7', 'fd00::7'])
})

test('guesses are for a router that varies and one that does not', () => {
  const to = { host: '203.0.113.7', port: 5_000 }
  expect(guessingFor('varying', 'independent', [to])).toEqual({ is: 'sockets', to })
  expect(guessingFor('independent', 'varying', [to])).toEqual({ is: 'ports', host: to.host })
  expect(guessingFor('varying', 'varying', [to])).toBe(undefined)
  expect(guessingFor('independent', 'unknown', [to])).toBe(undefined)
  expect(guessingFor('varying', 'independent', [])).toBe(undefined)
})
