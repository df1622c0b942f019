// Reading the history in pages, spans and batches. It changes nothing, and no
// call takes longer than one page does.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ROWS_PER_SLICE, TEXT_BYTES_PER_SLICE } from './slices.ts'
import type { ConversationTable } from './conversation-table.ts'
import type {
  ConversationSummary,
  HistoryEntry,
  HistoryNews,
  LogOptions,
  NewsOptions,
  PageOptions
} from './message-store.ts'
import { messageColumns, readEntry, readNumber, stateCode } from './message-rows.ts'
import { entriesWithin } from './rows-within.ts'

/** Above every state: nothing is left out. */
const anyState = 1_000
const noLimit = -1
const endOfHistory = Number.MAX_SAFE_INTEGER

/** A span that has been looked through: `floor` is undefined at the conversation's beginning. */
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
    this.#allAfter = database.prepare(`${from} WHERE m.position > ? AND m.state < 11 ORDER BY m.position LIMIT ?`)
    this.#sizeAfter = database.prepare(
      `SELECT coalesce(sum(octet_length(text)), 0) AS size
        FROM (SELECT text FROM message WHERE position > ? AND state < 11 ORDER BY position LIMIT ?)`
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

  /** The next messages after a position, of one peer or everybody, oldest first. */
  batchAfter(position: number, peer: string | undefined): readonly HistoryEntry[] {
    const slice = { after: position, limit: ROWS_PER_SLICE, maxBytes: TEXT_BYTES_PER_SLICE }
    return peer === undefined ? this.news(slice).entries : this.page(peer, slice)
  }

  news({ after, limit, maxBytes = Infinity }: NewsOptions): HistoryNews {
    // Nearly always all fit, and reading them at once is faster than one by one.
    const doAllFit = maxBytes === Infinity || this.#bytesAfter(after, limit) <= maxBytes
    const entries = entriesWithin(this.#allAfter, [after, limit], doAllFit ? Infinity : maxBytes)
    // Where there is nothing more, what is held is behind: it has been seen not to be news.
    return { entries, next: entries.at(-1)?.position ?? Math.max(after, this.newest()) }
  }

  /** The sizes of texts are read without the texts. */
  #bytesAfter(after: number, limit: number): number {
    return readNumber(this.#sizeAfter.get(after, limit) ?? { size: 0 }, 'size')
  }

  newest(): number {
    const newest = this.#newest.get()?.['newest']
    return typeof newest === 'number' ? newest : 0
  }

  /** Looks through one slice of a conversation, from its end backwards; newest first. */
  spanBefore(before: number, { peer, sinceMs = 0, untilMs = endOfHistory, limit }: LogOptions): Span {
    const conversation = this.#conversations.find(peer)
    if (conversation === undefined) return { entries: [], floor: undefined }
    const floor = this.#floor.get(conversation.id, before, ROWS_PER_SLICE)?.['floor']
    if (typeof floor !== 'number') return { entries: [], floor: undefined }
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
