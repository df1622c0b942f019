// The one place that makes a libp2p node, for peers and directories alike: TCP,
// Noise, Yamux within Parley's bounds, and limits that are set on purpose. The
// services that run on it are given by the caller.
import { identify, identifyPush } from '@libp2p/identify'
import type { Libp2pOptions } from 'libp2p'
import type { ComponentLogger, ConnectionGater, MessageStream, PeerId, PrivateKey } from '@libp2p/interface'
import { isMultiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { isIPv6 } from 'node:net'
import { nameLookups } from './name-lookups.ts'
import { networkInterfaces } from './network-interfaces.ts'
import { ownAddresses } from './own-addresses.ts'
import type { ConnectionGuard } from './connection-guard.ts'
import { offenderGater, Offenders } from './offenders.ts'
import { guardedUpgrade } from './tuning/guarded-upgrade.ts'
import { zonedAddresses } from './tuning/zoned-addresses.ts'
import { addressClassOf, HANDSHAKE_TIMEOUT_MS, LinkWatch } from '../wire/index.ts'
import { boundedYamux } from './tuning/bounded-yamux.ts'
import type { LinkPace, MisbehaviourError } from '../wire/index.ts'
import type { OnMisbehaviour } from './tuning/bounded-yamux.ts'
import { connectionList } from './tuning/connection-list.ts'
import { departedPeers } from './departed-peers.ts'
import { eagerNoise } from './tuning/eager-noise.ts'
import { gatheringTcp } from './tuning/lean-sends.ts'
import { loadSodium, sodiumCrypto } from './tuning/noise-crypto.ts'
import { pingAnswers } from './ping-answers.ts'
import { webSockets, type WebSocketsInit } from './websocket/websockets.ts'
import { leanNoise, securedRemoteOf } from './tuning/noise-streams.ts'
import { loggerOptions } from './tuning/quiet-logger.ts'
import { defaultTuning } from './tuning/tuning.ts'
import type { Tuning } from './tuning/tuning.ts'

/** What Parley calls itself to others (identify's agent version begins with it). */
const AGENT_NAME = 'parley'

/** A dead link is noticed after one interval and one timeout; far below the 15 s that a roster may be wrong. */
const LINK_PING = { intervalMs: 3_000, timeoutMs: 3_000 } as const

/** The other side of a connection. */
export interface Remote {
  /** Undefined until its key is known. */
  readonly peer: PeerId | undefined
  readonly address: Multiaddr
}

export interface HostInit {
  readonly key: PrivateKey
  /** Of this program, as identify tells it to others; default none. */
  readonly version?: string
  /** An IP address, or undefined for all of IPv4 and IPv6. */
  readonly host: string | undefined
  readonly port: number
  /** Decides which connections stay. A host that listens nowhere needs none; its owner adds the service `guard.places()`. */
  readonly guard?: ConnectionGuard
  /** Carries connections through relays, beside TCP; default none. */
  readonly circuits?: OtherTransport
  /** Carries connections over UDP through routers, beside TCP; default none. */
  readonly direct?: OtherTransport
  /** Where it listens for WebSockets too, and who may say there whose they are; default nowhere. */
  readonly webSockets?: WebSocketPlaceToListen
  /** The HTTP proxy by which WebSockets of this host are reached; default none. */
  readonly proxyOf?: WebSocketsInit['proxyOf']
  readonly discovery: NonNullable<Libp2pOptions['peerDiscovery']>
  readonly gater: ConnectionGater
  /** Peers that the user or the operator has chosen, by peer ID; default none. */
  readonly isKnown?: (peer: string) => boolean
  /** Notices silence on its links, and is told when they are in doubt; default one of its own. */
  readonly links?: LinkWatch
  /** Called for each remote that was cut for what it did. */
  readonly onMisbehaviour?: (error: MisbehaviourError, remote: Remote) => void
  readonly logger?: ComponentLogger
  /** The changes in libp2p; by default all, or those that PARLEY_TUNING leaves on. */
  readonly tuning?: Tuning
}

/** A transport beside TCP, and where it listens. */
interface OtherTransport {
  readonly transport: TransportFactory
  readonly listenAddress: string
}

interface WebSocketPlaceToListen extends Pick<WebSocketsInit, 'isTrustedProxy' | 'onUnnamed'> {
  /** An IP address. */
  readonly host: string
  readonly port: number
}

type TransportFactory = NonNullable<Libp2pOptions['transports']>[number]

const sodium = loadSodium()

const ownLink: LinkPace = { pingAfterMs: LINK_PING.intervalMs, answerWithinMs: LINK_PING.timeoutMs }

/** @param inbound how silence is noticed on links that others dialled; default as on our own */
export function linkWatch(inbound: LinkPace = ownLink): LinkWatch {
  return new LinkWatch({ outbound: ownLink, inbound })
}

const socketOptions = {
  // Silence is LinkWatch's: a timer of each socket's own would be put off by every read and write.
  inboundSocketInactivityTimeout: 0,
  outboundSocketInactivityTimeout: 0,
  // All of these go to net.connect().
  dialOpts: { noDelay: true, lookup: nameLookups.lookup }
}

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
    init.onMisbehaviour?.(error, { peer, address: remoteAddr })
  }
  const judgeSecured: OnMisbehaviour = (error, connection) => {
    const remote = securedRemoteOf(connection)
    if (remote !== undefined) judge(error, remote.carrier, remote.peer)
  }
  const gater = offenderGater(init.gater, offenders, init.isKnown ?? (() => false))
  const tuning = init.tuning ?? defaultTuning()
  const tcp = gatheringTcp(socketOptions, tuning)
  const { isTrustedProxy = () => false, onUnnamed = () => undefined } = init.webSockets ?? {}
  const others = [init.circuits, init.direct].filter((other) => other !== undefined)
  const upgraded = (transport: TransportFactory): TransportFactory => {
    const guarded = guardedUpgrade(transport, judge)
    const eager = tuning.eagerNoise ? eagerNoise(guarded) : guarded
    return init.guard === undefined ? eager : init.guard.transport(eager)
  }
  return {
    start: false,
    privateKey: init.key,
    nodeInfo: {
      name: AGENT_NAME,
      version: init.version ?? '',
      userAgent: init.version === undefined ? AGENT_NAME : `${AGENT_NAME}/${init.version}`
    },
    addresses: {
      listen: [
        ...listenAddresses(init.host, init.port),
        ...(init.webSockets === undefined ? [] : [`${placePrefix(init.webSockets)}/ws`]),
        ...others.map(({ listenAddress }) => listenAddress)
      ]
    },
    transports: [
      upgraded(tuning.zonedAddresses ? zonedAddresses(tcp) : tcp),
      upgraded(
        webSockets({
          isTrustedProxy,
          onUnnamed,
          onMisbehaviour: judge,
          lookup: nameLookups.lookup,
          proxyOf: init.proxyOf
        })
      ),
      ...others.map(({ transport }) => upgraded(transport))
    ],
    connectionEncrypters: [
      leanNoise({
        onMisbehaviour: judgeSecured,
        tuning,
        ...(sodium === undefined || !tuning.libsodium ? {} : { crypto: sodiumCrypto(sodium) })
      })
    ],
    streamMuxers: [
      boundedYamux({
        watch: init.links ?? linkWatch(),
        onMisbehaviour: judgeSecured,
        tuning
      })
    ],
    peerDiscovery: init.discovery,
    connectionGater: gater,
    connectionManager: { ...libp2pLimitsOff, inboundUpgradeTimeout: HANDSHAKE_TIMEOUT_MS },
    // Its ping opens a stream and agrees on a protocol, on every connection and for either side: see LinkWatch.
    connectionMonitor: { enabled: false },
    ...loggerOptions(init.logger, tuning)
  }
}

/** What carries an encrypted connection is a transport's, though its type does not say so. */
function hasAddress(carrier: MessageStream): carrier is MessageStream & { readonly remoteAddr: Multiaddr } {
  return 'remoteAddr' in carrier && isMultiaddr(carrier.remoteAddr)
}

/**
 * identify; identify/push, so that peers learn what changes after the connection; and answers to pings. Identify is asked
 * only of other programs, whose name matters (see peer-kind.ts): Parley is known by its records.
 */
export const commonServices = {
  ownAddresses: ownAddresses(),
  identify: identify({ runOnConnectionOpen: false }),
  identifyPush: identifyPush(),
  ping: pingAnswers()
}

/** A directory answers identify and does not ask it: what it keeps of a client is its record. */
export const directoryServices = {
  ownAddresses: ownAddresses(),
  connections: connectionList(),
  departed: departedPeers(),
  identify: identify({ runOnConnectionOpen: false }),
  ping: pingAnswers()
}

function listenAddresses(host: string | undefined, port: number): string[] {
  if (host !== undefined) return [placePrefix({ host, port })]
  return hasIpv6() ? [`/ip4/0.0.0.0/tcp/${port}`, `/ip6/::/tcp/${port}`] : [`/ip4/0.0.0.0/tcp/${port}`]
}

function placePrefix({ host, port }: { readonly host: string; readonly port: number }): string {
  const [ip = '', zone] = host.split('%')
  return `${zone === undefined ? '' : `/ip6zone/${zone}`}/${isIPv6(ip) ? 'ip6' : 'ip4'}/${ip}/tcp/${port}`
}

/** Listening on IPv6 is an error where the system has it switched off. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'))
}
