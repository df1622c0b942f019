// Full-text search over the history (FTS5). Words are indexed a moment after their message is stored, so that receipts do
// not wait for the index; a search first indexes what is missing.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ConversationTable } from '../sqlite/conversation-table.ts'
import type { HistoryEntry, SearchOptions } from '../message-store.ts'
import { messageColumns, readNumber, entriesWithin } from '../sqlite/message-rows.ts'
import { IndexWords } from './index-words.ts'
import { oldWordsOf, phrasesOf, wordsOf, type Phrase } from './search-words.ts'
import { DamageFound } from '../errors.ts'

/** Messages indexed in one transaction: about 8 ms on a slow core. */
export const MESSAGES_PER_INDEX_SLICE = 200
/** … and bytes of text, with at least one message: 200 of the longest would take a second. */
export const TEXT_BYTES_PER_INDEX_SLICE = 64 * 1024
/** Pages of the index merged in one transaction: about as long. */
const pagesPerMerge = 64
/** Messages whose words are compared with their old ones in one transaction, if they are short. */
const checkedPerSlice = 2_000
/** Rows that `#change` itself changes. */
const ownChanges = 1

export class SearchIndex {
  readonly #conversations: ConversationTable
  readonly #words: IndexWords
  readonly #upTo: StatementSync
  readonly #setUpTo: StatementSync
  readonly #missing: StatementSync
  readonly #newest: StatementSync
  readonly #setOldWordsUpTo: StatementSync
  readonly #older: StatementSync
  readonly #insert: StatementSync
  readonly #delete: StatementSync
  readonly #merge: StatementSync
  readonly #smallRowId: StatementSync
  readonly #changes: StatementSync
  readonly #find: StatementSync

  constructor(database: DatabaseSync, conversations: ConversationTable) {
    this.#conversations = conversations
    this.#words = new IndexWords(database)
    this.#upTo = database.prepare('SELECT up_to, old_words_up_to FROM indexed')
    this.#setUpTo = database.prepare('UPDATE indexed SET up_to = ?')
    this.#setOldWordsUpTo = database.prepare('UPDATE indexed SET old_words_up_to = ?')
    // A text of ASCII has the same words as ever: it is not even read.
    this.#older = database.prepare(
      `SELECT position, conversation, octet_length(text) AS bytes,
        CASE WHEN octet_length(text) = length(text) THEN NULL ELSE text END AS text
        FROM message WHERE position <= ? ORDER BY position DESC`
    )
    this.#missing = database.prepare(
      'SELECT position, conversation, text FROM message WHERE position > ? ORDER BY position LIMIT ?'
    )
    this.#newest = database.prepare('SELECT max(position) AS newest FROM message')
    this.#insert = database.prepare('INSERT INTO search (rowid, words, conversation) VALUES (?, ?, ?)')
    this.#delete = database.prepare('DELETE FROM search WHERE rowid = ?')
    this.#merge = database.prepare(`INSERT INTO search (search, rank) VALUES ('merge', ?)`)
    this.#smallRowId = database.prepare(
      'REPLACE INTO indexed (rowid, up_to, old_words_up_to) SELECT rowid, up_to, old_words_up_to FROM indexed'
    )
    this.#changes = database.prepare('SELECT total_changes() AS changes')
    // Numbers are bound as REAL, with which FTS5 can't seek: without the cast it would read everything newer.
    this.#find = database.prepare(
      `SELECT ${messageColumns} FROM search CROSS JOIN message m ON m.position = search.rowid
        CROSS JOIN conversation c ON c.id = m.conversation
        WHERE search MATCH ? AND search.rowid < CAST(? AS INTEGER) AND m.state < 11 ORDER BY search.rowid DESC LIMIT ?`
    )
  }

  /** How many positions must be indexed or compared; 0 when the index is complete. */
  remaining(): number {
    const newest = this.#newest.get()?.['newest']
    return this.#oldWordsUpTo() + (typeof newest === 'number' ? Math.max(0, newest - this.#reached()) : 0)
  }

  /**
   * Indexes the next messages; when all are, the next old ones with other words: in a transaction only.
   *
   * @throws DamageFound when messages remain and none can be indexed, so that a loop would never end
   */
  indexSlice(): void {
    const before = this.remaining()
    let upTo: number | undefined
    let bytes = 0
    for (const row of this.#missing.iterate(this.#reached(), MESSAGES_PER_INDEX_SLICE)) {
      const text = String(row['text'])
      bytes += Buffer.byteLength(text)
      if (upTo !== undefined && bytes > TEXT_BYTES_PER_INDEX_SLICE) break
      upTo = readNumber(row, 'position')
      this.#insert.run(upTo, wordsOf(text).join(' '), conversationWord(readNumber(row, 'conversation')))
    }
    if (upTo !== undefined) this.#setUpTo.run(upTo)
    else if (this.#oldWordsUpTo() > 0) this.#reindexSlice()
    if (before > 0 && this.remaining() >= before)
      throw new DamageFound('the history counts messages that it does not hold')
  }

  /** Gives today's words to messages that were indexed with old ones. */
  #reindexSlice(): void {
    const changed: { readonly position: number; readonly conversation: number; readonly words: string }[] = []
    let [checked, bytes, upTo] = [0, 0, 0]
    for (const row of this.#older.iterate(this.#oldWordsUpTo())) {
      const position = readNumber(row, 'position')
      if (
        checked >= checkedPerSlice ||
        bytes >= TEXT_BYTES_PER_INDEX_SLICE ||
        changed.length >= MESSAGES_PER_INDEX_SLICE
      ) {
        upTo = position
        break
      }
      checked++
      bytes += readNumber(row, 'bytes')
      const text = row['text']
      if (typeof text !== 'string') continue
      const words = wordsOf(text).join(' ')
      if (words !== oldWordsOf(text).join(' ')) {
        changed.push({ position, conversation: readNumber(row, 'conversation'), words })
      }
    }
    for (const { position, conversation, words } of changed) {
      this.#change(this.#delete, position)
      this.#insert.run(position, words, conversationWord(conversation))
    }
    this.#setOldWordsUpTo.run(upTo)
  }

  /** Removes a message from the index: in the transaction that deletes it. */
  remove(position: number): void {
    if (position <= this.#reached()) this.#change(this.#delete, position)
  }

  /**
   * Merges a part of the index: the words of removed messages stay until their parts are merged.
   *
   * @param isFirst begins to merge all parts into one
   * @returns whether there is more to merge
   */
  mergeSlice(isFirst: boolean): boolean {
    const before = readNumber(this.#changes.get() ?? {}, 'changes')
    const pages = isFirst ? -pagesPerMerge : pagesPerMerge
    this.#change(this.#merge, pages)
    // Fewer than two changes mean that nothing was merged: https://sqlite.org/fts5.html#the_merge_command
    return readNumber(this.#changes.get() ?? {}, 'changes') - before >= 2 + ownChanges
  }

  find(words: string, options: SearchOptions): readonly HistoryEntry[] {
    const phrases = phrasesOf(words)
    if (phrases.length === 0) return []
    const conversation = options.peer === undefined ? undefined : this.#conversations.find(options.peer)
    if (options.peer !== undefined && conversation === undefined) return []
    // Words are letters, digits and pictographs, so nothing in them can end the quotes.
    const wanted = `words : (${phrases.map((phrase) => this.#matched(phrase)).join(' AND ')})`
    const query =
      conversation === undefined ? wanted : `${wanted} AND conversation : "${conversationWord(conversation.id)}"`
    const { before = Number.MAX_SAFE_INTEGER, limit, maxBytes = Infinity } = options
    return entriesWithin(this.#find, [query, before, limit], maxBytes)
  }

  /**
   * A phrase in FTS5's syntax. Its last word, where it is a beginning, becomes all words in the index that begin so: FTS5
   * reads those from the newest on, and stops at the limit.
   */
  #matched({ words, isBeginning }: Phrase): string {
    const last = words.at(-1)
    const wholes = isBeginning && last !== undefined ? this.#words.beginningWith(last) : []
    // None: there is no such word, or it is longer than FTS5's longest, which is cut off.
    if (wholes === undefined || wholes.length === 0) return `"${words.join(' ')}"${isBeginning ? ' *' : ''}`
    return `(${wholes.map((whole) => `"${[...words.slice(0, -1), whole].join(' ')}"`).join(' OR ')})`
  }

  /**
   * FTS5 leaves a row ID of its own tables, above what a number can hold, as the connection's last one. From Node 26 on,
   * every later `run`, of any statement, fails on it. So this uses `get`, which does not read it, and then replaces it by
   * a small one.
   */
  #change(statement: StatementSync, value: number): void {
    statement.get(value)
    this.#smallRowId.run()
  }

  #reached(): number {
    return readNumber(this.#upTo.get() ?? { up_to: 0 }, 'up_to')
  }

  #oldWordsUpTo(): number {
    return readNumber(this.#upTo.get() ?? { old_words_up_to: 0 }, 'old_words_up_to')
  }
}

function conversationWord(id: number): string {
  return `c${id}`
}
