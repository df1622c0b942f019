// The store of a process that keeps nothing: the same tables in SQLite's own memory. It has no file, so there is nothing
// to sync, lock, check or mend, and closing it is the end of everything in it.
import type { DatabaseSync } from 'node:sqlite'
import { StorageClosedError } from '../errors.ts'
import type { Transactions } from '../sqlite/commit-queue.ts'
import { closeQuietly, openHistoryInMemory } from '../sqlite/history-file.ts'
import { SqliteMessages } from './sqlite-messages.ts'

/** What stands for a file's name in the errors of this store. */
const name = 'the history in memory'

export class MemoryStore extends SqliteMessages {
  readonly #transactions: ImmediateTransactions

  constructor({ now = Date.now }: { readonly now?: () => number } = {}) {
    const database = openHistoryInMemory()
    const queue = new ImmediateTransactions(database)
    super({ database, queue, now, indexing: 'when searched' })
    this.#transactions = queue
  }

  /** SQLite overwrites what is deleted, and there is no other copy. */
  async eraseDeleted(): Promise<void> {
    this.#transactions.assertOpen()
  }

  async close(): Promise<void> {
    this.stopIndexing()
    this.#transactions.close()
  }
}

/** A transaction for each write, at once: no disk makes it worth waiting for others. */
class ImmediateTransactions implements Transactions {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  async write<T>(run: () => T): Promise<T> {
    this.assertOpen()
    this.#database.exec('BEGIN')
    try {
      const value = run()
      this.#database.exec('COMMIT')
      return value
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  async read<T>(run: () => T): Promise<T> {
    this.assertOpen()
    return run()
  }

  async readSynced<T>(run: () => T): Promise<T> {
    return this.read(run)
  }

  assertOpen(): void {
    if (!this.#database.isOpen) throw new StorageClosedError(name)
  }

  close(): void {
    closeQuietly(this.#database)
  }
}
