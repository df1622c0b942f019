// Deletes messages for good, a slice at a time. Ids of incoming messages stay known, with the last state of each.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { sliceEnd, ROWS_PER_SLICE, readNumber, stateCode, toKey, type Row } from '../sqlite/message-rows.ts'
import type { ConversationTable } from '../sqlite/conversation-table.ts'
import { STORED_OVERHEAD_BYTES, rowBytes } from '../sqlite/schema.ts'
import type { SearchIndex } from '../search/search-index.ts'

/** Ids of evicted messages kept until their senders ask: ten times all requests, in about 2 MB. */
export const maxEvictedIds = 10_000

/** The columns that a deletion reads; SQLite reads the size of a text without the text. */
const deletedColumns = `position, conversation, state, id, ${rowBytes} AS size`

/** What one slice did; `next` is the beginning of the following one, undefined at the end. */
export interface DeletedSlice {
  readonly deleted: number
  readonly next: number | undefined
}

export class Deletion {
  readonly #conversations: ConversationTable
  readonly #search: SearchIndex
  readonly #ofConversation: StatementSync
  readonly #sliceEnd: StatementSync
  readonly #old: StatementSync
  readonly #delete: StatementSync
  readonly #leave: StatementSync
  readonly #forgetOwnId: StatementSync
  readonly #newest: StatementSync
  readonly #heldOf: StatementSync
  readonly #forgetId: StatementSync
  readonly #noteEvicted: StatementSync
  readonly #findEvicted: StatementSync
  readonly #forgetEvicted: StatementSync
  readonly #forgetOldestEvicted: StatementSync

  constructor(database: DatabaseSync, conversations: ConversationTable, search: SearchIndex) {
    this.#conversations = conversations
    this.#search = search
    this.#ofConversation = database.prepare(
      `SELECT ${deletedColumns} FROM message WHERE conversation = ? AND position > ? AND position <= ?
        ORDER BY position LIMIT ?`
    )
    this.#sliceEnd = database.prepare(
      'SELECT max(position) AS last FROM (SELECT position FROM message WHERE position > ? ORDER BY position LIMIT ?)'
    )
    this.#old = database.prepare(
      `SELECT ${deletedColumns} FROM message WHERE position > ? AND position <= ?
        AND stored_at < ? AND outbox IS NULL AND state < 11`
    )
    this.#delete = database.prepare('DELETE FROM message WHERE position = ?')
    this.#leave = database.prepare('UPDATE seen SET left_state = ? WHERE conversation = ? AND incoming = 1 AND id = ?')
    this.#forgetOwnId = database.prepare('DELETE FROM seen WHERE conversation = ? AND incoming = 0 AND id = ?')
    this.#newest = database.prepare('SELECT max(position) AS newest FROM message')
    this.#heldOf = database.prepare(
      `SELECT ${deletedColumns} FROM message WHERE conversation = ? AND state >= 11 ORDER BY position`
    )
    this.#forgetId = database.prepare('DELETE FROM seen WHERE conversation = ? AND incoming = 1 AND id = ?')
    this.#noteEvicted = database.prepare('INSERT OR IGNORE INTO evicted (peer, id) VALUES (?, ?)')
    this.#findEvicted = database.prepare('SELECT 1 FROM evicted WHERE peer = ? AND id = ?')
    this.#forgetEvicted = database.prepare('DELETE FROM evicted WHERE peer = ? AND id = ?')
    this.#forgetOldestEvicted = database.prepare(
      'DELETE FROM evicted WHERE number <= (SELECT max(number) FROM evicted) - ?'
    )
  }

  newest(): number {
    const newest = this.#newest.get()?.['newest']
    return typeof newest === 'number' ? newest : 0
  }

  /** Deletes the next messages with a peer between two positions. */
  forgetSlice(peer: string, after: number, upTo: number): DeletedSlice {
    const conversation = this.#conversations.find(peer)
    if (conversation === undefined) return { deleted: 0, next: undefined }
    const rows = this.#ofConversation.all(conversation.id, after, upTo, ROWS_PER_SLICE)
    const last = rows.at(-1)
    for (const row of rows) this.#remove(row)
    this.#conversations.nameSender(conversation.id, null)
    return {
      deleted: rows.length,
      next: last === undefined ? undefined : sliceEnd(after, readNumber(last, 'position'))
    }
  }

  /** Deletes the old messages in the slice after a position, except waiting ones. */
  retireSlice(after: number, storedBeforeMs: number): DeletedSlice {
    const last = this.#sliceEnd.get(after, ROWS_PER_SLICE)?.['last']
    if (typeof last !== 'number') return { deleted: 0, next: undefined }
    const rows = this.#old.all(after, last, storedBeforeMs)
    for (const row of rows) this.#remove(row)
    return { deleted: rows.length, next: sliceEnd(after, last) }
  }

  /** Deletes the held messages of a peer, and keeps their ids until their sender knows. */
  evict(peer: string): number {
    const conversation = this.#conversations.find(peer)
    if (conversation === undefined) return 0
    const rows = this.#heldOf.all(conversation.id)
    for (const row of rows) {
      this.#remove(row)
      this.#forgetId.run(conversation.id, row['id'] ?? null)
      this.#noteEvicted.run(peer, row['id'] ?? null)
    }
    if (rows.length === 0) return 0
    this.#forgetOldestEvicted.run(maxEvictedIds)
    // Nothing else stays of a stranger.
    this.#conversations.nameSender(conversation.id, null)
    this.#conversations.removeEmpty(conversation.id)
    return rows.length
  }

  evicted(peer: string, ids: readonly string[]): ReadonlySet<string> {
    return new Set(ids.filter((id) => this.#findEvicted.get(peer, toKey(id)) !== undefined))
  }

  forgetEvicted(peer: string, ids: Iterable<string>): void {
    for (const id of ids) this.#forgetEvicted.run(peer, toKey(id))
  }

  #remove(row: Row): void {
    const position = readNumber(row, 'position')
    const conversation = readNumber(row, 'conversation')
    const state = readNumber(row, 'state')
    const id = row['id'] ?? null
    this.#search.remove(position)
    this.#delete.run(position)
    if (state < stateCode.firstIncoming) {
      this.#forgetOwnId.run(conversation, id)
      return
    }
    this.#leave.run(state, conversation, id)
    this.#conversations.left(conversation, { position, bytes: readNumber(row, 'size') + STORED_OVERHEAD_BYTES })
  }
}
