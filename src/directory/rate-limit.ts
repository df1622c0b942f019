// A token bucket: so many at once, so many per second. Pure: the time goes in.

export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export class RateLimit {
  /** What one costs, in milliseconds of credit; whole milliseconds add up exactly. */
  readonly #costMs: number
  readonly #mostMs: number
  #creditMs: number
  #atMs: number

  constructor(rate: Rate, nowMs: number) {
    this.#costMs = Math.ceil(1_000 / rate.perSecond)
    this.#mostMs = this.#costMs * rate.burst
    this.#creditMs = this.#mostMs
    this.#atMs = nowMs
  }

  /** @returns 0 when one more may pass, else in how many milliseconds it may */
  take(nowMs: number): number {
    this.#creditMs = Math.min(this.#mostMs, this.#creditMs + Math.max(0, nowMs - this.#atMs))
    this.#atMs = nowMs
    if (this.#creditMs < this.#costMs) return Math.ceil(this.#costMs - this.#creditMs)
    this.#creditMs -= this.#costMs
    return 0
  }
}
