/**
 * How much a stranger may send: a token bucket, and the buckets of all peers that used theirs lately. Pure: the time
 * is handed in. It does not know who is a stranger.
 */

export interface RateLimit {
  readonly perSecond: number
  readonly burst: number
}

interface Bucket {
  tokens: number
  atMs: number
}

/** A bucket per key. A full bucket is the same as none, so only keys that were active lately take room. */
export class RateLimiter {
  readonly #limit: RateLimit
  readonly #maxKeys: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(limit: RateLimit, maxKeys: number) {
    this.#limit = limit
    this.#maxKeys = maxKeys
  }

  /** Takes up to `wanted` and returns how many were there. */
  take(key: string, wanted: number, nowMs: number): number {
    const bucket = this.#bucket(key, nowMs)
    const taken = Math.min(wanted, Math.floor(bucket.tokens))
    bucket.tokens -= taken
    return taken
  }

  /** How long until `wanted` are there (never more than a whole bucket is waited for). */
  waitMs(key: string, wanted: number, nowMs: number): number {
    const missing = Math.min(wanted, this.#limit.burst) - this.#bucket(key, nowMs).tokens
    return missing <= 0 ? 0 : Math.ceil((missing * 1000) / this.#limit.perSecond)
  }

  #bucket(key: string, nowMs: number): Bucket {
    const known = this.#buckets.get(key)
    if (known !== undefined) {
      known.tokens = this.#refilled(known, nowMs)
      known.atMs = Math.max(known.atMs, nowMs)
      return known
    }
    if (this.#buckets.size >= this.#maxKeys) this.#makeRoom(nowMs)
    const fresh = { tokens: this.#limit.burst, atMs: nowMs }
    this.#buckets.set(key, fresh)
    return fresh
  }

  #refilled(bucket: Bucket, nowMs: number): number {
    // A clock that was set back refills nothing, and takes nothing away.
    const elapsedMs = Math.max(0, nowMs - bucket.atMs)
    return Math.min(this.#limit.burst, bucket.tokens + (elapsedMs * this.#limit.perSecond) / 1000)
  }

  #makeRoom(nowMs: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (this.#refilled(bucket, nowMs) >= this.#limit.burst) this.#buckets.delete(key)
    }
    // All in use: the one that came first goes, and may start with a full bucket again.
    const oldest = this.#buckets.keys().next()
    if (this.#buckets.size >= this.#maxKeys && oldest.done !== true) this.#buckets.delete(oldest.value)
  }
}
