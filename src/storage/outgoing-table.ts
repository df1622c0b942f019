// Own messages and the outbox: where each stands and which wait for a receipt.
// Its methods are synchronous and belong into the store's transactions.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ConversationTable } from './conversation-table.ts'
import { CANCELLED_REASON, isInOutbox, mayMove } from './delivery-rank.ts'
import type { DeliveryState, LogPosition, NewOutgoing, OutboxEntry, OutgoingMessage } from './message-store.ts'
import { FreshMessages } from './fresh-messages.ts'
import { inState, pendingMessage } from './message-copies.ts'
import { newMessageId } from './message-id.ts'
import type { MessageInserts } from './message-inserts.ts'
import { checksumOf, messageColumns, readNumber, readOutgoing, safeInteger, stateCode, toKey } from './message-rows.ts'
import type { Row } from './message-rows.ts'
import { ROWS_PER_SLICE } from './slices.ts'

/** SQLite's way to say that there is no limit. */
const noLimit = -1

export class OutgoingTable {
  readonly #conversations: ConversationTable
  readonly #now: () => number
  readonly #fresh = new FreshMessages()
  readonly #inserts: MessageInserts
  readonly #find: StatementSync
  readonly #update: StatementSync
  readonly #deliverBetween: StatementSync
  readonly #waitAnew: StatementSync
  readonly #number: StatementSync
  readonly #waiting: StatementSync
  readonly #peersWithPending: StatementSync
  readonly #pendingBefore: StatementSync

  constructor(database: DatabaseSync, conversations: ConversationTable, inserts: MessageInserts, now: () => number) {
    const join = `FROM message m JOIN conversation c ON c.id = m.conversation`
    this.#conversations = conversations
    this.#now = now
    this.#inserts = inserts
    this.#find = database.prepare(
      `SELECT ${messageColumns} FROM conversation c
        CROSS JOIN seen s ON s.conversation = c.id AND s.incoming = 0 AND s.id = ?
        CROSS JOIN message m ON m.position = s.position WHERE c.peer = ?`
    )
    this.#update = database.prepare(
      'UPDATE message SET state = ?, reason = ?, seen_at = ?, outbox = ? WHERE position = ?'
    )
    this.#deliverBetween = database.prepare(
      'UPDATE message SET state = ?, reason = NULL, seen_at = NULL, outbox = NULL WHERE position BETWEEN ? AND ?'
    )
    this.#waitAnew = database.prepare('UPDATE message SET waits_since = ? WHERE position = ?')
    this.#number = database.prepare('UPDATE message SET log = ?, seq = ?, checksum = ? WHERE position = ?')
    this.#waiting = database.prepare(
      `SELECT ${messageColumns} FROM message m JOIN conversation c ON c.id = m.conversation
        WHERE m.conversation = ? AND m.outbox > ? ORDER BY m.outbox LIMIT ?`
    )
    this.#peersWithPending = database.prepare(
      `SELECT peer FROM conversation c WHERE EXISTS (
        SELECT 1 FROM message m WHERE m.conversation = c.id AND m.outbox IS NOT NULL AND m.state = 0)`
    )
    this.#pendingBefore = database.prepare(
      `SELECT ${messageColumns} ${join} WHERE m.outbox IS NOT NULL AND m.state = 0
        AND coalesce(m.waits_since, m.stored_at) < ? LIMIT ?`
    )
  }

  add(peer: string, messages: readonly NewOutgoing[], leave: boolean): readonly OutboxEntry[] {
    const { id: conversation, own, nextOutbox } = this.#conversations.ensure(peer)
    const { log } = own
    const storedAtMs = safeInteger(this.#now())
    const rows = messages.map((init, index) => {
      const seq = own.seq + 1 + index
      const sentAtMs = safeInteger(init.sentAtMs)
      const message = pendingMessage(peer, init, {
        id: init.id ?? newMessageId(storedAtMs),
        log,
        seq,
        sentAtMs,
        storedAtMs
      })
      return { message, code: stateCode.pending, place: nextOutbox + index }
    })
    let position = this.#inserts.add(conversation, rows)
    for (const { message } of rows) this.#fresh.add({ position: position++, message })
    const seq = own.seq + rows.length
    this.#conversations.setOwn(conversation, seq, nextOutbox + rows.length)
    if (leave) this.#conversations.setSent(conversation, seq)
    return rows.map(({ message, place }) => ({ position: place, message }))
  }

  find(peer: string, id: string): OutgoingMessage | undefined {
    const row = this.#find.get(toKey(id), peer)
    return row === undefined ? undefined : readOutgoing(row)
  }

  unreceipted(peer: string, { after = 0, limit }: { after?: number; limit: number }): readonly OutboxEntry[] {
    const conversation = this.#conversations.find(peer)
    if (conversation === undefined) return []
    const rows = this.#waiting.all(conversation.id, after, Number.isFinite(limit) ? limit : noLimit)
    return rows.map((row) => ({ position: readNumber(row, 'outbox'), message: readOutgoing(row) }))
  }

  peersWithPending(): readonly string[] {
    return this.#peersWithPending.all().map(({ peer }) => String(peer))
  }

  move(peer: string, ids: readonly string[], state: DeliveryState, reason?: string): readonly OutgoingMessage[] {
    if (state === 'delivered' && reason === undefined) return this.#deliver(peer, ids)
    return this.#change(peer, ids, (before) =>
      mayMove(before.state, state) ? inState(before, state, reason) : undefined
    )
  }

  see(peer: string, ids: readonly string[], seenAtMs: number): readonly OutgoingMessage[] {
    return this.#change(peer, ids, (before) =>
      before.seenAtMs === undefined ? { ...inState(before, 'delivered'), seenAtMs: safeInteger(seenAtMs) } : undefined
    )
  }

  retry(peer: string, ids: readonly string[]): readonly OutgoingMessage[] {
    return this.#change(peer, ids, (before) => (before.state === 'failed' ? inState(before, 'pending') : undefined))
  }

  cancel(peer: string, ids: readonly string[]): readonly OutgoingMessage[] {
    return this.#change(peer, ids, (before) =>
      isInOutbox(before.state) ? { ...before, state: 'failed', reason: CANCELLED_REASON } : undefined
    )
  }

  failPending(options: { waitingBeforeMs: number; reason: string; limit: number }): readonly OutgoingMessage[] {
    this.#fresh.clear()
    return this.#pendingBefore.all(options.waitingBeforeMs, options.limit).map((row) => {
      const after: OutgoingMessage = { ...readOutgoing(row), state: 'failed', reason: options.reason }
      this.#write(row, after, null)
      return after
    })
  }

  /** What is pending goes out under numbers of the new log, in the order in which it waits. */
  startNewLog(peer: string, follows?: string): void {
    this.#fresh.clear()
    const { id, own, nextOutbox } = this.#conversations.startNewLog(peer, follows)
    let { seq } = own
    let after = 0
    for (;;) {
      const rows = this.#waiting.all(id, after, ROWS_PER_SLICE)
      for (const row of rows) {
        after = readNumber(row, 'outbox')
        const message = readOutgoing(row)
        if (message.state === 'pending') this.#renumber(row, message, { log: own.log, seq: ++seq })
      }
      if (rows.length < ROWS_PER_SLICE) break
    }
    this.#conversations.setOwn(id, seq, nextOutbox)
  }

  /** Rows are being taken out of the history. */
  onDeletion(): void {
    this.#fresh.clear()
  }

  /** Neighbours that are as they were stored are written together. */
  #deliver(peer: string, ids: readonly string[]): readonly OutgoingMessage[] {
    const delivered: OutgoingMessage[] = []
    const others: string[] = []
    let [first, last] = [0, -1]
    const write = (): void => {
      if (last >= first) this.#deliverBetween.run(stateCode.delivered, first, last)
    }
    for (const id of ids) {
      const fresh = this.#fresh.take(peer, id)
      if (fresh === undefined) {
        others.push(id)
        continue
      }
      if (fresh.position !== last + 1) {
        write()
        first = fresh.position
      }
      last = fresh.position
      delivered.push(inState(fresh.message, 'delivered'))
    }
    write()
    const changed = this.#change(peer, others, (before) =>
      mayMove(before.state, 'delivered') ? inState(before, 'delivered') : undefined
    )
    return changed.length === 0 ? delivered : [...delivered, ...changed]
  }

  #change(
    peer: string,
    ids: readonly string[],
    change: (before: OutgoingMessage) => OutgoingMessage | undefined
  ): readonly OutgoingMessage[] {
    const changed: OutgoingMessage[] = []
    for (const id of ids) {
      this.#fresh.take(peer, id)
      const row = this.#find.get(toKey(id), peer)
      if (row === undefined) continue
      const before = readOutgoing(row)
      const after = change(before)
      if (after === undefined) continue
      if (isInOutbox(after.state) && !isInOutbox(before.state)) changed.push(this.#rejoin(row, after))
      else {
        this.#write(row, after, isInOutbox(after.state) ? readNumber(row, 'outbox') : null)
        changed.push(after)
      }
    }
    return changed
  }

  /** A message that comes back goes to the outbox's end, and waits anew. A number of an earlier log is not sent again. */
  #rejoin(row: Row, message: OutgoingMessage): OutgoingMessage {
    const { id, own, nextOutbox } = this.#conversations.ensure(message.peer)
    const isOfThisLog = message.log === own.log
    const place = isOfThisLog ? message : { ...message, log: own.log, seq: own.seq + 1 }
    if (!isOfThisLog) this.#renumber(row, message, place)
    this.#conversations.setOwn(id, isOfThisLog ? own.seq : place.seq, nextOutbox + 1)
    this.#write(row, place, nextOutbox)
    this.#waitAnew.run(safeInteger(this.#now()), readNumber(row, 'position'))
    return place
  }

  #renumber(row: Row, message: OutgoingMessage, { log, seq }: LogPosition): void {
    const checksum = checksumOf({ ...message, log, seq }, readNumber(row, 'conversation'))
    this.#number.run(toKey(log), seq, checksum, readNumber(row, 'position'))
  }

  #write(row: Row, { state, reason, seenAtMs }: OutgoingMessage, place: number | null): void {
    this.#update.run(stateCode[state], reason ?? null, seenAtMs ?? null, place, readNumber(row, 'position'))
  }
}
