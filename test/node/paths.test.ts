// The path to a peer as a node tells it, between two real nodes on loopback.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PathView } from '../../src/node/index.ts'
import { Network, placeOf } from './network.ts'

const soon = { timeout: 8_000, interval: 20 }
let network: Network

beforeEach(async () => {
  network = await Network.create()
})

afterEach(async () => {
  await network[Symbol.asyncDispose]()
})

/** Far more than an answer takes on one machine, however busy; far less than what would be no measurement. */
const plausible = (rttMs: number | undefined): boolean => rttMs !== undefined && rttMs >= 1 && rttMs < 1_500

test('both ends of an open conversation learn how far the other is, whoever has dialled', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  const told: PathView[] = []
  bert.addEventListener('path', ({ detail }) => {
    if (detail.peer === anna.peerId) told.push(detail.path)
  })
  await bert.open(anna.peerId)
  await anna.resolve([placeOf(bert)])
  await anna.open(bert.peerId)
  const rttOf = (path: PathView): number | undefined => (path.kind === 'none' ? undefined : path.rttMs)
  await vi.waitFor(() => expect(plausible(rttOf(anna.path(bert.peerId)))).toBe(true), soon)
  await vi.waitFor(() => expect(plausible(rttOf(bert.path(anna.peerId)))).toBe(true), soon)
  expect(anna.path(bert.peerId)).toMatchObject({ kind: 'lan', address: `/ip4/127.0.0.1/tcp/${bert.port}` })
  await vi.waitFor(() => expect(told.at(-1)).toMatchObject({ kind: 'lan', rttMs: expect.any(Number) }), soon)
  await vi.waitFor(() => expect(plausible(anna.roster()[0]?.rttMs)).toBe(true), soon)
})

test('a connection that nobody looks at is measured when it is asked for', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  await anna.resolve([placeOf(bert)])
  await vi.waitFor(() => expect(bert.path(anna.peerId).kind).toBe('lan'), soon)
  expect(bert.path(anna.peerId)).not.toHaveProperty('rttMs')
  const path = await bert.measurePath(anna.peerId)
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
  const way = await longWay(bert.port, 60)
  try {
    const { peer } = await anna.resolve([`127.0.0.1:${way.port}`])
    const there = await anna.measurePath(peer)
    expect(there).toMatchObject({ kind: 'lan', address: `/ip4/127.0.0.1/tcp/${way.port}` })
    const back = await bert.measurePath(anna.peerId)
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
  const way = await longWay(bert.port, 60)
  try {
    const { peer } = await anna.resolve([`127.0.0.1:${way.port}`])
    const atFirst = await anna.measurePath(peer)
    await anna.open(peer)
    await vi.waitFor(() => expect(anna.state(peer)).toMatchObject({ name: 'open' }), soon)
    way.delayMs = 0
    await vi.waitFor(async () => expect(await anna.measurePath(peer)).not.toEqual(atFirst), soon)
    // A measurement that is under way counts by the millisecond, also between the two.
    await vi.waitFor(() => {
      const path = anna.path(peer)
      const rttMs = path.kind === 'none' ? undefined : path.rttMs
      expect(anna.state(peer)).toEqual({ name: 'open', dialect: 'parley', path: 'lan', rttMs })
    }, soon)
  } finally {
    way.close()
  }
})

test('where there is no path, it says why: nothing asked for one, nothing listens there, the peer is blocked', async () => {
  const anna = await network.peer('anna')
  const bert = await network.peer('bert', { accept: 'all' })
  expect(anna.path(bert.peerId)).toEqual({ kind: 'none', why: 'nothing has asked for a connection' })
  await anna.resolve([placeOf(bert)])
  await anna.open(bert.peerId)
  await vi.waitFor(() => expect(anna.state(bert.peerId).name).toBe('open'), soon)
  const { peerId, port } = bert
  await bert.stop()
  const why = `nothing listens at 127.0.0.1:${port}: check the port, and that Parley runs there`
  const expected = { kind: 'none', why, retryAtMs: expect.any(Number) }
  await vi.waitFor(() => expect(anna.path(peerId)).toMatchObject(expected), soon)
  expect(await anna.measurePath(peerId)).toMatchObject({ kind: 'none' })
  await anna.block(peerId)
  expect(anna.path(peerId)).toEqual({ kind: 'none', why: 'the peer is blocked' })
})
