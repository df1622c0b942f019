import { createLibp2p } from 'libp2p'
import { expect, it, onTestFinished } from 'vitest'
import { eventually } from '../../eventually.ts'
import { connectionList } from '../../../src/transport/tuning/connection-list.ts'
import { gatheringTcp } from '../../../src/transport/tuning/lean-sends.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { boundedYamux } from '../../../src/transport/index.ts'

async function node(maxConnections = 10) {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [gatheringTcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { maxConnections, inboundConnectionThreshold: 100 },
    services: { connections: connectionList() }
  })
  onTestFinished(async () => libp2p.stop())
  return libp2p
}

it('tells of all connections what the connection manager knows, as they come and go', async () => {
  const directory = await node()
  const clients = await Promise.all(Array.from({ length: 4 }, async () => node()))
  for (const client of clients) await client.dial(directory.getMultiaddrs())
  const peers = (): string[] => directory.getConnections().map(({ remotePeer }) => String(remotePeer))
  await eventually(() => expect(peers().toSorted()).toEqual(clients.map(({ peerId }) => String(peerId)).toSorted()))
  for (const { peerId } of clients) expect(directory.getConnections(peerId)).toHaveLength(1)
  await clients[0]?.stop()
  await eventually(() => expect(peers()).toHaveLength(3))
  expect(peers()).not.toContain(String(clients[0]?.peerId))
})

it('keeps the limit of connections', async () => {
  const directory = await node(2)
  const clients = await Promise.all(Array.from({ length: 3 }, async () => node()))
  const dials = []
  for (const client of clients)
    dials.push(
      await client.dial(directory.getMultiaddrs()).then(
        () => 'in',
        () => 'out'
      )
    )
  expect(dials).toEqual(['in', 'in', 'out'])
})
