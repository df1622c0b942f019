// Peers on loopback that can be reached through a relay and make direct paths beside it,
// made as Parley makes its own. Where they are seen a server of this test says, as a
// directory would; what a candidate has to prove is left out, as nobody may send to
// loopback.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Libp2p, StreamHandler } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { DirectPaths, type DirectInit, type SendDatagram, type StunClient } from '../../src/direct/index.ts'
import { addressDialer, type AddressDialer } from '../../src/node/dialing/dialer.ts'
import { circuitAddress, Circuits } from '../../src/relay/index.ts'
import { chatLimits, ConnectionGuard, hostOptions } from '../../src/transport/index.ts'
import { TEST_PROTOCOL, type TestRelay } from '../relay/nodes.ts'
import { eventualMs } from '../patience.ts'

export interface DirectPeer {
  readonly libp2p: Libp2p<{ dialer: AddressDialer }>
  readonly id: string
  readonly direct: DirectPaths
  /** Connects with the relay, and reserves it. */
  reserve(relay: TestRelay): Promise<void>
  /** Reaches the other peer through the relay. */
  dialThrough(relay: TestRelay, peer: DirectPeer): Promise<Connection>
  /** Reaches the other peer by TCP, as on a LAN. */
  dialPlainly(peer: DirectPeer): Promise<Connection>
  punch(peer: DirectPeer): Promise<Connection>
}

/** Says where a datagram came from, as soon as it may. @returns its port */
export async function seeingServer(mayAnswer: Promise<void> = Promise.resolve()): Promise<number> {
  const server = createSocket('udp4', (_bytes, { port, address }) => {
    void mayAnswer.then(() => server.send(String(port), port, address))
  })
  onTestFinished(() => void server.close())
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}

export async function directPeer(
  seenBy: number,
  init: Partial<DirectInit> = {},
  onStream: StreamHandler = () => undefined
): Promise<DirectPeer> {
  const key = await generateKeyPair('Ed25519')
  const circuits = new Circuits({ isUsed: () => true })
  const direct: DirectPaths = new DirectPaths({
    isContact: () => true,
    relayed: (peer) =>
      libp2p
        .getConnections()
        .find((one) => one.remotePeer.toString() === peer && one.remoteAddr.toString().includes('p2p-circuit')),
    stunServers: () => [{ directory: libp2p.peerId, host: '127.0.0.1', port: seenBy }],
    stun: (send) => seeingClient(send, () => libp2p.peerId),
    isOnLink: () => false,
    ownAddresses: () => [],
    isUsed: () => true,
    host: '127.0.0.1',
    reachable: async ({ candidates }) => ({ places: candidates, sighted: candidates }),
    ...init
  })
  const guard = new ConnectionGuard({
    limits: chatLimits,
    standings: () => () => 'stranger',
    onPressure: () => undefined
  })
  const libp2p = await createLibp2p<{ dialer: AddressDialer }>({
    ...hostOptions({ key, host: '127.0.0.1', port: 0, guard, circuits, direct, discovery: [], gater: {} }),
    services: { dialer: addressDialer() }
  })
  onTestFinished(() => libp2p.stop())
  await libp2p.start()
  await libp2p.handle(TEST_PROTOCOL, onStream)
  const signal = (): AbortSignal => AbortSignal.timeout(eventualMs)
  return {
    libp2p,
    id: libp2p.peerId.toString(),
    direct,
    reserve: async (relay) => {
      const connection = await libp2p.dial(relay.libp2p.getMultiaddrs())
      await circuits.reserve(connection, { signal: signal() })
    },
    dialThrough: async (relay, peer) =>
      libp2p.services.dialer.dial(circuitAddress(relay.id, peer.id), { signal: new AbortController().signal }),
    dialPlainly: async (peer) => {
      const [address] = peer.libp2p.getMultiaddrs()
      if (address === undefined) throw new Error('it listens at no address')
      return libp2p.services.dialer.dial(address, { signal: signal() })
    },
    punch: async (peer) => direct.punch(peer.id, { signal: signal() })
  }
}

/** Asks {@link seeingServer}, whose answer is a port. */
function seeingClient(send: SendDatagram, directory: () => Libp2p['peerId']): Pick<StunClient, 'look' | 'received'> {
  let answered: ((port: number) => void) | undefined
  return {
    received: (bytes) => {
      const port = Number(Buffer.from(bytes).toString())
      if (answered === undefined || !Number.isInteger(port)) return false
      answered(port)
      return true
    },
    look: async ({ servers }) => {
      const { promise, resolve } = Promise.withResolvers<number>()
      answered = resolve
      for (const server of servers) send(Buffer.from('?'), server)
      if (servers.length === 0) return { sightings: [], mapping: 'unknown' }
      const port = await promise
      answered = undefined
      const sighting = { directory: directory(), address: '127.0.0.1', port, proof: new Uint8Array(72) }
      return { sightings: [sighting], mapping: 'independent' }
    }
  }
}
