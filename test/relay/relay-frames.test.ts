import fc from 'fast-check'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { circuitAddress, circuitRoute } from '../../src/relay/index.ts'
import {
  BadRelayFrameError,
  decodeHop,
  decodeStop,
  encodeHop,
  encodeStop,
  type RelayStatus
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
  for (const frame of [{ type: 'reserve' }, { type: 'reserved' }, { type: 'connect', peer }] as const) {
    expect(decodeHop(encodeHop(frame))).toEqual(frame)
  }
  expect(decodeStop(encodeStop({ type: 'connect', peer }))).toEqual({ type: 'connect', peer })
  for (const status of statuses) {
    expect(decodeHop(encodeHop({ type: 'status', status }))).toEqual({ type: 'status', status })
    expect(decodeStop(encodeStop({ type: 'status', status }))).toEqual({ type: 'status', status })
  }
})

test('the bytes are those of circuit relay v2', async () => {
  const { peer } = await identity(1)
  const id = Buffer.from(peer.toMultihash().bytes).toString('hex')
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  expect(hex(encodeHop({ type: 'reserve' }))).toBe('0800')
  expect(hex(encodeHop({ type: 'connect', peer }))).toBe(`080112280a26${id}`)
  expect(hex(encodeHop({ type: 'status', status: 'ok' }))).toBe('08022864')
  expect(hex(encodeStop({ type: 'connect', peer }))).toBe(`080012280a26${id}`)
  expect(hex(encodeStop({ type: 'status', status: 'ok' }))).toBe('08012064')
})

test('a status of a later version is a refusal', () => {
  expect(decodeHop(Buffer.from('080228ac02', 'hex'))).toEqual({ type: 'status', status: 'connection-failed' })
})

test('random bytes are a message, or none, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const decode of [decodeHop, decodeStop]) {
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
