/**
 * The server's process of the benchmarks of a directory, which start it: a
 * Parley directory as `parley directory` makes one, or a bare libp2p node that
 * accepts connections and keeps no roster. Tells what it costs when it is asked.
 */

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { RosterPush } from '../src/directory/server/roster-push.ts'
import { loadConfig } from '../src/node/index.ts'
import { DirectoryNode } from '../src/node/server/index.ts'

export interface ServerInit {
  /** `bare`: unchanged libp2p, with nothing but its limits raised. */
  readonly kind: 'directory' | 'bare'
  readonly network: string
  readonly folder?: string
  /** 0: any that is free. */
  readonly port?: number
  /** The address of another directory to share the roster with. */
  readonly join?: string
  /** The setting `relayRate`, as it is typed. */
  readonly relayRate?: string
}

export type ServerOrder =
  | { readonly do: 'usage' }
  /** The same after a collection of garbage, which costs time of its own. */
  | { readonly do: 'collected' }
  | { readonly do: 'loops' }
  | { readonly do: 'stop' }

export interface Usage {
  readonly cpuMs: number
  readonly atMs: number
  readonly rssBytes: number
  readonly heapBytes: number
  readonly connections: number
}

interface Server {
  readonly address: string
  connections(): number
  stop(): Promise<void>
}

const enough = 1_000_000
const loopsMs: number[] = []

if (process.send !== undefined) {
  // The parent is bench/bench-process.ts, which writes this argument.
  const init = JSON.parse(process.argv[2] ?? '') as ServerInit
  timePushes()
  const server = init.kind === 'bare' ? await startBare() : await startDirectory(init)
  process.on('message', (order: ServerOrder) => {
    if (order.do === 'collected') globalThis.gc?.()
    if (order.do === 'usage' || order.do === 'collected') process.send?.(usage(server))
    else if (order.do === 'loops') process.send?.(loopsMs.splice(0))
    else void server.stop().then(() => process.exit())
  })
  process.on('disconnect', () => process.exit())
  process.send({ address: server.address })
}

async function startDirectory({ network, folder, port, join: federationPeer, relayRate }: ServerInit): Promise<Server> {
  const home = folder ?? (await mkdtemp(join(tmpdir(), 'parley-bench-')))
  const env = { XDG_DATA_HOME: join(home, 'data'), XDG_CONFIG_HOME: join(home, 'config') }
  const config = await loadConfig({
    flags: {
      network,
      mdns: false,
      host: '127.0.0.1',
      join: federationPeer === undefined ? [] : [federationPeer],
      ...(relayRate === undefined ? {} : { relayRate })
    },
    env
  })
  const node = await DirectoryNode.create({ config, port: port ?? 0 })
  await node.start()
  return {
    address: node.addresses()[0] ?? '',
    connections: () => node.roster().length,
    stop: async () => node.stop()
  }
}

async function startBare(): Promise<Server> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
    connectionManager: {
      maxConnections: enough,
      inboundConnectionThreshold: enough,
      maxIncomingPendingConnections: enough
    }
  })
  return {
    address: node.getMultiaddrs()[0]?.toString() ?? '',
    connections: () => node.getConnections().length,
    stop: async () => node.stop()
  }
}

/** From a change to the last write of what it made to be sent: all of it is done before the next turn of the loop. */
function timePushes(): void {
  const { changed } = RosterPush.prototype
  RosterPush.prototype.changed = function (this: RosterPush, peers: Iterable<string>): void {
    const startedAtMs = performance.now()
    changed.call(this, peers)
    setImmediate(() => loopsMs.push(performance.now() - startedAtMs))
  }
}

function usage(server: Server): Usage {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    cpuMs: (user + system) / 1_000,
    atMs: performance.now(),
    rssBytes: rss,
    heapBytes: heapUsed,
    connections: server.connections()
  }
}
