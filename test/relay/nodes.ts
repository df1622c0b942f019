// A relay and peers on loopback, made as Parley makes its own: for the tests of this
// folder, which ask what goes through a relay and what does not.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Libp2p, Stream, StreamHandler } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import type { Uint8ArrayList } from 'uint8arraylist'
import { expect, onTestFinished } from 'vitest'
import { circuitAddress, Circuits, type CircuitsInit } from '../../src/relay/index.ts'
import { circuitLimits, relay, type RelayInit, type RelayService } from '../../src/relay/server/index.ts'
import { addressDialer, type AddressDialer } from '../../src/node/dialing/dialer.ts'
import { chatLimits, ConnectionGuard, hostOptions } from '../../src/transport/index.ts'
import { streamDuplex, toError } from '../../src/wire/index.ts'
import { eventually } from '../eventually.ts'
import { eventualMs } from '../patience.ts'

/** What the peers speak with each other. */
export const TEST_PROTOCOL = '/test/1.0.0'

export interface TestRelay {
  readonly libp2p: Libp2p<{ relay: RelayService }>
  readonly id: string
  readonly service: RelayService
  /** The peers that count as announced; all of them where it is left as it is. */
  announced: (peer: string) => boolean
}

/** @param keepsRoster without it, a reservation announces a peer */
export async function relayNode({
  keepsRoster = true,
  ...init
}: Partial<Omit<RelayInit, 'isAnnounced'>> & { readonly keepsRoster?: boolean } = {}): Promise<TestRelay> {
  const key = await generateKeyPair('Ed25519')
  const self = { announced: (_peer: string) => true }
  const libp2p = await createLibp2p<{ relay: RelayService }>({
    ...hostOptions({ key, host: '127.0.0.1', port: 0, discovery: [], gater: {} }),
    services: {
      relay: relay({
        bytesPerSecond: Infinity,
        limits: circuitLimits(64),
        ...(keepsRoster ? { isAnnounced: (peer: string) => self.announced(peer) } : {}),
        ...init
      })
    }
  })
  onTestFinished(() => libp2p.stop())
  await libp2p.start()
  return Object.assign(self, { libp2p, id: libp2p.peerId.toString(), service: libp2p.services.relay })
}

export interface TestPeer {
  readonly libp2p: Libp2p<{ dialer: AddressDialer }>
  readonly id: string
  readonly circuits: Circuits
  /** Connects with a relay, and reserves it. */
  reserve(relay: TestRelay): Promise<Connection>
  /** Reaches the other peer through the relay, and through it alone. */
  dial(relay: TestRelay, peer: TestPeer): Promise<Connection>
}

/** @param onStream what it does with a stream of {@link TEST_PROTOCOL}; default nothing */
export async function peerNode(
  onStream: StreamHandler = () => undefined,
  init: Partial<CircuitsInit> = {}
): Promise<TestPeer> {
  const key = await generateKeyPair('Ed25519')
  const circuits = new Circuits({ isUsed: () => true, ...init })
  const guard = new ConnectionGuard({
    limits: chatLimits,
    standings: () => () => 'stranger',
    onPressure: () => undefined
  })
  const libp2p = await createLibp2p<{ dialer: AddressDialer }>({
    ...hostOptions({ key, host: '127.0.0.1', port: 0, guard, circuits, discovery: [], gater: {} }),
    services: { dialer: addressDialer() }
  })
  onTestFinished(() => libp2p.stop())
  await libp2p.start()
  await libp2p.handle(TEST_PROTOCOL, onStream)
  const id = libp2p.peerId.toString()
  return {
    libp2p,
    id,
    circuits,
    reserve: async (at) => {
      const connection = await libp2p.dial(at.libp2p.getMultiaddrs())
      await circuits.reserve(connection, { signal: AbortSignal.timeout(eventualMs) })
      return connection
    },
    dial: async (by, peer) =>
      libp2p.services.dialer.dial(circuitAddress(by.id, peer.id), { signal: new AbortController().signal })
  }
}

/** Sends back what comes, and ends when the other side does. */
export const echo: StreamHandler = (stream: Stream) => {
  const duplex = streamDuplex(stream)
  duplex.sink(duplex.source).catch((error: unknown) => stream.abort(toError(error)))
}

/** @returns what comes back from a peer that echoes */
export async function echoed(connection: Connection, bytes: Uint8Array): Promise<Buffer> {
  const duplex = streamDuplex(await connection.newStream(TEST_PROTOCOL))
  const [, received] = await Promise.all([duplex.sink(once(bytes)), allOf(duplex.source)])
  return received
}

/** A clock and a use for connections that are closed when they are needed for nothing. */
export class IdleTrial {
  #nowMs = 0
  #isUsed = true

  /** For what closes the connection. */
  readonly init = { isUsed: () => this.#isUsed, idleAfterMs: 40, now: () => this.#nowMs }

  /** Far beyond the time it stays open while it is in use, and is closed once it is not. */
  async endsUnused(connection: Connection): Promise<void> {
    for (let turn = 0; turn < 5; turn++) {
      this.#nowMs += 30
      await echoed(connection, Buffer.from('alive'))
    }
    expect(connection.status).toBe('open')
    this.#isUsed = false
    // As long as that is not noticed, time stands still for it.
    await eventually(() => {
      this.#nowMs += 10
      expect(connection.status).not.toBe('open')
    })
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function allOf(source: AsyncIterable<Uint8ArrayList>): Promise<Buffer> {
  const received: Uint8Array[] = []
  for await (const read of source) received.push(read.slice())
  return Buffer.concat(received)
}
