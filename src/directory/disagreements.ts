// About whom the connected directories disagree, and since when: one shows the
// peer and another does not, or they show different records. Says whose turn it
// is to be judged, a few at a time. Pure.
import { DISAGREEMENT_MS, MAX_JUDGED_AT_ONCE, REJUDGE_MS } from './constants.ts'
import type { Tellings } from './tellings.ts'

interface Disagreement {
  readonly sinceMs: number
  judgedAtMs: number
}

export class Disagreements {
  readonly #tellings: Tellings
  readonly #found = new Map<string, Disagreement>()

  constructor(tellings: Tellings) {
    this.#tellings = tellings
  }

  /** Looks at these peers again. @returns those about whom the directories agree again */
  review(peers: Iterable<string>, nowMs: number): readonly string[] {
    const complete = this.#tellings.complete()
    const agreed: string[] = []
    for (const peer of peers) {
      if (this.#differ(complete, peer)) {
        if (!this.#found.has(peer)) this.#found.set(peer, { sinceMs: nowMs, judgedAtMs: -Infinity })
      } else if (this.#found.delete(peer)) agreed.push(peer)
    }
    return agreed
  }

  /** Looks at everybody again: a directory has told all, or is connected no more. */
  reviewAll(nowMs: number): readonly string[] {
    return this.review(new Set([...this.#tellings.peers(), ...this.#found.keys()]), nowMs)
  }

  /** Peers about whom they disagree. */
  get size(): number {
    return this.#found.size
  }

  has(peer: string): boolean {
    return this.#found.has(peer)
  }

  /** Who is to be judged now: those that wait longest, no more than a few. They count as judged. */
  take(nowMs: number): readonly string[] {
    const due = [...this.#found]
      .filter(([, one]) => dueAt(one) <= nowMs)
      .toSorted(([, a], [, b]) => dueAt(a) - dueAt(b))
      .slice(0, MAX_JUDGED_AT_ONCE)
    for (const [, disagreement] of due) disagreement.judgedAtMs = nowMs
    return due.map(([peer]) => peer)
  }

  /** When somebody is next to be judged; Infinity when all agree. */
  nextDueMs(): number {
    let earliest = Infinity
    for (const disagreement of this.#found.values()) earliest = Math.min(earliest, dueAt(disagreement))
    return earliest
  }

  #differ(complete: readonly string[], peer: string): boolean {
    if (complete.length < 2) return false
    const [first, ...others] = complete.map((directory) => this.#tellings.of(directory, peer)?.record.record.seq)
    return others.some((seq) => seq !== first)
  }
}

function dueAt({ sinceMs, judgedAtMs }: Disagreement): number {
  return Math.max(sinceMs + DISAGREEMENT_MS, judgedAtMs + REJUDGE_MS)
}
