// A dynamic query: which peers are asked for words, a few at first and more until there are enough hits, and what they
// found, merged by file. Pure: it opens no streams and knows no clock.
import type { Found } from './share-frames.ts'

/** Enough for words that are not rare; each further round of peers would bring more of the same. */
const FIRST_PEERS = 3

/** Peers that are asked at the same time, once the first are not enough. */
const PEERS_AT_A_TIME = 8

/** What a person looks at: when so many files are found, nobody else is asked. */
const ENOUGH_FILES = 20

/** Files of one search that are kept, and paths of one file: others would only fill the memory. */
const MAX_FOUND_FILES = 1_000
const MAX_FOUND_SOURCES = 50

export interface MergedFile {
  readonly file: string
  readonly sizeBytes: number
  readonly sources: readonly { readonly peer: string; readonly path: string }[]
}

export class SearchPlan {
  readonly #waiting: string[]
  readonly #asked = new Set<string>()
  /** By file ID and size: a peer that names a wrong size hides no file of others. */
  readonly #files = new Map<string, { file: string; sizeBytes: number; sources: { peer: string; path: string }[] }>()
  #answers = 0
  #failures = 0
  #hasMore = false

  /** @param peers in the order in which they are asked */
  constructor(peers: readonly string[]) {
    this.#waiting = [...peers]
  }

  /** The peers that are asked now. */
  next(): readonly string[] {
    if (this.hasEnough) return []
    const isFirst = this.#asked.size === 0 && this.#answers + this.#failures === 0
    const peers = this.#waiting.splice(0, (isFirst ? FIRST_PEERS : PEERS_AT_A_TIME) - this.#asked.size)
    for (const peer of peers) this.#asked.add(peer)
    return peers
  }

  /** A peer says what it has. It is counted once. */
  answered(peer: string, found: Found): void {
    if (!this.#asked.delete(peer)) return
    this.#answers++
    if (found.hasMore) this.#hasMore = true
    for (const { file, sizeBytes, path } of found.hits) {
      const key = `${file} ${sizeBytes}`
      const known = this.#files.get(key)
      if (known === undefined) {
        if (this.#files.size < MAX_FOUND_FILES) this.#files.set(key, { file, sizeBytes, sources: [{ peer, path }] })
      } else if (known.sources.length < MAX_FOUND_SOURCES) {
        if (!known.sources.some((source) => source.peer === peer)) known.sources.push({ peer, path })
      }
    }
  }

  /** A peer was not reached, or does not answer. */
  failed(peer: string): void {
    if (this.#asked.delete(peer)) this.#failures++
  }

  get hasEnough(): boolean {
    return this.#files.size >= ENOUGH_FILES
  }

  /** Nobody is left to be asked, or there is enough, and nobody is to answer yet. */
  get isOver(): boolean {
    return this.#asked.size === 0 && (this.hasEnough || this.#waiting.length === 0)
  }

  get answers(): number {
    return this.#answers
  }

  get failures(): number {
    return this.#failures
  }

  /** A peer had more than it sent, or was not asked. */
  get hasMore(): boolean {
    return this.#hasMore || this.#waiting.length > 0
  }

  /** Those that most peers have come first. */
  files(): readonly MergedFile[] {
    return [...this.#files.values()].toSorted((one, other) => other.sources.length - one.sources.length)
  }
}
