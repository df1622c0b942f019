// Carries everything readable of a damaged history into a new one, and counts by
// conversation what could not be. The damaged file is read page by page, without
// SQLite: a page that is wrong costs what was in it and nothing that it led to.
import { randomBytes } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { DatabasePages } from './database-pages.ts'
import type { ConversationDamage } from './errors.ts'
import { readNumber, stateCode } from './message-rows.ts'
import { recordsOf } from './page-records.ts'
import { incomingBytesOf } from './schema.ts'
import { looksLikePeer, messageColumnNames, recognise } from './salvaged-rows.ts'

/** So many pages are read between two turns for others: a few milliseconds' worth. */
const pagesPerSlice = 200

/** Stands for a peer whose name was lost with its conversation's row and its index entry. */
const UNKNOWN_PEER = 'unknown'

export interface Salvaged {
  /** Messages in the new file. */
  readonly messages: number
  /** Conversations with losses. */
  readonly conversations: readonly ConversationDamage[]
}

/**
 * @param target a new, empty history
 * @param isPeer tells peers from other text in rows that have no checksum
 */
export async function salvage(source: string, target: DatabaseSync, isPeer = looksLikePeer): Promise<Salvaged> {
  const peers = await carryRows(source, target, isPeer)
  return inTransaction(target, () => {
    addConversations(target, peers)
    const unnamed = dropUnnamed(target)
    completeIds(target)
    const conversations = countLosses(target)
    mendCounters(target)
    const messages = readNumber(target.prepare('SELECT count(*) AS count FROM message').get() ?? {}, 'count')
    const lostPeers = unnamed === 0 ? [] : [{ peer: UNKNOWN_PEER, readable: 0, lost: unnamed }]
    return { messages, conversations: [...conversations, ...lostPeers] }
  })
}

/** @returns the peers by their conversation's number, as the index has them */
async function carryRows(
  source: string,
  target: DatabaseSync,
  isPeer: (text: string) => boolean
): Promise<ReadonlyMap<number, string>> {
  const places = (count: number): string => Array.from({ length: count }, () => '?').join(', ')
  const message = target.prepare(
    `INSERT OR REPLACE INTO message (${messageColumnNames.join(', ')}) VALUES (${places(messageColumnNames.length)})`
  )
  const conversation = target.prepare(`INSERT OR REPLACE INTO conversation VALUES (${places(12)})`)
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
  return peers
}

/** A conversation whose row was lost goes on under a new log of our own, as with a restored backup. */
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

/** Messages whose ids were lost with a page of `seen` get them back. */
function completeIds(target: DatabaseSync): void {
  target.exec(`INSERT OR IGNORE INTO seen (conversation, incoming, id, position)
    SELECT conversation, state >= ${stateCode.firstIncoming}, id, position FROM message`)
}

/** An id without its message is a loss. Its id stays known: it was receipted, and is not sent again. */
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

/** Nothing is numbered twice, also when the row that counted it is older than what it counted. */
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
