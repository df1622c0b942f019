// One roster from the LAN and directories, in time, and the own record.
import { EventEmitter } from 'node:events'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { GRACE_MS, type RecordService, type RosterChange, type VerifiedRecord } from '../../../src/presence/index.ts'
import { Presence } from '../../../src/node/peers/presence.ts'
import { identity, sealedBy } from '../../presence/records.ts'

/** The exchange of records with peers on the LAN; the test plays these peers. */
class Exchange extends EventEmitter {
  readonly announced: Uint8Array[] = []
  readonly withdrawn: Uint8Array[] = []

  announce(envelope: Uint8Array): void {
    this.announced.push(envelope)
  }

  async withdraw(envelope: Uint8Array): Promise<void> {
    this.withdrawn.push(envelope)
  }
}

const self = await identity(1)
const bob = await identity(2)
const directory = await identity(3)
let addresses: Multiaddr[]
let changes: RosterChange[]
let ownRecords: VerifiedRecord[]
let exchange: Exchange
let presence: Presence

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  addresses = []
  changes = []
  ownRecords = []
  exchange = new Exchange()
  presence = new Presence({
    key: self.key,
    self: self.id,
    network: 'test',
    nickname: 'anna',
    status: '',
    addresses: () => addresses,
    onChanges: (some) => changes.push(...some),
    onOwnRecord: (record) => ownRecords.push(record),
    now: () => 1_000
  })
  await presence.prepare()
  // The part of the service that Presence uses.
  presence.follow(exchange as unknown as RecordService)
})

afterEach(() => {
  presence.stop()
  vi.useRealTimers()
})

/** Peers that joined and left. A connection that is lost, or returns within the grace, changes an attachment only. */
const comings = (): string[] =>
  changes.flatMap((change) => {
    if (change.kind === 'changed') return []
    return [change.kind === 'gone' ? `gone: ${change.why}` : change.kind]
  })
const isThere = (peer: string): boolean => presence.entries().some((entry) => entry.peer === peer)

test('a peer on the LAN joins with its record, and leaves at once with its withdrawal', async () => {
  exchange.emit('record', { peer: bob.peer, verified: await sealedBy(bob) })
  expect(isThere(bob.id)).toBe(true)
  exchange.emit('withdraw', { peer: bob.peer, verified: await sealedBy(bob, { seq: 1_001n, withdrawn: true }) })
  expect(isThere(bob.id)).toBe(false)
  expect(comings()).toEqual(['joined', 'gone: left'])
})

test('a peer whose connection is lost stays for the grace, and then leaves', async () => {
  exchange.emit('record', { peer: bob.peer, verified: await sealedBy(bob) })
  exchange.emit('end', { peer: bob.peer, cause: 'lost' })
  await vi.advanceTimersByTimeAsync(GRACE_MS - 100)
  expect(isThere(bob.id)).toBe(true)
  await vi.advanceTimersByTimeAsync(200)
  expect(isThere(bob.id)).toBe(false)
  expect(comings()).toEqual(['joined', 'gone: lost'])
})

test('a peer that comes back within the grace has never left', async () => {
  exchange.emit('record', { peer: bob.peer, verified: await sealedBy(bob) })
  exchange.emit('end', { peer: bob.peer, cause: 'lost' })
  await vi.advanceTimersByTimeAsync(GRACE_MS / 2)
  exchange.emit('record', { peer: bob.peer, verified: await sealedBy(bob) })
  await vi.advanceTimersByTimeAsync(2 * GRACE_MS)
  expect(isThere(bob.id)).toBe(true)
  expect(comings()).toEqual(['joined'])
})

test('a peer that a directory shows too stays when the LAN loses it, and the other way round', async () => {
  const record = await sealedBy(bob)
  exchange.emit('record', { peer: bob.peer, verified: record })
  const attachments = [{ directory: directory.peer, sinceMs: 1_000 }]
  const updates = [{ record, attachments }]
  presence.applyEntries({ directory: directory.peer, updates, removed: [], total: 1, refused: 0 })
  exchange.emit('end', { peer: bob.peer, cause: 'lost' })
  await vi.advanceTimersByTimeAsync(2 * GRACE_MS)
  expect(presence.entry(bob.id)?.attachments.map(({ source }) => source)).toEqual([directory.id])
  presence.directoryLost(directory.id)
  await vi.advanceTimersByTimeAsync(2 * GRACE_MS)
  expect(isThere(bob.id)).toBe(false)
})

test('the own record, as others send it, is on no roster and no change', async () => {
  exchange.emit('record', { peer: self.peer, verified: await sealedBy(self) })
  expect(presence.entries()).toEqual([])
  expect(changes).toEqual([])
})

test('a new name or status goes to the LAN and to the directories, in a newer record', async () => {
  const first = presence.own.record.seq
  await presence.rename('anna b.')
  await presence.setStatus('away')
  expect(presence.own.record).toMatchObject({ nickname: 'anna b.', status: 'away' })
  expect(presence.own.record.seq).toBeGreaterThan(first)
  expect(ownRecords.map(({ record }) => `${record.nickname} ${record.status}`)).toEqual(['anna b. ', 'anna b. away'])
  expect(exchange.announced).toEqual(ownRecords.map(({ envelope }) => envelope))
})

test('a new name stays when the addresses change at the same moment', async () => {
  const newest = presence.own
  await Promise.all([presence.rename('bea'), presence.supersede(newest)])
  expect(presence.own.record.nickname).toBe('bea')
  expect(ownRecords.at(-1)?.record.nickname).toBe('bea')
})

test('addresses are announced when they have changed, and only then', async () => {
  await presence.refreshAddresses()
  expect(ownRecords).toHaveLength(0)
  addresses = [multiaddr('/ip4/192.0.2.7/tcp/4001')]
  await presence.refreshAddresses()
  await presence.refreshAddresses()
  expect(ownRecords.map(({ record }) => record.addresses.map(String))).toEqual([['/ip4/192.0.2.7/tcp/4001']])
})

test('a newer record of an earlier life makes the next one newer still', async () => {
  const newer = await sealedBy(self, { seq: presence.own.record.seq + 1_000n })
  await presence.supersede(newer)
  expect(presence.own.record.seq).toBeGreaterThan(newer.record.seq)
})

test('the farewell is a withdrawal, and goes to the peers on the LAN', async () => {
  const farewell = await presence.farewell()
  expect(farewell.record.withdrawn).toBe(true)
  await presence.withdraw(farewell)
  expect(exchange.withdrawn).toEqual([farewell.envelope])
})

test('if directories differ about a record, the newest counts, also a withdrawal', async () => {
  const record = await sealedBy(bob)
  exchange.emit('record', { peer: bob.peer, verified: record })
  presence.resolved(record, [])
  expect(isThere(bob.id)).toBe(true)
  presence.resolved(await sealedBy(bob, { seq: 1_001n, withdrawn: true }), [])
  expect(isThere(bob.id)).toBe(false)
  expect(comings()).toEqual(['joined', 'gone: left'])
})
