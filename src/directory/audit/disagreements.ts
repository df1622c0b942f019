// The peers about which the connected directories disagree, and since when: one
// shows the peer and another does not, or they show different records. Chooses the
// conflicts to be resolved next, a few at a time. Pure.
import type { DirectoryViews } from './directory-views.ts'

/** News crosses a joined network in well under a second; a dead directory's word ends within five. */
const DISAGREEMENT_MS = 6_000

/** A disagreement that lasts is resolved again this often. */
const RESOLVE_AGAIN_MS = 10_000

/** Peers that are asked about in one round: their questions stay within the rate of every directory. */
const MAX_RESOLVED_AT_ONCE = 8

interface Disagreement {
  readonly sinceMs: number
  resolvedAtMs: number
}

export class Disagreements {
  readonly #views: DirectoryViews
  readonly #found = new Map<string, Disagreement>()

  constructor(views: DirectoryViews) {
    this.#views = views
  }

  /** Compares these peers again. @returns those about which the directories agree again */
  review(peers: Iterable<string>, nowMs: number): readonly string[] {
    const complete = this.#views.complete()
    const agreed: string[] = []
    for (const peer of peers) {
      if (this.#differ(complete, peer)) {
        if (!this.#found.has(peer)) this.#found.set(peer, { sinceMs: nowMs, resolvedAtMs: -Infinity })
      } else if (this.#found.delete(peer)) agreed.push(peer)
    }
    return agreed
  }

  /** Compares all peers again: a directory has sent its whole roster, or is not connected any more. */
  reviewAll(nowMs: number): readonly string[] {
    return this.review(new Set([...this.#views.peers(), ...this.#found.keys()]), nowMs)
  }

  /** How many peers the directories disagree about. */
  get size(): number {
    return this.#found.size
  }

  has(peer: string): boolean {
    return this.#found.has(peer)
  }

  /** The peers to resolve now: a few that have waited longest. They count as resolved. */
  take(nowMs: number): readonly string[] {
    const due = [...this.#found]
      .filter(([, one]) => dueAt(one) <= nowMs)
      .toSorted(([, a], [, b]) => dueAt(a) - dueAt(b))
      .slice(0, MAX_RESOLVED_AT_ONCE)
    for (const [, disagreement] of due) disagreement.resolvedAtMs = nowMs
    return due.map(([peer]) => peer)
  }

  /** When the next conflict is to be resolved; Infinity when all agree. */
  nextDueMs(): number {
    let earliest = Infinity
    for (const disagreement of this.#found.values()) earliest = Math.min(earliest, dueAt(disagreement))
    return earliest
  }

  #differ(complete: readonly string[], peer: string): boolean {
    if (complete.length < 2) return false
    const [first, ...others] = complete.map((directory) => this.#views.of(directory, peer)?.record.record.seq)
    return others.some((seq) => seq !== first)
  }
}

function dueAt({ sinceMs, resolvedAtMs }: Disagreement): number {
  return Math.max(sinceMs + DISAGREEMENT_MS, resolvedAtMs + RESOLVE_AGAIN_MS)
}
