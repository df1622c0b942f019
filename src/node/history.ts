// What faces may read of the history, and delete: pages, spans of time, words,
// the whole. It reads on a node that runs as well as from a profile that is only
// opened for it, and tells the disk's errors as errors for people.
import { existsSync } from 'node:fs'
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
} from '../storage/index.ts'
import type { Config } from './config.ts'
import { PeerNotFoundError, UsageError } from './errors.ts'
import { mendedTexts } from './file-modes.ts'
import { openOwnStore, type OwnStore } from './own-store.ts'
import { readPeerWords } from './peer-words.ts'
import { openProfile, profileFiles, type HeldProfile } from './profile.ts'
import { nameOrShortId } from './short-id.ts'
import { explain, explained } from './storage-problems.ts'

export interface WaitingCount {
  /** With at least one message that waits. */
  readonly peers: number
  readonly messages: number
  /** False when there are more than were counted. */
  readonly isAll: boolean
}

export class History {
  readonly #store: MessageStore
  readonly #onForgotten: (peer: string) => void

  /** @param onForgotten what may have waited for the peer is gone */
  constructor(store: MessageStore, onForgotten: (peer: string) => void = () => undefined) {
    this.#store = store
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

  async newestPosition(): Promise<number> {
    return explained(this.#store.newestPosition())
  }

  async conversations(): Promise<readonly ConversationSummary[]> {
    return explained(this.#store.conversations())
  }

  /** How much waits to be sent, counted up to `limit` messages. */
  async waiting(limit: number): Promise<WaitingCount> {
    return explained(this.#countWaiting(limit))
  }

  /** Deletes all messages with the peer, what waits for it too. @returns how many */
  async forget(peer: string): Promise<number> {
    try {
      return await explained(this.#store.forget(peer))
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

/** A profile's history without its node. */
export interface OpenHistory {
  readonly history: History
  /** What had to be mended before it could be opened: the file, with what was lost, and who could read it. */
  readonly mended: readonly string[]
  name(peer: string): string
  /** PEER among the contacts and the conversations; nothing is dialled. @throws ParleyError */
  resolve(words: readonly string[]): Promise<string>
  close(): Promise<void>
}

/** @throws UsageError when there is no such profile: it is not made; ProfileInUseError, StorageProblemError */
export async function openHistory(config: Config): Promise<OpenHistory> {
  const { store, mended, name, resolve, close } = await openKept(config, 'it has no history')
  return { history: new History(store), mended, name, resolve, close }
}

/** A profile and its messages, for what needs no network. */
interface OpenKept extends Omit<OpenHistory, 'history'>, Pick<OwnStore, 'copyTo'> {
  readonly profile: HeldProfile
  readonly store: MessageStore
}

/**
 * @param without what a profile that is not there means, as in "so it has no history"
 * @throws as {@link openHistory}
 */
export async function openKept(config: Config, without: string): Promise<OpenKept> {
  const { folders, settings } = config
  if (!existsSync(profileFiles(folders.data, settings.profile).folder)) {
    throw new UsageError(
      `there is no profile ${settings.profile}, so ${without}: check --profile; parley makes a profile when it goes on the network with it`
    )
  }
  const profile = await openProfile(folders.data, settings.profile, { orNextFree: false })
  const name = (peer: string): string => nameOrShortId(profile.book.contact(peer)?.name, peer)
  try {
    const { store, mended, copyTo } = await openOwnStore(profile, { nameOf: name, onDamage: () => undefined })
    const resolve = async (words: readonly string[]): Promise<string> => {
      const conversations = await explained(store.conversations())
      const others = [...conversations.map(({ peer }) => ({ peer, name: name(peer) })), ...profile.book.blocked()]
      const known = { self: profile.id, contacts: profile.book.contacts(), roster: [], others }
      const meaning = readPeerWords(words, known, { trustName: false })
      if (meaning.kind === 'peer') return meaning.peer
      if (meaning.peer !== undefined) return meaning.peer
      throw new PeerNotFoundError('the history knows no addresses: name a contact or a peer ID')
    }
    const told = [...mendedTexts(profile.mended), ...(mended === undefined ? [] : [mended])]
    const close = async (): Promise<void> => {
      await store.close().finally(() => profile.release())
    }
    return { profile, store, mended: told, copyTo, name, resolve, close }
  } catch (error) {
    profile.release()
    throw error
  }
}
