/**
 * A rate for each of many keys (peers, address classes), whose number an attacker may choose: a token bucket for each
 * key that was used lately. Pure: the time goes in. It does not know what a key stands for.
 */
import { TokenBucket } from './token-bucket.ts'
import type { Rate } from './token-bucket.ts'

/**
 * @example
 * const pings = new RateLimiter({ burst: 5, perSecond: 1 }, 1_000)
 * if (pings.of(peer, nowMs).takeOne(nowMs) > 0) refuse()
 */
export class RateLimiter {
  readonly #rate: Rate
  readonly #maxKeys: number
  readonly #buckets = new Map<string, TokenBucket>()

  /** @param maxKeys buckets that are kept: the full ones go first, as a full bucket is the same as a new one */
  constructor(rate: Rate, maxKeys: number) {
    this.#rate = rate
    this.#maxKeys = maxKeys
  }

  of(key: string, nowMs: number): TokenBucket {
    const known = this.#buckets.get(key)
    if (known !== undefined) return known
    if (this.#buckets.size >= this.#maxKeys) this.#makeRoom(nowMs)
    const fresh = new TokenBucket(this.#rate, nowMs)
    this.#buckets.set(key, fresh)
    return fresh
  }

  #makeRoom(nowMs: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(key)
    // All in use: the one that came first goes, and may start with a full bucket again.
    const oldest = this.#buckets.keys().next()
    if (this.#buckets.size >= this.#maxKeys && oldest.done !== true) this.#buckets.delete(oldest.value)
  }
}
