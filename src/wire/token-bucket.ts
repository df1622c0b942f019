/**
 * How much may pass: so much at once, so much per second. Pure: the time goes in. What is counted, and what happens
 * to what may not pass, others know.
 */

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
