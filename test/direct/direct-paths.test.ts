import type { Connection } from '@libp2p/interface'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { NoDirectPathError, type NoDirectPathWhy } from '../../src/direct/index.ts'
import { isRelayed } from '../../src/node/dialing/address.ts'
import { eventually, until } from '../eventually.ts'
import { streamDuplex } from '../../src/wire/index.ts'
import { echo, echoed, IdleTrial, relayNode } from '../relay/nodes.ts'
import { directPeer, seeingServer, type DirectPeer } from './nodes.ts'

/** Two peers that are connected through a relay. */
async function relayedPair(
  inits: readonly [Parameters<typeof directPeer>[1], Parameters<typeof directPeer>[1]] = [{}, {}]
): Promise<{ readonly peers: readonly [DirectPeer, DirectPeer]; readonly relayed: Connection }> {
  const seenBy = await seeingServer()
  const relay = await relayNode()
  const [one, other] = [await directPeer(seenBy, inits[0], echo), await directPeer(seenBy, inits[1], echo)]
  await one.reserve(relay)
  await other.reserve(relay)
  const relayed = await one.dialThrough(relay, other)
  // The one that was dialled has the connection a moment later.
  await until(() => openTo(other, one).length === 1, 'the relayed connection at the other peer')
  return { peers: [one, other], relayed }
}

const openTo = (from: DirectPeer, to: DirectPeer): Connection[] =>
  from.libp2p.getConnections(to.libp2p.peerId).filter(({ status }) => status === 'open')

const pathsTo = (from: DirectPeer, to: DirectPeer): string[] =>
  openTo(from, to)
    .map(({ remoteAddr }) => (isRelayed(remoteAddr) ? 'relayed' : 'direct'))
    .toSorted()

const whyNot = async (punched: Promise<unknown>): Promise<NoDirectPathWhy | undefined> =>
  punched.then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof NoDirectPathError) return error.why
      throw error
    }
  )

test('two peers behind a relay make a path over UDP, which carries streams in both directions', async () => {
  const { peers } = await relayedPair()
  const [one, other] = peers
  const connection = await one.punch(other)
  expect(connection.remoteAddr.toString()).toMatch(/^\/ip4\/127\.0\.0\.1\/udp\/\d+\/p2p\//u)
  expect(connection.remotePeer.toString()).toBe(other.id)
  expect([connection.encryption, connection.multiplexer]).toEqual(['/noise', '/yamux/1.0.0'])
  await until(() => pathsTo(other, one).length === 2, 'the other side has the path too')
  expect([pathsTo(one, other), pathsTo(other, one)]).toEqual([
    ['direct', 'relayed'],
    ['direct', 'relayed']
  ])
  const bytes = Buffer.alloc(2_000_000, 'parley')
  const back = openTo(other, one).find(({ remoteAddr }) => !isRelayed(remoteAddr))
  expect((await echoed(connection, bytes)).equals(bytes)).toBe(true)
  expect(back === undefined ? '' : (await echoed(back, bytes)).equals(bytes)).toBe(true)
})

test('both ask at once: one path is made, and both are answered with it', async () => {
  const { peers } = await relayedPair()
  const [one, other] = peers
  const [there, back] = await Promise.allSettled([one.punch(other), other.punch(one)])
  // The one that is refused as it lost may not have been asked yet: its path comes with the other's question.
  expect([there.status, back.status]).toContain('fulfilled')
  await until(() => pathsTo(one, other).length === 2 && pathsTo(other, one).length === 2, 'both have the path')
})

test('a refusal ends an attempt that does not know yet where it is seen, and the other side can ask at once', async () => {
  const mayBeSeen = Promise.withResolvers<void>()
  onTestFinished(() => mayBeSeen.resolve())
  const ports = [await seeingServer(mayBeSeen.promise), await seeingServer()] as const
  let isAccepted = false
  const init = (at: 0 | 1): Parameters<typeof directPeer>[1] => ({
    isContact: (peer) => isAccepted || peer !== peers[0].id,
    stunServers: () => [{ directory: peers[at].libp2p.peerId, host: '127.0.0.1', port: ports[at] }]
  })
  const { peers } = await relayedPair([init(0), init(1)])
  const [one, other] = peers
  expect(await whyNot(one.punch(other))).toBe('refused')
  isAccepted = true
  mayBeSeen.resolve()
  expect((await other.punch(one)).remotePeer.toString()).toBe(one.id)
})

test('calls at the same time share one attempt', async () => {
  const { peers } = await relayedPair()
  const [one, other] = peers
  const [first, second] = await Promise.all([one.punch(other), one.punch(other)])
  expect(first).toBe(second)
})

test('a stranger is refused, and learns nothing: the library is not loaded, and nobody is asked for a sighting', async () => {
  let loads = 0
  let looks = 0
  const asked = {
    isContact: () => false,
    load: () => void loads++,
    stunServers: () => {
      looks++
      return []
    }
  }
  const { peers } = await relayedPair([{}, asked])
  const [one, other] = peers
  expect(await whyNot(one.punch(other))).toBe('refused')
  expect(await whyNot(other.punch(one))).toBe('stranger')
  expect([loads, looks]).toEqual([0, 0])
  expect(pathsTo(one, other)).toEqual(['relayed'])
})

test('without udx-native a peer stays relayed, and only it learns why', async () => {
  const { peers } = await relayedPair([{}, { load: () => undefined }])
  const [one, other] = peers
  expect(await whyNot(one.punch(other))).toBe('refused')
  expect(await whyNot(other.punch(one))).toBe('no-library')
})

test('a peer whose user keeps conversations relayed, or of an earlier version, refuses', async () => {
  const { peers } = await relayedPair()
  const [one, other] = peers
  await other.libp2p.unhandle('/chat/direct/1.0.0')
  expect(await whyNot(one.punch(other))).toBe('refused')
})

test('without a relayed connection there is nothing to agree over', async () => {
  const seenBy = await seeingServer()
  const [one, other] = [await directPeer(seenBy), await directPeer(seenBy)]
  expect(await whyNot(one.punch(other))).toBe('not-relayed')
})

test('a path that is closed on one side is gone on the other, and the relayed connection stays', async () => {
  const { peers, relayed } = await relayedPair()
  const [one, other] = peers
  const connection = await one.punch(other)
  await until(() => pathsTo(other, one).length === 2, 'the other side has the path too')
  await connection.close()
  await until(() => pathsTo(other, one).length === 1, 'the path is gone')
  expect(relayed.status).toBe('open')
})

test('garbage and replays at a socket that waits for a way change nothing', async () => {
  const seenBy = await seeingServer()
  const noise = createSocket('udp4')
  onTestFinished(() => void noise.close())
  noise.bind(0, '127.0.0.1')
  await once(noise, 'listening')
  const ports: number[] = []
  const relay = await relayNode()
  const init: Parameters<typeof directPeer>[1] = {
    reachable: async ({ candidates }) => {
      for (const { port } of candidates) {
        ports.push(port)
        for (let length = 0; length < 1_500; length += 7) noise.send(Buffer.alloc(length, 'PPRB'), port, '127.0.0.1')
        noise.send(Buffer.from('ff0101000000000000000000000000000000000000000000', 'hex'), port, '127.0.0.1')
      }
      return { places: candidates, sighted: candidates }
    }
  }
  const [one, other] = [await directPeer(seenBy, init, echo), await directPeer(seenBy, init, echo)]
  await one.reserve(relay)
  await other.reserve(relay)
  await one.dialThrough(relay, other)
  const connection = await one.punch(other)
  expect(ports.length).toBeGreaterThan(0)
  expect((await echoed(connection, Buffer.from('still'))).toString()).toBe('still')
})

test.each([
  { path: 'TCP', connected: async (one: DirectPeer, other: DirectPeer) => one.dialPlainly(other) },
  { path: 'a relay', connected: async (_one: DirectPeer, _other: DirectPeer, relayed: Connection) => relayed },
  { path: 'a direct path', connected: async (one: DirectPeer, other: DirectPeer) => one.punch(other) }
])('on $path a reader that stops holds its sender back, and is not reset; others go on', async ({ connected }) => {
  const { peers, relayed } = await relayedPair()
  const [one, other] = peers
  const size = 20_000_000
  const sent = Buffer.alloc(size, 'slow reader')
  let received = 0
  const isAllowed = Promise.withResolvers<void>()
  const isRead = Promise.withResolvers<void>()
  await other.libp2p.handle('/slow/1.0.0', (stream) => {
    const read = async (): Promise<void> => {
      for await (const bytes of streamDuplex(stream).source) {
        received += bytes.byteLength
        await isAllowed.promise
      }
    }
    read().then(isRead.resolve, isRead.reject)
  })
  const connection = await connected(one, other, relayed)
  const stream = await connection.newStream('/slow/1.0.0')
  let written = 0
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (; written < size; written += 100_000) yield sent.subarray(written, written + 100_000)
  }
  const sending = streamDuplex(stream).sink(pieces())
  // Another stream of the same path, there and back, once the first one is stuck.
  let last = -1
  while (last !== written) {
    last = written
    expect((await echoed(connection, Buffer.alloc(300_000, 'other'))).byteLength).toBe(300_000)
  }
  expect(written - received).toBeLessThan(4_000_000)
  expect(stream.status).toBe('open')
  isAllowed.resolve()
  await sending
  await isRead.promise
  expect(received).toBe(size)
})

test('an unused path is closed by the side that asked for it; one in use stays', async () => {
  const idle = new IdleTrial()
  const { peers } = await relayedPair([idle.init, {}])
  const [one, other] = peers
  const connection = await one.punch(other)
  await idle.endsUnused(connection)
  await eventually(() => expect(pathsTo(other, one)).toEqual(['relayed']))
})
