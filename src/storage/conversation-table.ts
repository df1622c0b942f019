// The conversations' own rows: the counters of both logs and of the outbox, and
// the read mark. It knows no message.
import { randomBytes } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { LogPosition } from './message-store.ts'
import { fromKey, readNumber, toKey } from './message-rows.ts'

export interface ConversationRow {
  readonly id: number
  readonly own: LogPosition
  readonly theirs: LogPosition | undefined
  /** The place that the next message in the outbox gets. */
  readonly nextOutbox: number
}

export class ConversationTable {
  readonly #find: StatementSync
  readonly #insert: StatementSync
  readonly #setOwn: StatementSync
  readonly #received: StatementSync
  readonly #setNextOutbox: StatementSync
  readonly #markRead: StatementSync
  readonly #unread: StatementSync
  readonly #newLog: () => string

  constructor(database: DatabaseSync) {
    this.#newLog = () => randomBytes(8).toString('hex')
    this.#find = database.prepare('SELECT * FROM conversation WHERE peer = ?')
    this.#insert = database.prepare(
      'INSERT INTO conversation (peer, own_log, own_seq, next_outbox, read_up_to, unread) VALUES (?, ?, 0, 1, 0, 0)'
    )
    this.#setOwn = database.prepare('UPDATE conversation SET own_log = ?, own_seq = ?, next_outbox = ? WHERE id = ?')
    this.#received = database.prepare(
      'UPDATE conversation SET their_log = ?, their_seq = ?, unread = unread + ? WHERE id = ?'
    )
    this.#setNextOutbox = database.prepare('UPDATE conversation SET next_outbox = ? WHERE id = ?')
    this.#markRead = database.prepare(
      `UPDATE conversation SET unread = 0, read_up_to =
        max(read_up_to, coalesce((SELECT max(position) FROM message WHERE conversation = conversation.id), 0))
        WHERE peer = ?`
    )
    this.#unread = database.prepare('SELECT unread FROM conversation WHERE peer = ?')
  }

  find(peer: string): ConversationRow | undefined {
    const row = this.#find.get(peer)
    if (row === undefined) return undefined
    return {
      id: readNumber(row, 'id'),
      own: { log: fromKey(row['own_log']), seq: readNumber(row, 'own_seq') },
      theirs:
        row['their_log'] === null ? undefined : { log: fromKey(row['their_log']), seq: readNumber(row, 'their_seq') },
      nextOutbox: readNumber(row, 'next_outbox')
    }
  }

  /** Makes the row when it isn't there: in a transaction only. */
  ensure(peer: string): ConversationRow {
    const present = this.find(peer)
    if (present !== undefined) return present
    const own = { log: this.#newLog(), seq: 0 }
    const { lastInsertRowid } = this.#insert.run(peer, toKey(own.log))
    return { id: Number(lastInsertRowid), own, theirs: undefined, nextOutbox: 1 }
  }

  setOwn({ id, nextOutbox }: ConversationRow, own: LogPosition): void {
    this.#setOwn.run(toKey(own.log), own.seq, nextOutbox, id)
  }

  /** So many new messages have come, and this is where the sender's log stands now. */
  received(id: number, count: number, theirs: LogPosition): void {
    this.#received.run(toKey(theirs.log), theirs.seq, count, id)
  }

  setNextOutbox(id: number, nextOutbox: number): void {
    this.#setNextOutbox.run(nextOutbox, id)
  }

  startNewLog(peer: string): void {
    this.setOwn(this.ensure(peer), { log: this.#newLog(), seq: 0 })
  }

  markRead(peer: string): void {
    this.#markRead.run(peer)
  }

  unread(peer: string): number {
    return readNumber(this.#unread.get(peer) ?? { unread: 0 }, 'unread')
  }
}
