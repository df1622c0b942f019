// What a directory node reports: its events, as lines on its terminal need them, and
// how what its services tell becomes these. It knows no libp2p host and no HTTP.
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { EvictionReport } from '../../directory/http/index.ts'
import {
  MAX_FEDERATION_PEERS,
  type FederationRefusal,
  type FederationService
} from '../../directory/federation/index.ts'
import type { DirectoryService } from '../../directory/server/index.ts'
import { shortId } from '../../lib/index.ts'
import type { VerifiedRecord } from '../../presence/index.ts'
import type { Pressure } from '../../transport/index.ts'
import type { MisbehaviourReport } from '../api/notices.ts'
import { formatAddress, hostPortOf, isLoopback, withoutPeerId, withPeerId } from '../dialing/address.ts'
import { bestAddress } from '../peers/roster-rows.ts'

/** One peer, as a line on the directory's terminal names it. */
export interface DirectoryGuest {
  readonly peer: string
  readonly nickname: string
  readonly shortId: string
  /** Where it is reached, as rosters show it: `HOST:PORT`; empty when it announces no address. */
  readonly address: string
  /** The host that its connection comes from, where that is another one: behind a NAT, for instance. */
  readonly from: string | undefined
}

/** Another directory, as a line on the directory's terminal names it. */
export interface FederatedDirectory {
  readonly peer: string
  readonly shortId: string
  /** The address at which it listens; empty when it states none, and when it is not joined. */
  readonly address: string
  /** The host that its connection comes from, where that is another one. */
  readonly from?: string | undefined
  /** Of a directory of another network: that network. */
  readonly network?: string
}

/** A directory that was named with `--join` and is not reached. */
interface UnreachedDirectory {
  /** As people write it. */
  readonly address: string
  readonly why: string
}

/** What an operator may want to do something about, among directories that are joined or want to be. */
export type FederationNotice = {
  readonly peer: string
  readonly shortId: string
  /** Where it is connected from, or may be reached; empty when nothing is known of that. */
  readonly address: string
} & (
  | { readonly event: 'directory-turned-away'; readonly reason: FederationRefusal; readonly places: number }
  | {
      readonly event: 'directory-evicted'
      /** The address prefix that had the most places, and how many. */
      readonly holder: string
      readonly held: number
      readonly places: number
      /** The directory that has the place now. */
      readonly to: string
      readonly toShortId: string
    }
  | {
      readonly event: 'directory-refused-us'
      readonly reason: FederationRefusal
      readonly why: string
      readonly retryAfterMs: number
    }
  | { readonly event: 'directory-cut'; readonly forMs: number }
  | {
      readonly event: 'directory-left-out'
      /** Peers that it has and that are not on the roster, and those that are. */
      readonly leftOut: number
      readonly peers: number
      readonly named: boolean
    }
)

export interface DirectoryNodeEvents {
  ready: CustomEvent<DirectoryGuest>
  left: CustomEvent<DirectoryGuest>
  lost: CustomEvent<DirectoryGuest>
  /** As many peers as may be are registered, and others are refused. */
  full: CustomEvent<{ readonly limit: number; readonly refused: number }>
  'directory-joined': CustomEvent<FederatedDirectory>
  /** It has ended in order. */
  'directory-left': CustomEvent<FederatedDirectory>
  'directory-lost': CustomEvent<FederatedDirectory>
  'directory-refused': CustomEvent<FederatedDirectory>
  'directory-unreached': CustomEvent<UnreachedDirectory>
  federation: CustomEvent<FederationNotice>
  /** A client holds so much of the roster page that the oldest of it gave way to others. */
  'page-pressure': CustomEvent<EvictionReport>
  /** The addresses at which it is reached have changed. */
  addresses: CustomEvent<{ readonly addresses: readonly string[]; readonly pages: readonly string[] }>
  /** On a link of this machine it can't be found by mDNS, or can be again; in words. */
  lan: CustomEvent<{ readonly text: string }>
  /** It can't tell peers how they are seen from outside; in words. */
  stun: CustomEvent<{ readonly text: string }>
  /** A remote was cut or refused for what it did; at a bounded pace. */
  misbehaviour: CustomEvent<MisbehaviourReport>
  /** Connections have begun to give way because there are too many, or no longer do. */
  pressure: CustomEvent<Pressure>
}

type Tell = <K extends keyof DirectoryNodeEvents>(type: K, detail: DirectoryNodeEvents[K]['detail']) => void

interface Services {
  readonly directory: DirectoryService
  readonly federation: FederationService
}

/** From now on what the services tell is reported. */
export function reportServices({ directory, federation }: Services, tell: Tell): void {
  directory.on('ready', ({ record, remoteAddr }) => tell('ready', guest(record, remoteAddr)))
  directory.on('left', ({ record }) => tell('left', guest(record)))
  directory.on('lost', ({ record }) => tell('lost', guest(record)))
  directory.on('full', (detail) => tell('full', detail))
  federation.on('joined', ({ peer, remoteAddr, addresses }) => {
    const { address, from } = listeningPlace(addresses.map(withoutPeerId), remoteAddr)
    const dialled = address === undefined ? '' : withPeerId(address, peer.toString()).toString()
    tell('directory-joined', { ...federatedDirectory(peer, dialled), from })
  })
  federation.on('left', ({ peer }) => tell('directory-left', federatedDirectory(peer)))
  federation.on('lost', ({ peer }) => tell('directory-lost', federatedDirectory(peer)))
  federation.on('other-network', ({ peer, network }) => {
    tell('directory-refused', { ...federatedDirectory(peer), network })
  })
  federation.on('unreached', ({ address, error }) => {
    tell('directory-unreached', { address: formatAddress(address), why: error.message })
  })
  reportNotices(federation, (notice) => tell('federation', notice))
}

function reportNotices(federation: FederationService, tell: (notice: FederationNotice) => void): void {
  const places = MAX_FEDERATION_PEERS
  /** With an address at which it may be reached. */
  const known = (peer: string): FederatedDirectory => {
    const [address] = federation.addressesOf(peer)
    return federatedDirectory(peer, address?.toString())
  }
  federation.on('turned-away', ({ peer, remoteAddr, reason }) => {
    tell({ event: 'directory-turned-away', ...federatedDirectory(peer, remoteAddr.toString()), reason, places })
  })
  federation.on('evicted', ({ peer, remoteAddr, holder, held, to }) => {
    tell({
      event: 'directory-evicted',
      ...federatedDirectory(peer, remoteAddr.toString()),
      holder,
      held,
      places,
      to: to.toString(),
      toShortId: shortId(to.toString())
    })
  })
  federation.on('refused', ({ peer, error: { reason, message, retryAfterMs = 0 } }) => {
    tell({ event: 'directory-refused-us', ...known(peer), reason, why: message, retryAfterMs })
  })
  federation.on('banned', ({ peer, forMs }) => {
    tell({ event: 'directory-cut', ...known(peer.toString()), forMs })
  })
  federation.on('left-out', ({ directory, leftOut, peers, isNamed }) => {
    tell({ event: 'directory-left-out', ...known(directory), leftOut, peers, named: isNamed })
  })
}

function guest({ record }: VerifiedRecord, connected?: Multiaddr): DirectoryGuest {
  const peer = record.peer.toString()
  const { address, from } = listeningPlace(record.addresses, connected)
  return {
    peer,
    nickname: record.nickname,
    shortId: shortId(peer),
    address: address === undefined ? '' : formatAddress(address),
    from
  }
}

/**
 * Of the addresses that a remote states, the one to show, and the host that its connection comes from where that is
 * another. The port of its connection is of no use: nothing listens there.
 */
function listeningPlace(
  addresses: readonly Multiaddr[],
  connected: Multiaddr | undefined
): { readonly address: Multiaddr | undefined; readonly from: string | undefined } {
  const address = bestAddress(addresses, connected)
  const from = connected === undefined || isLoopback(connected) ? undefined : hostPortOf(connected)?.host
  return { address, from: address === undefined || hostPortOf(address)?.host !== from ? from : undefined }
}

function federatedDirectory(peer: PeerId | string, address = ''): FederatedDirectory {
  return { peer: peer.toString(), shortId: shortId(peer.toString()), address }
}
