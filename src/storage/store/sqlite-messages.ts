// The MessageStore on the tables of an open history: which call is a write, which a read, and which goes in slices so that
// others do not wait long. It opens and closes nothing.
import type { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import type { Transactions } from '../sqlite/commit-queue.ts'
import { ConversationTable } from '../sqlite/conversation-table.ts'
import { Deletion, type DeletedSlice } from './deletion.ts'
import { HistoryReader } from '../sqlite/history-reader.ts'
import { IncomingTable } from '../sqlite/incoming-table.ts'
import { Indexer } from '../search/indexer.ts'
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
} from '../message-store.ts'
import { MessageInserts, readNumber } from '../sqlite/message-rows.ts'
import { OutgoingTable } from '../sqlite/outgoing-table.ts'
import { SearchIndex } from '../search/search-index.ts'

export interface SqliteMessagesInit {
  readonly database: DatabaseSync
  readonly queue: Transactions
  readonly now: () => number
  /** When new messages join the search index. A search always waits for those that are missing. */
  readonly indexing: 'in the background' | 'when searched'
}

export abstract class SqliteMessages implements MessageStore {
  readonly #queue: Transactions
  readonly #conversations: ConversationTable
  readonly #incoming: IncomingTable
  readonly #outgoing: OutgoingTable
  readonly #history: HistoryReader
  readonly #search: SearchIndex
  readonly #deletion: Deletion
  readonly #indexer: Indexer
  readonly #isIndexing: boolean
  readonly #pages: () => number
  #storedUpTo: number
  /** Changes of messages that are not on the disk, and may be seen already. */
  #changing = 0

  constructor({ database, queue, now, indexing }: SqliteMessagesInit) {
    this.#queue = queue
    this.#conversations = new ConversationTable(database)
    const inserts = new MessageInserts(database)
    this.#incoming = new IncomingTable(database, this.#conversations, inserts)
    this.#outgoing = new OutgoingTable(database, this.#conversations, inserts, now)
    this.#history = new HistoryReader(database, this.#conversations)
    this.#search = new SearchIndex(database, this.#conversations)
    this.#deletion = new Deletion(database, this.#conversations, this.#search)
    this.#indexer = new Indexer(this.#search, queue)
    this.#isIndexing = indexing === 'in the background'
    this.#indexSoon()
    this.#storedUpTo = this.#history.newest()
    this.#pages = () => {
      const size = database.prepare('SELECT page_count * page_size AS size FROM pragma_page_count, pragma_page_size')
      return readNumber(size.get() ?? {}, 'size')
    }
  }

  #indexSoon(): void {
    if (this.#isIndexing) this.#indexer.schedule()
  }

  /** Ends indexing in the background. */
  protected stopIndexing(): void {
    this.#indexer.stop()
  }

  abstract close(): Promise<void>

  abstract eraseDeleted(): Promise<void>

  async addAllOutgoing(
    peer: string,
    messages: readonly NewOutgoing[],
    { leave = false }: { readonly leave?: boolean } = {}
  ): Promise<readonly OutboxEntry[]> {
    const entries = await this.#add(() => this.#outgoing.add(peer, messages, leave))
    this.#indexSoon()
    return entries
  }

  async addOutgoing(init: NewOutgoing & { readonly peer: string }): Promise<OutgoingMessage> {
    const [entry] = await this.addAllOutgoing(init.peer, [init])
    if (entry === undefined) throw new TypeError('a message was to be added')
    return entry.message
  }

  async addIncoming(peer: string, messages: readonly NewIncoming[], init: Arrival): Promise<readonly IncomingResult[]> {
    const results = await this.#add(() => this.#incoming.add(peer, messages, init))
    this.#indexSoon()
    return results
  }

  async knownIncoming(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#queue.read(() => this.#incoming.known(peer, ids))
  }

  async unreceipted(peer: string, options: { after?: number; limit: number }): Promise<readonly OutboxEntry[]> {
    return this.#queue.read(() => this.#outgoing.unreceipted(peer, options))
  }

  async outgoing(peer: string, id: string): Promise<OutgoingMessage | undefined> {
    return this.#queue.read(() => this.#outgoing.find(peer, id))
  }

  async peersWithPending(): Promise<readonly string[]> {
    return this.#queue.read(() => this.#outgoing.peersWithPending())
  }

  async setDelivery(
    peer: string,
    ids: readonly string[],
    state: DeliveryState,
    reason?: string
  ): Promise<readonly OutgoingMessage[]> {
    return this.#change(() => this.#outgoing.move(peer, ids, state, reason))
  }

  async setSeen(peer: string, ids: readonly string[], seenAtMs: number): Promise<readonly OutgoingMessage[]> {
    return this.#change(() => this.#outgoing.see(peer, ids, seenAtMs))
  }

  async retry(peer: string, ids: readonly string[]): Promise<readonly OutgoingMessage[]> {
    return this.#change(() => this.#outgoing.retry(peer, ids))
  }

  async cancel(peer: string, ids: readonly string[]): Promise<readonly OutgoingMessage[]> {
    return this.#change(() => this.#outgoing.cancel(peer, ids))
  }

  async failPending(options: {
    waitingBeforeMs: number
    reason: string
    limit: number
  }): Promise<readonly OutgoingMessage[]> {
    return this.#change(() => this.#outgoing.failPending(options))
  }

  async acceptHeld(peer: string): Promise<readonly IncomingMessage[]> {
    return this.#change(() => this.#incoming.acceptHeld(peer))
  }

  async held(options: { textLength: number }): Promise<readonly HeldRequest[]> {
    return this.#queue.read(() => this.#incoming.held(options))
  }

  async nameSender(peer: string, name: string): Promise<void> {
    await this.#queue.write(() => this.#incoming.nameSender(peer, name))
  }

  async heldMessages(): Promise<readonly HeldMessage[]> {
    return this.#queue.read(() => this.#incoming.heldMessages())
  }

  async evictHeld(peers: readonly string[]): Promise<number> {
    const counts = await Promise.all(
      peers.map(async (peer) =>
        this.#queue.write(() => {
          this.#outgoing.onDeletion()
          return this.#deletion.evict(peer)
        })
      )
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async takeEvicted(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const evicted = await this.#queue.read(() => this.#deletion.evicted(peer, ids))
    if (evicted.size > 0) await this.#queue.write(() => this.#deletion.forgetEvicted(peer, evicted))
    return evicted
  }

  async use({ limit }: { limit: number }): Promise<StoreUse> {
    return this.#queue.read(() => ({ totalBytes: this.#pages(), peers: this.#conversations.largest(limit) }))
  }

  async history(peer: string, options: { limit: number; includeHeld?: boolean }): Promise<readonly StoredMessage[]> {
    return (await this.page(peer, options)).map(({ message }) => message)
  }

  async page(peer: string, options: PageOptions): Promise<readonly HistoryEntry[]> {
    return this.#queue.read(() => this.#history.page(peer, options))
  }

  async log(options: LogOptions): Promise<readonly HistoryEntry[]> {
    const found: HistoryEntry[] = []
    let before: number | undefined = Number.MAX_SAFE_INTEGER
    while (before !== undefined && found.length < options.limit) {
      const end: number = before
      const limit = options.limit - found.length
      const { entries, floor } = await this.#queue.read(() => this.#history.spanBefore(end, { ...options, limit }))
      found.push(...entries)
      before = floor
      await turn()
    }
    return found.toReversed()
  }

  async search(words: string, options: SearchOptions): Promise<readonly HistoryEntry[]> {
    await this.#indexer.catchUp(options.onIndexing)
    return this.#queue.read(() => this.#search.find(words, options))
  }

  async *export(options: { peer?: string; after?: number } = {}): AsyncGenerator<readonly HistoryEntry[]> {
    for (let after = options.after ?? 0; ;) {
      const start = after
      const batch = await this.#queue.read(() => this.#history.batchAfter(start, options.peer))
      const last = batch.at(-1)
      if (last === undefined) return
      yield batch
      after = last.position
      await turn()
    }
  }

  get storedUpTo(): number {
    return this.#storedUpTo
  }

  async news(options: NewsOptions): Promise<HistoryNews> {
    // What is on the disk is returned while the disk is busy with later writes.
    if (this.#changing === 0 && this.#storedUpTo > options.after) {
      const entries = await this.#queue.readSynced(() => this.#history.newsUpTo(this.#storedUpTo, options))
      const last = entries.at(-1)
      if (last !== undefined) return { entries, next: last.position }
    }
    return this.#queue.read(() => this.#history.news(options))
  }

  async newestPosition(): Promise<number> {
    return this.#queue.read(() => this.#history.newest())
  }

  async conversations(): Promise<readonly ConversationSummary[]> {
    return this.#queue.read(() => this.#history.summaries())
  }

  async forget(peer: string): Promise<number> {
    const upTo = await this.#queue.read(() => this.#deletion.newest())
    const deleted = await this.#inSlices((after) => this.#deletion.forgetSlice(peer, after, upTo))
    if (deleted > 0) await this.#mergeIndex()
    // Even when nothing was left to delete: an earlier call may have failed here.
    await this.eraseDeleted()
    return deleted
  }

  async deleteOlderThan(storedBeforeMs: number): Promise<number> {
    const deleted = await this.#inSlices((after) => this.#deletion.retireSlice(after, storedBeforeMs))
    if (deleted === 0) return 0
    await this.#mergeIndex()
    await this.eraseDeleted()
    return deleted
  }

  async ownPosition(peer: string): Promise<OwnPosition | undefined> {
    return this.#queue.read(() => this.#conversations.find(peer)?.own)
  }

  async heldPosition(peer: string): Promise<LogPosition | undefined> {
    return this.#queue.read(() => this.#conversations.find(peer)?.theirs)
  }

  async noteSent(peer: string, positions: readonly LogPosition[]): Promise<void> {
    // Positions noted when they were stored need no transaction. Between two turns everything readable is committed.
    if (this.#conversations.isNoted(peer, positions)) return
    await this.#queue.write(() => this.#conversations.noteSent(peer, positions))
  }

  async startNewLog(peer: string, follows?: string): Promise<void> {
    await this.#change(() => this.#outgoing.startNewLog(peer, follows))
  }

  /** Begins a new log to every peer, for a history copied from another machine, which may go on with its own. */
  async startNewLogs(): Promise<void> {
    for (const peer of await this.#queue.read(() => this.#conversations.peers())) await this.startNewLog(peer)
  }

  async unread(peer: string): Promise<number> {
    return this.#queue.read(() => this.#conversations.unread(peer))
  }

  async markRead(peer: string): Promise<void> {
    await this.#queue.write(() => this.#conversations.markRead(peer))
  }

  /** Writes new messages. All positions up to the newest of them are on the disk then: they commit in their order. */
  async #add<T>(run: () => T): Promise<T> {
    const { value, newest } = await this.#queue.write(() => ({ value: run(), newest: this.#history.newest() }))
    this.#storedUpTo = Math.max(this.#storedUpTo, newest)
    return value
  }

  /** Writes another state of messages that were there. */
  async #change<T>(run: () => T): Promise<T> {
    this.#changing++
    try {
      return await this.#queue.write(run)
    } finally {
      this.#changing--
    }
  }

  /** Removes the words of deleted messages from the index. */
  async #mergeIndex(): Promise<void> {
    let hasMore = await this.#queue.write(() => this.#search.mergeSlice(true))
    while (hasMore) hasMore = await this.#queue.write(() => this.#search.mergeSlice(false))
  }

  async #inSlices(run: (after: number) => DeletedSlice): Promise<number> {
    let deleted = 0
    let after: number | undefined = 0
    while (after !== undefined) {
      const start: number = after
      const slice = await this.#queue.write(() => {
        this.#outgoing.onDeletion()
        return run(start)
      })
      deleted += slice.deleted
      after = slice.next
    }
    return deleted
  }
}
