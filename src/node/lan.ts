// Sightings on the LAN by mDNS, of peers or of directories. It reads the module's
// own answers, for libp2p tells of a peer only once. A sighting is a peer ID with
// addresses and proves nothing; who is there is settled by a connection. What a
// datagram claims is held to the link: it shows the way to its sender only.
// Sightings are kept from libp2p: its peer store would keep the claims.
import { mdns } from '@libp2p/mdns'
import { TypedEventEmitter } from 'main-event'
import type { PeerDiscovery, PeerDiscoveryEvents, PeerInfo, Startable } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { LruMap } from '../lib/index.ts'
import { RateLimiter, steadyNow } from '../wire/index.ts'
import { hostPortOf } from './address.ts'
import { addressesAtHand } from './addresses-at-hand.ts'
import {
  LAN_SIGHTING_TTL_MS,
  MAX_LAN_SIGHTINGS,
  MAX_SENDERS_OF_SIGHTING,
  MAX_SIGHTED_ADDRESSES,
  MAX_UNPROVEN_SIGHTED_ADDRESSES,
  MDNS_QUERY_INTERVAL_MS,
  SIGHTING_RATE_OF_SENDER
} from './constants.ts'
import { whyNotDialled } from './dialable.ts'
import { mdnsSender } from './mdns-sender.ts'
import { ownNetworkNow, type OwnNetwork } from './own-network.ts'

export type LanRole = 'peer' | 'directory'

type DiscoveryFactory = (components: Parameters<ReturnType<typeof mdns>>[0]) => PeerDiscovery & Startable

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
}

/** What was seen of one role on one network. */
export class LanSightings {
  /** Of each peer what its last senders showed, the newest first. The peer seen longest ago is the first. */
  readonly #seen = new LruMap<string, readonly Sighting[]>(MAX_LAN_SIGHTINGS)
  /** Of each sender how many peers it may show that are new. */
  readonly #paces = new RateLimiter(SIGHTING_RATE_OF_SENDER, MAX_LAN_SIGHTINGS)
  readonly #onSighting: LanSightingsInit['onSighting']
  readonly #now: () => number
  readonly #ownNetwork: () => OwnNetwork

  constructor(init: LanSightingsInit) {
    this.#onSighting = init.onSighting
    this.#now = init.now ?? steadyNow
    this.#ownNetwork = init.ownNetwork ?? ownNetworkNow(this.#now)
  }

  /** The libp2p discovery module that looks for `role` on `network`, and answers for this node when `announce` is set. */
  discovery(network: string, role: LanRole, announce: boolean): DiscoveryFactory {
    const factory = mdns({
      serviceTag: serviceTag(network, role),
      interval: MDNS_QUERY_INTERVAL_MS,
      broadcast: announce
    })
    return ({ logger, addressManager }) => {
      const own = addressesAtHand({ addressManager, announce, now: this.#now })
      const module = factory({ logger, addressManager: own })
      const sender = mdnsSender(module)
      module.addEventListener('peer', ({ detail }) => this.noted(detail, sender.current()))
      return new SilentDiscovery(module)
    }
  }

  /** Where the peer was seen lately. */
  addressesOf(peer: string): readonly string[] {
    return [...new Set(this.#lately(peer).flatMap(({ addresses }) => addresses))]
  }

  /**
   * A response has come.
   *
   * @param sender the IP address that it came from; undefined when that is not known
   */
  noted(info: PeerInfo, sender: string | undefined): void {
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
    return this.#paces.of(sender, nowMs).takeOne(nowMs) === 0
  }
}

/**
 * Of the addresses that a response claims those at which a peer may be dialled: its sender's own. A sender that is not
 * on a link of this machine is not heard at all (RFC 6762, 11). Pure.
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
  const hostOf = (address: Multiaddr): string => hostPortOf(address)?.host ?? ''
  const dialable = addresses.filter(
    (address) => whyNotDialled(address, isHere ? 'machine' : 'network', own) === undefined
  )
  if (isHere) return dialable.filter((address) => own.isOwn(hostOf(address))).slice(0, 2 * MAX_SIGHTED_ADDRESSES)
  if (sender !== undefined) return dialable.filter((one) => hostOf(one) === sender).slice(0, MAX_SIGHTED_ADDRESSES)
  const onLink = dialable.filter((address) => own.isOnLink(hostOf(address)) && !own.isOwn(hostOf(address)))
  return onLink.slice(0, MAX_UNPROVEN_SIGHTED_ADDRESSES)
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

/** A DNS label holds 63 bytes and few characters, a network's name more: so its hash stands in the tag. */
function serviceTag(network: string, role: LanRole): string {
  const hash = createHash('sha256').update(network).digest('hex').slice(0, 16)
  return `_parley-${role === 'peer' ? 'p' : 'd'}-${hash}._udp.local`
}

const linuxRoutes = '/proc/net/route'
/** Destination and mask as Linux prints them, of 0.0.0.0/0 and of 224.0.0.0/4. */
const defaultRoute = ['00000000', '00000000'] as const
const multicastRoute = ['000000E0', '000000F0'] as const

/**
 * Why mDNS can't work here, in words for the user; undefined when nothing speaks against it.
 * Without a route for multicast the system refuses each query and mDNS stays silent.
 */
export async function whyNoMulticast(): Promise<string | undefined> {
  const table = await readFile(linuxRoutes, 'utf8').catch(() => undefined)
  if (table === undefined) return undefined // not Linux: nothing is known
  const routes = table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
  const leads = routes.some(([, destination, , , , , , mask]) =>
    [defaultRoute, multicastRoute].some(([to, under]) => destination === to && mask === under)
  )
  if (leads) return undefined
  return (
    'peers on the LAN can not be found: this machine has no route for multicast (224.0.0.0/4). ' +
    'Add one with: ip route add 224.0.0.0/4 dev INTERFACE'
  )
}
