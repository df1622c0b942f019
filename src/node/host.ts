// The one place that makes a libp2p node, for peers and directories alike: TCP,
// Noise, Yamux within Parley's bounds, and limits that are set on purpose. The
// services that run on it are given by the caller.
import { identify, identifyPush } from '@libp2p/identify'
import type { Libp2pOptions } from 'libp2p'
import type { ComponentLogger, ConnectionGater, MessageStream, PeerId, PrivateKey } from '@libp2p/interface'
import { isMultiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { once } from 'node:events'
import { createServer, isIPv6 } from 'node:net'
import { networkInterfaces } from './network-interfaces.ts'
import { guardedUpgrade, offenderGater, type ConnectionGuard } from '../transport/index.ts'
import { addressClassOf, boundedYamux, HANDSHAKE_TIMEOUT_MS, Offenders } from '../wire/index.ts'
import type { LinkPace, MisbehaviourError, OnMisbehaviour } from '../wire/index.ts'
import { connectionList } from './connection-list.ts'
import { departedPeers } from './departed-peers.ts'
import { eagerNoise } from './eager-noise.ts'
import { AGENT_NAME, LINK_PING } from './constants.ts'
import { PortTakenError, UsageError } from './errors.ts'
import { gatheringTcp } from './gathering-tcp.ts'
import { misbehaviourOf, type Misbehaviour } from './misbehaviour.ts'
import { loadSodium, sodiumCrypto } from './noise-crypto.ts'
import { leanNoise, securedRemoteOf } from './noise-streams.ts'
import { loggerOptions } from './quiet-logger.ts'
import { version } from './version.ts'

export interface HostInit {
  readonly key: PrivateKey
  /** An IP address, or undefined for all of IPv4 and IPv6. */
  readonly host: string | undefined
  readonly port: number
  /** Who may connect. A host that listens nowhere needs none; its owner adds the service `guard.places()`. */
  readonly guard?: ConnectionGuard
  readonly discovery: NonNullable<Libp2pOptions['peerDiscovery']>
  readonly gater: ConnectionGater
  /** Peers that the user or the operator has chosen, by peer ID; default none. */
  readonly isKnown?: (peer: string) => boolean
  /** How silence is noticed on links that others dialled; default as on our own. */
  readonly inboundLink?: LinkPace
  /** Called for each remote that was cut for what it did. */
  readonly onMisbehaviour?: (misbehaviour: Misbehaviour) => void
  readonly logger?: ComponentLogger
}

const sodium = loadSodium()

const ownLink: LinkPace = { pingAfterMs: LINK_PING.intervalMs, answerWithinMs: LINK_PING.timeoutMs }

/** Silence is LinkWatch's: a timer of each socket's own would be put off by every read and write. */
const noSocketTimeouts = { inboundSocketInactivityTimeout: 0, outboundSocketInactivityTimeout: 0 }

/** libp2p's own limits refuse newcomers by their addresses, so they are off: ConnectionGuard takes their place. */
const libp2pLimitsOff = {
  allow: ['/ip4/0.0.0.0/ipcidr/0', '/ip6/::/ipcidr/0'],
  maxConnections: Number.MAX_SAFE_INTEGER
}

/** What `createLibp2p` is given; the caller adds its services and calls it. */
export function hostOptions(init: HostInit): Libp2pOptions {
  const offenders = new Offenders()
  const judge = (error: MisbehaviourError, carrier: MessageStream, peer?: PeerId): void => {
    if (!hasAddress(carrier)) return
    const { remoteAddr } = carrier
    if (peer !== undefined) {
      offenders.record({ peer: peer.toString(), addressClass: addressClassOf(remoteAddr) }, performance.now())
    }
    init.onMisbehaviour?.(misbehaviourOf(error, { peer, address: remoteAddr }))
  }
  const judgeSecured: OnMisbehaviour = (error, connection) => {
    const remote = securedRemoteOf(connection)
    if (remote !== undefined) judge(error, remote.carrier, remote.peer)
  }
  const gater = offenderGater(init.gater, offenders, init.isKnown ?? (() => false))
  const transport = eagerNoise(guardedUpgrade(gatheringTcp(noSocketTimeouts), judge))
  return {
    start: false,
    privateKey: init.key,
    nodeInfo: { name: AGENT_NAME, version, userAgent: `${AGENT_NAME}/${version}` },
    addresses: { listen: listenAddresses(init.host, init.port) },
    transports: [init.guard === undefined ? transport : init.guard.transport(transport)],
    connectionEncrypters: [
      leanNoise({
        onMisbehaviour: judgeSecured,
        ...(sodium === undefined ? {} : { crypto: sodiumCrypto(sodium) })
      })
    ],
    streamMuxers: [
      boundedYamux({
        silence: { outbound: ownLink, inbound: init.inboundLink ?? ownLink },
        onMisbehaviour: judgeSecured
      })
    ],
    peerDiscovery: init.discovery,
    connectionGater: gater,
    connectionManager: { ...libp2pLimitsOff, inboundUpgradeTimeout: HANDSHAKE_TIMEOUT_MS },
    // Its ping opens a stream and agrees on a protocol, on every connection and for either side: see LinkWatch.
    connectionMonitor: { enabled: false },
    ...loggerOptions(init.logger)
  }
}

/** What carries an encrypted connection is a transport's, though its type does not say so. */
function hasAddress(carrier: MessageStream): carrier is MessageStream & { readonly remoteAddr: Multiaddr } {
  return 'remoteAddr' in carrier && isMultiaddr(carrier.remoteAddr)
}

/**
 * identify, and identify/push so that what changes after the connection is told too. Nobody is asked without need:
 * Parley is known by its records, and only of other programs the name matters; see peer-kind.ts.
 */
export const commonServices = { identify: identify({ runOnConnectionOpen: false }), identifyPush: identifyPush() }

/** A directory says who it is, and asks nobody: what it keeps of a client is its record. */
export const directoryServices = {
  connections: connectionList(),
  departed: departedPeers(),
  identify: identify({ runOnConnectionOpen: false })
}

/**
 * Starts a node, with the error of a port that is taken made plain.
 *
 * @throws PortTakenError, UsageError
 */
export async function startHost(
  node: { start(): Promise<void> | void },
  init: Pick<HostInit, 'host' | 'port'>
): Promise<void> {
  try {
    await node.start()
  } catch (error) {
    const text = error instanceof Error ? `${error.name} ${error.message}` : String(error)
    if (text.includes('EADDRINUSE')) {
      throw new PortTakenError(init.port, { cause: error })
    }
    if (init.host !== undefined && text.includes('EADDRNOTAVAIL')) {
      throw new UsageError(`this machine has no address ${init.host} to listen on`, { cause: error })
    }
    throw error
  }
}

function listenAddresses(host: string | undefined, port: number): string[] {
  if (host !== undefined) return [isIPv6(host) ? `/ip6/${host}/tcp/${port}` : `/ip4/${host}/tcp/${port}`]
  return hasIpv6() ? [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`] : [`/ip4/0.0.0.0/tcp/${port}`]
}

/** Listening on IPv6 is an error where the system has it switched off. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'))
}

/** A port that is free on this machine now, the same for IPv4 and IPv6: libp2p would choose one for each. */
export async function freePort(host: string | undefined): Promise<number> {
  const server = createServer()
  server.listen({ port: 0, ...(host === undefined ? {} : { host }) })
  try {
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new TypeError('a TCP server has an address')
    return address.port
  } catch (error) {
    if (host === undefined) throw error
    throw new UsageError(`this machine has no address ${host} to listen on`, { cause: error })
  } finally {
    server.close()
  }
}

/** True when nothing listens at the port; it may be taken a moment later. */
export async function isPortFree(port: number, host: string | undefined): Promise<boolean> {
  const server = createServer()
  server.listen({ port, ...(host === undefined ? {} : { host }) })
  try {
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/**
 * The port to listen on: the one that was asked for, or the one of the first
 * start, or another when that is taken.
 *
 * @returns the port, and the wanted one when it was not to be had
 * @throws PortTakenError when it was asked for
 */
export async function listeningPort(wanted: {
  readonly asked: number | undefined
  readonly usual: number | undefined
  readonly host: string | undefined
}): Promise<{ port: number; instead: number | undefined }> {
  const { asked, usual, host } = wanted
  if (asked !== undefined) {
    if (!(await isPortFree(asked, host))) throw new PortTakenError(asked)
    return { port: asked, instead: undefined }
  }
  if (usual !== undefined && (await isPortFree(usual, host))) return { port: usual, instead: undefined }
  return { port: await freePort(host), instead: usual }
}
