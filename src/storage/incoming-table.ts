// Messages of others: each is stored once for good, and a stranger's wait as
// requests. Its methods are synchronous and belong into the store's transactions.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import type { ConversationTable } from './conversation-table.ts'
import type { ArrivalState, HeldCounts, IncomingMessage, IncomingResult, NewIncoming } from './message-store.ts'
import { incomingMessage } from './message-copies.ts'
import {
  arrivalState,
  checksumOf,
  isMessageId,
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

/** What messages that came together have in common. */
interface Batch {
  readonly conversation: number
  readonly peer: string
  readonly arrival: Arrival
  readonly keyOfLog: (log: string) => SQLInputValue
}

export class IncomingTable {
  readonly #conversations: ConversationTable
  readonly #findSeen: StatementSync
  readonly #anyBetween: StatementSync
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
    this.#anyBetween = database.prepare(
      'SELECT 1 FROM seen WHERE conversation = ? AND incoming = 1 AND id BETWEEN ? AND ? LIMIT 1'
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
    const areNew = this.#areNew(conversation, messages)
    const batch: Batch = { conversation, peer, arrival, keyOfLog: keysOfLogs() }
    let reached = theirs
    let fresh = 0
    const results = messages.map((incoming): IncomingResult => {
      const { seq, sentAtMs } = incoming
      const isSafe = safeInteger(seq) === seq && safeInteger(sentAtMs) === sentAtMs
      const fields = isSafe ? incoming : { ...incoming, seq: safeInteger(seq), sentAtMs: safeInteger(sentAtMs) }
      const known = areNew ? undefined : this.#known(fields, batch)
      if (known !== undefined) return { message: known, known: true }
      if (reached?.log !== fields.log || reached.seq < fields.seq) reached = { log: fields.log, seq: fields.seq }
      fresh++
      return { message: this.#store(fields, batch), known: false }
    })
    if (reached !== undefined && fresh > 0) this.#conversations.received(conversation, fresh, reached)
    return results
  }

  /**
   * Whether none of these can be here, by one look at all of them: ids that come together lie together, and nothing
   * lies between those of messages that are new. False says nothing: then each is looked for.
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

  /** What is here under the id of this message: as it was stored, or as it left. */
  #known(incoming: NewIncoming, { conversation, peer, arrival }: Batch): IncomingMessage | undefined {
    const seen = this.#findSeen.get(conversation, toKey(incoming.id))
    if (seen === undefined) return undefined
    const row = this.#byPosition.get(readNumber(seen, 'position'))
    if (row !== undefined) return readIncoming(row)
    const state = seen['left_state'] === null ? 'accepted' : arrivalState(readNumber(seen, 'left_state'))
    return incomingMessage(peer, incoming, arrival.storedAtMs, state)
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

  #store(incoming: NewIncoming, { conversation, peer, arrival, keyOfLog }: Batch): IncomingMessage {
    const { id, log, seq, sentAtMs, text, replyTo } = incoming
    const storedAtMs = safeInteger(arrival.storedAtMs)
    const state = arrival.state === 'accepted' ? stateCode.accepted : heldCode(arrival.lan)
    const message = incomingMessage(peer, incoming, storedAtMs, arrival.state)
    const checksum = checksumOf(message, conversation)
    const reply = replyTo === undefined ? null : toKey(replyTo)
    const key = toKey(id)
    const { lastInsertRowid } = this.#insert.run(
      conversation,
      state,
      key,
      keyOfLog(log),
      seq,
      sentAtMs,
      storedAtMs,
      text,
      reply,
      checksum
    )
    this.#insertSeen.run(conversation, key, lastInsertRowid)
    return message
  }
}

/** The keys of logs: that of the message before is nearly always the one that is asked for. */
function keysOfLogs(): (log: string) => SQLInputValue {
  let last: string | undefined
  let key: SQLInputValue = null
  return (log) => {
    if (log !== last) key = toKey(log)
    last = log
    return key
  }
}

function heldCode(lan: boolean): number {
  return lan ? stateCode.heldFromLan : stateCode.heldFromElsewhere
}
