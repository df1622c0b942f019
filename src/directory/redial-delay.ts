// When a directory is dialled again: soon at first, then patiently, for ever, and
// within bounds when it names a time itself. Pure: the time and chance are arguments.
import { backoffMs } from '../lib/index.ts'
import type { DirectoryRefusedError } from './directory-frames.ts'

/** When patience begins. */
export const PATIENT_AFTER_MS = 60_000

/** A delay is chosen between this part of it and the whole, so that clients of one directory spread out. */
export const REDIAL_JITTER = 0.5

/** Whatever a directory asks for, waiting stays within this: it can neither spin a client nor lose it. */
export const RETRY_BOUNDS_MS = { min: 1_000, max: 60_000 } as const

/** Of another network: it may be restarted as ours some day. */
export const OTHER_NETWORK_RETRY_MS = 60_000

/** Redialling in the first minute: a directory that returns is used again within three seconds. */
const REDIAL_MS = { first: 250, max: 2_000 } as const

/** … and after that minute, for ever. */
const PATIENT_REDIAL_MS = 7_000

/** A session that lasted this long was a good one: the next failure starts from the first delay again. */
const STABLE_MS = 5_000

/** Clients come back to a directory that went down within this part more than the time that it asked for. */
const RETURN_SPREAD = 0.5

export class RedialDelay {
  #failures = 0
  #sinceMs: number | undefined

  /** @returns how long to wait before the next attempt, in milliseconds */
  next(nowMs: number, random: () => number): number {
    this.#sinceMs ??= nowMs
    const isPatient = nowMs - this.#sinceMs >= PATIENT_AFTER_MS
    const { first, max } = isPatient ? { first: PATIENT_REDIAL_MS, max: PATIENT_REDIAL_MS } : REDIAL_MS
    return backoffMs({ firstMs: first, maxMs: max, jitter: REDIAL_JITTER }, this.#failures++, random)
  }

  /** @returns how long to wait after a refusal, in milliseconds */
  afterRefusal({ reason, retryAfterMs }: DirectoryRefusedError, random: () => number): number {
    return boundedRetryMs(retryAfterMs) * (reason === 'going-down' ? 1 + RETURN_SPREAD * random() : 1)
  }

  /** A session has ended that lasted so long since Welcome. */
  lasted(sessionMs: number): void {
    if (sessionMs >= STABLE_MS) this.reset()
  }

  /** The directory was well for a while, or the network has changed: begin anew. */
  reset(): void {
    this.#failures = 0
    this.#sinceMs = undefined
  }
}

/** @returns what a directory asks us to wait, within what a client grants */
export function boundedRetryMs(retryAfterMs: number): number {
  return Math.min(RETRY_BOUNDS_MS.max, Math.max(RETRY_BOUNDS_MS.min, retryAfterMs))
}
