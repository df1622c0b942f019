/**
 * A process with a node as Parley makes it, on the packages as they are
 * installed: what the build patches is not patched here. It says what it holds
 * and what it took whenever it is asked. It runs until it is killed.
 */

import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { commonServices, hostOptions } from '../../src/transport/host.ts'
import { startHost } from '../../src/node/dialing/listening.ts'
import { freePort } from '../processes/ports.ts'
import type { Misbehaviour } from '../../src/node/api/notices.ts'
import { misbehaviourOf } from '../../src/node/misbehaviour.ts'
import { LinkWatch, type LinkPace } from '../../src/wire/index.ts'
import { eventualMs } from '../patience.ts'

export interface HostReading {
  /** Heap and external memory after a collection. */
  readonly heldBytes: number
  readonly cpuMs: number
  readonly connections: number
  readonly streams: number
  readonly misbehaviour: readonly Misbehaviour[]
}

export interface HostListening {
  readonly port: number
  readonly peer: string
}

export type HostOrder = { readonly do: 'read' } | { readonly do: 'dial'; readonly port: number }

/** Agreed on, and never read. */
export const DEAF_PROTOCOL = '/deaf/1.0.0'

const patient: LinkPace = { pingAfterMs: eventualMs, answerWithinMs: eventualMs }

/** Also imported for its types and names. */
if (process.send !== undefined && process.argv[1] === import.meta.filename) await run()

async function run(): Promise<void> {
  const misbehaviour: Misbehaviour[] = []
  const host = '127.0.0.1'
  const port = await freePort()
  const node = await createLibp2p({
    ...hostOptions({
      key: await generateKeyPair('Ed25519'),
      host,
      port,
      discovery: [],
      gater: {},
      // A test that gets no time of the processor for some seconds answers no ping meanwhile: silence is not judged here.
      links: new LinkWatch({ outbound: patient, inbound: patient }),
      onMisbehaviour: (error, remote) => misbehaviour.push(misbehaviourOf(error, remote))
    }),
    services: commonServices
  })
  await node.handle(DEAF_PROTOCOL, (stream) => stream.pause())
  await startHost(node, { host, port })
  process.on('message', (order: HostOrder) => {
    if (order.do === 'dial') {
      const address = multiaddr(`/ip4/${host}/tcp/${order.port}`)
      node.dial(address, { signal: AbortSignal.timeout(5_000) }).catch(() => undefined)
      return
    }
    // Memory outside of the heap that a collection frees still counts as external until the next one.
    globalThis.gc?.()
    globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    const connections = node.getConnections()
    const reading: HostReading = {
      heldBytes: heapUsed + external,
      cpuMs: (user + system) / 1_000,
      connections: connections.length,
      streams: connections.reduce((sum, { streams }) => sum + streams.length, 0),
      misbehaviour
    }
    process.send?.(reading)
  })
  const listening: HostListening = { port, peer: node.peerId.toString() }
  process.send?.(listening)
}
