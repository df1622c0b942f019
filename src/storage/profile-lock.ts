// One process holds a profile. The lock is the operating system's, on a file
// that SQLite keeps locked exclusively: it ends with its process, however that
// dies, so there is nothing to clean up and nothing stale to find.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

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
   * @throws ProfileLockedError when another process has it
   */
  static take(folder: string): ProfileLock {
    const database = new DatabaseSync(join(folder, 'lock'))
    try {
      database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    } catch (error) {
      database.close()
      if (isBusy(error)) throw new ProfileLockedError(folder, error)
      throw error
    }
    return new ProfileLock(database)
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
