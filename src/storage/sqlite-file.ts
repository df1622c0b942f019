// Opening a history file: its mode, SQLite's settings, its version. It knows no
// table but to bring them up to date.
import { closeSync, fchmodSync, fstatSync, openSync, readSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { OWNER_ONLY } from './atomic-file.ts'
import { StorageDamagedError, StorageTooNewError } from './errors.ts'
import { migrate, readPragma } from './migrate.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'
import { storageFailure } from './sqlite-failure.ts'

/** Fixed, so that a file with a damaged header can still be taken apart. */
export const PAGE_BYTES = 4096

/** Pages that SQLite keeps in memory: enough for the inner pages of a million messages. */
const pageCacheKib = 8 * 1024
/** The log is cut back to this after a checkpoint; SQLite makes one for each 4 MB. */
const walKeptBytes = 16 * 1024 * 1024

/**
 * - Exclusive locking needs no shared-memory file, whose growth on a full disk
 *   would kill the process, and keeps every other writer out.
 * - The sync of each commit is WalSync's; NORMAL leaves SQLite those that keep
 *   the file whole.
 * - Deleted text is overwritten: it neither stays on the disk nor comes back when
 *   a damaged file is mended.
 */
const settings = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA page_size = ${PAGE_BYTES};
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA secure_delete = ON;
  PRAGMA cache_size = -${pageCacheKib};
  PRAGMA journal_size_limit = ${walKeptBytes};
  PRAGMA trusted_schema = OFF;
`

/** Where in a file's first page its version stands, in the words of https://sqlite.org/fileformat.html */
const userVersionOffset = 60

/**
 * Opens the file, which is made when it isn't there, and migrates it.
 *
 * @throws StorageError of the kind that fits
 */
export function openHistoryFile(file: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    prepareFile(file)
    database = new DatabaseSync(file)
    database.exec(settings)
    const applicationId = readPragma(database, 'application_id')
    if (applicationId !== 0 && applicationId !== APPLICATION_ID) {
      throw new StorageDamagedError(file, undefined, new Error('the file is marked as another program’s'))
    }
    migrate(database, { file, steps: MIGRATIONS, applicationId: APPLICATION_ID })
    return database
  } catch (error) {
    closeQuietly(database)
    throw storageFailure(file, error)
  }
}

export function closeQuietly(database: DatabaseSync | undefined): void {
  try {
    if (database?.isOpen === true) database.close()
  } catch {
    // There was an error before this one, and that is the one to be told.
  }
}

/** Creates the file for its owner alone; a file of a later version is refused before SQLite touches it. */
function prepareFile(file: string): void {
  const descriptor = openSync(file, 'a+', OWNER_ONLY)
  try {
    const { mode, size } = fstatSync(descriptor)
    if ((mode & 0o777) !== OWNER_ONLY) fchmodSync(descriptor, OWNER_ONLY)
    if (size < PAGE_BYTES) return
    const version = Buffer.alloc(4)
    const marker = Buffer.alloc(15)
    readSync(descriptor, version, 0, version.length, userVersionOffset)
    readSync(descriptor, marker, 0, marker.length, 0)
    if (marker.toString('latin1') !== 'SQLite format 3') return
    if (version.readUInt32BE() > MIGRATIONS.length && applicationIdOf(descriptor) === APPLICATION_ID) {
      throw new StorageTooNewError(file, version.readUInt32BE(), MIGRATIONS.length)
    }
  } finally {
    closeSync(descriptor)
  }
}

function applicationIdOf(descriptor: number): number {
  const id = Buffer.alloc(4)
  readSync(descriptor, id, 0, id.length, 68)
  return id.readUInt32BE()
}
