/**
 * A directory that keeps things for seconds instead of minutes, for test/soak/run.ts, which starts it: libp2p and a
 * directory's services as `parley directory` has them. It is visited over TCP, or by the hundred a second in memory: an
 * identity comes then as far as libp2p's peer store and events and the directory's tables, which is all that remembers
 * it, and what stands for its connection is a stream without the socket, Noise and Yamux, which cost most of a visit.
 * What it holds is asked when it has forgotten all that came: it goes with no pace then. This judges nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Libp2pEvents, PeerId, StreamHandler } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { TypedEventTarget } from 'main-event'
import { DIRECTORY_PROTOCOL } from '../../src/directory/index.ts'
import { federation } from '../../src/directory/federation/index.ts'
import { directory } from '../../src/directory/server/index.ts'
import { departedPeers } from '../../src/transport/departed-peers.ts'
import { directoryServices, hostOptions } from '../../src/transport/host.ts'
import { ConnectionGuard, directoryLimits } from '../../src/transport/index.ts'
import { holdings } from './holdings.ts'
import type { NewcomersAnswer } from './newcomers-side.ts'
import type { Figures, SoakOrder } from './soak-side.ts'
import { habits, network, visitDirectory } from './visit.ts'

export type ForgetfulOrder =
  | Extract<SoakOrder, { do: 'figures' }>
  /** So many come in memory, register and leave. */
  | { readonly do: 'come'; readonly count: number }
  /** Answered when all that came are forgotten. */
  | { readonly do: 'forget' }

/** On the way at one time. */
const atOnce = 16
const timeoutMs = 30_000
/** What a directory keeps for 60, 5 and 30 seconds. A visit is over in less than the first. */
const leaseMs = 2_000
const graceMs = 500
const forgetAfterMs = 500
/** It is looked so often whether all is forgotten, which takes two leases at the most. */
const lookMs = 50
const forgottenWithinMs = 10 * leaseMs
const remoteAddr = multiaddr('/ip4/192.168.1.20/tcp/40123')
const streams = {
  delay: 0,
  protocol: DIRECTORY_PROTOCOL,
  outboundConnection: { remoteAddr },
  inboundConnection: { remoteAddr }
}

interface Inside {
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly registrar: { getHandler(protocol: string): { readonly handler: StreamHandler } }
}

const key = await generateKeyPair('Ed25519')
const guard = new ConnectionGuard({
  limits: directoryLimits,
  standings: () => () => 'stranger',
  onPressure: () => undefined
})
const host = await createLibp2p({
  ...hostOptions({ key, host: '127.0.0.1', port: 0, guard, discovery: [], gater: {} }),
  services: {
    ...directoryServices,
    places: guard.places(),
    departed: departedPeers({ forgetAfterMs }),
    directory: directory({ network, leaseMs, graceMs }),
    federation: federation({
      network,
      join: [],
      limits: { detachedMs: 2 * leaseMs },
      dial: async () => undefined,
      connect: async () => Promise.reject(new Error('there is no other directory'))
    }),
    inside: ({ events, registrar }: Inside): Inside => ({ events, registrar })
  }
})
await host.start()
const { events, registrar } = host.services.inside
const { handler } = registrar.getHandler(DIRECTORY_PROTOCOL)

/** As libp2p does with a connection, its stream of the directory's protocol, and its end. */
async function comeAndGo(identity: number): Promise<void> {
  const own = await generateKeyPair('Ed25519')
  const remotePeer = peerIdFromPrivateKey(own)
  const [near, far] = await streamPair(streams)
  await host.peerStore.merge(remotePeer, { protocols: [DIRECTORY_PROTOCOL] })
  // Neither side uses more of a connection than this.
  const inbound = { remotePeer, remoteAddr } as unknown as Connection
  const connection = { newStream: async () => near } as unknown as Connection
  await handler(far, inbound)
  try {
    await visitDirectory({ connection, key: own, signal: AbortSignal.timeout(timeoutMs), ...habits(identity) })
  } finally {
    events.safeDispatchEvent<CustomEvent<PeerId>>('peer:disconnect', { detail: remotePeer })
  }
}

let identities = 0
async function come(count: number): Promise<NewcomersAnswer> {
  const failures: string[] = []
  let left = count
  const some = async (): Promise<void> => {
    while (left-- > 0) await comeAndGo(identities++).catch((error: unknown) => failures.push(String(error)))
  }
  await Promise.all(Array.from({ length: atOnce }, some))
  return { failures }
}

async function forget(): Promise<NewcomersAnswer> {
  const untilMs = performance.now() + forgottenWithinMs
  while (!(await hasForgotten())) {
    if (performance.now() > untilMs) return { failures: ['the directory does not forget those that left'] }
    await sleep(lookMs)
  }
  return { failures: [] }
}

async function hasForgotten(): Promise<boolean> {
  let remembered = host.services.directory.roster().length + host.getConnections().length
  host.services.directory.merge((roster) => {
    remembered += [...roster.withdrawals()].length
    return []
  })
  if (remembered > 0) return false
  const peers = await host.peerStore.all()
  return peers.every(({ id }) => id.equals(host.peerId))
}

async function obey(order: ForgetfulOrder): Promise<Figures | NewcomersAnswer> {
  switch (order.do) {
    case 'figures':
      return { ...(await holdings()), listeners: 0 }
    case 'come':
      return come(order.count)
    case 'forget':
      return forget()
  }
}

if (process.send !== undefined) {
  // The parent is test/soak/run.ts.
  process.on('message', (order: ForgetfulOrder) => {
    void obey(order).then((answer) => process.send?.(answer))
  })
  process.once('disconnect', () => process.exit())
  process.send({ address: host.getMultiaddrs()[0]?.toString() })
}
