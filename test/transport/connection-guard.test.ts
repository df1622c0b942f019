/** Connections beyond what a node has places for: honest peers come through, and the operator hears of it. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { hostOptions } from '../../src/transport/host.ts'
import { chatLimits, ConnectionGuard, type Pressure } from '../../src/transport/index.ts'
import { Network } from '../node/network.ts'
import { connectFrom, dialerFrom, loopbackOf, sockets } from './dialers.ts'

async function network(): Promise<Network> {
  const net = await Network.create()
  onTestFinished(async () => net[Symbol.asyncDispose]())
  return net
}

test('one key that opens 400 connections keeps no contact out, nor 60 others behind one address', async () => {
  const net = await network()
  const anna = await net.peer('anna')
  const address = loopbackOf(anna.self)
  const notices: string[] = []
  anna.events.addEventListener('notice', ({ detail }) => notices.push(`${detail.code}: ${detail.text}`))
  const away = await net.peer('bob')
  await anna.messaging.accept(away.self.peerId)
  await away.stop()
  const attacker = await dialerFrom('127.0.0.2')
  for (let i = 0; i < 400; i++) await connectFrom(attacker, address)

  const bob = await net.peer('bob')
  await bob.messaging.open((await bob.peers.resolve([address.toString()])).peer)
  await eventually(() => expect(bob.messaging.state(anna.self.peerId).name).toBe('open'))
  const honest = await Promise.all(Array.from({ length: 60 }, async () => dialerFrom('127.0.0.3')))
  const connections = await Promise.all(honest.map(async (node) => connectFrom(node, address)))
  expect(connections.map(({ status }) => status)).toEqual(Array(60).fill('open'))

  expect(bob.messaging.state(anna.self.peerId).name).toBe('open')
  expect(anna.peers.connections().open).toBeLessThanOrEqual(anna.peers.connections().maxOpen)
  // Of the beginning of an episode, and its end: on a slow machine one may end while all these connect.
  const told = notices.filter((notice) => notice.startsWith('too-many-connections'))
  expect(told[0]).toContain('Too many connections from 127.0.0.2 (')
  for (const notice of told) expect(notice).toContain('from 127.0.0.2')
})

test('many keys at one address, in all places, keep no known peer out, nor others behind another address', async () => {
  const known = new Set<string>()
  const pressure: Pressure[] = []
  const guard = new ConnectionGuard({
    limits: { ...chatLimits, places: { ...chatLimits.places, maxConnections: 40 } },
    standings: () => (connection) => (known.has(connection.remotePeer.toString()) ? 'known' : 'stranger'),
    onPressure: (one) => pressure.push(one)
  })
  const options = { key: await generateKeyPair('Ed25519'), host: '127.0.0.1', port: 0, discovery: [], gater: {} }
  const node = await createLibp2p({ ...hostOptions({ ...options, guard }), services: { places: guard.places() } })
  await node.start()
  onTestFinished(async () => node.stop())
  const address = node.getMultiaddrs()[0] ?? expect.fail('it listens nowhere')
  const arrive = async (count: number, from: string): Promise<Connection[]> => {
    const nodes = await Promise.all(Array.from({ length: count }, async () => dialerFrom(from)))
    return Promise.all(nodes.map(async (one) => connectFrom(one, address)))
  }
  await arrive(40, '127.0.0.2')
  await eventually(() => expect(guard.figures().open).toBe(40))
  // Behind the attacker's address, and known only once its key is.
  const contact = await dialerFrom('127.0.0.2')
  known.add(contact.peerId.toString())
  const first = await connectFrom(contact, address)
  const honest = await arrive(15, '127.0.0.3')
  await arrive(20, '127.0.0.2')
  // At least one for each that came, and more where one that gave way at once has come again.
  await eventually(() => expect(guard.figures().gaveWay).toBeGreaterThanOrEqual(36))
  await eventually(() => expect(guard.figures()).toMatchObject({ open: 40, pending: 0 }))
  expect([first, ...honest].map(({ status }) => status)).toEqual(Array(16).fill('open'))
  // On a slow machine an episode may end, and another begin, while they arrive.
  expect(pressure[0]).toMatchObject({ is: 'began', from: '127.0.0.2', maxOpen: 40 })
  for (const { from } of pressure) expect(from).toBe('127.0.0.2')
})

test('silent sockets from two addresses keep no honest dial out', async () => {
  const net = await network()
  const anna = await net.peer('anna')
  const address = loopbackOf(anna.self)
  const floods = ['127.0.0.2', '127.0.0.3'].map((from) => sockets(150, { port: anna.self.port, from }))
  await eventually(() => expect(floods.every(({ opened }) => opened() >= 150)).toBe(true))
  const honest = await Promise.all(Array.from({ length: 8 }, async () => dialerFrom('127.0.0.4')))
  const dials = await Promise.all(honest.map(async (node) => connectFrom(node, address)))
  expect(dials.map(({ status }) => status)).toEqual(Array(8).fill('open'))
  // Sixty behind one router, and eight behind that of the attacker, who may have to try again.
  const froms = [...Array<string>(60).fill('127.0.0.5'), ...Array<string>(8).fill('127.0.0.2')]
  const crowd = await Promise.all(froms.map(async (from) => dialerFrom(from)))
  const connections = await Promise.all(crowd.map(async (node) => connectFrom(node, address)))
  expect(connections.map(({ status }) => status)).toEqual(Array(68).fill('open'))
  expect(anna.peers.connections().pending).toBeLessThanOrEqual(anna.peers.connections().maxPending)
})

test('handshakes that stall in their middle keep no honest dial out', async () => {
  const net = await network()
  const anna = await net.peer('anna')
  const address = loopbackOf(anna.self)
  const floods = ['127.0.0.2', '127.0.0.3'].map((from) =>
    sockets(100, { port: anna.self.port, from, says: Buffer.from('\u0013/multistream/1.0.0\n\u0007/noise\n') })
  )
  await eventually(() => expect(floods.every(({ opened }) => opened() >= 100)).toBe(true))
  const honest = await Promise.all(Array.from({ length: 8 }, async () => dialerFrom('127.0.0.4')))
  const dials = await Promise.all(honest.map(async (node) => connectFrom(node, address)))
  expect(dials.map(({ status }) => status)).toEqual(Array(8).fill('open'))
})

test('a client registers at a directory while silent sockets from two addresses fill its queue', async () => {
  const net = await network()
  const directory = await net.directory()
  const told: string[] = []
  directory.addEventListener('pressure', ({ detail }) => told.push(`${detail.is} ${detail.from}`))
  const floods = ['127.0.0.2', '127.0.0.3'].map((from) => sockets(600, { port: directory.port, from }))
  await eventually(() => expect(floods.every(({ opened }) => opened() >= 600)).toBe(true))
  await net.peer('anna', { directory: [`127.0.0.1:${directory.port}`] })
  await eventually(() => expect(directory.roster().map(({ nickname }) => nickname)).toEqual(['anna']))
  // Once an episode. On a slow machine one may end, and the next begin, before anna is in; or none begins, as no more
  // sockets are taken in than time out meanwhile.
  expect(told.join(', ')).toMatch(
    /^(?:began 127\.0\.0\.[23](?:, ended [^,]+, began 127\.0\.0\.[23])*(?:, ended [^,]+)?)?$/u
  )
})
