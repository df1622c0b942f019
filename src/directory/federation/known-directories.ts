// The other directories of which something is known, within bounds: who makes
// room for whom, and whether one more statement may be held. Pure.
import type { FederationLimits } from './federation-state.ts'
import { KnownDirectory } from './known-directory.ts'
import type { RosterEffect } from './roster-effect.ts'

export class KnownDirectories {
  readonly #limits: FederationLimits
  readonly #known = new Map<string, KnownDirectory>()

  constructor(limits: FederationLimits) {
    this.#limits = limits
  }

  get(directory: string): KnownDirectory | undefined {
    return this.#known.get(directory)
  }

  all(): readonly KnownDirectory[] {
    return [...this.#known.values()]
  }

  /** @returns undefined for a new one when there is no room; what ends with one that has made room */
  getOrAdd(
    id: string,
    nowMs: number,
    isConnected: boolean
  ): { known: KnownDirectory | undefined; effects: readonly RosterEffect[] } {
    const before = this.#known.get(id)
    if (before !== undefined) return { known: before, effects: [] }
    let effects: readonly RosterEffect[] = []
    if (this.#known.size >= this.#limits.maxDirectories) {
      const last = this.#leastWorth(nowMs, isConnected)
      if (last === undefined) return { known: undefined, effects: [] }
      effects = last.end()
      this.#known.delete(last.id)
    }
    const known = new KnownDirectory(id, this.#limits)
    this.#known.set(id, known)
    return { known, effects }
  }

  /** @returns whether one more statement may be held of a directory; what dead ones said makes room for it */
  hasRoomFor(one: KnownDirectory): boolean {
    let size = 0
    for (const known of this.#known.values()) size += known.size
    if (size < this.#limits.maxStatements) return true
    for (const known of this.#known.values()) {
      if (known === one || known.counts || known.log.size === 0) continue
      known.forget()
      return true
    }
    return false
  }

  /** @returns who has to make room for another: the dead one heard longest ago, or a living one for a connected one */
  #leastWorth(nowMs: number, evenAlive: boolean): KnownDirectory | undefined {
    return this.all()
      .filter((known) => !known.isConnected && (evenAlive || !known.isAlive(nowMs)))
      .toSorted((a, b) => Number(a.isAlive(nowMs)) - Number(b.isAlive(nowMs)) || a.heardAtMs - b.heardAtMs)[0]
  }
}
