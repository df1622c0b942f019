/**
 * What SQLite alone takes for the messages of bench/delivery.ts: the statements
 * that a sender and a receiver need for each, on the same tables, with a sync
 * after each batch, and nothing else. What a delivery costs beyond this is
 * Parley's own.
 */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { newMessageId } from '../src/storage/sqlite/message-rows.ts'
import { wordsOf } from '../src/storage/search/search-words.ts'
import { openHistoryFile } from '../src/storage/sqlite/history-file.ts'
import { WalSync } from '../src/storage/sqlite/commit-queue.ts'

export interface StatementsInit {
  readonly role: 'receiver' | 'sender'
  readonly folder: string
  /** Whether the search index is brought up to date too. */
  readonly withIndex: boolean
}

/** As many as an outbox hands over at once. */
const messagesInABatch = 256
const log = Buffer.alloc(8, 1)

export class BareStatements {
  readonly #init: StatementsInit
  readonly #database: DatabaseSync
  readonly #wal: WalSync
  #seq = 0

  constructor(init: StatementsInit) {
    this.#init = init
    mkdirSync(init.folder, { recursive: true })
    const file = join(init.folder, 'history.db')
    this.#database = openHistoryFile(file)
    this.#database.exec(`INSERT INTO conversation (id, peer, own_log, own_seq, next_outbox, read_up_to, unread)
      VALUES (1, 'somebody', x'0101010101010101', 0, 1, 0, 0)`)
    this.#wal = WalSync.open(file)
  }

  /** @returns how many seconds it took */
  async store(count: number, text: string): Promise<number> {
    const startedAtMs = performance.now()
    for (let done = 0; done < count; done += messagesInABatch) {
      const stored = await this.#commit(() => this.#insert(Math.min(messagesInABatch, count - done), text))
      if (this.#init.role === 'sender') await this.#commit(() => this.#deliver(stored))
    }
    return (performance.now() - startedAtMs) / 1000
  }

  async #commit<T>(run: () => T): Promise<T> {
    this.#database.exec('BEGIN IMMEDIATE')
    const value = run()
    this.#database.exec('COMMIT')
    await this.#wal.sync()
    return value
  }

  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()

  #run(sql: string, ...values: (string | number | null | Uint8Array)[]): number {
    let statement = this.#statements.get(sql)
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)))
    return Number(statement.run(...values).lastInsertRowid)
  }

  #insert(count: number, text: string): number[] {
    const { role, withIndex } = this.#init
    const isIncoming = role === 'receiver'
    return Array.from({ length: count }, () => {
      const seq = ++this.#seq
      const id = Buffer.from(newMessageId(Date.now()), 'hex')
      const position = this.#run(
        `INSERT INTO message (conversation, state, id, log, seq, sent_at, stored_at, text, outbox, checksum)
          VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, 1)`,
        isIncoming ? 10 : 0,
        id,
        log,
        seq,
        Date.now(),
        Date.now(),
        `${text}${seq}`,
        isIncoming ? null : seq
      )
      this.#run(
        'INSERT INTO seen (conversation, incoming, id, position) VALUES (1, ?, ?, ?)',
        Number(isIncoming),
        id,
        position
      )
      if (!isIncoming) this.#run('UPDATE conversation SET own_seq = ?, next_outbox = ? WHERE id = 1', seq, seq + 1)
      if (withIndex) {
        const words = wordsOf(`${text}${seq}`).join(' ')
        this.#run('INSERT INTO search (rowid, words, conversation) VALUES (?, ?, ?)', position, words, 'c1')
      }
      return position
    })
  }

  #deliver(positions: readonly number[]): void {
    for (const position of positions) {
      this.#run(
        'UPDATE message SET state = 3, reason = NULL, seen_at = NULL, outbox = NULL WHERE position = ?',
        position
      )
    }
  }
}
