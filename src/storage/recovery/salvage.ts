// Copies everything readable of a damaged history into a new one, and counts the losses of each conversation. It reads
// the damaged file page by page, without SQLite: a wrong page costs its own content and nothing behind it. Nothing says
// which table a page belonged to, so rows are recognised by their shape, and messages by their checksum.
import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { DatabasePages, recordsOf, type PageRecord, type RecordValue } from './database-pages.ts'
import { DamageFound, type ConversationDamage } from '../errors.ts'
import { readEntry, readNumber, stateCode } from '../sqlite/message-rows.ts'
import { incomingBytesOf } from '../sqlite/schema.ts'

/** Pages read before other work gets its turn: a few milliseconds' worth. */
const pagesPerSlice = 200

/** The name of peers whose own was lost with the conversation's row and its index entry. */
const UNKNOWN_PEER = 'unknown'

export interface Salvaged {
  /** Messages in the new file. */
  readonly messages: number
  /** Conversations with losses, as far as they can be counted. */
  readonly conversations: readonly ConversationDamage[]
  /** Bytes missing at the file's end; messages lost with them are not counted. Undefined when nothing says how many. */
  readonly missingBytes: number | undefined
}

/**
 * @param target a new, empty history
 * @param isPeer distinguishes peers from other text in rows without a checksum
 */
export async function salvage(source: string, target: DatabaseSync, isPeer = looksLikePeer): Promise<Salvaged> {
  const { peers, missingBytes } = await carryRows(source, target, isPeer)
  return inTransaction(target, () => {
    addConversations(target, peers)
    const unnamed = dropUnnamed(target)
    completeIds(target)
    const conversations = countLosses(target)
    mendCounters(target)
    const messages = readNumber(target.prepare('SELECT count(*) AS count FROM message').get() ?? {}, 'count')
    const lostPeers = unnamed === 0 ? [] : [{ peer: UNKNOWN_PEER, readable: 0, lost: unnamed }]
    return { messages, conversations: [...conversations, ...lostPeers], missingBytes }
  })
}

/** @returns the peers by conversation, from the index over them, and the bytes missing at the file's end */
async function carryRows(
  source: string,
  target: DatabaseSync,
  isPeer: (text: string) => boolean
): Promise<{ readonly peers: ReadonlyMap<number, string>; readonly missingBytes: number | undefined }> {
  const places = (count: number): string => Array.from({ length: count }, () => '?').join(', ')
  const message = target.prepare(
    `INSERT OR REPLACE INTO message (${messageColumnNames.join(', ')}) VALUES (${places(messageColumnNames.length)})`
  )
  const conversation = target.prepare(`INSERT OR REPLACE INTO conversation VALUES (${places(13)})`)
  const seen = target.prepare(`INSERT OR REPLACE INTO seen VALUES (${places(5)})`)
  const peers = new Map<number, string>()
  using pages = new DatabasePages(source)
  for (let next = 1; next <= pages.count;) {
    const start = next
    next = Math.min(start + pagesPerSlice, pages.count + 1)
    inTransaction(target, () => {
      for (let page = start; page < next; page++) {
        for (const record of recordsOf(pages, page)) {
          const row = recognise(record, isPeer)
          if (row === undefined) continue
          if (row.table === 'message') message.run(...row.values)
          else if (row.table === 'seen') seen.run(...row.values)
          else if (row.table === 'conversation') conversation.run(row.id, ...row.values.slice(1))
          else peers.set(row.id, row.peer)
        }
      }
    })
    await turn()
  }
  return { peers, missingBytes: pages.missingBytes }
}

/** Adds conversations whose rows were lost, each with a new log of our own, as after restoring a backup. */
function addConversations(target: DatabaseSync, peers: ReadonlyMap<number, string>): void {
  const add = target.prepare(
    `INSERT OR IGNORE INTO conversation (id, peer, own_log, own_seq, next_outbox, their_log, their_seq, read_up_to, unread)
      VALUES (?, ?, ?, 0, 1, ?, ?, (SELECT coalesce(max(position), 0) FROM message WHERE conversation = ?), 0)`
  )
  const theirs = target.prepare(
    `SELECT log, max(seq) AS seq FROM message WHERE conversation = ? AND state >= 10 AND log =
      (SELECT log FROM message WHERE conversation = ? AND state >= 10 ORDER BY position DESC LIMIT 1)`
  )
  for (const [id, peer] of peers) {
    const { log = null, seq = null } = theirs.get(id, id) ?? {}
    add.run(id, peer, randomBytes(8), log, seq, id)
  }
}

function dropUnnamed(target: DatabaseSync): number {
  target.exec('DELETE FROM seen WHERE conversation NOT IN (SELECT id FROM conversation)')
  const { changes } = target
    .prepare('DELETE FROM message WHERE conversation NOT IN (SELECT id FROM conversation)')
    .run()
  return Number(changes)
}

/** Restores ids that were lost with a page of `seen`. */
function completeIds(target: DatabaseSync): void {
  target.exec(`INSERT OR IGNORE INTO seen (conversation, incoming, id, position)
    SELECT conversation, state >= ${stateCode.firstIncoming}, id, position FROM message`)
}

/** Counts ids without messages. Incoming ones stay known: their messages were receipted and are not sent again. */
function countLosses(target: DatabaseSync): readonly ConversationDamage[] {
  const lost = `left_state IS NULL AND NOT EXISTS (SELECT 1 FROM message WHERE message.position = seen.position)`
  const rows = target
    .prepare(
      `SELECT peer, (SELECT count(*) FROM message WHERE conversation = c.id) AS readable, lost FROM conversation c
        JOIN (SELECT conversation, count(*) AS lost FROM seen WHERE ${lost} GROUP BY conversation) ON conversation = c.id
        ORDER BY peer`
    )
    .all()
  target.exec(`DELETE FROM seen WHERE incoming = 0 AND ${lost};
    UPDATE seen SET left_state = ${stateCode.accepted} WHERE ${lost}`)
  return rows.map((row) => ({
    peer: String(row['peer']),
    readable: readNumber(row, 'readable'),
    lost: readNumber(row, 'lost')
  }))
}

/** Corrects counters whose row is older than what it counts, so that no number is used twice. */
function mendCounters(target: DatabaseSync): void {
  target.exec(`
    UPDATE conversation SET
      own_seq = max(own_seq, coalesce((SELECT max(seq) FROM message
        WHERE conversation = conversation.id AND state < 10 AND log = own_log), 0)),
      next_outbox = max(next_outbox, coalesce((SELECT max(outbox) + 1 FROM message
        WHERE conversation = conversation.id), 1)),
      unread = (SELECT count(*) FROM message
        WHERE conversation = conversation.id AND position > read_up_to AND state >= 10),
      incoming_bytes = ${incomingBytesOf('conversation.id')};
    DELETE FROM sqlite_sequence WHERE name = 'message';
    INSERT INTO sqlite_sequence (name, seq) SELECT 'message', max(
      coalesce((SELECT max(position) FROM message), 0), coalesce((SELECT max(position) FROM seen), 0));
  `)
}

function inTransaction<T>(database: DatabaseSync, run: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = run()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

type SalvagedRow =
  | { readonly table: 'message'; readonly values: readonly RecordValue[] }
  | { readonly table: 'conversation'; readonly id: number; readonly values: readonly RecordValue[] }
  /** From the index over peers, which has each conversation's peer a second time. */
  | { readonly table: 'peer'; readonly id: number; readonly peer: string }
  | { readonly table: 'seen'; readonly values: readonly RecordValue[] }

/** The columns of `message` in the order of schema.ts. Rows older than the last columns end before them. */
const messageColumnNames = [
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
  'origin',
  'files'
] as const

/** SQLite does not rewrite rows when their table gets another column. */
const columnsOfVersion1 = 14

/** Peer IDs are far longer; the search index has settings in rows of the same shape. */
const minPeerLength = 20

/** @returns undefined for records of other tables and for damaged messages */
function recognise({ rowId, values }: PageRecord, isPeer: (text: string) => boolean): SalvagedRow | undefined {
  if (rowId !== undefined) {
    if (values.length >= columnsOfVersion1 && values.length <= messageColumnNames.length) {
      return recogniseMessage(rowId, values)
    }
    if (values.length >= 9 && values.length <= 13 && isConversation(values, isPeer)) {
      // Without the tenth column, everything numbered may have been sent. The eleventh is a sum that is made anew.
      const [ownSent, follows, senderName] = [values[9] ?? values[3] ?? 0, values[11] ?? null, values[12] ?? null]
      return { table: 'conversation', id: rowId, values: [...values.slice(0, 9), ownSent, 0, follows, senderName] }
    }
    return undefined
  }
  const [first, second] = values
  if (values.length === 2 && typeof first === 'string' && typeof second === 'number' && isPeer(first)) {
    return { table: 'peer', id: second, peer: first }
  }
  return isSeen(values) ? { table: 'seen', values } : undefined
}

function looksLikePeer(text: string): boolean {
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
    if (error instanceof DamageFound) return undefined
    throw error
  }
  return { table: 'message', values: salvaged }
}

function isConversation(values: readonly RecordValue[], isPeer: (text: string) => boolean): boolean {
  const [id, peer, ownLog, ownSeq, nextOutbox, theirLog, theirSeq, readUpTo, unread, ownSent = 0] = values
  const [follows, senderName] = [values[11] ?? null, values[12] ?? null]
  return (
    id === null &&
    typeof peer === 'string' &&
    isPeer(peer) &&
    isKey(ownLog) &&
    (follows === null || isKey(follows)) &&
    (senderName === null || typeof senderName === 'string') &&
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
