// A token bucket: so many at once, so many per second. Pure: the time goes in.

export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export class RateLimit {
  readonly #rate: Rate
  #tokens: number
  #atMs: number

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#atMs = nowMs
  }

  /** @returns 0 when one more may pass, else in how many milliseconds it may */
  take(nowMs: number): number {
    const passedMs = Math.max(0, nowMs - this.#atMs)
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + (passedMs / 1_000) * this.#rate.perSecond)
    this.#atMs = nowMs
    if (this.#tokens >= 1) {
      this.#tokens--
      return 0
    }
    return Math.ceil(((1 - this.#tokens) / this.#rate.perSecond) * 1_000)
  }
}
