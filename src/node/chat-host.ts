// The libp2p node of a chatting peer: the common host with the chat and the
// record exchange on it, discovery on the LAN, and blocked peers kept out.
import type { Identify } from '@libp2p/identify'
import type { Connection, ConnectionGater, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { createLibp2p } from 'libp2p'
import { chat, type ChatService, type ChatServiceInit, type PeerKind } from '../chat-protocol/index.ts'
import type { DirectPaths, StunServer } from '../direct/index.ts'
import { files, type FileService, type FileServiceInit } from '../files/index.ts'
import { invite, type InviteService, type InviteServiceInit } from '../invite/index.ts'
import { RECORD_PROTOCOL, recordExchange, type RecordService } from '../presence/index.ts'
import { Circuits } from '../relay/index.ts'
import { shares, type SharedWith } from '../share/index.ts'
import {
  chatLimits,
  commonServices,
  ConnectionGuard,
  departedPeers,
  hostOptions,
  limitsWithin,
  linkWatch,
  openFileLimit,
  type Pressure,
  type Standing
} from '../transport/index.ts'
import type { LinkWatch } from '../wire/index.ts'
import { isLocal } from './dialing/address.ts'
import { proxyOf } from './dialing/proxy.ts'
import type { Settings } from './config/setting-specs.ts'
import { directToContacts } from './reachability/direct-to-contacts.ts'
import type { LanSearch } from './discovery/lan-search.ts'
import { version } from './config/version.ts'
import type { Misbehaviour } from './api/notices.ts'
import { misbehaviourOf } from './misbehaviour.ts'
import { peerKindOf } from './peers/peer-kind.ts'
import type { Profile } from './profile/profile.ts'
import { addressDialer, type AddressDialer } from './dialing/dialer.ts'

export interface ChatHostInit {
  readonly profile: Profile
  readonly settings: Settings
  readonly port: number
  /** Announces nothing by mDNS. */
  readonly observe: boolean
  readonly lan: Pick<LanSearch, 'peers' | 'directories' | 'programs'>
  /** What the layer above answers to the chat service; what kind of program a peer is, the host finds out. */
  readonly protocol: Omit<ChatServiceInit, 'kindOf'>
  /** The same for the guests of invitations. */
  readonly invitations: Omit<InviteServiceInit, 'network' | 'ownEnvelope'>
  /** What others may fetch, and what hears of it. */
  readonly files: FileServiceInit
  /** What others may look at. */
  readonly sharedWith: SharedWith
  readonly ownEnvelope: () => Uint8Array
  readonly onMisbehaviour: (misbehaviour: Misbehaviour) => void
  /** Whether the conversation with the peer is open on a screen. */
  readonly isConversing: (peer: string) => boolean
  /** Peer IDs of the directories that are in use, or stand by. */
  readonly directories: () => ReadonlySet<string>
  readonly onPressure: (pressure: Pressure) => void
  /** Where to ask how a UDP socket of this machine is seen from outside. */
  readonly stunServers: () => readonly StunServer[]
}

export interface ChatHost {
  readonly libp2p: Libp2p
  readonly chat: ChatService
  readonly records: RecordService
  readonly invite: InviteService
  readonly files: FileService
  readonly dialer: AddressDialer
  readonly guard: ConnectionGuard
  readonly circuits: Circuits
  /** Undefined where the user keeps conversations on their relays. */
  readonly direct: DirectPaths | undefined
  readonly links: LinkWatch
  kindOf(connection: Connection, options: { signal: AbortSignal }): Promise<PeerKind>
}

export async function createChatHost(init: ChatHostInit): Promise<ChatHost> {
  const { profile, settings, lan } = init
  const guard = new ConnectionGuard({
    limits: limitsWithin(chatLimits, openFileLimit()),
    standings: () => standings(init),
    onPressure: init.onPressure
  })
  const circuits = new Circuits({
    isUsed: carriesMoreThanRecords,
    isChosen: (peer) => isContact(init, peer) || init.isConversing(peer)
  })
  const direct = directToContacts({
    profile,
    settings,
    connections: (peer) => libp2p.getConnections(peerIdFromString(peer)),
    isUsed: carriesMoreThanRecords,
    stunServers: init.stunServers
  })
  const links = linkWatch()
  const options = hostOptions({
    key: profile.key,
    host: settings.host,
    port: init.port,
    proxyOf: proxyOf(settings),
    guard,
    circuits,
    ...(direct === undefined ? {} : { direct }),
    links,
    discovery: settings.mdns
      ? [
          lan.peers.discovery(settings.network, 'peer', !init.observe),
          lan.directories.discovery(settings.network, 'directory', false),
          ...(settings.mdnsLibp2p ? [lan.programs.discovery(settings.network, 'program', !init.observe)] : [])
        ]
      : [],
    gater: blockedKeptOut(profile),
    isKnown: (peer) => isContact(init, peer) || init.directories().has(peer),
    version,
    onMisbehaviour: (error, remote) => init.onMisbehaviour(misbehaviourOf(error, remote))
  })
  const kindOf: ChatHost['kindOf'] = async (connection, signal) => {
    const { records, identify } = libp2p.services
    return peerKindOf(connection, kindInit(records, identify), signal)
  }
  const libp2p = await createLibp2p({
    ...options,
    services: {
      ...commonServices,
      departed: departedPeers({ isKept: (peer) => profile.book.contact(peer.toString()) !== undefined }),
      places: guard.places(),
      dialer: addressDialer(),
      records: recordExchange({ ownEnvelope: init.ownEnvelope, network: settings.network }),
      invite: invite({ ...init.invitations, ownEnvelope: init.ownEnvelope, network: settings.network }),
      files: files(init.files),
      shares: shares(init.sharedWith),
      chat: chat({ ...init.protocol, kindOf })
    }
  })
  const { chat: service, files: fileService, invite: inviting, records, dialer } = libp2p.services
  return {
    libp2p,
    chat: service,
    files: fileService,
    invite: inviting,
    records,
    dialer,
    guard,
    circuits,
    direct,
    links,
    kindOf
  }
}

/** Two peers exchange their records for as long as they are connected, whatever for. */
export function carriesMoreThanRecords({ streams }: Connection): boolean {
  return streams.some(({ protocol }) => protocol !== RECORD_PROTOCOL)
}

function kindInit(records: RecordService, identify: Identify): Parameters<typeof peerKindOf>[1] {
  return { probe: async (connection, options) => records.probe(connection, options), identify }
}

function isContact({ profile }: ChatHostInit, peer: string): boolean {
  return profile.book.contact(peer) !== undefined
}

/** What each connection means to this peer, when some have to give way. */
function standings(init: ChatHostInit): (connection: Connection) => Standing {
  const inUse = init.directories()
  return ({ remotePeer, remoteAddr, direction }) => {
    const peer = remotePeer.toString()
    if (init.isConversing(peer)) return 'conversing'
    if (inUse.has(peer) || isContact(init, peer)) return 'known'
    return direction === 'outbound' || isLocal(remoteAddr) ? 'neighbour' : 'stranger'
  }
}

/** A blocked peer is refused as soon as its key is known, also when this side dialled. */
function blockedKeptOut({ book }: Profile): ConnectionGater {
  return {
    denyInboundEncryptedConnection: (peer) => book.isBlocked(peer.toString()),
    denyOutboundEncryptedConnection: (peer) => book.isBlocked(peer.toString())
  }
}
