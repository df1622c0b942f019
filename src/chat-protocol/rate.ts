/**
 * How much each stranger may send: a token bucket for every peer that used its own lately. Pure: the time is handed
 * in. It does not know who is a stranger.
 */
import { TokenBucket } from '../wire/index.ts'
import type { Rate } from '../wire/index.ts'

/** A bucket per key. A full bucket is the same as none, so only keys that were active lately take room. */
export class RateLimiter {
  readonly #rate: Rate
  readonly #maxKeys: number
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(rate: Rate, maxKeys: number) {
    this.#rate = rate
    this.#maxKeys = maxKeys
  }

  /** Takes up to `wanted` and returns how many were there. */
  take(key: string, wanted: number, nowMs: number): number {
    return this.#bucket(key, nowMs).take(wanted, nowMs)
  }

  /** How long until `wanted` are there (never more than a whole bucket is waited for). */
  waitMs(key: string, wanted: number, nowMs: number): number {
    return this.#bucket(key, nowMs).waitMs(wanted, nowMs)
  }

  #bucket(key: string, nowMs: number): TokenBucket {
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
