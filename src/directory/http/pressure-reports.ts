// What an operator is told while clients have to give way: the first at once,
// then at most one report in a while, with how many it were. Pure: the time goes
// in. Knows nothing of how it is told.
import { PRESSURE_REPORT_MS } from './constants.ts'
import type { Eviction } from './http-connections.ts'

export interface Pressure extends Eviction {
  /** How many have given way since the last report. */
  readonly evicted: number
}

export class PressureReports {
  readonly #kinds = new Map<Eviction['what'], { sinceLast: number; toldAtMs: number }>()

  /** @returns what is to be told now; undefined when that has time */
  note(eviction: Eviction, nowMs: number): Pressure | undefined {
    const kind = this.#kinds.get(eviction.what) ?? { sinceLast: 0, toldAtMs: -Infinity }
    const evicted = kind.sinceLast + 1
    const isDue = nowMs - kind.toldAtMs >= PRESSURE_REPORT_MS
    this.#kinds.set(eviction.what, isDue ? { sinceLast: 0, toldAtMs: nowMs } : { ...kind, sinceLast: evicted })
    return isDue ? { ...eviction, evicted } : undefined
  }
}
