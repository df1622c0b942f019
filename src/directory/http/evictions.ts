// What gave way to others on the HTTP side, and the reports of it: the first at
// once, then one in a while, with the number of evictions since. Pure: the time
// goes in.
import { EVICTION_REPORT_MS } from './constants.ts'

/** Something that gave way to others. */
export interface Eviction {
  readonly what: 'connection' | 'event-stream' | 'query'
  /** The address class that held the most, and how much it held of how much. */
  readonly holder: string
  readonly held: number
  readonly capacity: number
}

/** What an operator sees of evictions. */
export interface EvictionReport extends Eviction {
  /** How many have given way since the last report. */
  readonly evicted: number
}

export class EvictionReports {
  readonly #kinds = new Map<Eviction['what'], { sinceLast: number; toldAtMs: number }>()

  /** @returns the report that is due now, if any */
  note(eviction: Eviction, nowMs: number): EvictionReport | undefined {
    const kind = this.#kinds.get(eviction.what) ?? { sinceLast: 0, toldAtMs: -Infinity }
    const evicted = kind.sinceLast + 1
    const isDue = nowMs - kind.toldAtMs >= EVICTION_REPORT_MS
    this.#kinds.set(eviction.what, isDue ? { sinceLast: 0, toldAtMs: nowMs } : { ...kind, sinceLast: evicted })
    return isDue ? { ...eviction, evicted } : undefined
  }
}
