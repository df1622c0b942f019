// What watchers can see of a roster: the order of names, what matches a query,
// and how two states differ. Pure; holds no roster.
import type { WatchRange } from './directory-frames.ts'
import type { RosterEntry } from './roster.ts'

/** @returns whether the range is the whole roster, which all its watchers share */
export function isWhole(range: WatchRange): boolean {
  return range.query === '' && range.offset === 0 && range.limit === 0
}

/** An entry with its nickname as it is ordered and searched, made once. */
export interface NamedEntry {
  readonly entry: RosterEntry
  readonly name: string
}

export function named(entry: RosterEntry): NamedEntry {
  return { entry, name: fold(entry.record.record.nickname) }
}

/** Orders by nickname in any case, then by peer ID. */
export function compareNamed(a: NamedEntry, b: NamedEntry): number {
  return compareText(a.name, b.name) || compareText(a.entry.peer, b.entry.peer)
}

/** @returns what says whether the query is part of a nickname in any case, or the start of a peer ID */
export function matching(query: string): (one: NamedEntry) => boolean {
  const part = fold(query)
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

/** @returns whether watchers see no difference: the record and who vouches for it, not until when */
export function looksTheSame(a: RosterEntry, b: RosterEntry): boolean {
  return (
    a.record === b.record &&
    a.attachments.length === b.attachments.length &&
    a.attachments.every(({ source }, i) => source === b.attachments[i]?.source)
  )
}

function fold(text: string): string {
  return text.toLowerCase()
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
