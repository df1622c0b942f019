// How many dials at addresses that others reported may begin: over all, at one host,
// to one peer; and when an address that failed is tried again. So a made-up record or
// sighting causes a few dials and no storm, whichever machine it points at. Addresses
// that the user has named are not counted. Pure: the time goes in.
import { backoffMs, LruMap } from '../../lib/index.ts'
import { addressClass, RateLimiter, TokenBucket } from '../../wire/index.ts'

/** Back-off of an address that failed, while the peer has others; no longer than the back-off of an urgent peer. */
export const ADDRESS_BACKOFF = { firstMs: 1_000, maxMs: 30_000, jitter: 0 } as const

/**
 * Dials at reported addresses of strangers, and as many again of contacts: a LAN of a hundred peers is met at once, and
 * made-up peers cause no more dials than a person who browses the web.
 */
export const REPORTED_DIAL_RATE = { burst: 128, perSecond: 32 } as const

/** … at one host, an IPv4 address or an IPv6 /64: a school class behind one router is met, and no host is flooded. */
export const REPORTED_DIAL_RATE_OF_HOST = { burst: 32, perSecond: 2 } as const

/** … to one peer: every address of a full record, and then one a second. */
export const REPORTED_DIAL_RATE_OF_PEER = { burst: 16, perSecond: 1 } as const

/** Peers and hosts whose dials are counted; the oldest is forgotten, and the rate over all still holds. */
export const MAX_DIALLED_PEERS = 1_024

/** Failed addresses remembered of one peer: those of a record, a sighting and a contact's old ones. */
const MAX_FAILED_ADDRESSES = 64

export interface ReportedDial {
  readonly peer: string
  /** The multiaddr, as text. */
  readonly address: string
  /** Its IP address; undefined behind a relay in use, which is not dialled. */
  readonly host: string | undefined
  /** It is on this machine, where many peers may share an address, and the dial reaches no other machine. */
  readonly isHere: boolean
  /** The user has chosen the peer: contacts have a budget that no stranger uses. */
  readonly isContact: boolean
}

interface Failure {
  readonly count: number
  readonly againAtMs: number
}

export class DialBudget {
  readonly #contacts: TokenBucket
  readonly #strangers: TokenBucket
  readonly #hosts = new RateLimiter(REPORTED_DIAL_RATE_OF_HOST, MAX_DIALLED_PEERS)
  readonly #peers = new RateLimiter(REPORTED_DIAL_RATE_OF_PEER, MAX_DIALLED_PEERS)
  /** The failed addresses of each peer. The peer that failed longest ago comes first. */
  readonly #failures = new LruMap<string, LruMap<string, Failure>>(MAX_DIALLED_PEERS)

  constructor(nowMs: number) {
    this.#contacts = new TokenBucket(REPORTED_DIAL_RATE, nowMs)
    this.#strangers = new TokenBucket(REPORTED_DIAL_RATE, nowMs)
  }

  /** When the address may be tried again; 0 if it did not fail. */
  againAtMs({ peer, address }: Pick<ReportedDial, 'peer' | 'address'>): number {
    return this.#failures.get(peer)?.get(address)?.againAtMs ?? 0
  }

  /** Counts a dial that is about to begin. @returns false when it must not */
  take({ peer, host, isHere, isContact }: ReportedDial, nowMs: number): boolean {
    const buckets = [
      this.#peers.of(peer, nowMs),
      ...(isHere || host === undefined ? [] : [this.#hosts.of(addressClass(host), nowMs)]),
      isContact ? this.#contacts : this.#strangers
    ]
    if (buckets.some((bucket) => bucket.waitMs(1, nowMs) > 0)) return false
    for (const bucket of buckets) bucket.take(1, nowMs)
    return true
  }

  failed({ peer, address }: Pick<ReportedDial, 'peer' | 'address'>, nowMs: number): void {
    const failures = this.#failures.get(peer) ?? new LruMap<string, Failure>(MAX_FAILED_ADDRESSES)
    const count = (failures.get(address)?.count ?? 0) + 1
    failures.set(address, { count, againAtMs: nowMs + backoffMs(ADDRESS_BACKOFF, count - 1) })
    this.#failures.set(peer, failures)
  }

  /** The peer's addresses or the network have changed: what failed before may work now. */
  forgetFailures(peer?: string): void {
    if (peer === undefined) this.#failures.clear()
    else this.#failures.delete(peer)
  }
}
