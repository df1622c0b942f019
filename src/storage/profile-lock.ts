// One process holds a profile. The lock is the operating system's, on a file that SQLite locks exclusively: it ends with
// the process, however that dies, so no lock is ever stale. A file beside it names the process, for people: it is read
// only while the lock is held.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pid } from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { OWNER_ONLY } from './atomic-file.ts'
import { storageFailure } from './storage-failure.ts'

/** Another living process holds the profile. */
export class ProfileLockedError extends Error {
  override readonly name = 'ProfileLockedError'
  readonly folder: string

  constructor(folder: string, cause: unknown) {
    super(`the profile in ${folder} is in use by another parley`, { cause })
    this.folder = folder
  }
}

const sqliteBusy = 5

export class ProfileLock implements Disposable {
  #database: DatabaseSync | undefined

  private constructor(database: DatabaseSync) {
    this.#database = database
  }

  /**
   * Takes the lock of the profile in `folder`, which must exist, without waiting.
   *
   * @throws ProfileLockedError when another process has the lock; StorageError when the disk refuses the file
   */
  static take(folder: string): ProfileLock {
    const file = join(folder, 'lock')
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(file)
      chmodSync(file, OWNER_ONLY)
      database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
      noteHolder(folder)
      return new ProfileLock(database)
    } catch (error) {
      database?.close()
      throw isBusy(error) ? new ProfileLockedError(folder, error) : storageFailure(file, error)
    }
  }

  /** The process that holds the lock, which `take` has refused; undefined where that is not known. */
  static holder(folder: string): number | undefined {
    try {
      const holder = Number(readFileSync(holderFile(folder), 'utf8'))
      return holder > 0 ? holder : undefined
    } catch {
      return undefined
    }
  }

  release(): void {
    this.#database?.close()
    this.#database = undefined
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

function holderFile(folder: string): string {
  return join(folder, 'lock.pid')
}

function noteHolder(folder: string): void {
  try {
    writeFileSync(holderFile(folder), `${pid}\n`, { mode: OWNER_ONLY })
  } catch {
    // A full disk: messages do without the process ID.
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}
