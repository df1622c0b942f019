import { randomBytes } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Connection, Stream, Upgrader } from '@libp2p/interface'
import { encode } from 'it-length-prefixed'
import { expect, test, vi } from 'vitest'
import { RelayNotInUseError } from '../../src/relay/index.ts'
import {
  hopFrames,
  stopFrames,
  HOP_PROTOCOL,
  MAX_RELAY_FRAME_BYTES,
  STOP_PROTOCOL,
  type HopFrame,
  type StopFrame
} from '../../src/relay/relay-frames.ts'
import { CircuitConnection } from '../../src/relay/client/circuit-connection.ts'
import { addressClassOf, FrameStream, MAX_STREAM_WINDOW_BYTES, streamDuplex } from '../../src/wire/index.ts'
import { eventually } from '../eventually.ts'
import { echo, echoed, IdleTrial, peerNode, relayNode, type TestPeer } from './nodes.ts'

test('two peers talk through a relay, each sure of the other, and halves end one by one', async () => {
  const [relay, anna, bob] = [await relayNode(), await peerNode(), await peerNode(echo)]
  await Promise.all([anna.reserve(relay), bob.reserve(relay)])

  const connection = await anna.dial(relay, bob)
  expect(connection.remotePeer.toString()).toBe(bob.id)
  expect(connection.remoteAddr.toString()).toBe(`/p2p/${relay.id}/p2p-circuit/p2p/${bob.id}`)
  expect(connection.limits).toBeUndefined()

  const sent = randomBytes(3_000_000)
  expect(Buffer.compare(await echoed(connection, sent), sent)).toBe(0)
  const [back] = bob.libp2p.getConnections(anna.libp2p.peerId)
  expect(back?.remoteAddr.toString()).toBe(`/p2p/${relay.id}/p2p-circuit/p2p/${anna.id}`)
  expect(relay.service.figures()).toMatchObject({ reservations: 2, circuits: 1 })

  await connection.close()
  await eventually(() => expect(bob.libp2p.getConnections(anna.libp2p.peerId)).toEqual([]))
  await eventually(() => expect(relay.service.figures().circuits).toBe(0))
})

test('a reservation ends with its connection, is made anew on the next, and changes no address of the peer', async () => {
  const [relay, peer] = [await relayNode(), await peerNode()]
  const addresses = () => peer.libp2p.getMultiaddrs().map(String)
  const before = addresses()
  const connection = await peer.reserve(relay)
  expect([...peer.circuits.relays]).toEqual([relay.id])
  expect(addresses()).toEqual(before)
  await connection.close()
  await eventually(() => expect(peer.circuits.relays.size).toBe(0))
  await eventually(() => expect(relay.service.figures().reservations).toBe(0))
  await peer.reserve(relay)
  expect([...peer.circuits.relays]).toEqual([relay.id])
})

test('only peers that are announced here reserve, dial and are reached', async () => {
  const [relay, anna, bob, stranger] = [await relayNode(), await peerNode(), await peerNode(), await peerNode()]
  await Promise.all([anna.reserve(relay), bob.reserve(relay), stranger.reserve(relay)])

  relay.announced = (peer) => peer !== stranger.id
  await expect(stranger.dial(relay, bob)).rejects.toThrow('permission-denied')
  await expect(anna.dial(relay, stranger)).rejects.toThrow('no-reservation')

  relay.announced = () => false
  const late = await peerNode()
  await expect(late.reserve(relay)).rejects.toThrow('permission-denied')
  expect(late.circuits.relays.size).toBe(0)
})

test('where no roster is kept, a reservation announces a peer: without one it neither dials nor is reached', async () => {
  const [relay, anna, bob, stranger] = [
    await relayNode({ keepsRoster: false }),
    await peerNode(),
    await peerNode(echo),
    await peerNode()
  ]
  const [, , unreserved] = await Promise.all([
    anna.reserve(relay),
    bob.reserve(relay),
    stranger.libp2p.dial(relay.libp2p.getMultiaddrs())
  ])
  const ask = hopFrames.encode({ type: 'connect', peer: bob.libp2p.peerId })
  expect(await hopAnswer(unreserved, ask)).toEqual({ type: 'status', status: 'permission-denied' })
  await expect(anna.dial(relay, stranger)).rejects.toThrow('no-reservation')
  expect(await echoed(await anna.dial(relay, bob), Buffer.from('here'))).toEqual(Buffer.from('here'))
})

test('a peer without a reservation is not reached, and neither is one through a relay that is not in use', async () => {
  const [relay, other, anna, bob] = [await relayNode(), await relayNode(), await peerNode(), await peerNode()]
  await anna.reserve(relay)
  await expect(anna.dial(relay, bob)).rejects.toThrow('no-reservation')
  await expect(anna.dial(other, bob)).rejects.toBeInstanceOf(RelayNotInUseError)
})

test('a circuit from a stranger is not taken, and makes no connection', async () => {
  const [victim, stranger] = [await peerNode(echo), await peerNode()]
  const addresses = victim.libp2p.getMultiaddrs().map(String)
  const connection = await stranger.libp2p.dial(victim.libp2p.getMultiaddrs())
  await expect(offerCircuit(connection, stranger.id).then(async (offer) => offer.read())).rejects.toThrow()
  expect(victim.libp2p.getMultiaddrs().map(String)).toEqual(addresses)
  expect(victim.circuits.relays.size).toBe(0)
  expect(victim.libp2p.getConnections()).toHaveLength(1)
})

test('a relay that names another peer than the one that speaks makes no connection', async () => {
  const [relay, victim, claimed] = [await relayNode(), await peerNode(echo), await peerNode()]
  await victim.reserve(relay)
  const [toVictim] = relay.libp2p.getConnections(victim.libp2p.peerId)
  if (toVictim === undefined) throw new Error('the victim is connected')
  const offer = await offerCircuit(toVictim, claimed.id)
  const answer = await offer.read()
  expect(answer).toEqual({ type: 'status', status: 'ok' })
  // The relay itself speaks Noise here, with its own key and not the claimed one.
  const circuit = new CircuitConnection({
    stream: offer.release(),
    remoteAddr: multiaddr(`/p2p/${victim.id}`),
    direction: 'outbound',
    log: toVictim.log
  })
  const { upgrader } = componentsOf(relay.libp2p)
  await upgrader.upgradeOutbound(circuit, { signal: new AbortController().signal }).catch(() => undefined)
  await eventually(() => expect(circuit.status).not.toBe('open'))
  expect(victim.libp2p.getConnections(claimed.libp2p.peerId)).toEqual([])
})

test('one peer opens so many circuits and no more, and one that ends makes room', async () => {
  const limits = { maxCircuits: 8, maxOfDialer: 2, maxToTarget: 3 }
  const relay = await relayNode({ limits })
  const [anna, carl, ...targets] = await Promise.all([peerNode(), peerNode(), peerNode(), peerNode(), peerNode()])
  const [bob, dora, emil] = targets
  if (bob === undefined || dora === undefined || emil === undefined) throw new Error('there are three')
  await Promise.all([anna, carl, bob, dora, emil].map(async (peer) => peer.reserve(relay)))
  const first = await anna.dial(relay, bob)
  await anna.dial(relay, dora)
  await expect(anna.dial(relay, emil)).rejects.toThrow('resource-limit-exceeded')
  await carl.dial(relay, emil)
  await first.close()
  await eventually(async () => {
    await anna.dial(relay, emil)
  })
})

test('a peer that was chosen reaches a target whose circuits are all with strangers: the oldest of these gives way', async () => {
  let friend = ''
  const [relay, bob] = [await relayNode(), await peerNode(echo, { maxTaken: 2, isChosen: (peer) => peer === friend })]
  const [first, second, third, anna] = await Promise.all([peerNode(), peerNode(), peerNode(), peerNode()])
  friend = anna.id
  await Promise.all([bob, first, second, third, anna].map(async (peer) => peer.reserve(relay)))
  const oldest = await first.dial(relay, bob)
  const newer = await second.dial(relay, bob)
  await expect(third.dial(relay, bob)).rejects.toThrow('connection-failed')
  const ofFriend = await anna.dial(relay, bob)
  await eventually(() => expect(oldest.status).not.toBe('open'))
  expect(await echoed(ofFriend, Buffer.from('it is me'))).toEqual(Buffer.from('it is me'))
  expect(newer.status).toBe('open')
  await expect(third.dial(relay, bob)).rejects.toThrow('connection-failed')
  await newer.close()
  await eventually(async () => {
    await third.dial(relay, bob)
  })
})

test('an offer that is reset right behind its request takes no place', async () => {
  const [relay, bob, anna] = [await relayNode(), await peerNode(echo, { maxTaken: 1 }), await peerNode()]
  await bob.reserve(relay)
  const [connection] = relay.libp2p.getConnections(bob.libp2p.peerId)
  if (connection === undefined) throw new Error('the relay has no connection to bob')
  for (let offers = 0; offers < 8; offers++) {
    const stream = await connection.newStream(STOP_PROTOCOL)
    stream.send(encode.single(stopFrames.encode({ type: 'connect', peer: anna.libp2p.peerId })))
    stream.abort(new Error('the dialer left'))
  }
  const stop = await offerCircuit(connection, anna.id)
  expect(await stop.read()).toEqual({ type: 'status', status: 'ok' })
})

test('a relay that grants a reservation again and again on one connection gets one listener for its end', async () => {
  const [relay, anna] = [await relayNode(), await peerNode()]
  const connection = await anna.reserve(relay)
  const listen = vi.spyOn(connection, 'addEventListener')
  for (let granted = 0; granted < 3; granted++) {
    anna.circuits.release(relay.id)
    expect(await anna.circuits.reserve(connection, { signal: new AbortController().signal })).toBe(true)
  }
  expect(listen.mock.calls.filter(([event]) => event === 'close')).toEqual([])
  await connection.close()
  await eventually(() => expect(anna.circuits.relays.size).toBe(0))
})

test('a relay states the source of a circuit: the same for one network and target, and another for another target', async () => {
  const [relay, anna, carl] = [await relayNode(), await peerNode(), await peerNode()]
  const [bob, dora] = [await peerNode(), await peerNode()]
  await Promise.all([anna, bob, carl, dora].map(async (peer) => peer.reserve(relay)))
  const classAt = async (target: TestPeer, dialer: TestPeer): Promise<string> => {
    await dialer.dial(relay, target)
    return eventually(() => {
      const [inbound] = target.libp2p.getConnections(dialer.libp2p.peerId)
      if (inbound === undefined) throw new Error('not connected yet')
      return addressClassOf(inbound.remoteAddr)
    })
  }
  const [ofAnna, ofCarl] = [await classAt(bob, anna), await classAt(bob, carl)]
  expect(ofAnna).toMatch(/^[0-9a-f]{16} behind /u)
  expect(ofCarl).toBe(ofAnna)
  expect(await classAt(dora, anna)).not.toBe(ofAnna)
})

test('a malformed request is answered with the reason', async () => {
  const [relay, peer] = [await relayNode(), await peerNode()]
  const connection = await peer.libp2p.dial(relay.libp2p.getMultiaddrs())
  expect(await hopAnswer(connection, Buffer.from('no protobuf'))).toEqual({
    type: 'status',
    status: 'malformed-message'
  })
  expect(await hopAnswer(connection, hopFrames.encode({ type: 'status', status: 'ok' }))).toEqual({
    type: 'status',
    status: 'unexpected-message'
  })
})

test('a refused stream that keeps sending is held back, and reset when it does not end', async () => {
  const [relay, peer] = [await relayNode(), await peerNode()]
  const connection = await peer.libp2p.dial(relay.libp2p.getMultiaddrs())
  const hop = new FrameStream(await connection.newStream(HOP_PROTOCOL), hopFrames, new AbortController().signal)
  await hop.write({ type: 'status', status: 'ok' })
  await hop.read()
  const stream = hop.release()
  let sentBytes = 0
  const flood = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      yield new Uint8Array(MAX_RELAY_FRAME_BYTES)
      sentBytes += MAX_RELAY_FRAME_BYTES
    }
  }
  await expect(streamDuplex(stream).sink(flood())).rejects.toThrow()
  expect(stream.status).toBe('reset')
  // The first window of Yamux, and what waits on this side.
  expect(sentBytes).toBeLessThan(MAX_STREAM_WINDOW_BYTES)
})

test('a stream to the target ends when the dialer leaves before the target answers', async () => {
  const [relay, anna, bob] = [await relayNode(), await peerNode(), await peerNode()]
  const { promise: offered, resolve } = Promise.withResolvers<FrameStream<StopFrame>>()
  let target: Stream | undefined
  await bob.libp2p.unhandle(STOP_PROTOCOL)
  await bob.libp2p.handle(STOP_PROTOCOL, (stream) => {
    target = stream
    resolve(new FrameStream(stream, stopFrames, new AbortController().signal))
  })
  const connection = await anna.reserve(relay)
  await bob.reserve(relay)
  const hopStream = await connection.newStream(HOP_PROTOCOL)
  const hop = new FrameStream(hopStream, hopFrames, new AbortController().signal)
  await hop.write({ type: 'connect', peer: bob.libp2p.peerId })
  const offer = await offered
  await offer.read()
  hop.abort(new Error('the dialer leaves'))
  // The relay has read the reset when it answers what came behind it.
  await hopAnswer(connection, hopFrames.encode({ type: 'status', status: 'ok' }))
  await offer.write({ type: 'status', status: 'ok' }).catch(() => undefined)
  await eventually(() => expect(target?.status).toBe('reset'))
  await eventually(() => expect(relay.service.figures().circuits).toBe(0))
})

test('a dialer hears that its target does not answer', async () => {
  const [relay, anna, bob] = [await relayNode(), await peerNode(), await peerNode()]
  await bob.libp2p.unhandle(STOP_PROTOCOL)
  await bob.libp2p.handle(STOP_PROTOCOL, () => undefined)
  await Promise.all([anna.reserve(relay), bob.reserve(relay)])
  await expect(anna.dial(relay, bob)).rejects.toThrow('connection-failed')
})

test('a peer with two connections to a relay keeps its reservation when the newer one closes', async () => {
  const [relay, peer] = [await relayNode(), await peerNode()]
  const [address] = relay.libp2p.getMultiaddrs()
  if (address === undefined) throw new Error('the relay listens')
  const older = await peer.reserve(relay)
  const newer = await peer.libp2p.dial(address, { force: true })
  expect(newer).not.toBe(older)
  const signal = new AbortController().signal
  expect(await peer.circuits.reserve(newer, { signal })).toBe(true)
  await newer.close()
  await eventually(() => expect([...peer.circuits.relays]).toEqual([]))
  expect(await peer.circuits.reserve(older, { signal })).toBe(true)
  expect([...peer.circuits.relays]).toEqual([relay.id])
})

test('a relay that was released reaches the peer no more, and may be reserved again', async () => {
  const [relay, anna, bob] = [await relayNode(), await peerNode(), await peerNode(echo)]
  const [, connection] = await Promise.all([anna.reserve(relay), bob.reserve(relay)])
  bob.circuits.release(relay.id)
  expect(bob.circuits.relays.size).toBe(0)
  await expect(anna.dial(relay, bob)).rejects.toThrow('connection-failed')
  expect(await bob.circuits.reserve(connection, { signal: new AbortController().signal })).toBe(true)
  await anna.dial(relay, bob)
})

test('of many relays that are asked at once, no more are reserved than may be', async () => {
  const peer = await peerNode()
  const relays = await Promise.all(Array.from({ length: 5 }, async () => relayNode()))
  await Promise.all(relays.map(async (relay) => peer.reserve(relay)))
  expect(peer.circuits.relays.size).toBe(4)
})

test('one address class uses up half of what may be asked of a target, and no more', async () => {
  const [relay, anna, bob] = [await relayNode({ now: () => 0 }), await peerNode(), await peerNode()]
  await bob.libp2p.unhandle(STOP_PROTOCOL)
  const [connection] = await Promise.all([anna.reserve(relay), bob.reserve(relay)])
  const request = hopFrames.encode({ type: 'connect', peer: bob.libp2p.peerId })
  for (let asked = 0; asked < 16; asked++) {
    expect(await hopAnswer(connection, request)).toEqual({ type: 'status', status: 'connection-failed' })
  }
  expect(await hopAnswer(connection, request)).toEqual({ type: 'status', status: 'resource-limit-exceeded' })
})

test('a circuit that carries nothing is closed, and one that carries something stays', async () => {
  let nowMs = 0
  const relay = await relayNode({ idleAfterMs: 40, now: () => nowMs })
  const [anna, bob] = [await peerNode(), await peerNode(echo)]
  await Promise.all([anna.reserve(relay), bob.reserve(relay)])
  const connection = await anna.dial(relay, bob)
  nowMs += 39
  expect(await echoed(connection, Buffer.from('alive'))).toEqual(Buffer.from('alive'))
  nowMs += 39
  expect(await echoed(connection, Buffer.from('still'))).toEqual(Buffer.from('still'))
  // What ends the stream may still be on its way, and counts as carried.
  await eventually(() => {
    nowMs += 10
    expect(connection.status).not.toBe('open')
  })
  await eventually(() => expect(relay.service.figures().circuits).toBe(0))
})

test('an unused relayed connection is closed by its dialer; one in use stays', async () => {
  const idle = new IdleTrial()
  const [relay, anna, bob] = [await relayNode(), await peerNode(undefined, idle.init), await peerNode(echo)]
  await Promise.all([anna.reserve(relay), bob.reserve(relay)])
  const connection = await anna.dial(relay, bob)
  await idle.endsUnused(connection)
  await eventually(() => expect(relay.service.figures().circuits).toBe(0))
})

test('when the relay stops, its circuits end on both sides, and so do the reservations', async () => {
  const [relay, anna, bob] = [await relayNode(), await peerNode(), await peerNode(echo)]
  await Promise.all([anna.reserve(relay), bob.reserve(relay)])
  const connection = await anna.dial(relay, bob)
  await relay.libp2p.stop()
  await eventually(() => expect(connection.status).not.toBe('open'))
  await eventually(() => expect(bob.libp2p.getConnections()).toEqual([]))
  await eventually(() => expect([anna.circuits.relays.size, bob.circuits.relays.size]).toEqual([0, 0]))
})

async function hopAnswer(connection: Connection, request: Uint8Array): Promise<HopFrame> {
  const stream = await connection.newStream(HOP_PROTOCOL)
  const hop = new FrameStream(stream, hopFrames, new AbortController().signal)
  stream.send(encode.single(request))
  return await hop.read()
}

async function offerCircuit(connection: Connection, peer: string): Promise<FrameStream<StopFrame>> {
  const stop = new FrameStream(await connection.newStream(STOP_PROTOCOL), stopFrames, new AbortController().signal)
  await stop.write({ type: 'connect', peer: peerIdFromString(peer) })
  return stop
}

/** libp2p's parts, which its type does not show. */
function componentsOf(libp2p: object): { readonly upgrader: Upgrader } {
  return (libp2p as { readonly components: { readonly upgrader: Upgrader } }).components
}
