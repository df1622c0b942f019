// Sightings on the LAN by mDNS, of peers or of directories. It reads the module's
// own answers, for libp2p tells of a peer only once. A sighting is a peer ID with
// addresses and proves nothing; who is there is settled by a connection.
import { mdns } from '@libp2p/mdns'
import type { PeerDiscovery, PeerInfo } from '@libp2p/interface'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { steadyNow } from '../wire/index.ts'
import { addressesAtHand } from './addresses-at-hand.ts'
import { LAN_SIGHTING_TTL_MS, MAX_LAN_SIGHTINGS, MDNS_QUERY_INTERVAL_MS } from './constants.ts'

export type LanRole = 'peer' | 'directory'

type DiscoveryFactory = (components: Parameters<ReturnType<typeof mdns>>[0]) => PeerDiscovery

interface Sighting {
  readonly addresses: readonly string[]
  readonly seenAtMs: number
}

/** What was seen of one role on one network. */
export class LanSightings {
  readonly #seen = new Map<string, Sighting>()
  readonly #onSighting: (peer: string, addresses: readonly string[]) => void
  readonly #now: () => number

  constructor(onSighting: (peer: string, addresses: readonly string[]) => void, now: () => number = steadyNow) {
    this.#onSighting = onSighting
    this.#now = now
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
      module.addEventListener('peer', (event) => this.#note(event.detail))
      return module
    }
  }

  /** Where the peer was seen lately. */
  addressesOf(peer: string): readonly string[] {
    const sighting = this.#seen.get(peer)
    if (sighting === undefined || this.#now() - sighting.seenAtMs > LAN_SIGHTING_TTL_MS) return []
    return sighting.addresses
  }

  #note(info: PeerInfo): void {
    const peer = info.id.toString()
    const addresses = info.multiaddrs.map((address) => address.toString())
    this.#seen.delete(peer)
    this.#seen.set(peer, { addresses, seenAtMs: this.#now() })
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= MAX_LAN_SIGHTINGS) break
      this.#seen.delete(oldest)
    }
    this.#onSighting(peer, addresses)
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
