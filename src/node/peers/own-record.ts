// The own presence record, sealed anew whenever a fact in it changes, always with a
// higher sequence number. It does not know where the record is sent.
import type { PrivateKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { BadRecordError, MAX_ADDRESSES, nextSeq, sealRecord, type VerifiedRecord } from '../../presence/index.ts'
import { addressRange } from '../../wire/index.ts'
import { hostPortOf, isLoopback, withoutPeerId } from '../dialing/address.ts'
import { UsageError } from '../api/errors.ts'

export interface OwnFacts {
  readonly nickname: string
  readonly status: string
  readonly addresses: readonly Multiaddr[]
}

export class OwnRecord {
  readonly #key: PrivateKey
  readonly #network: string
  readonly #now: () => number
  #newestSeq = 0n
  #current: VerifiedRecord | undefined

  constructor(init: { key: PrivateKey; network: string; now?: () => number }) {
    this.#key = init.key
    this.#network = init.network
    this.#now = init.now ?? Date.now
  }

  /** @throws Error before the first {@link seal} */
  get current(): VerifiedRecord {
    if (this.#current === undefined) throw new Error('the own record has not been sealed yet')
    return this.#current
  }

  /** @throws UsageError when the nickname or the status can't be used; the current record stays */
  async seal(facts: OwnFacts): Promise<VerifiedRecord> {
    try {
      return await this.#seal(facts, false)
    } catch (error) {
      const isOfUser = error instanceof BadRecordError && (error.why === 'bad-nickname' || error.why === 'bad-status')
      throw isOfUser ? new UsageError(error.message, { cause: error }) : error
    }
  }

  /** The record with which this peer leaves. */
  async withdrawal(): Promise<VerifiedRecord> {
    const { nickname, status } = this.current.record
    return this.#seal({ nickname, status, addresses: [] }, true)
  }

  /** A directory holds a newer record of this key: the next one goes above it. */
  noteNewest(seq: bigint): void {
    if (seq > this.#newestSeq) this.#newestSeq = seq
  }

  async #seal(facts: OwnFacts, withdrawn: boolean): Promise<VerifiedRecord> {
    const nowMs = this.#now()
    const seq = nextSeq(this.#newestSeq, nowMs)
    // Taken before the wait: two records that are sealed at the same time must not share a number.
    this.#newestSeq = seq
    const sealed = await sealRecord(
      {
        seq,
        issuedAtMs: nowMs,
        nickname: facts.nickname,
        status: facts.status,
        addresses: bestAddresses(facts.addresses),
        capabilities: [],
        network: this.#network,
        withdrawn
      },
      this.#key
    )
    if (this.#current === undefined || this.#current.record.seq < seq) this.#current = sealed
    return sealed
  }
}

/** Loopback last. If they are too many for a record, those stay that can be reached from farthest away. */
function bestAddresses(addresses: readonly Multiaddr[]): readonly Multiaddr[] {
  const unique = new Map(addresses.map((address) => [withoutPeerId(address).toString(), withoutPeerId(address)]))
  const ordered = [...unique.values()].toSorted((a, b) => Number(isLoopback(a)) - Number(isLoopback(b)))
  const kept = new Set(ordered.toSorted((a, b) => nearness(a) - nearness(b)).slice(0, MAX_ADDRESSES))
  return ordered.filter((address) => kept.has(address))
}

function nearness(address: Multiaddr): number {
  return ['public', 'private', 'link-local', 'loopback'].indexOf(addressRange(hostPortOf(address)?.host ?? ''))
}
