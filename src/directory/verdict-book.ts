// What directories have been found to do, by directory and by peer, for as long
// as they do it. Pure.
import type { Verdict } from './judge.ts'

/** What is held against one directory. */
export interface HeldAgainst {
  /** Peers of whom it shows an older record, or who are gone. */
  readonly stale: readonly string[]
  readonly withholds: readonly { readonly peer: string; readonly provenBy: readonly string[] }[]
  /** Directories of which it does not hear. */
  readonly notJoinedWith: readonly string[]
}

export class VerdictBook {
  readonly #byDirectory = new Map<string, Map<string, Verdict>>()

  /** @returns the directories of which something else holds now */
  enter(peer: string, verdicts: ReadonlyMap<string, Verdict>): readonly string[] {
    return [...verdicts].flatMap(([directory, verdict]) => (this.#set(directory, peer, verdict) ? [directory] : []))
  }

  /** All agree about the peer again. @returns the directories of which something else holds now */
  clear(peer: string): readonly string[] {
    const agrees: Verdict = { is: 'agrees' }
    return [...this.#byDirectory.keys()].filter((directory) => this.#set(directory, peer, agrees))
  }

  /** The directory is connected no more. */
  forget(directory: string): void {
    this.#byDirectory.delete(directory)
  }

  of(directory: string): HeldAgainst {
    const verdicts = [...(this.#byDirectory.get(directory) ?? [])]
    return {
      stale: verdicts.flatMap(([peer, { is }]) => (is === 'stale' ? [peer] : [])),
      withholds: verdicts.flatMap(([peer, verdict]) =>
        verdict.is === 'withholds' ? [{ peer, provenBy: verdict.provenBy }] : []
      ),
      notJoinedWith: [
        ...new Set(verdicts.flatMap(([, verdict]) => (verdict.is === 'not joined' ? verdict.with : [])))
      ].toSorted()
    }
  }

  #set(directory: string, peer: string, verdict: Verdict): boolean {
    const before = this.#byDirectory.get(directory)?.get(peer)
    const verdicts = this.#byDirectory.get(directory) ?? new Map<string, Verdict>()
    if (verdict.is === 'agrees') verdicts.delete(peer)
    else verdicts.set(peer, verdict)
    if (verdicts.size > 0) this.#byDirectory.set(directory, verdicts)
    else this.#byDirectory.delete(directory)
    return JSON.stringify(before ?? { is: 'agrees' }) !== JSON.stringify(verdict)
  }
}
