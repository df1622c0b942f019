// One process holds a profile. The lock is the operating system's, on a file that SQLite locks exclusively: it ends with
// the process, however that dies, so no lock is ever stale.
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
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
      return new ProfileLock(database)
    } catch (error) {
      database?.close()
      throw isBusy(error) ? new ProfileLockedError(folder, error) : storageFailure(file, error)
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

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === sqliteBusy
}
