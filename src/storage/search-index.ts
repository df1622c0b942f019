// Full-text search over the history. Words are indexed a moment after their
// message is stored, so that nobody waits for the index to get a receipt; a
// search first indexes what is missing.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ConversationTable } from './conversation-table.ts'
import type { HistoryEntry, SearchOptions } from './message-store.ts'
import { messageColumns, readNumber } from './message-rows.ts'
import { entriesWithin } from './rows-within.ts'
import { phrasesOf, wordsOf } from './search-words.ts'

/** How many messages are indexed in one transaction: about 8 ms on a slow core. */
const messagesPerSlice = 200
/** How many pages of the index are merged in one transaction: about as long. */
/** What `#change` itself changes: the row that takes its own place, counted as one. */
const ownChanges = 1
const pagesPerMerge = 64

export class SearchIndex {
  readonly #conversations: ConversationTable
  readonly #upTo: StatementSync
  readonly #setUpTo: StatementSync
  readonly #missing: StatementSync
  readonly #newest: StatementSync
  readonly #insert: StatementSync
  readonly #delete: StatementSync
  readonly #merge: StatementSync
  readonly #smallRowId: StatementSync
  readonly #changes: StatementSync
  readonly #find: StatementSync

  constructor(database: DatabaseSync, conversations: ConversationTable) {
    this.#conversations = conversations
    this.#upTo = database.prepare('SELECT up_to FROM indexed')
    this.#setUpTo = database.prepare('UPDATE indexed SET up_to = ?')
    this.#missing = database.prepare(
      'SELECT position, conversation, text FROM message WHERE position > ? ORDER BY position LIMIT ?'
    )
    this.#newest = database.prepare('SELECT max(position) AS newest FROM message')
    this.#insert = database.prepare('INSERT INTO search (rowid, words, conversation) VALUES (?, ?, ?)')
    this.#delete = database.prepare('DELETE FROM search WHERE rowid = ?')
    this.#merge = database.prepare(`INSERT INTO search (search, rank) VALUES ('merge', ?)`)
    this.#smallRowId = database.prepare('REPLACE INTO indexed (rowid, up_to) SELECT rowid, up_to FROM indexed')
    this.#changes = database.prepare('SELECT total_changes() AS changes')
    // A number is bound as a real one, by which the index does not know where to begin: it would read all that is newer.
    this.#find = database.prepare(
      `SELECT ${messageColumns} FROM search CROSS JOIN message m ON m.position = search.rowid
        CROSS JOIN conversation c ON c.id = m.conversation
        WHERE search MATCH ? AND search.rowid < CAST(? AS INTEGER) AND m.state < 11 ORDER BY search.rowid DESC LIMIT ?`
    )
  }

  isComplete(): boolean {
    const newest = this.#newest.get()?.['newest']
    return typeof newest !== 'number' || newest <= this.#reached()
  }

  /** Indexes the next messages: in a transaction only. */
  indexSlice(): void {
    const rows = this.#missing.all(this.#reached(), messagesPerSlice)
    let upTo: number | undefined
    for (const row of rows) {
      upTo = readNumber(row, 'position')
      this.#insert.run(upTo, wordsOf(String(row['text'])).join(' '), conversationWord(readNumber(row, 'conversation')))
    }
    if (upTo !== undefined) this.#setUpTo.run(upTo)
  }

  /** Takes a message out of the index: in the transaction that deletes it. */
  remove(position: number): void {
    if (position <= this.#reached()) this.#change(this.#delete, position)
  }

  /**
   * The words of a removed message stay in the index until its parts are merged:
   * this does a part of that.
   *
   * @param isFirst begins the merging of everything into one
   * @returns whether there is more to merge
   */
  mergeSlice(isFirst: boolean): boolean {
    const before = readNumber(this.#changes.get() ?? {}, 'changes')
    const pages = isFirst ? -pagesPerMerge : pagesPerMerge
    this.#change(this.#merge, pages)
    // Fewer than two changes say that there was nothing to do: https://sqlite.org/fts5.html#the_merge_command
    return readNumber(this.#changes.get() ?? {}, 'changes') - before >= 2 + ownChanges
  }

  find(words: string, options: SearchOptions): readonly HistoryEntry[] {
    const phrases = phrasesOf(words)
    if (phrases.length === 0) return []
    const conversation = options.peer === undefined ? undefined : this.#conversations.find(options.peer)
    if (options.peer !== undefined && conversation === undefined) return []
    // A word holds letters, digits and pictographs only, so nothing in it can end the quotes.
    const wanted = `words : (${phrases.map((phrase) => `"${phrase.join(' ')}"`).join(' AND ')})`
    const query =
      conversation === undefined ? wanted : `${wanted} AND conversation : "${conversationWord(conversation.id)}"`
    const { before = Number.MAX_SAFE_INTEGER, limit, maxBytes = Infinity } = options
    return entriesWithin(this.#find, [query, before, limit], maxBytes)
  }

  /**
   * FTS5 leaves a row ID of its own tables, beyond what a number can hold, as the last one of the connection. From
   * Node 26 on each `run` afterwards, of whatever statement, would fail on it. `get` does not read it, and then a small
   * one takes its place.
   */
  #change(statement: StatementSync, value: number): void {
    statement.get(value)
    this.#smallRowId.run()
  }

  #reached(): number {
    return readNumber(this.#upTo.get() ?? { up_to: 0 }, 'up_to')
  }
}

function conversationWord(id: number): string {
  return `c${id}`
}
