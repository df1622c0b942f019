// Who is seen by one directory's word alone, while there are several that could
// say so. Somebody who has only just come is given a moment to be told by all.
// Pure: the time goes in.
import { ONLY_VIA_AFTER_MS } from './constants.ts'
import type { Tellings } from './tellings.ts'
import { vouched } from './vouchers.ts'

export class SoleVouchers {
  readonly #tellings: Tellings
  readonly #found = new Map<string, string>()
  /** Those who have only just come, and when they are to be looked at again. */
  readonly #young = new Map<string, number>()

  constructor(tellings: Tellings) {
    this.#tellings = tellings
  }

  /** The directory on whose word alone the peer is seen. */
  of(peer: string): string | undefined {
    return this.#found.get(peer)
  }

  /** Looks at these peers again, and at those whose moment is over. @returns of whom something else holds now */
  review(peers: Iterable<string>, nowMs: number): readonly string[] {
    const due = [...this.#young].flatMap(([peer, dueAtMs]) => (dueAtMs <= nowMs ? [peer] : []))
    return [...new Set([...peers, ...due])].filter((peer) => this.#isNews(peer, nowMs))
  }

  /** A directory has told all, or is connected no more: looks at everybody. */
  reviewAll(nowMs: number): readonly string[] {
    return this.review([...this.#tellings.peers(), ...this.#found.keys(), ...this.#young.keys()], nowMs)
  }

  /** When `review` next has something to do by itself. */
  nextDueMs(): number {
    let earliest = Infinity
    for (const dueAtMs of this.#young.values()) earliest = Math.min(earliest, dueAtMs)
    return earliest
  }

  #isNews(peer: string, nowMs: number): boolean {
    const before = this.#found.get(peer)
    const now = this.#soleVoucher(peer, nowMs)
    if (now === undefined) this.#found.delete(peer)
    else this.#found.set(peer, now)
    return now !== before
  }

  #soleVoucher(peer: string, nowMs: number): string | undefined {
    this.#young.delete(peer)
    if (this.#tellings.complete().length < 2) return undefined
    const { via, vouchers } = vouched(this.#tellings, peer)
    const [voucher, ...others] = vouchers
    if (voucher === undefined || others.length > 0) return undefined
    const dueAtMs = Math.min(nowMs, ...via.values()) + ONLY_VIA_AFTER_MS
    if (dueAtMs <= nowMs) return voucher
    this.#young.set(peer, dueAtMs)
    return undefined
  }
}
