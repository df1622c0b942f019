// Whether a file that came from elsewhere is a history of Parley and nothing
// more: its tables must be the ones that this program would have made. Messages
// are not looked at here.
import { DatabaseSync } from 'node:sqlite'
import { StorageDamagedError, StorageTooNewError } from './errors.ts'
import { readPragma } from './migrate.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'
import { storageFailure } from './sqlite-failure.ts'
import { closeQuietly } from './sqlite-file.ts'

/** SQLite's own tables, such as the one that counts positions, and those in which FTS5 keeps its index. */
const madeBySqlite = /^(?:sqlite_\w+|search_(?:config|content|data|docsize|idx))$/u

/**
 * Looks at the schema of a history that another machine may have made. A trigger, a view or a table of another shape
 * would run with this program's own statements.
 *
 * @throws StorageDamagedError when it is something else; StorageTooNewError
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

/** What this program makes of an empty file, up to a version. */
function schemaOf(version: number): ReadonlyMap<string, string> {
  const database = new DatabaseSync(':memory:')
  try {
    for (const step of MIGRATIONS.slice(0, version)) database.exec(step)
    return readSchema(database)
  } finally {
    database.close()
  }
}

/** Each object, as `table message`, with what made it. */
function readSchema(database: DatabaseSync): ReadonlyMap<string, string> {
  const rows = database.prepare('SELECT type, name, sql FROM sqlite_schema').all()
  return new Map(
    rows.flatMap(({ type, name, sql }): readonly (readonly [string, string])[] => {
      const isPlain = (type === 'table' || type === 'index') && !/^create\s+virtual/iu.test(String(sql))
      const isOfSqlite = isPlain && madeBySqlite.test(String(name))
      // Versions of SQLite word their own tables differently, and make some only when they are needed.
      return isOfSqlite ? [] : [[`the ${String(type)} ${String(name)}`, String(sql)]]
    })
  )
}
