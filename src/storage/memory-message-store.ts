// A message store in this process's memory: everything that MessageStore
// promises, but for as long as the process lives. It is the store of nodes that
// are asked to keep nothing, and the one that the tests drive.
import { maxEvictedIds } from './deletion.ts'
import { within } from './rows-within.ts'
import { ROWS_PER_SLICE, TEXT_BYTES_PER_SLICE } from './slices.ts'
import { MemoryConversation } from './memory-conversation.ts'
import { incomingMessage } from './message-copies.ts'
import type {
  Arrival,
  ConversationSummary,
  DeliveryState,
  HeldMessage,
  HeldRequest,
  HistoryEntry,
  HistoryNews,
  IncomingMessage,
  IncomingResult,
  LogOptions,
  LogPosition,
  MessageStore,
  NewIncoming,
  NewOutgoing,
  NewsOptions,
  OutboxEntry,
  OutgoingMessage,
  OwnPosition,
  PageOptions,
  SearchOptions,
  StoredMessage,
  StoreUse
} from './message-store.ts'
import { holdsPhrases, phrasesOf, wordsOf } from './search-words.ts'

export class MemoryMessageStore implements MessageStore {
  readonly #conversations = new Map<string, MemoryConversation>()
  readonly #now: () => number
  /** Peer and id of messages that were evicted, the oldest first. */
  readonly #evicted = new Set<string>()
  #nextPosition = 1

  constructor(options: { now?: () => number } = {}) {
    this.#now = options.now ?? Date.now
  }

  async addAllOutgoing(
    peer: string,
    messages: readonly NewOutgoing[],
    { leave = false }: { readonly leave?: boolean } = {}
  ): Promise<readonly OutboxEntry[]> {
    const conversation = this.#conversation(peer)
    const nowMs = this.#now()
    const entries = messages.map((init) => conversation.addOutgoing(this.#nextPosition++, peer, init, nowMs))
    if (leave) conversation.noteSent(entries.map(({ message }) => message))
    return entries
  }

  async addOutgoing(init: NewOutgoing & { readonly peer: string }): Promise<OutgoingMessage> {
    return this.#conversation(init.peer).addOutgoing(this.#nextPosition++, init.peer, init, this.#now()).message
  }

  async addIncoming(
    peer: string,
    messages: readonly NewIncoming[],
    arrival: Arrival
  ): Promise<readonly IncomingResult[]> {
    const conversation = this.#conversation(peer)
    const { storedAtMs, state, maxIncomingBytes = Infinity } = arrival
    return messages.map((incoming): IncomingResult => {
      const known = conversation.known(incoming.id)
      if (typeof known === 'object') return { message: known, known: true }
      const message = incomingMessage(peer, incoming, storedAtMs, known ?? state)
      if (known !== undefined) return { message, known: true }
      if (conversation.incomingBytes >= maxIncomingBytes) return { message, known: false, refused: 'over-quota' }
      conversation.addIncoming(this.#nextPosition++, message, arrival)
      return { message, known: false }
    })
  }

  async knownIncoming(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const conversation = this.#conversations.get(peer)
    return new Set(ids.filter((id) => conversation?.known(id) !== undefined))
  }

  async unreceipted(peer: string, options: { after?: number; limit: number }): Promise<readonly OutboxEntry[]> {
    return this.#conversations.get(peer)?.unreceipted(options.after ?? 0, options.limit) ?? []
  }

  async outgoing(peer: string, id: string): Promise<OutgoingMessage | undefined> {
    return this.#conversations.get(peer)?.outgoing(id)
  }

  async peersWithPending(): Promise<readonly string[]> {
    return [...this.#conversations].filter(([, conversation]) => conversation.hasPending()).map(([peer]) => peer)
  }

  async setDelivery(
    peer: string,
    ids: readonly string[],
    state: DeliveryState,
    reason?: string
  ): Promise<readonly OutgoingMessage[]> {
    return this.#change(peer, ids, (conversation, id) => conversation.move(id, state, reason))
  }

  async setSeen(peer: string, ids: readonly string[], seenAtMs: number): Promise<readonly OutgoingMessage[]> {
    return this.#change(peer, ids, (conversation, id) => conversation.see(id, seenAtMs))
  }

  async retry(peer: string, ids: readonly string[]): Promise<readonly OutgoingMessage[]> {
    return this.#change(peer, ids, (conversation, id) =>
      conversation.outgoing(id)?.state === 'failed' ? conversation.move(id, 'pending') : undefined
    )
  }

  async cancel(peer: string, ids: readonly string[]): Promise<readonly OutgoingMessage[]> {
    return this.#change(peer, ids, (conversation, id) => conversation.cancel(id))
  }

  async failPending(options: {
    waitingBeforeMs: number
    reason: string
    limit: number
  }): Promise<readonly OutgoingMessage[]> {
    const failed: OutgoingMessage[] = []
    for (const conversation of this.#conversations.values()) {
      failed.push(...conversation.failPending({ ...options, limit: options.limit - failed.length }))
    }
    return failed
  }

  async acceptHeld(peer: string): Promise<readonly IncomingMessage[]> {
    for (const evicted of this.#evicted) if (evicted.startsWith(`${peer} `)) this.#evicted.delete(evicted)
    return this.#conversations.get(peer)?.acceptHeld() ?? []
  }

  async held({ textLength }: { textLength: number }): Promise<readonly HeldRequest[]> {
    const newest = [...this.#conversations.values()].map((conversation) => conversation.newestHeld)
    return newest
      .filter((message) => message !== undefined)
      .toSorted((a, b) => b.storedAtMs - a.storedAtMs)
      .map(({ peer, storedAtMs, text }) => ({ peer, storedAtMs, text: Array.from(text).slice(0, textLength).join('') }))
  }

  async heldMessages(): Promise<readonly HeldMessage[]> {
    const held = [...this.#conversations.values()].flatMap((conversation) => conversation.held())
    return held.toSorted((a, b) => a.position - b.position).map((one) => one.held)
  }

  async evictHeld(peers: readonly string[]): Promise<number> {
    let count = 0
    for (const peer of peers) {
      for (const id of this.#conversations.get(peer)?.evictHeld() ?? []) {
        this.#evicted.add(`${peer} ${id}`)
        count++
      }
    }
    for (const oldest of this.#evicted) {
      if (this.#evicted.size <= maxEvictedIds) break
      this.#evicted.delete(oldest)
    }
    return count
  }

  async takeEvicted(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(ids.filter((id) => this.#evicted.delete(`${peer} ${id}`)))
  }

  async use({ limit }: { limit: number }): Promise<StoreUse> {
    const peers = [...this.#conversations].map(([peer, { incomingBytes: bytes }]) => ({ peer, bytes }))
    const largest = peers.filter(({ bytes }) => bytes > 0).toSorted((a, b) => b.bytes - a.bytes)
    return { totalBytes: peers.reduce((sum, { bytes }) => sum + bytes, 0), peers: largest.slice(0, limit) }
  }

  async history(peer: string, options: { limit: number; includeHeld?: boolean }): Promise<readonly StoredMessage[]> {
    return (await this.page(peer, options)).map(({ message }) => message)
  }

  async page(peer: string, options: PageOptions): Promise<readonly HistoryEntry[]> {
    const { limit, before = Infinity, after = 0, includeHeld = false, maxBytes } = options
    const entries = this.#conversations.get(peer)?.entries(after, before, includeHeld) ?? []
    if (limit === 0) return []
    if (options.after !== undefined) return within(entries.slice(0, limit), maxBytes)
    return within(entries.slice(-limit).toReversed(), maxBytes).toReversed()
  }

  async log(options: LogOptions): Promise<readonly HistoryEntry[]> {
    const { peer, sinceMs = -Infinity, untilMs = Infinity, limit } = options
    const entries = await this.page(peer, { limit: Infinity })
    const inSpan = entries.filter(({ message: { storedAtMs } }) => storedAtMs >= sinceMs && storedAtMs < untilMs)
    return limit === 0 ? [] : inSpan.slice(-limit)
  }

  async search(words: string, options: SearchOptions): Promise<readonly HistoryEntry[]> {
    const phrases = phrasesOf(words)
    if (phrases.length === 0) return []
    const hits = this.#entries(options.peer, 0, options.before)
      .filter(({ message }) => holdsPhrases(wordsOf(message.text), phrases))
      .toReversed()
    return within(hits.slice(0, options.limit), options.maxBytes)
  }

  async *export(options: { peer?: string; after?: number } = {}): AsyncGenerator<readonly HistoryEntry[]> {
    for (let after = options.after ?? 0; ;) {
      const batch = within(this.#entries(options.peer, after).slice(0, ROWS_PER_SLICE), TEXT_BYTES_PER_SLICE)
      const last = batch.at(-1)
      if (last === undefined) return
      yield batch
      after = last.position
    }
  }

  async news({ after, limit, maxBytes }: NewsOptions): Promise<HistoryNews> {
    const entries = within(this.#entries(undefined, after).slice(0, limit), maxBytes)
    return { entries, next: entries.at(-1)?.position ?? Math.max(after, this.#nextPosition - 1) }
  }

  async newestPosition(): Promise<number> {
    return this.#nextPosition - 1
  }

  async conversations(): Promise<readonly ConversationSummary[]> {
    const summaries: ConversationSummary[] = []
    for (const [peer, conversation] of this.#conversations) {
      const { last } = conversation
      if (last === undefined) continue
      const { position, message } = last
      summaries.push({ peer, unread: conversation.unread(), last: { position, message } })
    }
    return summaries.toSorted((a, b) => b.last.position - a.last.position)
  }

  async eraseDeleted(): Promise<void> {
    // What is deleted from memory is gone.
  }

  async forget(peer: string): Promise<number> {
    return this.#conversations.get(peer)?.deleteAll() ?? 0
  }

  async deleteOlderThan(storedBeforeMs: number): Promise<number> {
    let deleted = 0
    for (const conversation of this.#conversations.values()) {
      deleted += conversation.deleteOlderThan(storedBeforeMs)
    }
    return deleted
  }

  async ownPosition(peer: string): Promise<OwnPosition | undefined> {
    return this.#conversations.get(peer)?.own
  }

  async heldPosition(peer: string): Promise<LogPosition | undefined> {
    return this.#conversations.get(peer)?.theirs
  }

  async noteSent(peer: string, positions: readonly LogPosition[]): Promise<void> {
    this.#conversations.get(peer)?.noteSent(positions)
  }

  async startNewLog(peer: string, follows?: string): Promise<void> {
    this.#conversation(peer).startNewLog(follows)
  }

  async unread(peer: string): Promise<number> {
    return this.#conversations.get(peer)?.unread() ?? 0
  }

  async markRead(peer: string): Promise<void> {
    this.#conversations.get(peer)?.markRead()
  }

  async close(): Promise<void> {
    this.#conversations.clear()
  }

  #entries(peer: string | undefined, after: number, before = Infinity): readonly HistoryEntry[] {
    const conversations = peer === undefined ? [...this.#conversations.values()] : [this.#conversations.get(peer)]
    return conversations
      .flatMap((conversation) => conversation?.entries(after, before, false) ?? [])
      .toSorted((a, b) => a.position - b.position)
  }

  #change(
    peer: string,
    ids: readonly string[],
    change: (conversation: MemoryConversation, id: string) => OutgoingMessage | undefined
  ): readonly OutgoingMessage[] {
    const conversation = this.#conversations.get(peer)
    if (conversation === undefined) return []
    const changed: OutgoingMessage[] = []
    for (const id of ids) {
      const message = change(conversation, id)
      if (message !== undefined) changed.push(message)
    }
    return changed
  }

  #conversation(peer: string): MemoryConversation {
    const present = this.#conversations.get(peer)
    if (present !== undefined) return present
    const conversation = new MemoryConversation(this.#now)
    this.#conversations.set(peer, conversation)
    return conversation
  }
}
