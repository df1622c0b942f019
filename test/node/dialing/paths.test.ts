// The path to a peer as a node reports it, between two real nodes on loopback.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import type { PathView } from '../../../src/node/index.ts'
import { Network, placeOf } from '../network.ts'

let network: Network

beforeEach(async () => {
  network = await Network.create()
})

afterEach(async () => {
  await network[Symbol.asyncDispose]()
})

/** Far more than an answer takes on one machine, however busy; far less than what would be no measurement. */
const plausible = (rttMs: number | undefined): boolean => rttMs !== undefined && rttMs >= 1 && rttMs < 1_500

test('both ends of an open conversation measure the round-trip time, whichever side has dialled', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  const told: PathView[] = []
  bert.events.addEventListener('path', ({ detail }) => {
    if (detail.peer === anna.self.peerId) told.push(detail.path)
  })
  await bert.messaging.open(anna.self.peerId)
  await anna.peers.resolve([placeOf(bert)])
  await anna.messaging.open(bert.self.peerId)
  const rttOf = (path: PathView): number | undefined => (path.kind === 'none' ? undefined : path.rttMs)
  await eventually(() => expect(plausible(rttOf(anna.peers.path(bert.self.peerId)))).toBe(true))
  await eventually(() => expect(plausible(rttOf(bert.peers.path(anna.self.peerId)))).toBe(true))
  expect(anna.peers.path(bert.self.peerId)).toMatchObject({
    kind: 'lan',
    address: `/ip4/127.0.0.1/tcp/${bert.self.port}`
  })
  await eventually(() => expect(told.at(-1)).toMatchObject({ kind: 'lan', rttMs: expect.any(Number) }))
  await eventually(() => expect(plausible(anna.peers.roster()[0]?.rttMs)).toBe(true))
})

test('a connection that no screen shows is measured on request', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.peers.resolve([placeOf(bert)])
  await eventually(() => expect(bert.peers.path(anna.self.peerId).kind).toBe('lan'))
  expect(bert.peers.path(anna.self.peerId)).not.toHaveProperty('rttMs')
  const path = await bert.peers.measurePath(anna.self.peerId)
  expect(path.kind === 'lan' && plausible(path.rttMs)).toBe(true)
})

/** A port from which everything arrives at the other only after so many milliseconds, in either direction. */
async function longWay(
  port: number,
  delayMs: number
): Promise<{ readonly port: number; delayMs: number; close(): void }> {
  const sockets: Socket[] = []
  const carry = (from: Socket, to: Socket): void => {
    sockets.push(from.on('error', () => to.destroy()))
    from.on('data', (bytes) => setTimeout(() => to.write(bytes), way.delayMs))
    from.on('close', () => to.destroy())
  }
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    carry(near, far)
    carry(far, near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as AddressInfo // of a TCP server
  const way = {
    port: own,
    delayMs,
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
  return way
}

test('the time is that of the way there and back', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  const way = await longWay(bert.self.port, 60)
  try {
    const { peer } = await anna.peers.resolve([`127.0.0.1:${way.port}`])
    const there = await anna.peers.measurePath(peer)
    expect(there).toMatchObject({ kind: 'lan', address: `/ip4/127.0.0.1/tcp/${way.port}` })
    const back = await bert.peers.measurePath(anna.self.peerId)
    for (const path of [there, back]) {
      expect(path.kind === 'lan' && path.rttMs).toBeGreaterThanOrEqual(120)
      expect(path.kind === 'lan' && plausible(path.rttMs)).toBe(true)
    }
  } finally {
    way.close()
  }
})

test('an open conversation that is looked at again tells the path as it is now, and not as it was when it opened', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  const way = await longWay(bert.self.port, 60)
  try {
    const { peer } = await anna.peers.resolve([`127.0.0.1:${way.port}`])
    const atFirst = await anna.peers.measurePath(peer)
    await anna.messaging.open(peer)
    await eventually(() => expect(anna.messaging.state(peer)).toMatchObject({ name: 'open' }))
    way.delayMs = 0
    await eventually(async () => expect(await anna.peers.measurePath(peer)).not.toEqual(atFirst))
    // A measurement that is under way counts by the millisecond, also between the two.
    await eventually(() => {
      const path = anna.peers.path(peer)
      const rttMs = path.kind === 'none' ? undefined : path.rttMs
      expect(anna.messaging.state(peer)).toEqual({ name: 'open', dialect: 'parley', path: 'lan', rttMs })
    })
  } finally {
    way.close()
  }
})

test('where there is no path, it says why: none is needed, nothing listens there, the peer is blocked', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  expect(anna.peers.path(bert.self.peerId)).toEqual({ kind: 'none', why: 'no connection is needed' })
  await anna.peers.resolve([placeOf(bert)])
  await anna.messaging.open(bert.self.peerId)
  await eventually(() => expect(anna.messaging.state(bert.self.peerId).name).toBe('open'))
  const { peerId, port } = bert.self
  await bert.stop()
  const why = `nothing listens at 127.0.0.1:${port}: check the port, and that Parley runs there`
  const expected = { kind: 'none', why, retryAtMs: expect.any(Number) }
  await eventually(() => expect(anna.peers.path(peerId)).toMatchObject(expected))
  expect(await anna.peers.measurePath(peerId)).toMatchObject({ kind: 'none' })
  await anna.trust.block(peerId)
  expect(anna.peers.path(peerId)).toEqual({ kind: 'none', why: 'the peer is blocked' })
})
