/**
 * Remembers remotes that were cut for misbehaviour, so that reconnecting does not
 * reset it: a peer is refused for a while, longer each time, and an
 * address class from which many offences come gets new connections at a low
 * rate. One that is cut before its handshake has cost nothing worth remembering.
 * Pure: it answers the questions of those who accept connections. It knows no
 * connection and not what an offence is.
 */

import { LruMap } from '../lib/index.ts'
import { UNKNOWN_ADDRESS_CLASS } from './address-class.ts'
import {
  MAX_OFFENDERS,
  OFFENCE_MEMORY_MS,
  OFFENCE_WINDOW_MS,
  OFFENCES_UNTIL_SLOWED,
  OFFENDER_BACKOFF_MS,
  SLOWED_CONNECTION_RATE
} from './budgets.ts'
import { TokenBucket } from './token-bucket.ts'

export interface Offender {
  /** Its peer ID. */
  readonly peer: string
  readonly addressClass: string
}

interface PeerRecord {
  readonly offendedAtMs: number
  /** How often it offended without being forgotten in between. */
  readonly offences: number
  readonly refusedForMs: number
}

interface ClassRecord {
  /** When its last offences were, the oldest first; no more than {@link OFFENCES_UNTIL_SLOWED}. */
  readonly offendedAtMs: readonly number[]
  /** What a slowed class takes its connections from. */
  readonly connections: TokenBucket
}

export class Offenders {
  readonly #peers = new LruMap<string, PeerRecord>(MAX_OFFENDERS)
  readonly #classes = new LruMap<string, ClassRecord>(MAX_OFFENDERS)

  record({ peer, addressClass }: Offender, nowMs: number): void {
    this.#recordPeer(peer, nowMs)
    // Everything that is relayed, or comes by a name, would be one class.
    if (addressClass !== UNKNOWN_ADDRESS_CLASS) this.#recordClass(addressClass, nowMs)
  }

  /**
   * Whether the peer's new connections are refused now.
   *
   * @param isKnown a peer that this node or its user has chosen may come back at once after its first offence
   */
  isRefused(peer: string, nowMs: number, isKnown = false): boolean {
    const record = this.#peers.get(peer)
    if (record === undefined || (isKnown && record.offences === 1)) return false
    return nowMs - record.offendedAtMs < record.refusedForMs
  }

  /** Whether a new connection from the class is taken now; one that is counts against the rate of a slowed class. */
  mayConnect(addressClass: string, nowMs: number): boolean {
    const record = this.#classes.get(addressClass)
    const first = record?.offendedAtMs[0]
    if (record === undefined || first === undefined) return true
    const isSlowed = record.offendedAtMs.length === OFFENCES_UNTIL_SLOWED && nowMs - first <= OFFENCE_WINDOW_MS
    return !isSlowed || record.connections.take(1, nowMs) === 1
  }

  #recordPeer(peer: string, nowMs: number): void {
    const earlier = this.#peers.get(peer)
    const isForgotten = earlier === undefined || nowMs - earlier.offendedAtMs > OFFENCE_MEMORY_MS
    const refusedForMs = isForgotten
      ? OFFENDER_BACKOFF_MS.first
      : Math.min(2 * earlier.refusedForMs, OFFENDER_BACKOFF_MS.longest)
    const offences = isForgotten ? 1 : earlier.offences + 1
    this.#peers.set(peer, { offendedAtMs: nowMs, offences, refusedForMs })
  }

  #recordClass(addressClass: string, nowMs: number): void {
    const earlier = this.#classes.get(addressClass)
    this.#classes.set(addressClass, {
      offendedAtMs: [...(earlier?.offendedAtMs ?? []), nowMs].slice(-OFFENCES_UNTIL_SLOWED),
      connections: earlier?.connections ?? new TokenBucket(SLOWED_CONNECTION_RATE, nowMs)
    })
  }
}
