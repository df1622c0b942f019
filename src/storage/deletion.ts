// Taking messages out of the history for good, a slice at a time. Ids of incoming
// messages stay known, with the state that each left in.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ROWS_PER_SLICE } from './slices.ts'
import type { ConversationTable } from './conversation-table.ts'
import { readNumber, stateCode } from './message-rows.ts'
import type { Row } from './message-rows.ts'
import type { SearchIndex } from './search-index.ts'

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
  readonly #notUnread: StatementSync
  readonly #newest: StatementSync

  constructor(database: DatabaseSync, conversations: ConversationTable, search: SearchIndex) {
    this.#conversations = conversations
    this.#search = search
    this.#ofConversation = database.prepare(
      `SELECT position, conversation, state, id FROM message WHERE conversation = ? AND position <= ?
        ORDER BY position LIMIT ?`
    )
    this.#sliceEnd = database.prepare(
      'SELECT max(position) AS last FROM (SELECT position FROM message WHERE position > ? ORDER BY position LIMIT ?)'
    )
    this.#old = database.prepare(
      `SELECT position, conversation, state, id FROM message WHERE position > ? AND position <= ?
        AND stored_at < ? AND outbox IS NULL AND state < 11`
    )
    this.#delete = database.prepare('DELETE FROM message WHERE position = ?')
    this.#leave = database.prepare('UPDATE seen SET left_state = ? WHERE conversation = ? AND incoming = 1 AND id = ?')
    this.#notUnread = database.prepare(
      'UPDATE conversation SET unread = unread - 1 WHERE id = ? AND read_up_to < ? AND unread > 0'
    )
    this.#forgetOwnId = database.prepare('DELETE FROM seen WHERE conversation = ? AND incoming = 0 AND id = ?')
    this.#newest = database.prepare('SELECT max(position) AS newest FROM message')
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
    this.#notUnread.run(conversation, position)
  }
}
