// How many signatures are checked for directories that the operator did not name:
// so many a second for each address prefix, and some more for all together.
// Beyond that, a directory waits or its update is dropped. Named directories have
// no limit.
import { setTimeout } from 'node:timers/promises'
import { RateLimiter, TokenBucket } from '../../wire/index.ts'
import { MAX_KNOWN_DIRECTORIES, PULSE_MS, SIGNATURE_RATE } from './constants.ts'

export interface SignatureBudgetInit {
  readonly now: () => number
  /** Whether a holder is a directory that the operator named. */
  isNamed(holder: string): boolean
}

export class SignatureBudget {
  readonly #init: SignatureBudgetInit
  readonly #common: TokenBucket
  readonly #holders = new RateLimiter(SIGNATURE_RATE.each, MAX_KNOWN_DIRECTORIES)

  constructor(init: SignatureBudgetInit) {
    this.#init = init
    this.#common = new TokenBucket(SIGNATURE_RATE.all, init.now())
  }

  /** Counts signatures of a holder. @returns whether they may be checked now */
  tryTake(count: number, holder: string): boolean {
    if (this.#init.isNamed(holder)) return true
    const nowMs = this.#init.now()
    const bucket = [this.#holders.of(holder, nowMs), this.#common].find((one) => one.waitMs(count, nowMs) === 0)
    bucket?.take(count, nowMs)
    return bucket !== undefined
  }

  /** Resolves when `count` signatures of a holder may be checked. The caller reads nothing more from it meanwhile. */
  async take(count: number, holder: string, signal: AbortSignal): Promise<void> {
    while (!this.tryTake(count, holder)) await setTimeout(PULSE_MS, undefined, { signal })
  }
}
