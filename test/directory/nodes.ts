// Real libp2p nodes on loopback, for the tests of this folder.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, PrivateKey, ServiceMap } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Libp2pOptions, ServiceFactoryMap } from 'libp2p'
import { onTestFinished, type TestContext } from 'vitest'
import { yamuxInit } from '../../src/transport/index.ts'
import { patientConnections } from '../patience.ts'

/** A node on a port of its own, stopped when the test ends. */
export async function node<T extends ServiceMap>(
  services: ServiceFactoryMap<T>,
  options: {
    readonly privateKey?: PrivateKey
    readonly port?: number
    readonly metrics?: NonNullable<Libp2pOptions['metrics']>
    /** The local address that it dials from. */
    readonly from?: string
    /** That of its own context, for a test that runs beside others. */
    readonly onTestFinished?: TestContext['onTestFinished']
  } = {}
): Promise<Libp2p<T>> {
  // The transport hands them all to node:net, and declares some.
  const dialOpts = { noDelay: true, localAddress: options.from }
  const libp2p = await createLibp2p<T>({
    ...(options.privateKey === undefined ? {} : { privateKey: options.privateKey }),
    ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
    addresses: { listen: [`/ip4/127.0.0.1/tcp/${options.port ?? 0}`] },
    transports: [tcp(options.from === undefined ? {} : { dialOpts })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(yamuxInit)],
    connectionManager: {
      inboundConnectionThreshold: 1_000,
      maxIncomingPendingConnections: 1_000,
      reconnectRetries: 0,
      ...patientConnections
    },
    connectionMonitor: { enabled: false },
    services
  })
  const whenFinished = options.onTestFinished ?? onTestFinished
  whenFinished(() => libp2p.stop())
  return libp2p
}

export function portOf(libp2p: Libp2p): number {
  const address = libp2p.getMultiaddrs()[0]?.toString() ?? ''
  return Number(/\/tcp\/(\d+)/.exec(address)?.[1])
}
