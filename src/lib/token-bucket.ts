/**
 * Rate limits: how much may pass at once and per second, of one thing or of each of many. Pure: the time goes in. It does
 * not know what is counted, nor what happens to the rest.
 */
import { LruMap } from './bounded-map.ts'

export interface Rate {
  /** The most that may pass at once. */
  readonly burst: number
  readonly perSecond: number
}

export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #atMs: number

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#atMs = nowMs
  }

  /** Takes up to `wanted` whole tokens. @returns how many there were */
  take(wanted: number, nowMs: number): number {
    this.#refill(nowMs)
    const taken = Math.min(wanted, Math.floor(this.#tokens))
    this.#tokens -= taken
    return taken
  }

  /** Takes one. @returns 0 when it was there, else in how many milliseconds it will be */
  takeOne(nowMs: number): number {
    return this.take(1, nowMs) === 1 ? 0 : this.waitMs(1, nowMs)
  }

  /** @returns how long until `wanted` are there, in milliseconds; never more than a whole bucket is waited for */
  waitMs(wanted: number, nowMs: number): number {
    this.#refill(nowMs)
    const missing = Math.min(wanted, this.#rate.burst) - this.#tokens
    return missing <= 0 ? 0 : Math.ceil((missing * 1000) / this.#rate.perSecond)
  }

  /** A full bucket remembers nothing: it is the same as a new one. */
  isFull(nowMs: number): boolean {
    this.#refill(nowMs)
    return this.#tokens >= this.#rate.burst
  }

  #refill(nowMs: number): void {
    // A clock that was set back refills nothing, and takes nothing away.
    const elapsedMs = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (elapsedMs * this.#rate.perSecond) / 1000)
    this.#atMs = Math.max(this.#atMs, nowMs)
  }
}

/**
 * A rate for each of many keys (peers, address classes), whose number an attacker may choose: a token bucket for each key
 * that was used lately.
 *
 * @example
 * const pings = new RateLimiter({ burst: 5, perSecond: 1 }, 1_000)
 * if (pings.of(peer, nowMs).takeOne(nowMs) > 0) refuse()
 */
export class RateLimiter {
  readonly #rate: Rate
  readonly #maxKeys: number
  readonly #buckets: LruMap<string, TokenBucket>

  /** @param maxKeys buckets that are kept: the full ones go first, as a full bucket is the same as a new one */
  constructor(rate: Rate, maxKeys: number) {
    this.#rate = rate
    this.#maxKeys = maxKeys
    this.#buckets = new LruMap(maxKeys)
  }

  of(key: string, nowMs: number): TokenBucket {
    const known = this.#buckets.get(key)
    if (known !== undefined) return known
    // Full ones go first. Where all are in use, the oldest goes, and may start with a full bucket again.
    if (this.#buckets.size >= this.#maxKeys) this.#dropFull(nowMs)
    const fresh = new TokenBucket(this.#rate, nowMs)
    this.#buckets.set(key, fresh)
    return fresh
  }

  #dropFull(nowMs: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(key)
  }
}
