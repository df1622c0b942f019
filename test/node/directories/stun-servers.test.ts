/** Where a peer asks how it is seen from outside: real directories on loopback, and what they may claim. */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, onTestFinished, test } from 'vitest'
import { SIGHTING_NONCE_BYTES, StunClient } from '../../../src/direct/stun/index.ts'
import { stunServersAt } from '../../../src/node/directories/stun-servers.ts'
import { stunFor } from '../../../src/node/server/directory-stun.ts'
import type { DirectoryNode } from '../../../src/node/server/index.ts'
import { node } from '../../directory/nodes.ts'
import { eventually } from '../../eventually.ts'
import { interfaces } from '../discovery/own-networks.ts'
import { Network } from '../network.ts'
import { bareDirectories } from './bare-directories.ts'

const directory = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'

async function using(network: Network, used: DirectoryNode) {
  const libp2p = await node({})
  const directories = bareDirectories({
    network: network.name,
    named: [multiaddr(used.addresses()[0] ?? '')],
    dialer: {
      dial: async (address, options) => libp2p.dial(address, options),
      connect: async () => Promise.reject(new Error('it is named by its address'))
    }
  })
  onTestFinished(async () => directories.stop())
  directories.start()
  await eventually(() => expect(directories.haveAnswered).toBe(true))
  return { directories, peerId: libp2p.peerId }
}

test('a peer asks a directory in use where it was reached, and is told how it is seen', async () => {
  await using network = await Network.create()
  const used = await network.directory()
  const { directories, peerId } = await using(network, used)
  const servers = directories.stunServers()
  expect(servers.map(({ host }) => host)).toEqual(['127.0.0.1', '127.0.0.1'])
  expect(servers[0]?.port).toBe(used.port)
  const socket = createSocket('udp4')
  onTestFinished(() => {
    socket.close()
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const stun = new StunClient((bytes, { host, port }) => socket.send(bytes, port, host))
  socket.on('message', (bytes, { address, port }) => stun.received(bytes, { host: address, port }))
  const nonce = randomBytes(SIGHTING_NONCE_BYTES)
  const seen = await stun.look({ servers, peerId, nonce, signal: new AbortController().signal })
  expect(seen.mapping).toBe('independent')
  expect(seen.sightings).toMatchObject([{ address: '127.0.0.1', port: socket.address().port }])
  expect(seen.sightings[0]?.directory.toString()).toBe(used.peerId)
})

test('a directory that does not answer STUN, as those of earlier versions, is not asked', async () => {
  await using network = await Network.create()
  const { directories } = await using(network, await network.directory(0, { stun: 'off' }))
  expect(directories.stunServers()).toEqual([])
})

test('a directory that is gone is not asked any more', async () => {
  await using network = await Network.create()
  const used = await network.directory()
  const { directories } = await using(network, used)
  expect(directories.stunServers()).toHaveLength(2)
  await used.stop()
  await eventually(() => expect(directories.stunServers()).toEqual([]))
})

test('a peer is told of an address of the other family where the directory has a public one', () => {
  const ports = { port: 8000, otherPort: 9000 }
  const cards = interfaces({ eth0: ['192.168.1.2/24', '203.0.113.2/24'], eth1: ['fd00::2/64', '2001:db8::2/64'] })
  const [overIpv4, overIpv6] = [multiaddr('/ip4/198.51.100.7/tcp/4001'), multiaddr('/ip6/2001:db8::7/tcp/4001')]
  expect(stunFor(overIpv4, { ports }, undefined, cards)).toEqual({ ...ports, otherAddress: '2001:db8::2' })
  expect(stunFor(overIpv6, { ports }, undefined, cards)).toEqual({ ...ports, otherAddress: '203.0.113.2' })
  expect(stunFor(overIpv4, { ports }, '203.0.113.2', cards)).toEqual(ports)
  expect(stunFor(overIpv4, { ports }, undefined, interfaces({ eth0: ['192.168.1.2/24'] }))).toEqual(ports)
  expect(stunFor(overIpv4, { ports: undefined }, undefined, cards)).toBeUndefined()
})

test('an address that a directory names is asked once, and only where it is public and of the other family', () => {
  const at = (reachedAt: string, otherAddress: string) =>
    stunServersAt({ directory, reachedAt: multiaddr(reachedAt), stun: { port: 8000, otherPort: 9000, otherAddress } })
      .filter(({ isHearsay }) => isHearsay === true)
      .map(({ host, port }) => `${host} ${port}`)
  expect(at('/ip4/203.0.113.2/tcp/8000', '2001:db8::2')).toEqual(['2001:db8::2 8000', '2001:db8::2 9000'])
  expect(at('/ip6/2001:db8::2/tcp/8000', '203.0.113.2')).toEqual(['203.0.113.2 8000', '203.0.113.2 9000'])
  for (const other of ['203.0.113.9', 'fd00::2', 'fe80::2', '::1', 'ff02::1', '::']) {
    expect(at('/ip4/203.0.113.2/tcp/8000', other)).toEqual([])
  }
  for (const other of ['192.168.1.1', '127.0.0.1', '224.0.0.251', '255.255.255.255', '169.254.169.254']) {
    expect(at('/ip6/2001:db8::2/tcp/8000', other)).toEqual([])
  }
})
