import { onTestFinished, expect, test, vi } from 'vitest'
import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { NamedRelays, renewAfterMs, MAX_RENEW_MS } from '../../src/relay/client/named-relays.ts'
import type { NamedRelayState, NamedRelaysInit } from '../../src/relay/client/named-relays.ts'
import { unlimitedReservation } from '../../src/relay/relay-frames.ts'
import { orAborted } from '../../src/wire/index.ts'
import { eventually } from '../eventually.ts'
import { echo, echoed, peerNode, relayNode, type TestPeer } from './nodes.ts'

const HOUR_MS = 3_600_000

test('half of a lease is waited for where the clocks agree, and a clock that is wrong never makes the wait longer', () => {
  const nowMs = 1_800_000_000_000
  const renewedAfter = (leaseMs: number, clockMs: number): number =>
    renewAfterMs((nowMs + clockMs + leaseMs) / 1_000, nowMs)
  expect(renewedAfter(40_000, 0)).toBe(20_000)
  for (const leaseMs of [2 * MAX_RENEW_MS, HOUR_MS, 24 * HOUR_MS]) {
    for (const clockMs of [0, -HOUR_MS, HOUR_MS, -20 * HOUR_MS, 365 * 24 * HOUR_MS]) {
      expect(renewedAfter(leaseMs, clockMs)).toBeLessThanOrEqual(MAX_RENEW_MS)
      expect(renewedAfter(leaseMs, clockMs)).toBeGreaterThanOrEqual(5_000)
    }
  }
})

test('a named relay is reserved, stays when relays are left behind, and reaches peers that name it too', async () => {
  const [relay, anna, bob] = [await relayNode(), await peerNode(), await peerNode(echo)]
  const told = [named(anna, relay.libp2p.getMultiaddrs()), named(bob, relay.libp2p.getMultiaddrs())]
  await eventually(() => expect(told.map((states) => states.map(({ is }) => is))).toEqual([['reserved'], ['reserved']]))
  expect([...anna.circuits.named]).toEqual([relay.id])
  bob.circuits.release(relay.id)
  const connection = await anna.dial(relay, bob)
  expect(await echoed(connection, Buffer.from('here'))).toEqual(Buffer.from('here'))
})

test('a named relay says with the reservation where it answers STUN, and is asked there as long as it is connected', async () => {
  const stun = { port: 8_000, otherPort: 9_000 }
  const [relay, mute, anna] = [await relayNode({ stun: () => stun }), await relayNode(), await peerNode()]
  named(
    anna,
    [relay, mute].flatMap(({ libp2p }) => libp2p.getMultiaddrs()[0] ?? [])
  )
  await eventually(() => expect(anna.circuits.named.size).toBe(2))
  const [connection] = anna.libp2p.getConnections(relay.libp2p.peerId)
  expect(anna.circuits.stunPlaces()).toEqual([{ directory: relay.id, reachedAt: connection?.remoteAddr, stun }])
  await relay.libp2p.stop()
  await eventually(() => expect(anna.circuits.stunPlaces()).toEqual([]))
})

test('a reservation is renewed again and again, by a machine whose clock is an hour late', async () => {
  const [relay, anna] = [await relayNode(), await peerNode()]
  let renewals = 0
  const reserveNamed: NamedRelaysInit['circuits']['reserveNamed'] = async (...of) => {
    renewals++
    return anna.circuits.reserveNamed(...of)
  }
  named(anna, relay.libp2p.getMultiaddrs(), {
    circuits: { reserveNamed },
    maxRenewMs: 1,
    wallNowMs: () => Date.now() - HOUR_MS
  })
  await eventually(() => expect(renewals).toBeGreaterThan(5))
  expect(anna.libp2p.getConnections()).toHaveLength(1)
})

test('a lost connection to a named relay is reported once, and the relay is reserved again', async () => {
  const [relay, anna] = [await relayNode(), await peerNode()]
  const states = named(anna, relay.libp2p.getMultiaddrs())
  await eventually(() => expect(states).toHaveLength(1))
  for (const connection of anna.libp2p.getConnections()) connection.abort(new Error('the cable was cut'))
  await eventually(() => expect(states.map(({ is }) => is)).toEqual(['reserved', 'lost', 'reserved']))
  expect([...anna.circuits.relays]).toEqual([relay.id])
})

test('a node that does not relay, one that refuses and one that is missing are each reported once, and tried again', async () => {
  const [noRelay, refusing, anna] = [await peerNode(), await relayNode(), await peerNode()]
  refusing.announced = () => false
  const nobody = multiaddr('/ip4/127.0.0.1/tcp/1')
  const told = new Map<string, string[]>()
  const relays = [noRelay.libp2p.getMultiaddrs()[0], refusing.libp2p.getMultiaddrs()[0], nobody].flatMap(
    (one) => one ?? []
  )
  named(anna, relays, {
    onState: (address, state) => {
      const words = told.get(address.toString()) ?? []
      told.set(address.toString(), [...words, state.is === 'lost' ? state.why.message : state.is])
    }
  })
  await eventually(() => expect(told.size).toBe(3))
  refusing.announced = () => true
  const [first = '', second = ''] = relays.map(String)
  await eventually(() => expect(told.get(second)).toEqual(['the relay answered: permission-denied', 'reserved']))
  expect(told.get(first)).toEqual(['it does not relay'])
  expect(told.get(nobody.toString())).toHaveLength(1)
  expect([...anna.circuits.relays]).toEqual([refusing.id])
})

test('a relay that grants a reservation and takes it back each time is asked, and reported, less and less often', async () => {
  const [relay, anna] = [await relayNode(), await peerNode()]
  const connection = await anna.reserve(relay)
  let asked = 0
  const reserveNamed: NamedRelaysInit['circuits']['reserveNamed'] = async () => {
    if (asked++ % 2 === 1) throw new Error('not any more')
    return unlimitedReservation
  }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const states = named(anna, [connection.remoteAddr], {
      circuits: { reserveNamed },
      connect: async () => connection,
      maxRenewMs: 1
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(states.map(({ is }) => is).slice(0, 4)).toEqual(['reserved', 'lost', 'reserved', 'lost'])
    expect(states.length).toBeLessThan(50)
  } finally {
    vi.useRealTimers()
  }
})

test('a relay that ends each connection when it is asked is connected with again after a pause each time', async () => {
  const anna = await peerNode()
  let connects = 0
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const address = multiaddr('/ip4/192.0.2.7/tcp/4001')
    named(anna, [address], {
      circuits: {
        reserveNamed: async (connection) => {
          Object.assign(connection, { status: 'closed' }).dispatchEvent(new Event('close'))
          throw new Error('the connection was reset')
        }
      },
      connect: async (_address, { signal }) => {
        // A loop without a pause ends here.
        if (++connects > 100) await orAborted(new Promise<never>(() => undefined), signal)
        return Object.assign(new EventTarget(), { status: 'open', remotePeer: 'relay' }) as unknown as Connection
      }
    })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(connects).toBeGreaterThan(5)
    expect(connects).toBeLessThan(20)
  } finally {
    vi.useRealTimers()
  }
})

/** @returns what is told, as it comes */
function named(
  { libp2p, circuits }: TestPeer,
  addresses: readonly Multiaddr[],
  init: Partial<NamedRelaysInit> = {}
): readonly NamedRelayState[] {
  const states: NamedRelayState[] = []
  const relays = new NamedRelays({
    circuits,
    connect: async (address, options) => libp2p.dial(address, options),
    onState: (_address, state) => states.push(state),
    ...init
  })
  relays.start(addresses)
  onTestFinished(async () => relays.stop())
  return states
}
