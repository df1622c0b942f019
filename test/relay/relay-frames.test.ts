import fc from 'fast-check'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { circuitAddress, circuitRoute } from '../../src/relay/index.ts'
import {
  BadRelayFrameError,
  hopFrames,
  stopFrames,
  type RelayStatus,
  unlimitedReservation
} from '../../src/relay/relay-frames.ts'
import { identity } from '../presence/records.ts'

const statuses: readonly RelayStatus[] = [
  'ok',
  'reservation-refused',
  'resource-limit-exceeded',
  'permission-denied',
  'connection-failed',
  'no-reservation',
  'malformed-message',
  'unexpected-message'
]

test('every message is read as it was written', async () => {
  const { peer } = await identity(1)
  const limited = { expiresAtS: 1_800_000_000, allowance: { durationS: 120, bytes: 131_072 } }
  const frames = [
    { type: 'reserve' },
    { type: 'reserved', reservation: unlimitedReservation },
    { type: 'reserved', reservation: limited },
    { type: 'reserved', reservation: { ...unlimitedReservation, stun: { port: 8_000, otherPort: 9_000 } } },
    { type: 'connect', peer }
  ] as const
  for (const frame of frames) expect(hopFrames.decode(hopFrames.encode(frame))).toEqual(frame)
  for (const frame of [
    { type: 'connect', peer } as const,
    { type: 'connect', peer, source: '00010203f0f1f2f3' } as const
  ]) {
    expect(stopFrames.decode(stopFrames.encode(frame))).toEqual(frame)
  }
  for (const status of statuses) {
    expect(hopFrames.decode(hopFrames.encode({ type: 'status', status }))).toEqual({ type: 'status', status })
    expect(stopFrames.decode(stopFrames.encode({ type: 'status', status }))).toEqual({ type: 'status', status })
  }
})

test('the bytes are those of circuit relay v2', async () => {
  const { peer } = await identity(1)
  const id = Buffer.from(peer.toMultihash().bytes).toString('hex')
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  expect(hex(hopFrames.encode({ type: 'reserve' }))).toBe('0800')
  expect(hex(hopFrames.encode({ type: 'connect', peer }))).toBe(`080112280a26${id}`)
  expect(hex(hopFrames.encode({ type: 'status', status: 'ok' }))).toBe('08022864')
  expect(hex(stopFrames.encode({ type: 'connect', peer }))).toBe(`080012280a26${id}`)
  expect(hex(stopFrames.encode({ type: 'connect', peer, source: '00010203f0f1f2f3' }))).toBe(
    `080012280a26${id}c23e0800010203f0f1f2f3`
  )
  expect(hex(stopFrames.encode({ type: 'status', status: 'ok' }))).toBe('08012064')
})

test('a status of a later version is a refusal', () => {
  expect(hopFrames.decode(Buffer.from('080228ac02', 'hex'))).toEqual({ type: 'status', status: 'connection-failed' })
})

test('a reservation of another relay is read with its time and its limits; one without limits has none', () => {
  const granted = (rest: string) => hopFrames.decode(Buffer.from(`08021a060880a6e6d606${rest}2864`, 'hex'))
  const reservation = { expiresAtS: 1_792_643_840 }
  expect(granted('2206087810808008')).toMatchObject({
    type: 'reserved',
    reservation: { ...reservation, allowance: { durationS: 120, bytes: 131_072 } }
  })
  for (const none of ['', '2200', '220408001000']) {
    expect(granted(none)).toMatchObject({ reservation: { allowance: { durationS: Infinity, bytes: Infinity } } })
  }
})

test('a source of another length is no message', async () => {
  const { peer } = await identity(1)
  expect(() => stopFrames.decode(stopFrames.encode({ type: 'connect', peer, source: '00' }))).toThrow(
    BadRelayFrameError
  )
})

test('random bytes decode to a message, or fail as documented', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decode of [hopFrames.decode, stopFrames.decode]) {
        try {
          expect(typeof decode(bytes).type).toBe('string')
        } catch (error) {
          expect(error).toBeInstanceOf(BadRelayFrameError)
        }
      }
    })
  )
})

test('an address behind a relay names both, and nothing else is one', async () => {
  const [{ id: relay }, { id: peer }] = [await identity(1), await identity(2)]
  expect(circuitRoute(circuitAddress(relay, peer))).toEqual({ relay, peer })
  expect(circuitRoute(circuitAddress(relay))).toEqual({ relay, peer: undefined })
  const longer = multiaddr(`/ip4/192.0.2.7/tcp/4001/p2p/${relay}/p2p-circuit/p2p/${peer}`)
  expect(circuitRoute(longer)).toEqual({ relay, peer })
  const none = [
    `/ip4/192.0.2.7/tcp/4001/p2p/${peer}`,
    `/ip4/192.0.2.7/tcp/4001/p2p-circuit/p2p/${peer}`,
    `/p2p-circuit/p2p/${peer}`,
    `/p2p/${relay}/p2p-circuit/p2p/${relay}/p2p-circuit/p2p/${peer}`,
    `/p2p/${relay}/p2p-circuit/ip4/192.0.2.7/tcp/22`
  ]
  expect(none.map((address) => circuitRoute(multiaddr(address)))).toEqual(none.map(() => undefined))
})
