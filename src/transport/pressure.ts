/**
 * Episodes of too many connections: when they begin and end, and which address
 * classes had a part in them. Each is reported twice, however many connections
 * gave way. Pure: the time goes in.
 */

import { MAX_COUNTED_CLASSES, PRESSURE_QUIET_MS } from './constants.ts'

export interface PressureEnd {
  /** The address class with most of the connections that gave way. */
  readonly from: string
  /** The connections that gave way, of all classes and of this one. */
  readonly ended: number
  readonly endedFrom: number
  /** From the first of them to the last. */
  readonly lastedMs: number
}

export class PressureEpisodes {
  #episode:
    | { readonly beganAtMs: number; lastAtMs: number; ended: number; readonly byClass: Map<string, number> }
    | undefined

  get isOpen(): boolean {
    return this.#episode !== undefined
  }

  /** A connection of the class gave way. @returns whether an episode begins with it */
  gaveWay(addressClass: string, nowMs: number): boolean {
    const begins = this.#episode === undefined
    const episode = (this.#episode ??= { beganAtMs: nowMs, lastAtMs: nowMs, ended: 0, byClass: new Map() })
    const { byClass } = episode
    episode.lastAtMs = nowMs
    episode.ended++
    if (byClass.has(addressClass) || byClass.size < MAX_COUNTED_CLASSES) {
      byClass.set(addressClass, (byClass.get(addressClass) ?? 0) + 1)
    }
    return begins
  }

  /** Ends the episode when it has been quiet for long enough. */
  takeEnd(nowMs: number): PressureEnd | undefined {
    const episode = this.#episode
    if (episode === undefined || nowMs - episode.lastAtMs < PRESSURE_QUIET_MS) return undefined
    this.#episode = undefined
    const { beganAtMs, lastAtMs, ended, byClass } = episode
    let [from, endedFrom] = ['', 0]
    for (const [addressClass, count] of byClass) if (count > endedFrom) [from, endedFrom] = [addressClass, count]
    return { from, ended, endedFrom, lastedMs: lastAtMs - beganAtMs }
  }
}
