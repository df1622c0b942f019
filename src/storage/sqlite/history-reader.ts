// Reads of the history in pages, spans and batches. It changes nothing, and no call takes longer than a page does.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  sliceEnd,
  ROWS_PER_SLICE,
  messageColumns,
  readEntry,
  readNumber,
  stateCode,
  entriesWithin
} from './message-rows.ts'
import type { ConversationTable } from './conversation-table.ts'
import type {
  ConversationSummary,
  HistoryEntry,
  HistoryNews,
  LogOptions,
  NewsOptions,
  PageOptions
} from '../message-store.ts'

/** Above the code of every state. */
const anyState = 1_000
const noLimit = -1
const endOfHistory = Number.MAX_SAFE_INTEGER

/** How much text one batch of an export holds: {@link ROWS_PER_SLICE} of the longest would be 32 MB. */
const textBytesPerSlice = 4 * 1024 * 1024

/** What one slice of a conversation holds; `floor` is where the next one ends, undefined at the beginning. */
export interface Span {
  readonly entries: readonly HistoryEntry[]
  readonly floor: number | undefined
}

export class HistoryReader {
  readonly #conversations: ConversationTable
  readonly #before: StatementSync
  readonly #after: StatementSync
  readonly #allAfter: StatementSync
  readonly #sizeAfter: StatementSync
  readonly #floor: StatementSync
  readonly #inSpan: StatementSync
  readonly #summaries: StatementSync
  readonly #byPosition: StatementSync
  readonly #newest: StatementSync

  constructor(database: DatabaseSync, conversations: ConversationTable) {
    this.#conversations = conversations
    const from = `SELECT ${messageColumns} FROM message m CROSS JOIN conversation c ON c.id = m.conversation`
    this.#before = database.prepare(
      `${from} WHERE m.conversation = ? AND m.position > ? AND m.position < ? AND m.state < ?
        ORDER BY m.position DESC LIMIT ?`
    )
    this.#after = database.prepare(
      `${from} WHERE m.conversation = ? AND m.position > ? AND m.position < ? AND m.state < ?
        ORDER BY m.position LIMIT ?`
    )
    this.#allAfter = database.prepare(
      `${from} WHERE m.position > ? AND m.position <= ? AND m.state < 11 ORDER BY m.position LIMIT ?`
    )
    this.#sizeAfter = database.prepare(
      `SELECT coalesce(sum(octet_length(text)), 0) AS size
        FROM (SELECT text FROM message WHERE position > ? AND position <= ? AND state < 11 ORDER BY position LIMIT ?)`
    )
    this.#newest = database.prepare('SELECT max(position) AS newest FROM message')
    this.#byPosition = database.prepare(`${from} WHERE m.position = ?`)
    this.#floor = database.prepare(
      `SELECT min(position) AS floor FROM (SELECT position FROM message
        WHERE conversation = ? AND position < ? ORDER BY position DESC LIMIT ?)`
    )
    this.#inSpan = database.prepare(
      `${from} WHERE m.conversation = ? AND m.position >= ? AND m.position < ? AND m.state < 11
        AND m.stored_at >= ? AND m.stored_at < ? ORDER BY m.position DESC LIMIT ?`
    )
    this.#summaries = database.prepare(
      `SELECT peer, (SELECT position FROM message m WHERE m.conversation = c.id AND m.state < 11
          ORDER BY m.position DESC LIMIT 1) AS last, unread
        FROM conversation c WHERE last IS NOT NULL ORDER BY last DESC`
    )
  }

  page(peer: string, options: PageOptions): readonly HistoryEntry[] {
    const conversation = this.#conversations.find(peer)
    if (conversation === undefined) return []
    const { after = 0, before = endOfHistory, maxBytes = Infinity } = options
    const state = options.includeHeld ? anyState : stateCode.firstHeld
    const limit = Number.isFinite(options.limit) ? options.limit : noLimit
    const statement = options.after === undefined ? this.#before : this.#after
    const entries = entriesWithin(statement, [conversation.id, after, before, state, limit], maxBytes)
    return options.after === undefined ? entries.toReversed() : entries
  }

  /** The next messages after a position, with one peer or all, oldest first. */
  batchAfter(position: number, peer: string | undefined): readonly HistoryEntry[] {
    const slice = { after: position, limit: ROWS_PER_SLICE, maxBytes: textBytesPerSlice }
    const entries = peer === undefined ? this.news(slice).entries : this.page(peer, slice)
    const last = entries.at(-1)
    if (last !== undefined) sliceEnd(position, last.position)
    return entries
  }

  news(options: NewsOptions): HistoryNews {
    const { after } = options
    const entries = this.newsUpTo(endOfHistory, options)
    // Where there is nothing more, what is held is behind: it has been seen not to be news.
    return { entries, next: entries.at(-1)?.position ?? Math.max(after, this.newest()) }
  }

  /** The same up to a position, and including the message there. */
  newsUpTo(last: number, { after, limit, maxBytes = Infinity }: NewsOptions): readonly HistoryEntry[] {
    if (last <= after) return []
    // Nearly always all fit, and reading them at once is faster than one by one.
    const doAllFit = maxBytes === Infinity || this.#bytesBetween(after, last, limit) <= maxBytes
    return entriesWithin(this.#allAfter, [after, last, limit], doAllFit ? Infinity : maxBytes)
  }

  /** SQLite reads the sizes without the texts. */
  #bytesBetween(after: number, last: number, limit: number): number {
    return readNumber(this.#sizeAfter.get(after, last, limit) ?? { size: 0 }, 'size')
  }

  newest(): number {
    const newest = this.#newest.get()?.['newest']
    return typeof newest === 'number' ? newest : 0
  }

  /** Searches one slice of a conversation, backwards from a position; newest first. */
  spanBefore(before: number, { peer, sinceMs = 0, untilMs = endOfHistory, limit }: LogOptions): Span {
    const conversation = this.#conversations.find(peer)
    if (conversation === undefined) return { entries: [], floor: undefined }
    const floor = this.#floor.get(conversation.id, before, ROWS_PER_SLICE)?.['floor']
    if (typeof floor !== 'number') return { entries: [], floor: undefined }
    sliceEnd(floor, before)
    const rows = this.#inSpan.all(conversation.id, floor, before, sinceMs, untilMs, Math.min(limit, ROWS_PER_SLICE))
    return { entries: rows.map(readEntry), floor }
  }

  summaries(): readonly ConversationSummary[] {
    return this.#summaries.all().flatMap((row) => {
      const last = this.#byPosition.get(readNumber(row, 'last'))
      if (last === undefined) return []
      return [{ peer: String(row['peer']), unread: readNumber(row, 'unread'), last: readEntry(last) }]
    })
  }
}
