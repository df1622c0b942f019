// A row of the roster: what it shows of an entry, and of the user's contacts and connections.
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { KnownNames } from '../../../src/node/peers/known-names.ts'
import { compareRows } from '../../../src/node/peers/peer-label.ts'
import { otherProgramRow, rosterRow, type Surroundings } from '../../../src/node/peers/roster-rows.ts'
import { shortId } from '../../../src/lib/short-id.ts'
import { LAN, type RosterEntry } from '../../../src/presence/index.ts'
import { identity, sealedBy } from '../../presence/records.ts'

const bob = await identity(2)
const [one, other] = ['directory-1', 'directory-2']
const alone: Surroundings = { connectionAddress: () => undefined }

async function entry(
  sources: Readonly<Record<string, number>>,
  { nickname = 'bob', addresses = ['/ip4/192.0.2.7/tcp/4001'] } = {}
): Promise<RosterEntry> {
  const record = await sealedBy(bob, { nickname, addresses: addresses.map((address) => multiaddr(address)) })
  const attachments = Object.entries(sources).map(([source, sinceMs]) => ({ source, sinceMs, expiresAtMs: Infinity }))
  // The rest of an attachment concerns the roster alone.
  return { peer: bob.id, record, attachments } as unknown as RosterEntry
}

test('shows the record, its sources, and since when the peer is there', async () => {
  expect(rosterRow(await entry({ [one]: 2_000, [other]: 1_000 }), alone)).toEqual({
    peer: bob.id,
    name: 'bob',
    nickname: 'bob',
    status: 'here',
    shortId: shortId(bob.id),
    host: '192.0.2.7',
    port: 4001,
    addresses: ['/ip4/192.0.2.7/tcp/4001'],
    sinceMs: 1_000,
    sources: [one, other],
    via: [
      { directory: one, sinceMs: 2_000 },
      { directory: other, sinceMs: 1_000 }
    ],
    path: 'none',
    contact: false,
    verified: false,
    blocked: false
  })
})

test('a contact has the name that the user knows, with its nickname beside it', async () => {
  const contact = { peer: bob.id, name: 'Robert', addresses: [], verified: { atMs: 1 } }
  const names = new KnownNames({ contacts: [contact as never], self: { peer: 'self', nickname: 'anna' } })
  const row = rosterRow(await entry({ [one]: 1 }), { ...alone, names })
  expect(row).toMatchObject({ name: 'Robert', nickname: 'bob', contact: true, verified: true })
})

test('a peer without a nickname is named by its short ID, and marked as nameless', async () => {
  const row = rosterRow(await entry({ [one]: 1 }, { nickname: '' }), alone)
  expect(row).toMatchObject({ name: shortId(bob.id), nickname: shortId(bob.id), isNameless: true })
})

test.each([
  ['that is connected on a private network', '/ip4/192.168.1.7/tcp/4001', {}, 'lan'],
  ['that is connected from elsewhere', '/ip4/203.0.113.7/tcp/4001', {}, 'direct'],
  ['that the LAN shows', undefined, { [LAN]: 1 }, 'lan'],
  ['that directories alone show', undefined, {}, 'none']
] as const)('the path of a peer %s', async (_whose, connected, sources, path) => {
  const connectionAddress = () => (connected === undefined ? undefined : multiaddr(connected))
  expect(rosterRow(await entry({ [one]: 1, ...sources }), { connectionAddress })).toMatchObject({ path })
})

test('shows the round-trip time of a connection, or why there is none', async () => {
  const known = { rttMs: () => 12, whyNoWay: () => 'nothing listens there' }
  const listed = await entry({ [one]: 1 })
  const connected = rosterRow(listed, { ...known, connectionAddress: () => multiaddr('/ip4/192.0.2.7/tcp/4001') })
  expect([connected.rttMs, connected.why]).toEqual([12, undefined])
  const away = rosterRow(listed, { ...known, ...alone })
  expect([away.rttMs, away.why]).toEqual([undefined, 'nothing listens there'])
})

test('shows an address of the network in use, else IPv4 before IPv6, and loopback last', async () => {
  const addresses = [
    '/ip4/127.0.0.1/tcp/1',
    '/ip6/2001:db8::7/tcp/2',
    '/ip4/192.0.2.7/tcp/3',
    '/ip4/198.51.100.7/tcp/4'
  ]
  const listed = await entry({ [one]: 1 }, { addresses })
  expect(rosterRow(listed, alone)).toMatchObject({ host: '192.0.2.7', port: 3 })
  const connectionAddress = () => multiaddr('/ip4/198.51.100.7/tcp/999')
  expect(rosterRow(listed, { connectionAddress })).toMatchObject({ host: '198.51.100.7', port: 4 })
  expect(rosterRow(await entry({ [one]: 1 }, { addresses: ['/ip4/127.0.0.1/tcp/1'] }), alone).host).toBe('127.0.0.1')
})

test('a peer that one directory alone attests is marked, unless the LAN shows it too', async () => {
  const seenBy = () => ({ via: new Map([[one, 1]]), onlyVia: one })
  expect(rosterRow(await entry({ [one]: 1 }), { ...alone, seenBy }).onlyVia).toBe(one)
  expect(rosterRow(await entry({ [one]: 1, [LAN]: 1 }), { ...alone, seenBy }).onlyVia).toBeUndefined()
})

test('blocked peers and shared names are marked', async () => {
  const namesake = { peer: 'other', name: 'bob' } as never
  const row = rosterRow(await entry({ [one]: 1 }), { ...alone, isBlocked: () => true, namesakeOf: () => namesake })
  expect(row).toMatchObject({ blocked: true, sharesNameWith: namesake })
})

test('a peer on another chat program has the name that the user gave it, and not the address it dialled from', () => {
  const program = { peer: bob.id, dialect: 'line', sinceMs: 5 } as never
  const connection = (direction: string) => ({ direction, remoteAddr: multiaddr('/ip4/192.0.2.7/tcp/4001') }) as never
  const known = { name: 'printer', contact: undefined }
  const row = otherProgramRow(program, { ...known, connection: connection('outbound'), rttMs: 3 })
  expect(row).toMatchObject({ name: 'printer', host: '192.0.2.7', port: 4001, sinceMs: 5, rttMs: 3, sources: [] })
  expect(otherProgramRow(program, { ...known, connection: connection('inbound') }).host).toBeUndefined()
  expect(otherProgramRow(program, { ...known, connection: undefined }).path).toBe('none')
})

test('rows are in the order of names, then of keys', () => {
  const row = (name: string, peer: string) => ({ name, peer }) as never
  const rows = [row('bob', 'b'), row('anna', 'z'), row('bob', 'a')]
  expect(rows.toSorted(compareRows)).toEqual([row('anna', 'z'), row('bob', 'a'), row('bob', 'b')])
})
