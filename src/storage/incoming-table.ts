// Messages of others: each is stored once for good, and a stranger's wait as
// requests. Its methods are synchronous and belong into the store's transactions.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ConversationTable } from './conversation-table.ts'
import type { ArrivalState, HeldCounts, IncomingMessage, IncomingResult, NewIncoming } from './message-store.ts'
import {
  arrivalState,
  checksumOf,
  messageColumns,
  readIncoming,
  readNumber,
  safeInteger,
  stateCode,
  toKey
} from './message-rows.ts'

export interface Arrival {
  readonly state: ArrivalState
  readonly lan: boolean
  readonly storedAtMs: number
}

export class IncomingTable {
  readonly #conversations: ConversationTable
  readonly #findSeen: StatementSync
  readonly #byPosition: StatementSync
  readonly #insert: StatementSync
  readonly #insertSeen: StatementSync
  readonly #heldOf: StatementSync
  readonly #accept: StatementSync
  readonly #newestHeld: StatementSync
  readonly #heldCounts: StatementSync

  constructor(database: DatabaseSync, conversations: ConversationTable) {
    const join = `FROM message m JOIN conversation c ON c.id = m.conversation`
    this.#conversations = conversations
    this.#findSeen = database.prepare(
      'SELECT position, left_state FROM seen WHERE conversation = ? AND incoming = 1 AND id = ?'
    )
    this.#byPosition = database.prepare(`SELECT ${messageColumns} ${join} WHERE m.position = ?`)
    this.#insert = database.prepare(
      `INSERT INTO message (conversation, state, id, log, seq, sent_at, stored_at, text, reply_to, checksum)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
    )
    this.#insertSeen = database.prepare('INSERT INTO seen (conversation, incoming, id, position) VALUES (?, 1, ?, ?)')
    this.#heldOf = database.prepare(
      `SELECT ${messageColumns} ${join} WHERE c.peer = ? AND m.state >= 11 ORDER BY m.position`
    )
    this.#accept = database.prepare('UPDATE message SET state = ? WHERE position = ?')
    this.#newestHeld = database.prepare(
      `SELECT ${messageColumns} FROM (SELECT max(position) AS newest FROM message WHERE state >= 11 GROUP BY conversation)
        CROSS JOIN message m ON m.position = newest JOIN conversation c ON c.id = m.conversation
        ORDER BY m.stored_at DESC, m.position DESC`
    )
    this.#heldCounts = database.prepare(
      `SELECT count(*) AS total, coalesce(sum(state = 12), 0) AS lan, coalesce(sum(conversation = ?), 0) AS fromPeer
        FROM message WHERE state >= 11`
    )
  }

  add(peer: string, messages: readonly NewIncoming[], arrival: Arrival): readonly IncomingResult[] {
    if (messages.length === 0) return []
    const { id: conversation, theirs } = this.#conversations.ensure(peer)
    let reached = theirs
    let fresh = 0
    const results = messages.map((incoming): IncomingResult => {
      const fields = { ...incoming, seq: safeInteger(incoming.seq), sentAtMs: safeInteger(incoming.sentAtMs) }
      const seen = this.#findSeen.get(conversation, toKey(incoming.id))
      if (seen !== undefined) {
        const row = this.#byPosition.get(readNumber(seen, 'position'))
        if (row !== undefined) return { message: readIncoming(row), known: true }
        const { storedAtMs } = arrival
        const state = seen['left_state'] === null ? 'accepted' : arrivalState(readNumber(seen, 'left_state'))
        return { message: { ...fields, peer, direction: 'in', storedAtMs, state }, known: true }
      }
      if (reached?.log !== fields.log || reached.seq < fields.seq) reached = { log: fields.log, seq: fields.seq }
      fresh++
      return { message: this.#store(conversation, peer, fields, arrival), known: false }
    })
    if (reached !== undefined && fresh > 0) this.#conversations.received(conversation, fresh, reached)
    return results
  }

  known(peer: string, ids: readonly string[]): ReadonlySet<string> {
    const conversation = this.#conversations.find(peer)
    if (conversation === undefined) return new Set()
    return new Set(ids.filter((id) => this.#findSeen.get(conversation.id, toKey(id)) !== undefined))
  }

  acceptHeld(peer: string): readonly IncomingMessage[] {
    return this.#heldOf.all(peer).map((row) => {
      const message = readIncoming(row)
      this.#accept.run(stateCode.accepted, readNumber(row, 'position'))
      return { ...message, state: 'accepted' }
    })
  }

  held(): readonly IncomingMessage[] {
    return this.#newestHeld.all().map(readIncoming)
  }

  heldCounts(peer: string): HeldCounts {
    const row = this.#heldCounts.get(this.#conversations.find(peer)?.id ?? 0) ?? {}
    return { fromPeer: readNumber(row, 'fromPeer'), total: readNumber(row, 'total'), lan: readNumber(row, 'lan') }
  }

  #store(conversation: number, peer: string, incoming: NewIncoming, arrival: Arrival): IncomingMessage {
    const { id, log, seq, sentAtMs, text, replyTo } = incoming
    const storedAtMs = safeInteger(arrival.storedAtMs)
    const state = arrival.state === 'accepted' ? stateCode.accepted : heldCode(arrival.lan)
    const checksum = checksumOf({ ...incoming, conversation, isIncoming: true, storedAtMs })
    const reply = replyTo === undefined ? null : toKey(replyTo)
    const { lastInsertRowid } = this.#insert.run(
      conversation,
      state,
      toKey(id),
      toKey(log),
      seq,
      sentAtMs,
      storedAtMs,
      text,
      reply,
      checksum
    )
    this.#insertSeen.run(conversation, toKey(id), lastInsertRowid)
    return { ...incoming, peer, direction: 'in', storedAtMs, state: arrival.state }
  }
}

function heldCode(lan: boolean): number {
  return lan ? stateCode.heldFromLan : stateCode.heldFromElsewhere
}
