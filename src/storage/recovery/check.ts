// Checks of a history file. Damage: at opening in bounded time, and in full, message by message, in slices; mend.ts mends
// it. A file from another machine: its schema must be exactly the one that this program makes.
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { ROWS_PER_SLICE, messageColumns, readEntry, readNumber, type Row } from '../sqlite/message-rows.ts'
import { DamageFound, StorageDamagedError, StorageTooNewError, type ConversationDamage } from '../errors.ts'
import { closeQuietly } from '../sqlite/history-file.ts'
import { APPLICATION_ID, MIGRATIONS, readPragma } from '../sqlite/schema.ts'
import { isDamage, storageFailure } from '../storage-failure.ts'

/** Opening checks the newest messages, because a crash damages what was written last. */
const checkedAtOpening = 100

/** SQLite checks this many pages in about 50 ms; the structure of a larger file is checked at opening only. */
const maxPagesChecked = 4_000

/** What a full check found. */
export interface CheckResult {
  /** Whether the structure or any row is not what was written. */
  readonly isDamaged: boolean
  /** Conversations with losses. */
  readonly conversations: readonly ConversationDamage[]
}

export interface CheckOptions {
  /** Called after each slice, for other work. */
  readonly pause: () => Promise<void>
  /** Lets SQLite check the structure of a large file too, in one long call. */
  readonly structure: boolean
  /** Recognises the IDs of peers. */
  readonly isPeer: IsPeer | undefined
}

type IsPeer = (text: string) => boolean

/**
 * Checks the tables that all others depend on, and the newest messages.
 *
 * @throws DamageFound, or SQLite's error
 */
export function checkAtOpening(database: DatabaseSync, isPeer?: IsPeer): void {
  // The quick one leaves out whether the index over peers has the peers of the rows.
  const verdict = database.prepare(`PRAGMA integrity_check('conversation')`).get()?.['integrity_check']
  if (verdict !== 'ok') throw new DamageFound(String(verdict))
  if (isPeer !== undefined) checkPeers(database, isPeer)
  database.prepare('SELECT up_to FROM indexed').get()
  database.prepare('SELECT max(rowid) FROM search').get()
  const newest = database.prepare(
    `SELECT ${messageColumns} FROM message m CROSS JOIN conversation c ON c.id = m.conversation
      ORDER BY m.position DESC LIMIT ?`
  )
  for (const row of newest.all(checkedAtOpening)) readEntry(row)
}

/** @throws DamageFound when a row names no peer: a conversation with it could not be opened */
function checkPeers(database: DatabaseSync, isPeer: IsPeer): void {
  for (const { peer } of database
    .prepare('SELECT peer FROM conversation UNION ALL SELECT peer FROM evicted')
    .iterate()) {
    if (typeof peer !== 'string' || !isPeer(peer)) throw new DamageFound('a row names no peer')
  }
}

/** Reads every message whose id is stored. */
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
    if (options.isPeer !== undefined) checkPeers(database, options.isPeer)
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
      // In a damaged index ids can be out of order, and going back would never end.
      const lastIncoming = readNumber(last, 'incoming')
      const lastId = last['id'] ?? ''
      if (lastIncoming < incoming || (lastIncoming === incoming && !isAfter(lastId, id))) {
        return { readable, lost, isIncomplete: true }
      }
      incoming = lastIncoming
      id = lastId
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

/** Whether an id follows another one in SQLite's order of values, where text comes before bytes. */
function isAfter(id: SQLInputValue, other: SQLInputValue): boolean {
  if (typeof id === 'string' && typeof other === 'string')
    return Buffer.compare(Buffer.from(id), Buffer.from(other)) > 0
  if (id instanceof Uint8Array && other instanceof Uint8Array) return Buffer.compare(id, other) > 0
  return id instanceof Uint8Array
}

/** SQLite's own tables, such as the one that counts positions, and FTS5's. */
const madeBySqlite = /^(?:sqlite_\w+|search_(?:config|content|data|docsize|idx))$/u

/**
 * Checks the schema of a history from another machine. A trigger, a view or a different table would run with this program's
 * own statements.
 *
 * @throws StorageDamagedError for any other schema; StorageTooNewError
 */
export function checkForeignHistory(file: string): void {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    database.exec('PRAGMA trusted_schema = OFF')
    if (readPragma(database, 'application_id') !== APPLICATION_ID) throw refused(file, 'it is not marked as a history')
    const version = readPragma(database, 'user_version')
    if (version > MIGRATIONS.length) throw new StorageTooNewError(file, version, MIGRATIONS.length)
    const expected = schemaOf(version)
    const found = readSchema(database)
    for (const [name, sql] of found) {
      if (expected.get(name) !== sql) throw refused(file, `it has ${name}, which is not of Parley`)
    }
    const missing = [...expected.keys()].find((name) => !found.has(name))
    if (missing !== undefined) throw refused(file, `it lacks ${missing}`)
  } catch (error) {
    throw storageFailure(file, error)
  } finally {
    closeQuietly(database)
  }
}

function refused(file: string, why: string): StorageDamagedError {
  return new StorageDamagedError(file, undefined, new Error(why))
}

/** The schema that this program makes for a version. */
function schemaOf(version: number): ReadonlyMap<string, string> {
  const database = new DatabaseSync(':memory:')
  try {
    for (const step of MIGRATIONS.slice(0, version)) database.exec(step)
    return readSchema(database)
  } finally {
    database.close()
  }
}

/** The SQL of each object, by a name such as `the table message`. */
function readSchema(database: DatabaseSync): ReadonlyMap<string, string> {
  const rows = database.prepare('SELECT type, name, sql FROM sqlite_schema').all()
  return new Map(
    rows.flatMap(({ type, name, sql }): readonly (readonly [string, string])[] => {
      const isPlain = (type === 'table' || type === 'index') && !/^create\s+virtual/iu.test(String(sql))
      const isOfSqlite = isPlain && madeBySqlite.test(String(name))
      // Versions of SQLite write their own tables differently, and create some only on demand.
      return isOfSqlite ? [] : [[`the ${String(type)} ${String(name)}`, String(sql)]]
    })
  )
}
