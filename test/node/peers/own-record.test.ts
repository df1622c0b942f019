import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { MAX_ADDRESSES } from '../../../src/presence/index.ts'
import { OwnRecord } from '../../../src/node/peers/own-record.ts'

const facts = { nickname: 'anna', status: '', addresses: [] }

test('records that are sealed at the same moment have different numbers, and the last one counts', async () => {
  const own = new OwnRecord({ key: await generateKeyPair('Ed25519'), network: 'test', now: () => 1_000 })
  const [one, two] = await Promise.all([own.seal(facts), own.seal({ ...facts, nickname: 'bea' })])
  expect(two.record.seq).toBe(one.record.seq + 1n)
  expect(own.current.record.nickname).toBe('bea')
})

test('a newer record that becomes known while one is sealed is not forgotten', async () => {
  const own = new OwnRecord({ key: await generateKeyPair('Ed25519'), network: 'test', now: () => 1_000 })
  const sealing = own.seal(facts)
  own.noteNewest(5_000n)
  await sealing
  expect((await own.seal(facts)).record.seq).toBe(5_001n)
})

test('if there are too many addresses for a record, public ones stay, and loopback is dropped first', async () => {
  const own = new OwnRecord({ key: await generateKeyPair('Ed25519'), network: 'test' })
  const lans = Array.from({ length: MAX_ADDRESSES }, (_, i) => `/ip4/10.0.${i}.1/tcp/1`)
  const [loopback, server, home] = ['/ip4/127.0.0.1/tcp/1', '/ip4/8.8.8.8/tcp/1', '/ip6/2a00:1450::1/tcp/1']
  const addresses = [loopback, ...lans, server, home].map((text) => multiaddr(text))
  const { record } = await own.seal({ ...facts, addresses })
  expect(record.addresses.map(String)).toEqual([...lans.slice(0, MAX_ADDRESSES - 2), server, home])
})
