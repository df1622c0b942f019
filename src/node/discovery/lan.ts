// Sightings on the LAN by mDNS, of peers, of directories or of other libp2p programs.
// It reads the module's own answers, since libp2p reports each peer only once. A
// sighting is a peer ID with addresses and proves nothing; a connection shows who is
// there. Of the addresses that a datagram claims, only its sender's own count. libp2p
// gets no sightings: its peer store would keep the claims.
import { mdns } from '@libp2p/mdns'
import { TypedEventEmitter } from 'main-event'
import type { PeerDiscovery, PeerDiscoveryEvents, PeerId, PeerInfo, Startable } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { LruMap } from '../../lib/index.ts'
import { addressBlock, addressRange, RateLimiter, steadyNow } from '../../wire/index.ts'
import { addressOf, hostPortOf, type HostPort } from '../dialing/address.ts'
import { MAX_LAN_SIGHTINGS, MdnsPorts, overPorts } from './mdns-port.ts'
import { addressesOnLink, listeningPlaces, MAX_SIGHTED_ADDRESSES } from './links.ts'
import { whyNotDialled } from '../dialing/dialable.ts'
import { ownNetworkNow, type OwnNetwork } from '../dialing/own-network.ts'

/** A sighting younger than this says where a peer is now: mDNS is asked every 10 s. */
export const LAN_SIGHTING_TTL_MS = 120_000

/** A newcomer asks at once; this is how soon a cable that was put back is noticed. */
const MDNS_QUERY_INTERVAL_MS = 5_000

/** A peer that has answered none of three questions is not there, though it may come back at the same place. */
export const LAN_PRESENCE_MS = 3 * MDNS_QUERY_INTERVAL_MS

/** Addresses taken of one sighting whose sender is not known. */
const MAX_UNPROVEN_SIGHTED_ADDRESSES = 1

/** New peers that one sender may show: as many as run on a machine for demonstrations, and then one a second. */
export const SIGHTING_RATE_OF_SENDER = { burst: 32, perSecond: 1 } as const

/** Senders remembered for one peer: a forged sighting does not hide the true one. */
const MAX_SENDERS_OF_SIGHTING = 3

export type LanRole = 'peer' | 'directory' | 'program'

/** Where libp2p programs look for each other, whatever they do. https://github.com/libp2p/specs/blob/master/discovery/mdns.md */
const libp2pServiceTag = '_p2p._udp.local'

interface Components extends Omit<Parameters<ReturnType<typeof mdns>>[0], 'addressManager'> {
  readonly peerId: PeerId
  readonly addressManager: AddressManager
  readonly transportManager: TransportManager
}

type DiscoveryFactory = (components: Components) => PeerDiscovery & Startable

interface Sighting {
  /** The IP address of its sender; empty when unknown. */
  readonly sender: string
  readonly addresses: readonly string[]
  readonly seenAtMs: number
}

export interface LanSightingsInit {
  readonly onSighting: (peer: string, addresses: readonly string[]) => void
  readonly now?: () => number
  /** The networks that this machine is in now. */
  readonly ownNetwork?: () => OwnNetwork
  /** The sockets of the node; its own ones unless given. */
  readonly ports?: MdnsPorts
}

/** The sightings of one role on one network. */
export class LanSightings {
  /** For each peer the sightings by its last senders, the newest first. The peer seen longest ago comes first. */
  readonly #seen = new LruMap<string, readonly Sighting[]>(MAX_LAN_SIGHTINGS)
  /** How many new peers each sender may show. */
  readonly #paces = new RateLimiter(SIGHTING_RATE_OF_SENDER, MAX_LAN_SIGHTINGS)
  readonly #onSighting: LanSightingsInit['onSighting']
  readonly #now: () => number
  readonly #ownNetwork: () => OwnNetwork
  readonly #ports: MdnsPorts

  constructor(init: LanSightingsInit) {
    this.#onSighting = init.onSighting
    this.#now = init.now ?? steadyNow
    this.#ownNetwork = init.ownNetwork ?? ownNetworkNow(this.#now)
    this.#ports = init.ports ?? new MdnsPorts({ isOwn: (ip) => this.#ownNetwork().isOwn(ip) })
  }

  /** The libp2p discovery module that looks for `role` on `network`, and answers for this node when `announce` is set. */
  discovery(network: string, role: LanRole, announce: boolean): DiscoveryFactory {
    const tag = serviceTag(network, role)
    const factory = mdns({ serviceTag: tag, interval: MDNS_QUERY_INTERVAL_MS, broadcast: announce })
    return ({ logger, peerId, addressManager, transportManager }) => {
      const places = (): readonly HostPort[] => (announce ? listeningPlaces(addressManager, transportManager) : [])
      // The module answers while it has an address; the port puts the addresses of each link into the answer.
      const getAddresses = (): Multiaddr[] => places().map((place) => addressOf(place))
      const module = factory({ logger, addressManager: Object.assign(Object.create(addressManager), { getAddresses }) })
      const port = overPorts(module, () =>
        this.#ports.open({ serviceTag: tag, addressesOn: (link) => addressesOnLink(link, places(), peerId) })
      )
      module.addEventListener('peer', ({ detail }) => this.received(detail, port.current()?.sender))
      return new SilentDiscovery(module)
    }
  }

  /** Peers that were seen lately, the one seen longest ago first. */
  peers(): readonly string[] {
    return [...this.#seen.keys()].filter((peer) => this.#lately(peer).length > 0)
  }

  /** Whether the peer answers now. */
  isThere(peer: string): boolean {
    const sinceMs = this.#now() - LAN_PRESENCE_MS
    return this.#seen.get(peer)?.some(({ seenAtMs }) => seenAtMs >= sinceMs) ?? false
  }

  /** Where the peer was seen lately. */
  addressesOf(peer: string): readonly string[] {
    return [...new Set(this.#lately(peer).flatMap(({ addresses }) => addresses))]
  }

  /**
   * A response has arrived.
   *
   * @param sender the IP address that it came from; undefined when that is not known
   */
  received(info: PeerInfo, sender: string | undefined): void {
    const peer = info.id.toString()
    const addresses = sightedAddresses(info.multiaddrs, sender, this.#ownNetwork()).map(String)
    if (addresses.length === 0) return
    const before = this.#lately(peer)
    const isKnown = before.some((one) => one.sender === sender)
    if (!isKnown && !this.#mayShowAnother(sender)) return
    const others = before.filter((one) => one.sender !== (sender ?? ''))
    const sighting = { sender: sender ?? '', addresses, seenAtMs: this.#now() }
    this.#seen.set(peer, [sighting, ...others].slice(0, MAX_SENDERS_OF_SIGHTING))
    this.#onSighting(peer, this.addressesOf(peer))
  }

  #lately(peer: string): readonly Sighting[] {
    const sinceMs = this.#now() - LAN_SIGHTING_TTL_MS
    return (this.#seen.get(peer) ?? []).filter(({ seenAtMs }) => seenAtMs >= sinceMs)
  }

  #mayShowAnother(sender = ''): boolean {
    // Many peers run on one machine in a demonstration, and this machine floods only itself.
    if (sender !== '' && this.#ownNetwork().isOwn(sender)) return true
    const nowMs = this.#now()
    // A machine may use every address of its /64.
    const holder = sender === '' ? '' : addressBlock(sender)
    return this.#paces.of(holder, nowMs).takeOne(nowMs) === 0
  }
}

/**
 * Those addresses of a response at which a peer may be dialled: its sender's own. A sender that is not on a link of this
 * machine is ignored (RFC 6762, 11). Pure.
 *
 * @param sender undefined when it is not known
 */
function sightedAddresses(
  addresses: readonly Multiaddr[],
  sender: string | undefined,
  own: OwnNetwork
): readonly Multiaddr[] {
  const isHere = sender !== undefined && own.isOwn(sender)
  if (sender !== undefined && !isHere && !own.isOnLink(sender)) return []
  // Over IPv6 the system accepts datagrams from outside whose source is an address of this machine.
  if (isHere && isIPv6(sender)) return []
  const hostOf = (address: Multiaddr): string => hostPortOf(address)?.host ?? ''
  if (sender !== undefined && isZoned(sender)) return zonedAddresses(addresses, sender)
  const dialable = addresses.filter(
    (address) => whyNotDialled(address, isHere ? 'machine' : 'network', own) === undefined
  )
  if (isHere) return dialable.filter((address) => own.isOwn(hostOf(address))).slice(0, 2 * MAX_SIGHTED_ADDRESSES)
  if (sender !== undefined) return dialable.filter((one) => hostOf(one) === sender).slice(0, MAX_SIGHTED_ADDRESSES)
  const onLink = dialable.filter((address) => own.isOnLink(hostOf(address)) && !own.isOwn(hostOf(address)))
  return onLink.slice(0, MAX_UNPROVEN_SIGHTED_ADDRESSES)
}

/**
 * For a sender at a link-local IPv6 address: that address on the link where it was heard, whose name only this machine
 * knows.
 */
function zonedAddresses(addresses: readonly Multiaddr[], sender: string): readonly Multiaddr[] {
  const [ip = ''] = sender.split('%')
  if (addressRange(ip) !== 'link-local') return []
  const places = addresses.flatMap((address) => hostPortOf(address) ?? [])
  const ports = places.filter(({ host, port }) => host === ip && port > 0).map(({ port }) => port)
  return [...new Set(ports)].slice(0, MAX_SIGHTED_ADDRESSES).map((port) => addressOf({ host: sender, port }))
}

function isZoned(ip: string): boolean {
  return isIPv6(ip) && ip.includes('%')
}

/** The discovery module, started and stopped by libp2p, without its events. */
class SilentDiscovery extends TypedEventEmitter<PeerDiscoveryEvents> implements PeerDiscovery, Startable {
  readonly #module: PeerDiscovery & Partial<Startable>

  constructor(module: PeerDiscovery & Partial<Startable>) {
    super()
    this.#module = module
  }

  async start(): Promise<void> {
    await this.#module.start?.()
  }

  async stop(): Promise<void> {
    await this.#module.stop?.()
  }
}

/** A network's name may be longer than the 63 bytes of a DNS label, and have other characters: the tag holds its hash. */
function serviceTag(network: string, role: LanRole): string {
  if (role === 'program') return libp2pServiceTag
  const hash = createHash('sha256').update(network).digest('hex').slice(0, 16)
  return `_parley-${role === 'peer' ? 'p' : 'd'}-${hash}._udp.local`
}
