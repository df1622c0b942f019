// Clocks: the steady one, for leases, rates and delays, and how far the wall
// clock has jumped against it. A computer whose clock was a year ahead for a
// minute has not waited for a year.

/** Two clocks that are not set differ by less than this: rounding, and slow correction by NTP. */
const TOLERANCE_MS = 10_000

export class ClockJumps {
  #wallMs: number
  #steadyMs: number
  #jumpedMs = 0

  constructor(wallMs: number, steadyMs: number) {
    this.#wallMs = wallMs
    this.#steadyMs = steadyMs
  }

  /** @returns the wall clock without its jumps since the construction, in milliseconds since 1970 */
  withoutJumps(wallMs: number, steadyMs: number): number {
    const jumpedMs = wallMs - this.#wallMs - (steadyMs - this.#steadyMs)
    if (Math.abs(jumpedMs) > TOLERANCE_MS) this.#jumpedMs += jumpedMs
    this.#wallMs = wallMs
    this.#steadyMs = steadyMs
    return wallMs - this.#jumpedMs
  }
}

export const MS_PER_SECOND = 1_000

/** @returns milliseconds, whole */
export function steadyNow(): number {
  return Math.round(performance.timeOrigin + performance.now())
}

/** Looks that come later than this many periods after the one before tell that the process stood still. */
const PERIODS_UNTIL_LATE = 2

/**
 * A steady clock for the patience with others that leaves out the time in which this process stood still, as it can on a
 * busy machine: what came meanwhile is not read yet when its timers fire. Its owner looks at it in each period.
 *
 * @example
 * const clock = new AwakeClock(steadyNow, 100)
 * setInterval(() => { clock.look(); endWhatWaitsSince(clock.nowMs() - limitMs) }, 100)
 */
export class AwakeClock {
  readonly #steadyMs: () => number
  readonly #periodMs: number
  #lookedAtMs: number
  #stoodStillMs = 0

  constructor(steadyMs: () => number, periodMs: number) {
    this.#steadyMs = steadyMs
    this.#periodMs = periodMs
    this.#lookedAtMs = steadyMs()
  }

  /** Milliseconds; never back. */
  nowMs(): number {
    const steadyMs = Math.min(this.#steadyMs(), this.#lookedAtMs + PERIODS_UNTIL_LATE * this.#periodMs)
    return steadyMs - this.#stoodStillMs
  }

  /** To be called in each period. */
  look(): void {
    const steadyMs = this.#steadyMs()
    this.#stoodStillMs += Math.max(0, steadyMs - this.#lookedAtMs - PERIODS_UNTIL_LATE * this.#periodMs)
    this.#lookedAtMs = steadyMs
  }

  /** After a time in which nothing waited, and nobody looked. */
  resume(): void {
    this.#lookedAtMs = this.#steadyMs()
  }
}
