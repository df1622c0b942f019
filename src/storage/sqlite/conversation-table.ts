// The row of each conversation: the counters of both logs and of the outbox, and the read mark. It knows no messages.
import { randomBytes } from 'node:crypto'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { IncomingUse, LogPosition, OwnPosition } from '../message-store.ts'
import { fromKey, readNumber, toKey, type Row } from './message-rows.ts'

export interface ConversationRow {
  readonly id: number
  readonly own: OwnPosition
  readonly theirs: LogPosition | undefined
  /** The place that the next message in the outbox gets. */
  readonly nextOutbox: number
  /** The disk space of its incoming messages. */
  readonly incomingBytes: number
}

export class ConversationTable {
  readonly #find: StatementSync
  readonly #peers: StatementSync
  readonly #insert: StatementSync
  readonly #setOwn: StatementSync
  readonly #startLog: StatementSync
  readonly #sent: StatementSync
  readonly #received: StatementSync
  readonly #markRead: StatementSync
  readonly #unread: StatementSync
  readonly #left: StatementSync
  readonly #nameSender: StatementSync
  readonly #removeEmpty: StatementSync
  readonly #largest: StatementSync
  readonly #newLog: () => string

  constructor(database: DatabaseSync) {
    this.#newLog = () => randomBytes(8).toString('hex')
    this.#find = database.prepare('SELECT * FROM conversation WHERE peer = ?')
    this.#peers = database.prepare('SELECT peer FROM conversation')
    this.#insert = database.prepare(
      `INSERT INTO conversation (peer, own_log, own_seq, own_sent, next_outbox, read_up_to, unread)
        VALUES (?, ?, 0, 0, 1, 0, 0)`
    )
    this.#setOwn = database.prepare('UPDATE conversation SET own_seq = ?, next_outbox = ? WHERE id = ?')
    this.#startLog = database.prepare(
      'UPDATE conversation SET own_log = ?, own_follows = ?, own_seq = 0, own_sent = 0 WHERE id = ?'
    )
    this.#sent = database.prepare('UPDATE conversation SET own_sent = ? WHERE id = ?')
    this.#received = database.prepare(
      `UPDATE conversation SET their_log = ?, their_seq = ?, unread = unread + ?, incoming_bytes = incoming_bytes + ?
        WHERE id = ?`
    )
    this.#markRead = database.prepare(
      `UPDATE conversation SET unread = 0, read_up_to =
        max(read_up_to, coalesce((SELECT max(position) FROM message WHERE conversation = conversation.id), 0))
        WHERE peer = ?`
    )
    this.#unread = database.prepare('SELECT unread FROM conversation WHERE peer = ?')
    this.#left = database.prepare(
      `UPDATE conversation SET incoming_bytes = max(0, incoming_bytes - ?),
        unread = unread - (read_up_to < ? AND unread > 0) WHERE id = ?`
    )
    this.#nameSender = database.prepare('UPDATE conversation SET sender_name = ? WHERE id = ?')
    this.#removeEmpty = database.prepare(
      `DELETE FROM conversation WHERE id = ? AND own_seq = 0 AND next_outbox = 1
        AND NOT EXISTS (SELECT 1 FROM message WHERE message.conversation = conversation.id)
        AND NOT EXISTS (SELECT 1 FROM seen WHERE seen.conversation = conversation.id)`
    )
    this.#largest = database.prepare(
      `SELECT peer, incoming_bytes FROM conversation WHERE incoming_bytes > 0
        ORDER BY incoming_bytes DESC LIMIT ?`
    )
  }

  find(peer: string): ConversationRow | undefined {
    const row = this.#find.get(peer)
    if (row === undefined) return undefined
    return {
      id: readNumber(row, 'id'),
      own: ownPosition(row),
      theirs:
        row['their_log'] === null ? undefined : { log: fromKey(row['their_log']), seq: readNumber(row, 'their_seq') },
      nextOutbox: readNumber(row, 'next_outbox'),
      incomingBytes: readNumber(row, 'incoming_bytes')
    }
  }

  /** The peers of all rows. */
  peers(): readonly string[] {
    return this.#peers.all().map(({ peer }) => String(peer))
  }

  /** Adds the row if it is missing: in a transaction only. */
  ensure(peer: string): ConversationRow {
    const present = this.find(peer)
    if (present !== undefined) return present
    const own = { log: this.#newLog(), seq: 0, sentSeq: 0 }
    const { lastInsertRowid } = this.#insert.run(peer, toKey(own.log))
    return { id: Number(lastInsertRowid), own, theirs: undefined, nextOutbox: 1, incomingBytes: 0 }
  }

  /** Sets the last number of our log and the next place in the outbox. */
  setOwn(id: number, seq: number, nextOutbox: number): void {
    this.#setOwn.run(seq, nextOutbox, id)
  }

  /** Sets the last number of our log that may have been sent. */
  setSent(id: number, seq: number): void {
    this.#sent.run(seq, id)
  }

  noteSent(peer: string, positions: readonly LogPosition[]): void {
    const conversation = this.find(peer)
    if (conversation !== undefined) this.setSent(conversation.id, reachedIn(conversation.own, positions))
  }

  /** Whether {@link noteSent} would change nothing. */
  isNoted(peer: string, positions: readonly LogPosition[]): boolean {
    const own = this.find(peer)?.own
    return own === undefined || reachedIn(own, positions) === own.sentSeq
  }

  /** Counts new messages, and sets the end of the sender's log. */
  received(id: number, { count, bytes }: { count: number; bytes: number }, theirs: LogPosition): void {
    this.#received.run(toKey(theirs.log), theirs.seq, count, bytes, id)
  }

  /** Uncounts an incoming message that is being deleted. */
  left(id: number, { position, bytes }: { position: number; bytes: number }): void {
    this.#left.run(bytes, position, id)
  }

  /** Sets what the sender of held messages calls itself; null when none are held. */
  nameSender(id: number, name: string | null): void {
    this.#nameSender.run(name, id)
  }

  /** Removes the row if nothing was ever written to the peer and nothing of it is stored. */
  removeEmpty(id: number): void {
    this.#removeEmpty.run(id)
  }

  /** The peers whose incoming messages take most, largest first. */
  largest(limit: number): readonly IncomingUse[] {
    return this.#largest.all(limit).map((row) => ({
      peer: String(row['peer']),
      bytes: readNumber(row, 'incoming_bytes')
    }))
  }

  /** @returns the conversation with its new, empty log */
  startNewLog(peer: string, follows?: string): ConversationRow {
    const conversation = this.ensure(peer)
    const own = { log: this.#newLog(), seq: 0, sentSeq: 0, ...(follows === undefined ? {} : { follows }) }
    this.#startLog.run(toKey(own.log), follows === undefined ? null : toKey(follows), conversation.id)
    return { ...conversation, own }
  }

  markRead(peer: string): void {
    this.#markRead.run(peer)
  }

  unread(peer: string): number {
    return readNumber(this.#unread.get(peer) ?? { unread: 0 }, 'unread')
  }
}

function ownPosition(row: Row): OwnPosition {
  const position = {
    log: fromKey(row['own_log']),
    seq: readNumber(row, 'own_seq'),
    sentSeq: readNumber(row, 'own_sent')
  }
  return row['own_follows'] === null ? position : { ...position, follows: fromKey(row['own_follows']) }
}

/** The highest number that may have been sent once these are; earlier logs don't count. */
function reachedIn({ log, sentSeq }: OwnPosition, sent: readonly LogPosition[]): number {
  let highest = sentSeq
  for (const position of sent) if (position.log === log && position.seq > highest) highest = position.seq
  return highest
}
