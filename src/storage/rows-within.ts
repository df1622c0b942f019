// Reading rows only as far as their texts fit into a page: a thousand of the
// longest messages are 64 MB, and no reader needs them at once.
import type { StatementSync, SQLInputValue } from 'node:sqlite'
import type { HistoryEntry } from './message-store.ts'
import { readEntry } from './message-rows.ts'

/** At least one row, however long, so that paging always advances. */
export function entriesWithin(
  statement: StatementSync,
  values: readonly SQLInputValue[],
  maxBytes: number
): HistoryEntry[] {
  if (maxBytes === Infinity) return statement.all(...values).map(readEntry)
  return within(eachEntry(statement, values), maxBytes)
}

function* eachEntry(statement: StatementSync, values: readonly SQLInputValue[]): Iterable<HistoryEntry> {
  for (const row of statement.iterate(...values)) yield readEntry(row)
}

/** The same for entries in memory. */
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
