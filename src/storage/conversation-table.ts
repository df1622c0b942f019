// The conversations' own rows: the counters of both logs and of the outbox, and
// the read mark. It knows no message.
import { randomBytes } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { LogPosition, OwnPosition } from './message-store.ts'
import { fromKey, readNumber, toKey } from './message-rows.ts'
import { reachedIn } from './own-position.ts'

export interface ConversationRow {
  readonly id: number
  readonly own: OwnPosition
  readonly theirs: LogPosition | undefined
  /** The place that the next message in the outbox gets. */
  readonly nextOutbox: number
}

export class ConversationTable {
  readonly #find: StatementSync
  readonly #insert: StatementSync
  readonly #setOwn: StatementSync
  readonly #startLog: StatementSync
  readonly #sent: StatementSync
  readonly #received: StatementSync
  readonly #markRead: StatementSync
  readonly #unread: StatementSync
  readonly #newLog: () => string

  constructor(database: DatabaseSync) {
    this.#newLog = () => randomBytes(8).toString('hex')
    this.#find = database.prepare('SELECT * FROM conversation WHERE peer = ?')
    this.#insert = database.prepare(
      `INSERT INTO conversation (peer, own_log, own_seq, own_sent, next_outbox, read_up_to, unread)
        VALUES (?, ?, 0, 0, 1, 0, 0)`
    )
    this.#setOwn = database.prepare('UPDATE conversation SET own_seq = ?, next_outbox = ? WHERE id = ?')
    this.#startLog = database.prepare('UPDATE conversation SET own_log = ?, own_seq = 0, own_sent = 0 WHERE id = ?')
    this.#sent = database.prepare('UPDATE conversation SET own_sent = ? WHERE id = ?')
    this.#received = database.prepare(
      'UPDATE conversation SET their_log = ?, their_seq = ?, unread = unread + ? WHERE id = ?'
    )
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
      own: { log: fromKey(row['own_log']), seq: readNumber(row, 'own_seq'), sentSeq: readNumber(row, 'own_sent') },
      theirs:
        row['their_log'] === null ? undefined : { log: fromKey(row['their_log']), seq: readNumber(row, 'their_seq') },
      nextOutbox: readNumber(row, 'next_outbox')
    }
  }

  /** Makes the row when it isn't there: in a transaction only. */
  ensure(peer: string): ConversationRow {
    const present = this.find(peer)
    if (present !== undefined) return present
    const own = { log: this.#newLog(), seq: 0, sentSeq: 0 }
    const { lastInsertRowid } = this.#insert.run(peer, toKey(own.log))
    return { id: Number(lastInsertRowid), own, theirs: undefined, nextOutbox: 1 }
  }

  /** So far our log and the outbox have come. */
  setOwn(id: number, seq: number, nextOutbox: number): void {
    this.#setOwn.run(seq, nextOutbox, id)
  }

  /** So far our log may have been sent. */
  setSent(id: number, seq: number): void {
    this.#sent.run(seq, id)
  }

  noteSent(peer: string, positions: readonly LogPosition[]): void {
    const conversation = this.find(peer)
    if (conversation !== undefined) this.setSent(conversation.id, reachedIn(conversation.own, positions))
  }

  /** Whether it is known that these may have been sent. */
  isNoted(peer: string, positions: readonly LogPosition[]): boolean {
    const own = this.find(peer)?.own
    return own === undefined || reachedIn(own, positions) === own.sentSeq
  }

  /** So many new messages have come, and this is where the sender's log stands now. */
  received(id: number, count: number, theirs: LogPosition): void {
    this.#received.run(toKey(theirs.log), theirs.seq, count, id)
  }

  /** @returns the conversation with its new log, in which nothing is numbered yet */
  startNewLog(peer: string): ConversationRow {
    const conversation = this.ensure(peer)
    const own = { log: this.#newLog(), seq: 0, sentSeq: 0 }
    this.#startLog.run(toKey(own.log), conversation.id)
    return { ...conversation, own }
  }

  markRead(peer: string): void {
    this.#markRead.run(peer)
  }

  unread(peer: string): number {
    return readNumber(this.#unread.get(peer) ?? { unread: 0 }, 'unread')
  }
}
