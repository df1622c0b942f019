// Real directories are lost and a peer moves on; real directories that are
// joined tell the same, and nobody is blamed.
import { createConnection, createServer, type AddressInfo, type Server } from 'node:net'
import { once } from 'node:events'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { afterEach, expect, test } from 'vitest'
import { directory } from '../../src/directory/index.ts'
import type { ChatNode, DirectoryNode } from '../../src/node/index.ts'
import { node, portOf, until } from '../directory/nodes.ts'
import { names, Network, placeOf } from './network.ts'

const lossToOtherMs = 2_000
const proxies: Server[] = []

afterEach(() => {
  for (const proxy of proxies.splice(0)) proxy.close()
})

const inUse = (peer: ChatNode): string[] =>
  peer.directories().flatMap(({ state, peer: directoryId }) => (state === 'connected' ? [directoryId ?? ''] : []))

const addressOf = (one: DirectoryNode): string => `/ip4/127.0.0.1/tcp/${one.port}/p2p/${one.peerId}`

test('a peer that loses one of two directories uses the third within two seconds, and stays on the roster', async () => {
  await using network = await Network.create()
  const directories = await Promise.all([1, 2, 3].map(async () => killable(network.name)))
  const remembered = directories.map(({ address }) => address)
  const anna = await network.peer('anna', {}, { remembered })
  await until(() => inUse(anna).length === 2, 'two directories in use')
  const [first, second, third] = directories
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are three')
  expect(inUse(anna)).toEqual([first.id, second.id])

  const killedAtMs = performance.now()
  await first.kill()
  await until(() => third.names().includes('anna'), 'anna on the roster of the third', lossToOtherMs)
  expect(performance.now() - killedAtMs).toBeLessThan(lossToOtherMs)
  expect(inUse(anna).toSorted()).toEqual([second.id, third.id].toSorted())
})

test('a directory that goes down on purpose is left for another at once', async () => {
  await using network = await Network.create()
  const one = await network.directory()
  const two = await network.directory(0, { join: [placeOf(one)] })
  const three = await network.directory(0, { join: [placeOf(one), placeOf(two)] })
  const anna = await network.peer('anna', {}, { remembered: [one, two, three].map(addressOf) })
  const bob = await network.peer('bob', { directory: [placeOf(three)] })
  await until(() => inUse(anna).length === 2 && names(anna).includes('bob') && names(bob).includes('anna'), 'all seen')
  const left: string[] = []
  bob.addEventListener('roster', ({ detail }) => left.push(...detail.left.map(({ nickname }) => nickname)))

  const stopped = one.stop()
  await until(() => inUse(anna).includes(three.peerId), 'the third in use', lossToOtherMs)
  await stopped
  const view = anna.directories().find(({ peer }) => peer === one.peerId)
  expect(view?.state === 'standby' || view?.why?.includes('shut down')).toBe(true)
  expect(left).toEqual([])
})

test('directories that are joined tell the same: nobody is seen by one alone, and none is blamed', async () => {
  await using network = await Network.create()
  const one = await network.directory()
  const two = await network.directory(0, { join: [placeOf(one)] })
  const three = await network.directory(0, { join: [placeOf(one)] })
  await until(() => two.fellows().length === 2 && three.fellows().length === 2, 'all joined')
  const notices: string[] = []
  const anna = await network.peer('anna', { directory: [placeOf(one), placeOf(two)] })
  anna.addEventListener('notice', ({ detail }) => notices.push(detail.text))
  const bob = await network.peer('bob', { directory: [placeOf(two), placeOf(three)] })
  await network.peer('carol', { directory: [placeOf(three)] })
  const row = (name: string) => anna.roster().find(({ nickname }) => nickname === name)
  const via = (name: string) =>
    row(name)
      ?.via.map((each) => each.directory)
      .toSorted()
  await until(() => via('bob')?.length === 2 && via('carol')?.length === 1, 'all seen, with their directories')
  expect(via('bob')).toEqual([two.peerId, three.peerId].toSorted())
  expect(via('carol')).toEqual([three.peerId])

  await bob.rename('robert')
  await until(() => row('robert') !== undefined, 'the new name')
  // Longer than directories may differ before they are asked.
  await new Promise((resolve) => setTimeout(resolve, 9_000))
  expect(notices).toEqual([])
  const findings = anna.directories().map(({ findings: found, peers }) => ({ ...found, peers }))
  const clean = { stale: [], withholds: [], notJoinedWith: [], forged: 0, peers: 3 }
  expect(findings).toEqual([clean, clean])
  expect(row('robert')?.onlyVia).toBeUndefined()
  // All that anna hears of carol goes back to one directory's word.
  expect(row('carol')?.onlyVia).toBe(three.peerId)
  await bob.stop()
  await until(() => row('robert') === undefined, 'bob gone')
}, 30_000)

test('a directory that is much nearer takes the place of one that is far', async () => {
  await using network = await Network.create()
  const directories = await Promise.all([1, 2, 3].map(async () => killable(network.name)))
  const [far, second, near] = directories
  if (far === undefined || second === undefined || near === undefined) throw new Error('there are three')
  const farAddress = `/ip4/127.0.0.1/tcp/${await slowProxy(far.port, 40)}/p2p/${far.id}`
  const anna = await network.peer('anna', {}, { remembered: [farAddress, second.address, near.address] })
  await until(() => inUse(anna).length === 2, 'two directories in use')
  expect(inUse(anna)).toEqual([far.id, second.id])
  await until(() => inUse(anna).includes(near.id), 'the near one in use', 25_000)
  await until(() => !inUse(anna).includes(far.id), 'the far one given up')
  expect(inUse(anna).toSorted()).toEqual([second.id, near.id].toSorted())
  expect(anna.directories().find(({ peer }) => peer === far.id)?.state).toBe('standby')
}, 40_000)

/** A directory that can be killed: its connections break without a word, and nobody answers at its port. */
async function killable(network: string) {
  const libp2p = await node({ directory: directory({ network }) }, { privateKey: await generateKeyPair('Ed25519') })
  const port = portOf(libp2p)
  const id = libp2p.peerId.toString()
  return {
    id,
    port,
    address: `/ip4/127.0.0.1/tcp/${port}/p2p/${id}`,
    names: () => libp2p.services.directory.roster().map(({ record }) => record.record.nickname),
    kill: async () => {
      for (const connection of libp2p.getConnections()) connection.abort(new Error('killed'))
      await libp2p.stop()
    }
  }
}

/** A way to a port that takes longer, there and back. @returns the port at which it begins */
async function slowProxy(port: number, delayMs: number): Promise<number> {
  const proxy = createServer((near) => {
    const far = createConnection({ port, host: '127.0.0.1' })
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      from.on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), delayMs))
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  proxies.push(proxy)
  return (proxy.address() as AddressInfo).port // a TCP server's address is never text
}
