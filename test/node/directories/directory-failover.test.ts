// Real directories are lost and a peer moves to another one; real directories that are
// joined show the same roster, and none is blamed.
import { createConnection, createServer, type AddressInfo, type Server } from 'node:net'
import { once } from 'node:events'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { afterAll, expect, test, type TestContext } from 'vitest'
import { until } from '../../eventually.ts'
import { directoryCounts } from '../../../src/cli/wording/directory-wording.ts'
import { directory } from '../../../src/directory/server/index.ts'
import type { ChatNode } from '../../../src/node/index.ts'
import type { DirectoryNode } from '../../../src/node/server/index.ts'
import { node, portOf } from '../../directory/nodes.ts'
import { freePort } from '../../processes/ports.ts'
import { names, Network, placeOf } from '../network.ts'

const proxies: Server[] = []

afterAll(() => {
  for (const proxy of proxies.splice(0)) proxy.close()
})

const inUse = (peer: ChatNode): string[] =>
  peer.directories.views().flatMap(({ state, peer: directoryId }) => (state === 'connected' ? [directoryId ?? ''] : []))

const addressOf = (one: DirectoryNode): string => `/ip4/127.0.0.1/tcp/${one.port}/p2p/${one.peerId}`

test.concurrent('a peer that loses one of two directories uses the third, and stays on the roster', async ({
  onTestFinished
}) => {
  await using network = await Network.create()
  const directories = await Promise.all([1, 2, 3].map(async () => killable(network.name, onTestFinished)))
  const remembered = directories.map(({ address }) => address)
  const anna = await network.peer('anna', {}, { remembered })
  await until(() => inUse(anna).length === 2, 'two directories in use')
  const [first, second, third] = directories
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are three')
  expect(inUse(anna)).toEqual([first.id, second.id])

  await first.kill()
  await until(() => third.names().includes('anna'), 'anna on the roster of the third')
  expect(inUse(anna).toSorted()).toEqual([second.id, third.id].toSorted())
})

test.concurrent('a killed directory stands by only when it answers again', async ({ onTestFinished }) => {
  await using network = await Network.create()
  const directories = await Promise.all([1, 2, 3].map(async () => killable(network.name, onTestFinished)))
  const [first, second, third] = directories
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are three')
  const anna = await network.peer('anna', {}, { remembered: directories.map(({ address }) => address) })
  const view = () => anna.directories.views().find(({ peer }) => peer === first.id)
  await until(() => inUse(anna).length === 2, 'two directories in use')
  expect(directoryCounts(anna.directories.views())).toEqual({ up: 2, down: 0 })

  await first.kill()
  await until(() => inUse(anna).includes(third.id), 'the third in use')
  const tries = new Set<number | undefined>()
  await until(() => {
    expect(view()?.state).not.toBe('standby')
    expect(directoryCounts(anna.directories.views())).toEqual({ up: 2, down: 1 })
    return tries.add(view()?.retryAtMs).size > 4
  }, 'several tries that failed')
  expect(view()).toMatchObject({ isDown: true })

  await killable(network.name, onTestFinished, { port: first.port, privateKey: first.privateKey })
  await until(() => view()?.state === 'standby', 'the first stands by')
  expect(directoryCounts(anna.directories.views())).toEqual({ up: 2, down: 0 })
  expect(inUse(anna).toSorted()).toEqual([second.id, third.id].toSorted())
})

test.concurrent('a directory that goes down on purpose is left for another at once', async () => {
  await using network = await Network.create()
  const one = await network.directory()
  const two = await network.directory(0, { join: [placeOf(one)] })
  const three = await network.directory(0, { join: [placeOf(one), placeOf(two)] })
  const anna = await network.peer('anna', {}, { remembered: [one, two, three].map(addressOf) })
  const bob = await network.peer('bob', { directory: [placeOf(three)] })
  await until(() => inUse(anna).length === 2 && names(anna).includes('bob') && names(bob).includes('anna'), 'all seen')
  const left: string[] = []
  bob.events.addEventListener('roster', ({ detail }) => left.push(...detail.left.map(({ nickname }) => nickname)))

  const stopped = one.stop()
  await until(() => inUse(anna).includes(three.peerId), 'the third in use')
  // Before it is tried again, which may be as soon as it is down at last.
  const view = anna.directories.views().find(({ peer }) => peer === one.peerId)
  expect(view?.state === 'standby' || view?.why?.includes('shut down')).toBe(true)
  await stopped
  expect(left).toEqual([])
})

test.concurrent('joined directories show the same peers: none is attested by one alone, and no directory is blamed', async () => {
  await using network = await Network.create()
  const one = await network.directory()
  const two = await network.directory(0, { join: [placeOf(one)] })
  const three = await network.directory(0, { join: [placeOf(one)] })
  await until(() => two.federationPeers().length === 2 && three.federationPeers().length === 2, 'all joined')
  const notices: string[] = []
  const anna = await network.peer('anna', { directory: [placeOf(one), placeOf(two)] })
  anna.events.addEventListener('notice', ({ detail }) => notices.push(detail.text))
  const bob = await network.peer('bob', { directory: [placeOf(two), placeOf(three)] })
  await network.peer('carol', { directory: [placeOf(three)] })
  const row = (name: string) => anna.peers.roster().find(({ nickname }) => nickname === name)
  const via = (name: string) =>
    row(name)
      ?.via.map((each) => each.directory)
      .toSorted()
  await until(() => via('bob')?.length === 2 && via('carol')?.length === 1, 'all seen, with their directories')
  expect(via('bob')).toEqual([two.peerId, three.peerId].toSorted())
  expect(via('carol')).toEqual([three.peerId])

  await bob.self.rename('robert')
  await until(() => row('robert') !== undefined, 'the new name')
  // Longer than directories may differ before the client asks them.
  await new Promise((resolve) => setTimeout(resolve, 9_000))
  expect(notices).toEqual([])
  const findings = anna.directories.views().map(({ findings: found, peers }) => ({ ...found, peers }))
  const clean = { stale: [], withholds: [], notJoinedWith: [], forged: 0, peers: 3 }
  expect(findings).toEqual([clean, clean])
  expect(row('robert')?.onlyVia).toBeUndefined()
  // Everything that anna knows of carol comes from one directory.
  expect(row('carol')?.onlyVia).toBe(three.peerId)
  await bob.stop()
  await until(() => row('robert') === undefined, 'bob gone')
})

// By itself: what the others do meanwhile would be measured too.
test('a directory that is much nearer replaces one that is far', async ({ onTestFinished }) => {
  await using network = await Network.create()
  const directories = await Promise.all([1, 2, 3].map(async () => killable(network.name, onTestFinished)))
  const ways = await Promise.all(
    directories.map(async ({ id, port }) => {
      const way = await slowWay(port)
      return { id, way, address: `/ip4/127.0.0.1/tcp/${way.port}/p2p/${id}` }
    })
  )
  const [far, second, near] = ways
  if (far === undefined || second === undefined || near === undefined) throw new Error('there are three')
  // While one can't be measured all are measured again soon, however long it takes until two are in use.
  near.way.isOpen = false
  const anna = await network.peer('anna', {}, { remembered: ways.map(({ address }) => address) })
  await until(() => inUse(anna).length === 2, 'two directories in use')
  // Longer than the best of three measurements on a busy machine takes, and not too long to be measured.
  far.way.delayMs = 80
  near.way.isOpen = true
  await until(() => inUse(anna).includes(near.id), 'the near one in use')
  await until(() => !inUse(anna).includes(far.id), 'the far one given up')
  expect(inUse(anna).toSorted()).toEqual([second.id, near.id].toSorted())
  expect(anna.directories.views().find(({ peer }) => peer === far.id)?.state).toBe('standby')
})

/** A directory that can be killed: its connections break without a farewell, and its port does not answer. */
async function killable(
  network: string,
  onTestFinished: TestContext['onTestFinished'],
  again: { readonly port?: number; readonly privateKey?: PrivateKey } = {}
) {
  const privateKey = again.privateKey ?? (await generateKeyPair('Ed25519'))
  const libp2p = await node(
    { directory: directory({ network }) },
    { port: again.port ?? (await freePort()), privateKey, onTestFinished }
  )
  const port = portOf(libp2p)
  const id = libp2p.peerId.toString()
  return {
    id,
    port,
    privateKey,
    address: `/ip4/127.0.0.1/tcp/${port}/p2p/${id}`,
    names: () => libp2p.services.directory.roster().map(({ record }) => record.record.nickname),
    kill: async () => {
      for (const connection of libp2p.getConnections()) connection.abort(new Error('killed'))
      await libp2p.stop()
    }
  }
}

/** A proxy whose delay in both directions can be changed, and which can be closed, at any time. */
async function slowWay(port: number): Promise<{ readonly port: number; delayMs: number; isOpen: boolean }> {
  const proxy = createServer((near) => {
    if (!way.isOpen) {
      near.destroy()
      return
    }
    const far = createConnection({ port, host: '127.0.0.1' })
    for (const [from, to] of [
      [near, far],
      [far, near]
    ] as const) {
      from.on('data', (bytes) => setTimeout(() => to.writable && to.write(bytes), way.delayMs))
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  proxies.push(proxy)
  const way = { port: (proxy.address() as AddressInfo).port, delayMs: 0, isOpen: true } // never a string for a TCP server
  return way
}
