// Taking messages out of the history for good, a slice at a time. Ids of incoming
// messages stay known, with the state that each left in.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ROWS_PER_SLICE } from './slices.ts'
import type { ConversationTable } from './conversation-table.ts'
import { readNumber, stateCode, toKey } from './message-rows.ts'
import type { Row } from './message-rows.ts'
import { MESSAGE_OVERHEAD_BYTES } from './schema.ts'
import type { SearchIndex } from './search-index.ts'

/** Ids of evicted messages that are kept until their senders ask: ten rooms full, in about 2 MB. */
export const maxEvictedIds = 10_000

/** What taking a message out needs to know of it; the size of a text is read without the text. */
const deletedColumns = 'position, conversation, state, id, octet_length(text) AS size'

/** What one slice did; `next` is where the following slice begins, undefined at the end. */
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
      `SELECT ${deletedColumns} FROM message WHERE conversation = ? AND position <= ? ORDER BY position LIMIT ?`
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

  /** Deletes the oldest messages with a peer, up to a position. */
  forgetSlice(peer: string, upTo: number): DeletedSlice {
    const conversation = this.#conversations.find(peer)
    if (conversation === undefined) return { deleted: 0, next: undefined }
    const rows = this.#ofConversation.all(conversation.id, upTo, ROWS_PER_SLICE)
    for (const row of rows) this.#remove(row)
    return { deleted: rows.length, next: rows.length < ROWS_PER_SLICE ? undefined : 0 }
  }

  /** Looks at the messages after a position and deletes the old ones that wait for nothing. */
  retireSlice(after: number, storedBeforeMs: number): DeletedSlice {
    const last = this.#sliceEnd.get(after, ROWS_PER_SLICE)?.['last']
    if (typeof last !== 'number') return { deleted: 0, next: undefined }
    const rows = this.#old.all(after, last, storedBeforeMs)
    for (const row of rows) this.#remove(row)
    return { deleted: rows.length, next: last }
  }

  /** Deletes what is held of a peer; its ids go to those whose senders are still to be told. */
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
    // A stranger that was here for this alone leaves nothing else behind.
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
    this.#conversations.left(conversation, { position, bytes: readNumber(row, 'size') + MESSAGE_OVERHEAD_BYTES })
  }
}
