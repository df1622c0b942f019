// Two clocks: the steady one, for leases, rates and delays, and how far the wall
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
