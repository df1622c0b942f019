// How long to wait before the next try: twice as long after each failure, up to
// a limit. Pure: chance is an argument. It counts no time and sets no timer.

export interface BackoffSettings {
  /** After the first failure, in milliseconds. */
  readonly firstMs: number
  /** However many failures there were, in milliseconds. */
  readonly maxMs: number
  /**
   * The part of a wait that chance may take off, from 0 to 1, so that many who failed together do not come back
   * together. Default 0.5.
   */
  readonly jitter?: number
}

/** Half of a wait is left to chance, and half of it always passes. */
const DEFAULT_JITTER = 0.5

/** Beyond this many doublings every limit is reached, and nothing overflows. */
const MAX_DOUBLINGS = 30

/**
 * @param failures before the one that is waited for now: 0 gives the first wait
 * @param random gives numbers from 0 up to, not including, 1
 * @returns milliseconds, whole
 */
export function backoffMs(
  { firstMs, maxMs, jitter = DEFAULT_JITTER }: BackoffSettings,
  failures: number,
  random: () => number = Math.random
): number {
  const fullMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures, MAX_DOUBLINGS))
  return Math.round(fullMs * (1 - jitter * random()))
}

/** {@link backoffMs} with the count of failures. */
export class Backoff {
  readonly #settings: BackoffSettings
  readonly #random: () => number
  #failures = 0

  constructor(settings: BackoffSettings, random: () => number = Math.random) {
    this.#settings = settings
    this.#random = random
  }

  /** Counts a failure; returns the time to wait, in milliseconds. */
  nextMs(): number {
    return backoffMs(this.#settings, this.#failures++, this.#random)
  }

  reset(): void {
    this.#failures = 0
  }
}
