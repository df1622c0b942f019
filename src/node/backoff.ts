// How long to wait before the next try. Pure: chance is an argument.

export interface BackoffSettings {
  readonly firstMs: number
  readonly maxMs: number
}

/** Doubles from `firstMs` to `maxMs`; the half of each wait is left to chance, so that many do not come at once. */
export class Backoff {
  readonly #settings: BackoffSettings
  readonly #random: () => number
  #failures = 0

  /** @param random gives numbers from 0 up to, not including, 1 */
  constructor(settings: BackoffSettings, random: () => number = Math.random) {
    this.#settings = settings
    this.#random = random
  }

  /** Counts a failure; returns the time to wait, in milliseconds. */
  nextMs(): number {
    const { firstMs, maxMs } = this.#settings
    const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 30))
    this.#failures++
    return Math.round(fullMs / 2 + (fullMs / 2) * this.#random())
  }

  reset(): void {
    this.#failures = 0
  }
}
