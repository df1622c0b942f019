// Rate-limits reports that clients gave way: the first at once, then one in a
// while, with the number of evictions since. Pure: the time goes in.
import { PRESSURE_REPORT_MS } from './constants.ts'
import type { Eviction } from './http-connections.ts'

export interface Pressure extends Eviction {
  /** How many have given way since the last report. */
  readonly evicted: number
}

export class PressureReports {
  readonly #kinds = new Map<Eviction['what'], { sinceLast: number; toldAtMs: number }>()

  /** @returns the report that is due now, if any */
  note(eviction: Eviction, nowMs: number): Pressure | undefined {
    const kind = this.#kinds.get(eviction.what) ?? { sinceLast: 0, toldAtMs: -Infinity }
    const evicted = kind.sinceLast + 1
    const isDue = nowMs - kind.toldAtMs >= PRESSURE_REPORT_MS
    this.#kinds.set(eviction.what, isDue ? { sinceLast: 0, toldAtMs: nowMs } : { ...kind, sinceLast: evicted })
    return isDue ? { ...eviction, evicted } : undefined
  }
}
