// New messages into the tables, own ones and others': many rows by few calls, as a
// call costs a third of what SQLite does for a row. Its methods are synchronous
// and belong into the store's transactions.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { checksumOf, toKey } from './message-rows.ts'
import type { StoredMessage } from './message-store.ts'

/** Rows in one call: more gain nothing more. */
const rowsAtOnce = 16

const message = {
  into: 'message (conversation, state, id, log, seq, sent_at, stored_at, text, reply_to, outbox, checksum)',
  row: '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'
} as const
const seen = { into: 'seen (conversation, incoming, id, position)', row: '(?, ?, ?, ?)' } as const

export interface NewRow {
  readonly message: StoredMessage
  /** The number of its state. */
  readonly code: number
  /** Its place in the outbox. */
  readonly place: number | null
}

interface Inserts {
  readonly message: StatementSync
  readonly seen: StatementSync
}

export class MessageInserts {
  readonly #one: Inserts
  readonly #many: Inserts

  constructor(database: DatabaseSync) {
    const prepare = (rows: number): Inserts => ({
      message: database.prepare(insertOf(message, rows)),
      seen: database.prepare(insertOf(seen, rows))
    })
    this.#one = prepare(1)
    this.#many = prepare(rowsAtOnce)
  }

  /** @returns the position of the first; those of the others follow it */
  add(conversation: number, rows: readonly NewRow[]): number {
    let first = 0
    for (let from = 0; from < rows.length;) {
      const isFull = rows.length - from >= rowsAtOnce
      const some = rows.slice(from, from + (isFull ? rowsAtOnce : 1))
      const position = insert(isFull ? this.#many : this.#one, conversation, some)
      if (from === 0) first = position
      from += some.length
    }
    return first
  }
}

function insertOf({ into, row }: { readonly into: string; readonly row: string }, rows: number): string {
  return `INSERT INTO ${into} VALUES ${Array.from({ length: rows }, () => row).join(', ')}`
}

/** @returns the position of the first row: the table counts them up */
function insert(inserts: Inserts, conversation: number, rows: readonly NewRow[]): number {
  const values: SQLInputValue[] = []
  const keys: SQLInputValue[] = []
  let log = ''
  let logKey: SQLInputValue = ''
  for (const { message: fields, code, place } of rows) {
    const { id, seq, sentAtMs, storedAtMs, text, replyTo } = fields
    if (fields.log !== log) logKey = toKey((log = fields.log))
    const key = toKey(id)
    keys.push(key)
    values.push(conversation, code, key, logKey, seq, sentAtMs, storedAtMs, text)
    values.push(replyTo === undefined ? null : toKey(replyTo), place, checksumOf(fields, conversation))
  }
  const last = Number(inserts.message.run(...values).lastInsertRowid)
  const first = last - rows.length + 1
  const incoming = rows[0]?.message.direction === 'in' ? 1 : 0
  inserts.seen.run(...keys.flatMap((key, index) => [conversation, incoming, key, first + index]))
  return first
}
