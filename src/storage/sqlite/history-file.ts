// Opens a history: the file's mode, SQLite's settings, the version. It knows no tables.
import { closeSync, existsSync, fchmodSync, fstatSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { OWNER_ONLY, syncFileSync, syncFolderSync } from '../atomic-file.ts'
import { StorageDamagedError, StorageTooNewError } from '../errors.ts'
import { migrate, readPragma, APPLICATION_ID, MIGRATIONS } from './schema.ts'
import { storageFailure } from '../storage-failure.ts'

/** Fixed, so that a file with a damaged header can still be read page by page. */
export const DATABASE_PAGE_BYTES = 4096

/** SQLite's page cache: enough for the inner pages of a million messages. */
const pageCacheKib = 8 * 1024
/**
 * The same for a pass over the whole file. It reads each page once or twice, so that all of the cache would be taken by pages
 * that nobody asks for again, and the process would keep that memory.
 */
const passCacheKib = 512
/**
 * Pages in the log at which a checkpoint writes them into the file and syncs it, on the event loop: a quarter of SQLite's
 * 1,000, as each stops everything else for as long as the disk takes.
 */
const pagesPerCheckpoint = 256
/** A checkpoint truncates the log to this. */
const walKeptBytes = 16 * 1024 * 1024

/**
 * - Exclusive locking keeps other writers out, and needs no shared-memory file, whose growth on a full disk would kill the
 *   process.
 * - WalSync syncs each commit; NORMAL leaves SQLite the syncs that keep the file whole.
 * - Deleted text is overwritten: it neither stays on the disk nor comes back when a damaged file is mended.
 */
const settings = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA page_size = ${DATABASE_PAGE_BYTES};
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA secure_delete = ON;
  PRAGMA cache_size = -${pageCacheKib};
  PRAGMA wal_autocheckpoint = ${pagesPerCheckpoint};
  PRAGMA journal_size_limit = ${walKeptBytes};
  PRAGMA trusted_schema = OFF;
`

/** The offset of `user_version` in a file's header: https://sqlite.org/fileformat.html */
const userVersionOffset = 60

/**
 * Opens the file, creates it if it is missing, and migrates it.
 *
 * @throws StorageError; StorageDamagedError for an empty file too, and for a log without its file: SQLite would begin anew
 *   and delete the log
 */
export function openHistoryFile(file: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    if (!existsSync(file)) createFile(file)
    prepareFile(file)
    database = new DatabaseSync(file)
    database.exec(settings)
    const applicationId = readPragma(database, 'application_id')
    if (applicationId !== 0 && applicationId !== APPLICATION_ID) {
      throw new StorageDamagedError(file, undefined, new Error('the file is marked as another program’s'))
    }
    migrate(database, file)
    return database
  } catch (error) {
    closeQuietly(database)
    throw storageFailure(file, error)
  }
}

/** A history without a file, with SQLite's temporary tables in memory too. */
export function openHistoryInMemory(): DatabaseSync {
  const file = ':memory:'
  const database = new DatabaseSync(file)
  database.exec(`${settings} PRAGMA temp_store = MEMORY;`)
  migrate(database, file)
  return database
}

/** Runs `pass`, which reads the whole file, with a small page cache. */
export async function inSmallCache<T>(database: DatabaseSync, pass: () => Promise<T>): Promise<T> {
  database.exec(`PRAGMA cache_size = -${passCacheKib}`)
  try {
    return await pass()
  } finally {
    if (database.isOpen) database.exec(`PRAGMA cache_size = -${pageCacheKib}`)
  }
}

export function closeQuietly(database: DatabaseSync | undefined): void {
  try {
    if (database?.isOpen === true) database.close()
  } catch {
    // The caller is about to report an earlier error.
  }
}

/**
 * Creates a history, for its owner alone, under another name. It gets its own when it is whole and on the disk, so that
 * no crash leaves an empty file behind: an empty file is damage.
 */
function createFile(file: string): void {
  if (bytesIn(`${file}-wal`) > 0) throw new StorageDamagedError(file, undefined, new Error('only its log is there'))
  const fresh = `${file}.new`
  rmSync(fresh, { force: true })
  closeSync(openSync(fresh, 'wx', OWNER_ONLY))
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(fresh)
    // The sync below is enough: a fresh file that a crash leaves is made anew.
    database.exec(`PRAGMA page_size = ${DATABASE_PAGE_BYTES}; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF`)
    migrate(database, fresh)
    database.close()
    syncFileSync(fresh)
    renameSync(fresh, file)
  } catch (error) {
    closeQuietly(database)
    rmSync(fresh, { force: true })
    throw error
  }
  syncFolderSync(dirname(file))
}

function bytesIn(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0
}

/** Closes the file to others; refuses an empty one, and one of a later version, before SQLite touches it. */
function prepareFile(file: string): void {
  const descriptor = openSync(file, 'a+', OWNER_ONLY)
  try {
    const { mode, size } = fstatSync(descriptor)
    if ((mode & 0o777) !== OWNER_ONLY) fchmodSync(descriptor, OWNER_ONLY)
    if (size === 0) throw new StorageDamagedError(file, undefined, new Error('the file is empty'))
    if (size < DATABASE_PAGE_BYTES) return
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
