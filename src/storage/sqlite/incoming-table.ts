// Incoming messages: each is stored once for good, and those of strangers wait as requests. The methods are synchronous
// and belong in the store's transactions.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ConversationTable } from './conversation-table.ts'
import type {
  Arrival,
  ArrivalState,
  HeldMessage,
  HeldRequest,
  IncomingMessage,
  IncomingResult,
  NewIncoming
} from '../message-store.ts'
import {
  arrivalState,
  isMessageId,
  messageColumns,
  readIncoming,
  readNumber,
  safeInteger,
  stateCode,
  toKey,
  type MessageInserts,
  type NewRow
} from './message-rows.ts'
import { messageBytes } from './schema.ts'

export class IncomingTable {
  readonly #conversations: ConversationTable
  readonly #findSeen: StatementSync
  readonly #anyBetween: StatementSync
  readonly #byPosition: StatementSync
  readonly #inserts: MessageInserts
  readonly #heldOf: StatementSync
  readonly #accept: StatementSync
  readonly #newestHeld: StatementSync
  readonly #heldMessages: StatementSync
  readonly #setOrigin: StatementSync
  readonly #forgetEvicted: StatementSync

  constructor(database: DatabaseSync, conversations: ConversationTable, inserts: MessageInserts) {
    const join = `FROM message m JOIN conversation c ON c.id = m.conversation`
    this.#conversations = conversations
    this.#findSeen = database.prepare(
      'SELECT position, left_state FROM seen WHERE conversation = ? AND incoming = 1 AND id = ?'
    )
    this.#anyBetween = database.prepare(
      'SELECT 1 FROM seen WHERE conversation = ? AND incoming = 1 AND id BETWEEN ? AND ? LIMIT 1'
    )
    this.#byPosition = database.prepare(`SELECT ${messageColumns} ${join} WHERE m.position = ?`)
    this.#inserts = inserts
    this.#heldOf = database.prepare(
      `SELECT ${messageColumns} ${join} WHERE c.peer = ? AND m.state >= 11 ORDER BY m.position`
    )
    this.#accept = database.prepare('UPDATE message SET state = ?, origin = NULL WHERE position = ?')
    this.#setOrigin = database.prepare('UPDATE message SET origin = ? WHERE position BETWEEN ? AND ?')
    this.#forgetEvicted = database.prepare('DELETE FROM evicted WHERE peer = ?')
    this.#newestHeld = database.prepare(
      `SELECT peer, sender_name, stored_at, substr(text, 1, ?) AS text
        FROM (SELECT max(position) AS newest FROM message WHERE state >= 11 GROUP BY conversation)
        CROSS JOIN message m ON m.position = newest JOIN conversation c ON c.id = m.conversation
        ORDER BY m.stored_at DESC, m.position DESC`
    )
    this.#heldMessages = database.prepare(
      `SELECT peer, state, origin FROM message m INDEXED BY message_held CROSS JOIN conversation c ON c.id = m.conversation
        WHERE m.state >= 11 ORDER BY m.position`
    )
  }

  add(peer: string, messages: readonly NewIncoming[], arrival: Arrival): readonly IncomingResult[] {
    if (messages.length === 0) return []
    const { maxIncomingBytes = Infinity } = arrival
    const { id: conversation, theirs, incomingBytes } = this.#conversations.ensure(peer)
    const areNew = this.#areNew(conversation, messages)
    const code = arrival.state === 'accepted' ? stateCode.accepted : heldCode(arrival.lan)
    const rows: NewRow[] = []
    let reached = theirs
    let fresh = 0
    let bytes = 0
    const results = messages.map((incoming): IncomingResult => {
      const message = incomingMessage(peer, withSafeNumbers(incoming), safeInteger(arrival.storedAtMs), arrival.state)
      const known = areNew ? undefined : this.#known(conversation, message)
      if (known !== undefined) return { message: known, known: true }
      if (incomingBytes + bytes >= maxIncomingBytes) return { message, known: false, refused: 'over-quota' }
      const { log, seq } = message
      if (reached?.log !== log || reached.seq < seq) reached = { log, seq }
      fresh++
      bytes += messageBytes(message)
      rows.push({ message, code, place: null })
      // The batch may hold a message twice: the second must find the first.
      if (!areNew) this.#insert(conversation, rows.splice(0), arrival)
      return { message, known: false }
    })
    this.#insert(conversation, rows, arrival)
    const { state, senderName } = arrival
    if (state === 'held' && senderName !== undefined && fresh > 0) {
      this.#conversations.nameSender(conversation, senderName)
    }
    if (reached !== undefined && fresh > 0) this.#conversations.received(conversation, { count: fresh, bytes }, reached)
    return results
  }

  #insert(conversation: number, rows: readonly NewRow[], { state, origin }: Arrival): void {
    const first = this.#inserts.add(conversation, rows)
    if (state === 'held' && origin !== undefined && rows.length > 0) {
      this.#setOrigin.run(origin, first, first + rows.length - 1)
    }
  }

  /**
   * Whether all of these are new, by one query: ids of one batch are neighbours, and no known id lies between those of new
   * messages. False means that each must be looked up.
   */
  #areNew(conversation: number, messages: readonly NewIncoming[]): boolean {
    const ids = new Set<string>()
    let [least, most] = ['g', '']
    for (const { id } of messages) {
      if (!isMessageId(id)) return false
      ids.add(id)
      if (id < least) least = id
      if (id > most) most = id
    }
    if (ids.size < messages.length) return false
    return this.#anyBetween.get(conversation, toKey(least), toKey(most)) === undefined
  }

  /** The stored message with this id, or this one in the state in which it was deleted. */
  #known(conversation: number, message: IncomingMessage): IncomingMessage | undefined {
    const seen = this.#findSeen.get(conversation, toKey(message.id))
    if (seen === undefined) return undefined
    const row = this.#byPosition.get(readNumber(seen, 'position'))
    if (row !== undefined) return readIncoming(row)
    const state = seen['left_state'] === null ? 'accepted' : arrivalState(readNumber(seen, 'left_state'))
    return { ...message, state }
  }

  known(peer: string, ids: readonly string[]): ReadonlySet<string> {
    const conversation = this.#conversations.find(peer)
    if (conversation === undefined) return new Set()
    return new Set(ids.filter((id) => this.#findSeen.get(conversation.id, toKey(id)) !== undefined))
  }

  acceptHeld(peer: string): readonly IncomingMessage[] {
    // Messages that the peer sends again from now on are wanted.
    this.#forgetEvicted.run(peer)
    const conversation = this.#conversations.find(peer)
    if (conversation !== undefined) this.#conversations.nameSender(conversation.id, null)
    return this.#heldOf.all(peer).map((row) => {
      const message = readIncoming(row)
      this.#accept.run(stateCode.accepted, readNumber(row, 'position'))
      return { ...message, state: 'accepted' }
    })
  }

  held({ textLength }: { textLength: number }): readonly HeldRequest[] {
    return this.#newestHeld.all(textLength).map((row) => ({
      peer: String(row['peer']),
      ...(row['sender_name'] === null ? {} : { senderName: String(row['sender_name']) }),
      storedAtMs: readNumber(row, 'stored_at'),
      text: String(row['text'])
    }))
  }

  nameSender(peer: string, name: string): void {
    const conversation = this.#conversations.find(peer)
    if (conversation !== undefined && this.#heldOf.get(peer) !== undefined) {
      this.#conversations.nameSender(conversation.id, name)
    }
  }

  heldMessages(): readonly HeldMessage[] {
    return this.#heldMessages.all().map((row) => ({
      peer: String(row['peer']),
      lan: readNumber(row, 'state') === stateCode.heldFromLan,
      ...(row['origin'] === null ? {} : { origin: String(row['origin']) })
    }))
  }
}

function withSafeNumbers(incoming: NewIncoming): NewIncoming {
  const seq = safeInteger(incoming.seq)
  const sentAtMs = safeInteger(incoming.sentAtMs)
  return seq === incoming.seq && sentAtMs === incoming.sentAtMs ? incoming : { ...incoming, seq, sentAtMs }
}

function heldCode(lan: boolean): number {
  return lan ? stateCode.heldFromLan : stateCode.heldFromElsewhere
}

function incomingMessage(
  peer: string,
  { id, log, seq, sentAtMs, text, replyTo, files }: NewIncoming,
  storedAtMs: number,
  state: ArrivalState
): IncomingMessage {
  const fields = { direction: 'in' as const, peer, id, log, seq, sentAtMs, storedAtMs, text, state }
  if (replyTo === undefined && files === undefined) return fields
  return { ...fields, ...(replyTo === undefined ? {} : { replyTo }), ...(files === undefined ? {} : { files }) }
}
