// Own messages and the outbox: the state of each, and which wait for a receipt. The methods are synchronous and belong in
// the store's transactions.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ConversationTable } from './conversation-table.ts'
import type { DeliveryState, LogPosition, NewOutgoing, OutboxEntry, OutgoingMessage } from '../message-store.ts'
import {
  fromKey,
  newMessageId,
  checksumOf,
  messageColumns,
  readNumber,
  readOutgoing,
  safeInteger,
  stateCode,
  toKey,
  sliceEnd,
  ROWS_PER_SLICE,
  type MessageInserts,
  type Row
} from './message-rows.ts'

/** SQLite's LIMIT for all rows. */
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
  readonly #waitingIds: StatementSync
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
    this.#waitingIds = database.prepare(
      'SELECT id, outbox FROM message WHERE conversation = ? AND outbox > ? ORDER BY outbox LIMIT ?'
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
    const { id } = conversation
    const most = Number.isFinite(limit) ? limit : noLimit
    const fresh = this.#freshOf(peer, this.#waitingIds.all(id, after, most))
    if (fresh.length === most) return fresh
    const rest = most === noLimit ? noLimit : most - fresh.length
    return [...fresh, ...this.#read(this.#waiting.all(id, fresh.at(-1)?.position ?? after, rest))]
  }

  /** @returns those that are remembered, up to the first that is not */
  #freshOf(peer: string, rows: readonly Row[]): readonly OutboxEntry[] {
    const entries: OutboxEntry[] = []
    for (const row of rows) {
      const fresh = this.#fresh.find(peer, fromKey(row['id']))
      if (fresh === undefined) break
      entries.push({ position: readNumber(row, 'outbox'), message: fresh.message })
    }
    return entries
  }

  #read(rows: readonly Row[]): readonly OutboxEntry[] {
    return rows.map((row) => {
      const message = readOutgoing(row)
      // It is about to be sent, and its receipt follows.
      if (message.state === 'pending') this.#fresh.add({ position: readNumber(row, 'position'), message })
      return { position: readNumber(row, 'outbox'), message }
    })
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
      isInOutbox(before.state) ? { ...before, state: 'failed', reason: cancelledReason } : undefined
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

  /** Numbers pending messages in the new log, in the order of the outbox. */
  startNewLog(peer: string, follows?: string): void {
    this.#fresh.clear()
    const { id, own, nextOutbox } = this.#conversations.startNewLog(peer, follows)
    let { seq } = own
    let after = 0
    for (;;) {
      const rows = this.#waiting.all(id, after, ROWS_PER_SLICE)
      for (const row of rows) {
        after = sliceEnd(after, readNumber(row, 'outbox'))
        const message = readOutgoing(row)
        if (message.state === 'pending') this.#renumber(row, message, { log: own.log, seq: ++seq })
      }
      if (rows.length < ROWS_PER_SLICE) break
    }
    this.#conversations.setOwn(id, seq, nextOutbox)
  }

  /** Must be called before rows are deleted. */
  onDeletion(): void {
    this.#fresh.clear()
  }

  /** Unchanged neighbours are updated by one statement. */
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

  /** Puts a message at the end of the outbox, where it waits anew; one of an earlier log gets a new number. */
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

/** The reason that a user sees beside a cancelled message. */
const cancelledReason = 'cancelled'

const rank: Record<DeliveryState, number> = { pending: 0, failed: 0, held: 1, unconfirmed: 2, delivered: 3 }

/** States only advance; failed ones may begin again. A held message may fail, since the peer may delete it. */
function mayMove(from: DeliveryState, to: DeliveryState): boolean {
  if (to === 'failed') return isInOutbox(from)
  return from !== to && rank[from] <= rank[to]
}

/** Whether a message in this state waits for its final receipt. */
function isInOutbox(state: DeliveryState): boolean {
  return state === 'pending' || state === 'held'
}

/**
 * The message in another state, without its former reason. Built field by field, as each delivered message is made three
 * times and a spread that omits a field takes ten times as long.
 */
function inState(message: OutgoingMessage, state: DeliveryState, reason?: string): OutgoingMessage {
  const { peer, id, log, seq, sentAtMs, storedAtMs, text, replyTo, files, seenAtMs } = message
  const fields = { direction: 'out' as const, peer, id, log, seq, sentAtMs, storedAtMs, text, state }
  if (replyTo === undefined && files === undefined && seenAtMs === undefined && reason === undefined) return fields
  return {
    ...fields,
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(files === undefined ? {} : { files }),
    ...(seenAtMs === undefined ? {} : { seenAtMs }),
    ...(reason === undefined ? {} : { reason })
  }
}

function pendingMessage(
  peer: string,
  { text, replyTo, files }: NewOutgoing,
  { id, log, seq, sentAtMs, storedAtMs }: Pick<OutgoingMessage, 'id' | 'log' | 'seq' | 'sentAtMs' | 'storedAtMs'>
): OutgoingMessage {
  const fields = { direction: 'out', peer, id, log, seq, sentAtMs, storedAtMs, text, state: 'pending' } as const
  if (replyTo === undefined && files === undefined) return fields
  return { ...fields, ...(replyTo === undefined ? {} : { replyTo }), ...(files === undefined ? {} : { files }) }
}

/** As many as a session may have without a receipt. */
const maxFreshMessages = 4096
/** As many messages of a kilobyte: what a session may have without a receipt, and three times as much that waits behind it. */
const maxFreshTextLength = 4 * 1024 * 1024

interface FreshMessage {
  readonly position: number
  readonly message: OutgoingMessage
}

/**
 * Own messages that were stored, or read to be sent, a moment ago and have not changed since: nearly every receipt is for
 * one of these, and its update needs no read; and most that is sent was just stored. A cache of the tables that may drop anything.
 */
class FreshMessages {
  /** By id, in the order of storing and reading. */
  readonly #messages = new Map<string, FreshMessage>()
  #textLength = 0

  /**
   * When there is no room, the oldest of another peer gives way, which may be away. Of the same peer the newcomer stays out:
   * receipts come in the order of sending, and it is read again before it is sent.
   */
  add(fresh: FreshMessage): void {
    const { id, peer, text } = fresh.message
    this.#remove(this.#messages.get(id))
    this.#messages.set(id, fresh)
    this.#textLength += text.length
    while (this.#isFull()) {
      const [oldest] = this.#messages.values()
      this.#remove(oldest?.message.peer === peer ? fresh : oldest)
    }
  }

  find(peer: string, id: string): FreshMessage | undefined {
    const fresh = this.#messages.get(id)
    return fresh?.message.peer === peer ? fresh : undefined
  }

  /** Takes a message out, as the caller is about to change it. A rolled-back change does no harm. */
  take(peer: string, id: string): FreshMessage | undefined {
    const fresh = this.find(peer, id)
    this.#remove(fresh)
    return fresh
  }

  clear(): void {
    this.#messages.clear()
    this.#textLength = 0
  }

  #isFull(): boolean {
    return this.#messages.size > maxFreshMessages || this.#textLength > maxFreshTextLength
  }

  #remove(fresh: FreshMessage | undefined): void {
    if (fresh === undefined || !this.#messages.delete(fresh.message.id)) return
    this.#textLength -= fresh.message.text.length
  }
}
