// Reading rows only as far as their texts fit into a page: a thousand of the
// longest messages are 64 MB, and nobody needs them at once.
import type { StatementSync, SQLInputValue } from 'node:sqlite'
import type { HistoryEntry } from './message-store.ts'
import { readEntry } from './message-rows.ts'

/** At the least one row, however long, so that whoever pages through comes on. */
export function entriesWithin(
  statement: StatementSync,
  values: readonly SQLInputValue[],
  maxBytes: number
): HistoryEntry[] {
  if (maxBytes === Infinity) return statement.all(...values).map(readEntry)
  const entries: HistoryEntry[] = []
  let bytes = 0
  for (const row of statement.iterate(...values)) {
    const entry = readEntry(row)
    bytes += Buffer.byteLength(entry.message.text)
    if (entries.length > 0 && bytes > maxBytes) break
    entries.push(entry)
  }
  return entries
}

/** The same of what is in memory already. */
export function within(entries: Iterable<HistoryEntry>, maxBytes = Infinity): HistoryEntry[] {
  const fitting: HistoryEntry[] = []
  let bytes = 0
  for (const entry of entries) {
    bytes += Buffer.byteLength(entry.message.text)
    if (fitting.length > 0 && bytes > maxBytes) break
    fitting.push(entry)
  }
  return fitting
}
