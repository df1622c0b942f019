// What was seen of the network, before anything is concluded from it: plain data, which
// the diagnosis reads and tests make up.
import type { Interfaces } from '../../../transport/index.ts'
import type { DirectoryView, PathView, RouterView } from '../../api/chat-events.ts'
import type { PeerTrials } from '../../dialing/path-trials.ts'
import { OwnNetwork } from '../../dialing/own-network.ts'
import type { Firewall } from './firewall.ts'
import type { LinkProbe } from './multicast-probe.ts'
import type { TcpOutcome, TcpPlace } from './tcp-probe.ts'
import type { UdpEvidence } from './udp-look.ts'

/** This machine's own network. */
export interface Surroundings {
  readonly interfaces: Interfaces
  /** Links that can multicast, loopback left out; empty where the LAN is not searched. */
  readonly links: readonly LinkProbe[]
  /** Interfaces with an address that are not used for mDNS, and why. */
  readonly unused: readonly { readonly name: string; readonly why: string }[]
  readonly searchesLan: boolean
  /** Interfaces that are the near end of a tunnel. */
  readonly tunnels: ReadonlySet<string>
  /** The interface of the default route; undefined without one. */
  readonly defaultWay: { readonly ipv4: string | undefined; readonly ipv6: string | undefined }
  readonly firewall: Firewall
}

/** One end of a path that was tried: the way there. */
export interface Way extends TcpPlace {
  /** The link of this machine that the address is on; undefined elsewhere. */
  readonly link: string | undefined
  /** The interface by which the system sends there; undefined without a route. */
  readonly by: string | undefined
  /** Whether the machine answers the question who has the address; undefined where that is not known. */
  readonly isAnswering: boolean | undefined
  /** Whether some machine of that link answers it. */
  readonly hasNeighbours: boolean
  /** What another port of the host says, where this one is silent. */
  readonly otherPort: { readonly port: number; readonly outcome: TcpOutcome } | undefined
}

export interface DirectoryEvidence {
  readonly view: DirectoryView
  /** Of one that is not connected: the outcome at its address, and the way there. */
  readonly tried: { readonly outcome: TcpOutcome; readonly way: Way } | undefined
}

/** How others elsewhere reach this machine. */
export interface ReachEvidence {
  readonly udp: UdpEvidence
  /** Whether the router lets others in; undefined for a node that only looks, which asks none. */
  readonly router: RouterView | undefined
  /** Relays that hold a place for this peer. */
  readonly relays: number
  /** It is on the roster; a node that only looks has no relays. */
  readonly isSeen: boolean
}

export interface PortEvidence {
  /** The port that Parley listens on, or would. */
  readonly port: number
  /** The usual or wanted one, which another program has. */
  readonly takenPort: number | undefined
}

export interface PeerEvidence {
  readonly peer: string
  /** As a line names it. */
  readonly name: string
  readonly isBlocked: boolean
  /** A directory, or a peer that is connected, says that it is online now. */
  readonly isOnline: boolean
  readonly path: PathView
  readonly tried: PeerTrials
  /** The ways to the hosts that were tried, by host. */
  readonly ways: ReadonlyMap<string, Way>
  /** Directories in use, by peer ID, as they were named: those that relay are named by it. */
  readonly directories: ReadonlyMap<string, string>
}

/** The link of this machine that the address is on. */
export function linkOf(ip: string, interfaces: Interfaces): string | undefined {
  const zone = ip.split('%')[1]
  if (zone !== undefined) return zone
  return Object.entries(interfaces).find(([name, infos]) => new OwnNetwork({ [name]: infos }).isOnLink(ip))?.[0]
}

/** An address of the interface, of the same family as another. */
export function addressOn(name: string, like: string, interfaces: Interfaces): string | undefined {
  const family = like.includes(':') ? 'IPv6' : 'IPv4'
  return interfaces[name]?.find((info) => info.family === family)?.address
}
