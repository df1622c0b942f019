// The roster as watchers of pages and queries see it, kept in the order of names
// while peers come and go: a change costs a search for its place and not a new
// sorting, and each query is matched once against what changed. Pure; knows
// neither watchers nor what was sent.
import type { WatchRange } from '../directory-frames.ts'
import type { RosterEntry } from '../../presence/index.ts'
import { folded } from '../../lib/index.ts'

interface Page {
  readonly entries: readonly RosterEntry[]
  /** How many match in all. */
  readonly total: number
  /** The same as long as nothing that matches the query has changed. */
  readonly version: number
}

export class SortedRoster {
  readonly #all: SortedEntries
  readonly #queries = new Map<
    string,
    { readonly isMatch: (one: NamedEntry) => boolean; readonly found: SortedEntries }
  >()

  constructor(entries: readonly RosterEntry[]) {
    this.#all = new SortedEntries(entries.map(named))
  }

  /** All peers in order. */
  get entries(): readonly RosterEntry[] {
    return this.#all.entries
  }

  /** A peer looks different now, or is gone. */
  update(peer: string, entry: RosterEntry | undefined): void {
    const next = entry === undefined ? undefined : named(entry)
    this.#all.update(peer, next)
    for (const { isMatch, found } of this.#queries.values()) {
      found.update(peer, next !== undefined && isMatch(next) ? next : undefined)
    }
  }

  page({ query, offset, limit }: WatchRange): Page {
    const found = this.#matching(query)
    const end = limit === 0 ? found.size : offset + limit
    return { entries: found.entries.slice(offset, end), total: found.size, version: found.version }
  }

  /** Queries whose matches are kept up. */
  get queries(): number {
    return this.#queries.size
  }

  /** Forgets the queries that nobody watches any more. */
  keepOnly(queries: ReadonlySet<string>): void {
    for (const query of this.#queries.keys()) if (!queries.has(query)) this.#queries.delete(query)
  }

  #matching(query: string): SortedEntries {
    if (query === '') return this.#all
    const known = this.#queries.get(query)
    if (known !== undefined) return known.found
    const isMatch = matching(query)
    const found = this.#all.filter(isMatch)
    this.#queries.set(query, { isMatch, found })
    return found
  }
}

/** Entries in the order of names, each found again by its peer. */
class SortedEntries {
  readonly #sorted: NamedEntry[]
  readonly #byPeer: Map<string, NamedEntry>
  #entries: readonly RosterEntry[] | undefined
  #version = 0

  constructor(entries: readonly NamedEntry[]) {
    this.#sorted = entries.toSorted(compareNamed)
    this.#byPeer = new Map(entries.map((one) => [one.entry.peer, one]))
  }

  get size(): number {
    return this.#sorted.length
  }

  get version(): number {
    return this.#version
  }

  get entries(): readonly RosterEntry[] {
    this.#entries ??= this.#sorted.map(({ entry }) => entry)
    return this.#entries
  }

  filter(is: (entry: NamedEntry) => boolean): SortedEntries {
    return new SortedEntries(this.#sorted.filter(is))
  }

  update(peer: string, next: NamedEntry | undefined): void {
    const was = this.#byPeer.get(peer)
    if (was === undefined && next === undefined) return
    this.#version++
    this.#entries = undefined
    if (was !== undefined) this.#sorted.splice(this.#placeOf(was), 1)
    if (next === undefined) {
      this.#byPeer.delete(peer)
      return
    }
    this.#sorted.splice(this.#placeOf(next), 0, next)
    this.#byPeer.set(peer, next)
  }

  /** @returns the first place that does not stand before the entry */
  #placeOf(entry: NamedEntry): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const there = this.#sorted[middle]
      if (there !== undefined && compareNamed(there, entry) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** @returns whether the range is the whole roster, which all its watchers share */
export function isWhole(range: WatchRange): boolean {
  return range.query === '' && range.offset === 0 && range.limit === 0
}

/** An entry with its nickname as it is ordered and searched, made once. */
interface NamedEntry {
  readonly entry: RosterEntry
  readonly name: string
}

function named(entry: RosterEntry): NamedEntry {
  return { entry, name: folded(entry.record.record.nickname) }
}

/** Orders by nickname in any case, then by peer ID. */
function compareNamed(a: NamedEntry, b: NamedEntry): number {
  return compareText(a.name, b.name) || compareText(a.entry.peer, b.entry.peer)
}

/** @returns what says whether the query is part of a nickname in any case, or the start of a peer ID */
function matching(query: string): (one: NamedEntry) => boolean {
  const part = folded(query)
  return ({ entry, name }) => name.includes(part) || entry.peer.startsWith(query)
}

/**
 * @returns what to tell a watcher that was sent `before` and should now see `after`. Both are in the same order and
 *   mostly alike: only what lies between their common beginning and end is looked at closely.
 */
export function difference(
  before: readonly RosterEntry[],
  after: readonly RosterEntry[]
): { readonly entries: readonly RosterEntry[]; readonly removed: readonly RosterEntry[] } {
  let start = 0
  let end = 0
  const shorter = Math.min(before.length, after.length)
  while (start < shorter && before[start] === after[start]) start++
  while (end < shorter - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  const old = before.slice(start, before.length - end)
  const fresh = after.slice(start, after.length - end)
  const was = new Map(old.map((entry) => [entry.peer, entry]))
  const is = new Set(fresh.map((entry) => entry.peer))
  return {
    entries: fresh.filter((entry) => {
      const had = was.get(entry.peer)
      return had === undefined || !looksTheSame(had, entry)
    }),
    removed: old.filter((entry) => !is.has(entry.peer))
  }
}

/** @returns whether watchers see no difference: the same record and the same attesting directories */
export function looksTheSame(a: RosterEntry, b: RosterEntry): boolean {
  return (
    a.record === b.record &&
    a.attachments.length === b.attachments.length &&
    a.attachments.every(({ source }, i) => source === b.attachments[i]?.source)
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
