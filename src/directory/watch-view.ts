// What one watcher sees of the roster: matches of a query in the order of
// names, a page of them, and how that differs from what was sent before. Pure.
import type { WatchRange } from './directory-frames.ts'
import type { RosterEntry } from './roster.ts'

/** @returns whether the range is the whole roster, which all its watchers share */
export function isWhole(range: WatchRange): boolean {
  return range.query === '' && range.offset === 0 && range.limit === 0
}

/** @returns the entries by nickname in any case, then by peer ID */
export function inOrder(entries: readonly RosterEntry[]): RosterEntry[] {
  return entries
    .map((entry) => ({ entry, name: fold(entry.record.record.nickname) }))
    .toSorted((a, b) => compareText(a.name, b.name) || compareText(a.entry.peer, b.entry.peer))
    .map(({ entry }) => entry)
}

/** @returns the page of an ordered roster, and how many match in all */
export function pageOf(
  ordered: readonly RosterEntry[],
  range: WatchRange
): { readonly entries: readonly RosterEntry[]; readonly total: number } {
  const query = fold(range.query)
  const matches =
    query === ''
      ? ordered
      : ordered.filter(
          (entry) => fold(entry.record.record.nickname).includes(query) || entry.peer.startsWith(range.query)
        )
  const end = range.limit === 0 ? matches.length : range.offset + range.limit
  return { entries: matches.slice(range.offset, end), total: matches.length }
}

/** @returns what to tell a watcher that was sent `before` and should now see `after` */
export function difference(
  before: readonly RosterEntry[],
  after: readonly RosterEntry[]
): { readonly entries: readonly RosterEntry[]; readonly removed: readonly RosterEntry[] } {
  const was = new Map(before.map((entry) => [entry.peer, entry]))
  const is = new Set(after.map((entry) => entry.peer))
  return {
    entries: after.filter((entry) => {
      const old = was.get(entry.peer)
      return old === undefined || !looksTheSame(old, entry)
    }),
    removed: before.filter((entry) => !is.has(entry.peer))
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
