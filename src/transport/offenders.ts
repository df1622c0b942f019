/**
 * Remotes that were cut for misbehaviour, so that reconnecting does not reset it: a peer is refused for a while, longer
 * each time, and an address class from which many offences come gets new connections at a low rate. A remote that is cut
 * before its handshake has cost nothing worth remembering. {@link Offenders} is pure; {@link offenderGater} asks it for
 * libp2p. Neither knows what an offence is.
 */
import { backoffMs, LruMap, TokenBucket } from '../lib/index.ts'
import {
  MAX_OFFENDERS,
  OFFENCE_MEMORY_MS,
  OFFENCE_WINDOW_MS,
  OFFENCES_UNTIL_SLOWED,
  OFFENDER_BACKOFF,
  SLOWED_CONNECTION_RATE,
  UNKNOWN_ADDRESS_CLASS,
  addressClassOf
} from '../wire/index.ts'
import type { ConnectionGater } from '@libp2p/interface'

export interface Offender {
  /** Its peer ID. */
  readonly peer: string
  readonly addressClass: string
}

interface PeerRecord {
  readonly offendedAtMs: number
  /** How often it offended without being forgotten in between. */
  readonly offences: number
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
    return nowMs - record.offendedAtMs < backoffMs(OFFENDER_BACKOFF, record.offences - 1)
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
    const offences = isForgotten ? 1 : earlier.offences + 1
    this.#peers.set(peer, { offendedAtMs: nowMs, offences })
  }

  #recordClass(addressClass: string, nowMs: number): void {
    const earlier = this.#classes.get(addressClass)
    this.#classes.set(addressClass, {
      offendedAtMs: [...(earlier?.offendedAtMs ?? []), nowMs].slice(-OFFENCES_UNTIL_SLOWED),
      connections: earlier?.connections ?? new TokenBucket(SLOWED_CONNECTION_RATE, nowMs)
    })
  }
}

/**
 * @param gater is asked too
 * @param isKnown peers that the user or the operator has chosen: they come back after a first offence
 * @returns for `createLibp2p({ connectionGater })`
 */
export function offenderGater(
  gater: ConnectionGater,
  offenders: Offenders,
  isKnown: (peer: string) => boolean
): ConnectionGater {
  const now = (): number => performance.now()
  return {
    ...gater,
    denyInboundConnection: async (connection) => {
      if (!offenders.mayConnect(addressClassOf(connection.remoteAddr), now())) return true
      return (await gater.denyInboundConnection?.(connection)) ?? false
    },
    denyInboundEncryptedConnection: async (peer, connection) => {
      const id = peer.toString()
      if (offenders.isRefused(id, now(), isKnown(id))) return true
      return (await gater.denyInboundEncryptedConnection?.(peer, connection)) ?? false
    }
  }
}
