// Which of a damaged file's records are ours. Nothing says which table a page
// belonged to, so rows are known by their shape, and messages by their checksum:
// what passes is what was written.
import { RowDamage } from './row-damage.ts'
import { readEntry } from './message-rows.ts'
import type { PageRecord, RecordValue } from './page-records.ts'

export type SalvagedRow =
  | { readonly table: 'message'; readonly values: readonly RecordValue[] }
  | { readonly table: 'conversation'; readonly id: number; readonly values: readonly RecordValue[] }
  /** From the index over peers: the second place where a conversation's peer is written. */
  | { readonly table: 'peer'; readonly id: number; readonly peer: string }
  | { readonly table: 'seen'; readonly values: readonly RecordValue[] }

/** The columns of `message` in their order, as in schema.ts. Rows that are older than the last one end before it. */
export const messageColumnNames = [
  'position',
  'conversation',
  'state',
  'id',
  'log',
  'seq',
  'sent_at',
  'stored_at',
  'text',
  'reply_to',
  'reason',
  'seen_at',
  'outbox',
  'checksum',
  'waits_since',
  'origin'
] as const

/** SQLite leaves a row as it is when its table gets another column. */
const columnsOfVersion1 = 14

/** Peer IDs are far longer; the search index keeps its own settings in rows of the same shape. */
const minPeerLength = 20

/** @returns undefined for records of other tables, and for messages that are not what was written */
export function recognise({ rowId, values }: PageRecord, isPeer: (text: string) => boolean): SalvagedRow | undefined {
  if (rowId !== undefined) {
    if (values.length >= columnsOfVersion1 && values.length <= messageColumnNames.length) {
      return recogniseMessage(rowId, values)
    }
    if (values.length >= 9 && values.length <= 12 && isConversation(values, isPeer)) {
      // Before there was a tenth column, all that was numbered may have been sent. The eleventh is a sum, made anew.
      const [ownSent, follows] = [values[9] ?? values[3] ?? 0, values[11] ?? null]
      return { table: 'conversation', id: rowId, values: [...values.slice(0, 9), ownSent, 0, follows] }
    }
    return undefined
  }
  const [first, second] = values
  if (values.length === 2 && typeof first === 'string' && typeof second === 'number' && isPeer(first)) {
    return { table: 'peer', id: second, peer: first }
  }
  return isSeen(values) ? { table: 'seen', values } : undefined
}

export function looksLikePeer(text: string): boolean {
  return text.length >= minPeerLength && /^[\w-]+$/u.test(text)
}

function recogniseMessage(position: number, values: readonly RecordValue[]): SalvagedRow | undefined {
  const [rowIdColumn, ...others] = values
  if (rowIdColumn !== null) return undefined
  const written = [position, ...others]
  const salvaged = messageColumnNames.map((_name, index) => written[index] ?? null)
  const row = Object.fromEntries(messageColumnNames.map((name, index) => [name, salvaged[index] ?? null]))
  try {
    readEntry({ ...row, peer: '' })
  } catch (error) {
    if (error instanceof RowDamage) return undefined
    throw error
  }
  return { table: 'message', values: salvaged }
}

function isConversation(values: readonly RecordValue[], isPeer: (text: string) => boolean): boolean {
  const [id, peer, ownLog, ownSeq, nextOutbox, theirLog, theirSeq, readUpTo, unread, ownSent = 0] = values
  const follows = values[11] ?? null
  return (
    id === null &&
    typeof peer === 'string' &&
    isPeer(peer) &&
    isKey(ownLog) &&
    (follows === null || isKey(follows)) &&
    [ownSeq, nextOutbox, readUpTo, unread, ownSent].every((value) => typeof value === 'number') &&
    (theirLog === null ? theirSeq === null : isKey(theirLog) && typeof theirSeq === 'number')
  )
}

function isSeen(values: readonly RecordValue[]): boolean {
  const [conversation, incoming, id, position, leftState] = values
  return (
    values.length === 5 &&
    typeof conversation === 'number' &&
    (incoming === 0 || incoming === 1) &&
    isKey(id) &&
    typeof position === 'number' &&
    (leftState === null || typeof leftState === 'number')
  )
}

function isKey(value: RecordValue | undefined): boolean {
  return typeof value === 'string' || value instanceof Uint8Array
}
