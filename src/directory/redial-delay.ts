// When to dial a directory again: soon at first, then patiently, for ever.
// Pure: the time and the chance go in.
import { PATIENT_AFTER_MS, PATIENT_REDIAL_MS, REDIAL_JITTER, REDIAL_MS } from './constants.ts'

export class RedialDelay {
  #failures = 0
  #sinceMs: number | undefined

  /** @returns how long to wait before the next attempt, in milliseconds */
  next(nowMs: number, random: () => number): number {
    this.#sinceMs ??= nowMs
    const isPatient = nowMs - this.#sinceMs >= PATIENT_AFTER_MS
    const fullMs = isPatient ? PATIENT_REDIAL_MS : Math.min(REDIAL_MS.first * 2 ** this.#failures, REDIAL_MS.max)
    this.#failures++
    return Math.round(fullMs * (1 - REDIAL_JITTER * random()))
  }

  /** The directory was well for a while, or the network has changed: begin anew. */
  reset(): void {
    this.#failures = 0
    this.#sinceMs = undefined
  }
}
