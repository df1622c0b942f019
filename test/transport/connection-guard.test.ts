/** Connections beyond what a node has places for: honest peers come through, and the operator hears of it. */
import { expect, onTestFinished, test, vi } from 'vitest'
import { Network } from '../node/network.ts'
import { connectFrom, dialerFrom, loopbackOf, silentSockets } from './dialers.ts'

const patience = { timeout: 60_000 }

async function network(): Promise<Network> {
  const net = await Network.create()
  onTestFinished(async () => net[Symbol.asyncDispose]())
  return net
}

test('one key that opens 400 connections keeps no contact out, nor 60 others behind one address', async () => {
  const net = await network()
  const anna = await net.peer('anna')
  const address = loopbackOf(anna)
  const notices: string[] = []
  anna.addEventListener('notice', ({ detail }) => notices.push(`${detail.code}: ${detail.text}`))
  const away = await net.peer('bob')
  await anna.accept(away.peerId)
  await away.stop()
  const attacker = await dialerFrom('127.0.0.2')
  const signal = AbortSignal.timeout(patience.timeout)
  for (let i = 0; i < 400; i++) await connectFrom(attacker, address, signal)

  const bob = await net.peer('bob')
  await bob.open((await bob.resolve([address.toString()])).peer)
  await vi.waitFor(() => expect(bob.state(anna.peerId).name).toBe('open'), patience)
  const honest = await Promise.all(Array.from({ length: 60 }, async () => dialerFrom('127.0.0.3')))
  const connections = await Promise.all(honest.map(async (node) => connectFrom(node, address, signal)))
  expect(connections.map(({ status }) => status)).toEqual(Array(60).fill('open'))

  expect(bob.state(anna.peerId).name).toBe('open')
  expect(anna.connections().open).toBeLessThanOrEqual(anna.connections().maxOpen)
  const told = notices.filter((notice) => notice.startsWith('too-many-connections'))
  expect(told).toHaveLength(1)
  expect(told[0]).toContain('Too many connections from 127.0.0.2 (')
}, 120_000)

test('400 keys at one address keep no contact out, nor 60 others behind another', async () => {
  const net = await network()
  const anna = await net.peer('anna')
  const address = loopbackOf(anna)
  const away = await net.peer('bob')
  await anna.accept(away.peerId)
  await away.stop()
  const signal = AbortSignal.timeout(patience.timeout)
  for (let i = 0; i < 20; i++) {
    const attackers = await Promise.all(Array.from({ length: 20 }, async () => dialerFrom('127.0.0.2')))
    await Promise.all(attackers.map(async (attacker) => connectFrom(attacker, address, signal)))
  }

  const bob = await net.peer('bob')
  await bob.open((await bob.resolve([address.toString()])).peer)
  await vi.waitFor(() => expect(bob.state(anna.peerId).name).toBe('open'), patience)
  const honest = await Promise.all(Array.from({ length: 60 }, async () => dialerFrom('127.0.0.3')))
  const connections = await Promise.all(honest.map(async (node) => connectFrom(node, address, signal)))
  expect(connections.map(({ status }) => status)).toEqual(Array(60).fill('open'))
  expect(anna.connections()).toMatchObject({ open: 400, maxOpen: 400 })
  expect(anna.connections().holders.map(({ from }) => from)).toContain('127.0.0.3')
}, 120_000)

test('silent sockets from two addresses keep no honest dial out', async () => {
  const net = await network()
  const anna = await net.peer('anna')
  const address = loopbackOf(anna)
  const floods = ['127.0.0.2', '127.0.0.3'].map((from) => silentSockets(150, { port: anna.port, from }))
  await vi.waitFor(() => expect(floods.every(({ opened }) => opened() >= 150)).toBe(true), patience)
  const honest = await Promise.all(Array.from({ length: 8 }, async () => dialerFrom('127.0.0.4')))
  const dials = await Promise.allSettled(honest.map(async (node) => node.dial(address)))
  expect(dials.map(({ status }) => status)).toEqual(Array(8).fill('fulfilled'))
  expect(anna.connections().pending).toBeLessThanOrEqual(anna.connections().maxPending)
}, 120_000)
