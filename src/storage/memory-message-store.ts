// A message store in this process's memory: everything that MessageStore
// promises, but for as long as the process lives. It is the store of nodes that
// are asked to keep nothing, and the one that the tests drive.
import { randomBytes } from 'node:crypto'
import type {
  ArrivalState,
  DeliveryState,
  HeldCounts,
  IncomingMessage,
  IncomingResult,
  LogPosition,
  MessageStore,
  NewIncoming,
  OutboxEntry,
  OutgoingMessage,
  StoredMessage
} from './message-store.ts'

/** A conversation's messages in the order in which they were stored. */
interface Conversation {
  readonly messages: StoredMessage[]
  /** From message id to its index, apart for each direction: the two sides choose ids without each other. */
  readonly incoming: Map<string, number>
  readonly outgoing: Map<string, number>
  /** Indexes of own messages that have no final receipt, oldest first. */
  readonly outbox: Set<number>
  own: { log: string; seq: number }
  theirs: LogPosition | undefined
  /** How many incoming messages are held, and whether they came over the LAN. */
  held: number
  heldFromLan: boolean
  unread: number
}

/** How far each state is from the message's beginning; a message only moves on. */
const rank: Record<DeliveryState, number> = { pending: 0, failed: 0, held: 1, unconfirmed: 2, delivered: 3 }

export class MemoryMessageStore implements MessageStore {
  readonly #conversations = new Map<string, Conversation>()
  readonly #now: () => number

  constructor(options: { now?: () => number } = {}) {
    this.#now = options.now ?? Date.now
  }

  async addOutgoing(init: {
    peer: string
    text: string
    sentAtMs: number
    replyTo?: string
  }): Promise<OutgoingMessage> {
    const conversation = this.#conversation(init.peer)
    conversation.own.seq++
    const message: OutgoingMessage = {
      ...init,
      direction: 'out',
      id: randomBytes(16).toString('hex'),
      log: conversation.own.log,
      seq: conversation.own.seq,
      storedAtMs: this.#now(),
      state: 'pending'
    }
    const index = conversation.messages.push(message) - 1
    conversation.outgoing.set(message.id, index)
    conversation.outbox.add(index)
    return message
  }

  async addIncoming(
    peer: string,
    messages: readonly NewIncoming[],
    init: { state: ArrivalState; lan: boolean; storedAtMs: number }
  ): Promise<readonly IncomingResult[]> {
    const conversation = this.#conversation(peer)
    return messages.map((incoming) => {
      const index = conversation.incoming.get(incoming.id)
      const present = index === undefined ? undefined : conversation.messages[index]
      if (present?.direction === 'in') return { message: present, known: true }
      const message: IncomingMessage = {
        ...incoming,
        peer,
        direction: 'in',
        storedAtMs: init.storedAtMs,
        state: init.state
      }
      conversation.incoming.set(message.id, conversation.messages.push(message) - 1)
      conversation.unread++
      if (init.state === 'held') {
        conversation.held++
        conversation.heldFromLan = init.lan
      }
      const theirs = conversation.theirs
      if (theirs?.log !== message.log || theirs.seq < message.seq) {
        conversation.theirs = { log: message.log, seq: message.seq }
      }
      return { message, known: false }
    })
  }

  async knownIncoming(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const known = this.#conversations.get(peer)?.incoming
    return new Set(ids.filter((id) => known?.has(id)))
  }

  async unreceipted(peer: string, options: { after?: number; limit: number }): Promise<readonly OutboxEntry[]> {
    const conversation = this.#conversations.get(peer)
    const entries: OutboxEntry[] = []
    if (conversation === undefined) return entries
    for (const position of conversation.outbox) {
      if (entries.length === options.limit) break
      const message = conversation.messages[position]
      if (position > (options.after ?? -1) && message?.direction === 'out') entries.push({ position, message })
    }
    return entries
  }

  async outgoing(peer: string, id: string): Promise<OutgoingMessage | undefined> {
    const conversation = this.#conversations.get(peer)
    const message = conversation?.messages[conversation.outgoing.get(id) ?? -1]
    return message?.direction === 'out' ? message : undefined
  }

  async peersWithPending(): Promise<readonly string[]> {
    const peers: string[] = []
    for (const [peer, { outbox, messages }] of this.#conversations) {
      for (const index of outbox) {
        if (messages[index]?.state !== 'pending') continue
        peers.push(peer)
        break
      }
    }
    return peers
  }

  async setDelivery(
    peer: string,
    ids: readonly string[],
    state: DeliveryState,
    reason?: string
  ): Promise<readonly OutgoingMessage[]> {
    const conversation = this.#conversations.get(peer)
    const changed: OutgoingMessage[] = []
    if (conversation === undefined) return changed
    for (const id of ids) {
      const index = conversation.outgoing.get(id)
      const before = index === undefined ? undefined : conversation.messages[index]
      if (index === undefined || before?.direction !== 'out') continue
      if (before.state === state || rank[before.state] > rank[state]) continue
      const { reason: _reason, ...fields } = before
      const after: OutgoingMessage = { ...fields, state, ...(reason === undefined ? {} : { reason }) }
      conversation.messages[index] = after
      if (state === 'pending' || state === 'held') conversation.outbox.add(index)
      else conversation.outbox.delete(index)
      changed.push(after)
    }
    return changed
  }

  async acceptHeld(peer: string): Promise<readonly IncomingMessage[]> {
    const conversation = this.#conversations.get(peer)
    const accepted: IncomingMessage[] = []
    if (conversation === undefined || conversation.held === 0) return accepted
    conversation.held = 0
    const { messages } = conversation
    for (const [index, message] of messages.entries()) {
      if (message.direction !== 'in' || message.state !== 'held') continue
      const after: IncomingMessage = { ...message, state: 'accepted' }
      messages[index] = after
      accepted.push(after)
    }
    return accepted
  }

  async held(): Promise<readonly IncomingMessage[]> {
    const newest: IncomingMessage[] = []
    for (const { messages, held } of this.#conversations.values()) {
      if (held === 0) continue
      const last = messages.findLast((m) => m.direction === 'in' && m.state === 'held')
      if (last?.direction === 'in') newest.push(last)
    }
    return newest.toSorted((a, b) => b.storedAtMs - a.storedAtMs)
  }

  async heldCounts(peer: string): Promise<HeldCounts> {
    let fromPeer = 0
    let total = 0
    let lan = 0
    for (const [id, { held, heldFromLan }] of this.#conversations) {
      total += held
      if (heldFromLan) lan += held
      if (id === peer) fromPeer = held
    }
    return { fromPeer, total, lan }
  }

  async history(peer: string, options: { limit: number; includeHeld?: boolean }): Promise<readonly StoredMessage[]> {
    const messages = this.#conversations.get(peer)?.messages ?? []
    const shown = options.includeHeld ? messages : messages.filter((m) => m.direction === 'out' || m.state !== 'held')
    return options.limit === 0 ? [] : shown.slice(-options.limit)
  }

  async ownPosition(peer: string): Promise<LogPosition> {
    return { ...this.#conversation(peer).own }
  }

  async heldPosition(peer: string): Promise<LogPosition | undefined> {
    return this.#conversations.get(peer)?.theirs
  }

  async startNewLog(peer: string): Promise<void> {
    this.#conversation(peer).own = newLog()
  }

  async unread(peer: string): Promise<number> {
    return this.#conversations.get(peer)?.unread ?? 0
  }

  async markRead(peer: string): Promise<void> {
    const conversation = this.#conversations.get(peer)
    if (conversation !== undefined) conversation.unread = 0
  }

  async close(): Promise<void> {
    this.#conversations.clear()
  }

  #conversation(peer: string): Conversation {
    const present = this.#conversations.get(peer)
    if (present !== undefined) return present
    const conversation: Conversation = {
      messages: [],
      incoming: new Map(),
      outgoing: new Map(),
      outbox: new Set(),
      own: newLog(),
      theirs: undefined,
      held: 0,
      heldFromLan: false,
      unread: 0
    }
    this.#conversations.set(peer, conversation)
    return conversation
  }
}

function newLog(): { log: string; seq: number } {
  return { log: randomBytes(8).toString('hex'), seq: 0 }
}
