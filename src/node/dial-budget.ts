// How many dials at addresses that others have told may begin: over all, at one
// host, to one peer; and when an address that failed is tried again. So a made-up
// record or sighting can make a few dials and no storm, at whomever it points.
// Addresses that the user has named are not counted. Pure: the time goes in.
import { LruMap } from '../lib/index.ts'
import { addressClass, RateLimiter, TokenBucket } from '../wire/index.ts'
import {
  ADDRESS_BACKOFF,
  MAX_DIALLED_PEERS,
  MAX_FAILED_ADDRESSES,
  TOLD_DIAL_RATE,
  TOLD_DIAL_RATE_OF_HOST,
  TOLD_DIAL_RATE_OF_PEER
} from './constants.ts'

export interface ToldDial {
  readonly peer: string
  /** The multiaddr, as text. */
  readonly address: string
  /** Its IP address. */
  readonly host: string
  /** It is on this machine, where many peers may share an address, and no other machine is bothered. */
  readonly isHere: boolean
  /** The user has chosen the peer: strangers, however many, take nothing of its budget. */
  readonly isContact: boolean
}

interface Failure {
  readonly count: number
  readonly againAtMs: number
}

export class DialBudget {
  readonly #contacts: TokenBucket
  readonly #strangers: TokenBucket
  readonly #hosts = new RateLimiter(TOLD_DIAL_RATE_OF_HOST, MAX_DIALLED_PEERS)
  readonly #peers = new RateLimiter(TOLD_DIAL_RATE_OF_PEER, MAX_DIALLED_PEERS)
  /** Of each peer the addresses that failed. The peer that failed longest ago is the first. */
  readonly #failures = new LruMap<string, LruMap<string, Failure>>(MAX_DIALLED_PEERS)

  constructor(nowMs: number) {
    this.#contacts = new TokenBucket(TOLD_DIAL_RATE, nowMs)
    this.#strangers = new TokenBucket(TOLD_DIAL_RATE, nowMs)
  }

  /** When an address that failed may be tried again; 0 for one that did not fail. */
  againAtMs({ peer, address }: Pick<ToldDial, 'peer' | 'address'>): number {
    return this.#failures.get(peer)?.get(address)?.againAtMs ?? 0
  }

  /** Counts a dial that is about to begin. @returns false when it must not */
  take({ peer, host, isHere, isContact }: ToldDial, nowMs: number): boolean {
    const buckets = [
      this.#peers.of(peer, nowMs),
      ...(isHere ? [] : [this.#hosts.of(addressClass(host), nowMs)]),
      isContact ? this.#contacts : this.#strangers
    ]
    if (buckets.some((bucket) => bucket.waitMs(1, nowMs) > 0)) return false
    for (const bucket of buckets) bucket.take(1, nowMs)
    return true
  }

  failed({ peer, address }: Pick<ToldDial, 'peer' | 'address'>, nowMs: number): void {
    const failures = this.#failures.get(peer) ?? new LruMap<string, Failure>(MAX_FAILED_ADDRESSES)
    const count = (failures.get(address)?.count ?? 0) + 1
    const { firstMs, maxMs } = ADDRESS_BACKOFF
    const waitMs = Math.min(maxMs, firstMs * 2 ** Math.min(count - 1, 16))
    failures.set(address, { count, againAtMs: nowMs + waitMs })
    this.#failures.set(peer, failures)
  }

  /** There is news of the peer, or of the network: what failed before may work now. */
  forgetFailures(peer?: string): void {
    if (peer === undefined) this.#failures.clear()
    else this.#failures.delete(peer)
  }
}
