// What faces may read of the history, and delete: pages, spans of time, words,
// the whole. It reads on a node that runs as well as from a profile that is only
// opened for it, and tells the disk's errors as errors for people.
import {
  type ConversationSummary,
  type HistoryEntry,
  type HistoryNews,
  type LogOptions,
  type MessageStore,
  type NewsOptions,
  type PageOptions,
  type SearchOptions,
  type StoredMessage
} from '../../storage/index.ts'
import { NewsReaders } from './news-readers.ts'
import type { HistoryApi, NewsReader, WaitingCount } from '../api/chat-api.ts'
import { explain, explained } from '../profile/own-store.ts'
import { forgetTypedLines } from '../profile/typed-lines.ts'

export interface HistoryOptions {
  /** Learns how far each of those has read that {@link History.follow} made. */
  readonly readers?: NewsReaders
  /** The profile's folder, where what was typed to a peer is kept too. */
  readonly folder: string
  /** What was kept of the peer, and may have waited for it, is gone. */
  readonly onForgotten?: (peer: string) => void
}

export class History implements HistoryApi {
  readonly #store: MessageStore
  readonly #readers: NewsReaders
  readonly #folder: string
  readonly #onForgotten: (peer: string) => void

  constructor(
    store: MessageStore,
    { readers = new NewsReaders(), folder, onForgotten = () => undefined }: HistoryOptions
  ) {
    this.#store = store
    this.#readers = readers
    this.#folder = folder
    this.#onForgotten = onForgotten
  }

  /** The last `limit` messages with a peer, oldest first. */
  async recent(peer: string, limit: number): Promise<readonly StoredMessage[]> {
    return explained(this.#store.history(peer, { limit }))
  }

  async page(peer: string, options: PageOptions): Promise<readonly HistoryEntry[]> {
    return explained(this.#store.page(peer, options))
  }

  async log(options: LogOptions): Promise<readonly HistoryEntry[]> {
    return explained(this.#store.log(options))
  }

  /** Messages that hold all of these words, newest first. */
  async search(words: string, options: SearchOptions): Promise<readonly HistoryEntry[]> {
    return explained(this.#store.search(words, options))
  }

  /** Everything, or what came after a position, in batches, oldest first; memory does not grow with it. */
  async *export(options: { peer?: string; after?: number } = {}): AsyncGenerator<readonly HistoryEntry[]> {
    try {
      yield* this.#store.export(options)
    } catch (error) {
      throw explain(error)
    }
  }

  /** See {@link MessageStore.news}. */
  async news(options: NewsOptions): Promise<HistoryNews> {
    return explained(this.#store.news(options))
  }

  /** Reads what is stored from now on, for a face that writes it out. */
  follow(): NewsReader {
    return this.#readers.open(this.#store)
  }

  async conversations(): Promise<readonly ConversationSummary[]> {
    return explained(this.#store.conversations())
  }

  /** How much waits to be sent, counted up to `limit` messages. */
  async waiting(limit: number): Promise<WaitingCount> {
    return explained(this.#countWaiting(limit))
  }

  /** Deletes all messages with the peer, what waits for it and what was typed to it too. @returns how many */
  async forget(peer: string): Promise<number> {
    try {
      const count = await explained(this.#store.forget(peer))
      await explained(forgetTypedLines(this.#folder, peer))
      return count
    } finally {
      this.#onForgotten(peer)
    }
  }

  async #countWaiting(limit: number): Promise<WaitingCount> {
    const peers = await this.#store.peersWithPending()
    let messages = 0
    for (const peer of peers) {
      const entries = await this.#store.unreceipted(peer, { limit: limit - messages + 1 })
      messages += entries.filter(({ message }) => message.state === 'pending').length
      if (messages > limit) return { peers: peers.length, messages: limit, isAll: false }
    }
    return { peers: peers.length, messages, isAll: true }
  }
}
