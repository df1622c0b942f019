import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect, test } from 'vitest'
import { OwnRecord } from '../../src/node/own-record.ts'
import { Presence } from '../../src/node/presence.ts'

const facts = { nickname: 'anna', status: '', addresses: [] }

test('records that are sealed at the same moment have different numbers, and the last one stands', async () => {
  const own = new OwnRecord({ key: await generateKeyPair('Ed25519'), network: 'test', now: () => 1_000 })
  const [one, two] = await Promise.all([own.seal(facts), own.seal({ ...facts, nickname: 'bea' })])
  expect(two.record.seq).toBe(one.record.seq + 1n)
  expect(own.current.record.nickname).toBe('bea')
})

test('a newer record that is heard of during a seal is not forgotten', async () => {
  const own = new OwnRecord({ key: await generateKeyPair('Ed25519'), network: 'test', now: () => 1_000 })
  const sealing = own.seal(facts)
  own.noteNewest(5_000n)
  await sealing
  expect((await own.seal(facts)).record.seq).toBe(5_001n)
})

test('a new name stands when the addresses change in the same moment', async () => {
  const told: string[] = []
  const presence = new Presence({
    key: await generateKeyPair('Ed25519'),
    self: 'self',
    network: 'test',
    nickname: 'anna',
    status: '',
    addresses: () => [],
    onChanges: () => undefined,
    onOwnRecord: ({ record }) => told.push(record.nickname),
    now: Date.now
  })
  await presence.prepare()
  const newest = presence.own
  await Promise.all([presence.rename('bea'), presence.supersede(newest)])
  expect(presence.own.record.nickname).toBe('bea')
  expect(told.at(-1)).toBe('bea')
})
