import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { commonServices, hostOptions } from '../../src/transport/host.ts'
import { freePort } from '../processes/ports.ts'
import { ChatNode, loadConfig } from '../../src/node/index.ts'
import { Network, placeOf } from './network.ts'
import { foldersOf } from '../processes/homes.ts'

test('a node that is stopped while it starts is stopped, and its profile and port are free', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-life-'))
  try {
    const env = foldersOf(folder)
    const flags = { network: 'test-life', mdns: false, host: '127.0.0.1', defaultDirectories: false }
    const config = await loadConfig({ flags, env })
    const node = await ChatNode.create({ config, interactive: false })
    const starting = node.start()
    await node.stop()
    await starting
    const socket = connect(node.self.port, '127.0.0.1')
    await expect(once(socket, 'connect')).rejects.toThrow('ECONNREFUSED')
    const again = await ChatNode.create({ config, interactive: false })
    await again.stop()
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('where a contact dials from is not remembered as a place to dial it at', async () => {
  await using network = await Network.create()
  const anna = await network.peer('anna')
  const bob = await network.peer('bob')
  await bob.peers.resolve([placeOf(anna)])
  await anna.messaging.open(bob.self.peerId)
  await eventually(() => expect(anna.messaging.state(bob.self.peerId).name).toBe('open'))
  const places = anna.peers.contacts().flatMap(({ addresses }) => addresses)
  expect(places.filter((address) => !address.includes(`/tcp/${bob.self.port}`))).toEqual([])
})

test('a peer that does not answer a goodbye keeps nobody on the roster of a directory', async () => {
  await using network = await Network.create()
  const directory = await network.directory()
  const anna = await network.peer('anna', { directory: placeOf(directory) })
  await eventually(() => expect(directory.roster()).toHaveLength(1))
  const options = { key: await generateKeyPair('Ed25519'), host: '127.0.0.1', port: await freePort() }
  const limits = { discovery: [], gater: {} }
  const foreign = await createLibp2p({ ...hostOptions({ ...options, ...limits }), services: commonServices })
  await foreign.start()
  try {
    const stream = await foreign.dialProtocol(multiaddr(anna.self.addresses()[0]), '/chat/1.0.0')
    stream.send(Buffer.from('hello\n'))
    await eventually(async () => expect(await anna.messaging.requests()).toHaveLength(1))
    let hasStopped = false
    const hadStopped = new Promise<boolean>((resolve) =>
      directory.addEventListener('left', () => resolve(hasStopped), { once: true })
    )
    const stopping = anna.stop().then(() => (hasStopped = true))
    expect(await hadStopped).toBe(false)
    await eventually(() => expect(directory.roster()).toEqual([]))
    await stopping
  } finally {
    await foreign.stop()
  }
})
