// Messages of others: each is stored once for good, and a stranger's wait as
// requests. Its methods are synchronous and belong into the store's transactions.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ConversationTable } from './conversation-table.ts'
import type { ArrivalState, HeldCounts, IncomingMessage, IncomingResult, NewIncoming } from './message-store.ts'
import { incomingMessage } from './message-copies.ts'
import type { MessageInserts, NewRow } from './message-inserts.ts'
import {
  arrivalState,
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

export class IncomingTable {
  readonly #conversations: ConversationTable
  readonly #findSeen: StatementSync
  readonly #anyBetween: StatementSync
  readonly #byPosition: StatementSync
  readonly #inserts: MessageInserts
  readonly #heldOf: StatementSync
  readonly #accept: StatementSync
  readonly #newestHeld: StatementSync
  readonly #heldCounts: StatementSync

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
    const code = arrival.state === 'accepted' ? stateCode.accepted : heldCode(arrival.lan)
    const rows: NewRow[] = []
    let reached = theirs
    let fresh = 0
    const results = messages.map((incoming): IncomingResult => {
      const message = incomingMessage(peer, withSafeNumbers(incoming), safeInteger(arrival.storedAtMs), arrival.state)
      const known = areNew ? undefined : this.#known(conversation, message)
      if (known !== undefined) return { message: known, known: true }
      const { log, seq } = message
      if (reached?.log !== log || reached.seq < seq) reached = { log, seq }
      fresh++
      rows.push({ message, code, place: null })
      // Where one may come twice, the second is to find the first.
      if (!areNew) this.#inserts.add(conversation, rows.splice(0))
      return { message, known: false }
    })
    this.#inserts.add(conversation, rows)
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
}

function withSafeNumbers(incoming: NewIncoming): NewIncoming {
  const seq = safeInteger(incoming.seq)
  const sentAtMs = safeInteger(incoming.sentAtMs)
  return seq === incoming.seq && sentAtMs === incoming.sentAtMs ? incoming : { ...incoming, seq, sentAtMs }
}

function heldCode(lan: boolean): number {
  return lan ? stateCode.heldFromLan : stateCode.heldFromElsewhere
}
