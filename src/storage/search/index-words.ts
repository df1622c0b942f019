// The words that are in the search index, by their beginnings. It knows no messages.
import type { DatabaseSync, StatementSync } from 'node:sqlite'

/**
 * Beginnings of more words are left to FTS5. Each word takes about 20 µs here and in the query; FTS5 takes 25 ms for a
 * million messages with such words, as it first collects all of them, and little for few.
 */
export const MAX_COMPLETIONS = 64

/** Below every character of a word. */
const firstCharacter = '\u0001'
/** Above every character of a word. */
const lastCharacter = '\u{10ffff}'

export class IndexWords {
  readonly #database: DatabaseSync
  #next: StatementSync | undefined

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** @returns the words with this beginning, in the index of any column; undefined when they are too many */
  beginningWith(beginning: string): readonly string[] | undefined {
    // A view of the index in the connection's own schema, which is no part of the file. Made here as opening needs none,
    // and each time as it goes with a transaction that is rolled back.
    this.#database.exec('CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_word USING fts5vocab(main, search, instance)')
    this.#next ??= this.#database.prepare('SELECT term FROM temp.search_word WHERE term >= ? AND term < ? LIMIT 1')
    const words: string[] = []
    for (let from = beginning; ; from = `${words.at(-1)}${firstCharacter}`) {
      const term = this.#next.get(from, beginning + lastCharacter)?.['term']
      if (typeof term !== 'string') return words
      if (words.length === MAX_COMPLETIONS) return undefined
      words.push(term)
    }
  }
}
