// Looking for damage: at opening at little, in bounded time; in full message by
// message, in slices. It finds and counts; mending is in mend.ts.
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { ROWS_PER_SLICE } from './slices.ts'
import type { ConversationDamage } from './errors.ts'
import { messageColumns, readEntry, readNumber } from './message-rows.ts'
import type { Row } from './message-rows.ts'
import { DamageFound } from './row-damage.ts'
import { isDamage } from './sqlite-failure.ts'

/** The newest messages are looked at when a store is opened, because a crash damages what was written last. */
const checkedAtOpening = 100

/** SQLite checks so many pages in about 50 ms; in a larger file its structure is checked at opening alone. */
const maxPagesChecked = 4_000

/** What a full look has found. */
export interface CheckResult {
  /** The file's structure or a row is not what was written, somewhere. */
  readonly isDamaged: boolean
  /** Conversations with losses. */
  readonly conversations: readonly ConversationDamage[]
}

export interface CheckOptions {
  /** Others get their turn after each slice. */
  readonly pause: () => Promise<void>
  /** Also what SQLite says of the structure of a large file; it takes all of its time at once. */
  readonly structure: boolean
}

/** The tables that everything else needs are whole, and so are the newest messages. Throws what SQLite does. */
export function checkAtOpening(database: DatabaseSync): void {
  const verdict = database.prepare(`PRAGMA quick_check('conversation')`).get()?.['quick_check']
  if (verdict !== 'ok') throw new DamageFound(String(verdict))
  database.prepare('SELECT up_to FROM indexed').get()
  database.prepare('SELECT max(rowid) FROM search').get()
  const newest = database.prepare(
    `SELECT ${messageColumns} FROM message m CROSS JOIN conversation c ON c.id = m.conversation
      ORDER BY m.position DESC LIMIT ?`
  )
  for (const row of newest.all(checkedAtOpening)) readEntry(row)
}

/** Reads every message that is known to be there. */
export async function checkAll(database: DatabaseSync, options: CheckOptions): Promise<CheckResult> {
  const conversations: ConversationDamage[] = []
  let isDamaged = false
  let peers: readonly { id: number; peer: string }[] = []
  try {
    peers = database
      .prepare('SELECT id, peer FROM conversation')
      .all()
      .map((row) => ({ id: readNumber(row, 'id'), peer: String(row['peer']) }))
    const statements = new CheckStatements(database)
    for (const { id, peer } of peers) {
      await options.pause()
      const found = await statements.count(id, options.pause)
      if (found.isIncomplete || found.lost > 0) {
        isDamaged = true
        conversations.push({ peer, readable: found.readable, lost: found.lost })
      }
    }
    const pageCount = database.prepare('PRAGMA page_count').get()?.['page_count']
    if (options.structure || (typeof pageCount === 'number' && pageCount <= maxPagesChecked)) {
      if (database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'] !== 'ok') isDamaged = true
    }
  } catch (error) {
    if (!isDamage(error)) throw error
    isDamaged = true
  }
  return { isDamaged, conversations }
}

class CheckStatements {
  readonly #ids: StatementSync
  readonly #message: StatementSync

  constructor(database: DatabaseSync) {
    this.#ids = database.prepare(
      `SELECT incoming, id, position, left_state FROM seen
        WHERE conversation = ? AND (incoming, id) > (?, ?) ORDER BY incoming, id LIMIT ?`
    )
    this.#message = database.prepare(
      `SELECT ${messageColumns} FROM message m CROSS JOIN conversation c ON c.id = m.conversation
        WHERE m.position = ?`
    )
  }

  async count(conversation: number, pause: () => Promise<void>) {
    let readable = 0
    let lost = 0
    let incoming = -1
    let id: SQLInputValue = ''
    for (;;) {
      let rows: Row[]
      try {
        rows = this.#ids.all(conversation, incoming, id, ROWS_PER_SLICE)
      } catch (error) {
        if (!isDamage(error)) throw error
        return { readable, lost, isIncomplete: true }
      }
      for (const row of rows) {
        if (row['left_state'] !== null) continue
        if (this.#isReadable(row['position'])) readable++
        else lost++
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < ROWS_PER_SLICE) return { readable, lost, isIncomplete: false }
      incoming = readNumber(last, 'incoming')
      id = last['id'] ?? ''
      await pause()
    }
  }

  #isReadable(position: unknown): boolean {
    try {
      const row = typeof position === 'number' ? this.#message.get(position) : undefined
      if (row === undefined) return false
      readEntry(row)
      return true
    } catch (error) {
      if (isDamage(error)) return false
      throw error
    }
  }
}
