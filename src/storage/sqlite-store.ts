// The durable message store: one SQLite file for each profile, one writer, every
// promise resolved when what it tells is on the disk. Here it is opened, checked,
// mended and closed; what it does meanwhile is in sqlite-messages.ts.
import { closeSync, fsyncSync, openSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { backup, type DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { OWNER_ONLY } from './atomic-file.ts'
import { checkAll, checkAtOpening } from './check.ts'
import { CommitQueue } from './commit-queue.ts'
import { StorageClosedError, StorageDamagedError } from './errors.ts'
import { finishMending, isMarkedDamaged, markDamaged, mend, unmarkDamaged, type MendReport } from './mend.ts'
import { storageFailure } from './sqlite-failure.ts'
import { closeQuietly, openHistoryFile, PAGE_BYTES } from './sqlite-file.ts'
import { SqliteMessages } from './sqlite-messages.ts'
import { WalSync } from './wal-sync.ts'

export interface SqliteStoreOptions {
  readonly now?: () => number
  /** Damage was met for the first time. The file is marked, and looked through at the next opening. */
  readonly onDamage?: (error: StorageDamagedError) => void
}

export interface CopyOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void
}

/** A step of a copy holds writes up for as long as it takes: a few milliseconds. */
const pagesPerStep = 64
/** A copy begins anew so often when it was disturbed by what was written meanwhile: one in five of a busy chat is. */
const copyTries = 10

interface OpenFile {
  readonly file: string
  readonly database: DatabaseSync
  readonly wal: WalSync
}

export class SqliteStore extends SqliteMessages {
  readonly #open: OpenFile
  readonly #queue: CommitQueue
  readonly #copies = new Set<Promise<void>>()
  #closing: Promise<void> | undefined

  private constructor(open: OpenFile, options: SqliteStoreOptions) {
    const { file, database, wal } = open
    let isTold = false
    const queue = new CommitQueue({
      database,
      sync: async () => wal.sync(),
      failure: (error) => {
        const failure = storageFailure(file, error)
        if (!(failure instanceof StorageDamagedError) || isTold) return failure
        isTold = true
        markDamaged(file)
        options.onDamage?.(failure)
        return failure
      }
    })
    super({ database, queue, now: options.now ?? Date.now })
    this.#open = open
    this.#queue = queue
  }

  /**
   * Opens the history in `file`, which is made when it isn't there.
   *
   * @throws StorageDamagedError with what is lost where; {@link SqliteStore.openOrMend} goes on from there
   * @throws StorageTooNewError, StorageFullError, StorageReadOnlyError, StorageUnavailableError
   */
  static async open(file: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
    let database: DatabaseSync | undefined
    try {
      finishMending(file)
      database = openHistoryFile(file)
      if (isMarkedDamaged(file)) {
        const { isDamaged, conversations } = await checkAll(database, { pause: turn, structure: true })
        if (isDamaged) throw new StorageDamagedError(file, conversations)
        unmarkDamaged(file)
      }
      checkAtOpening(database)
      return new SqliteStore({ file, database, wal: WalSync.open(file) }, options)
    } catch (error) {
      const failure = await withLosses(storageFailure(file, error), database)
      closeQuietly(database)
      throw failure
    }
  }

  /** Opens the history; when it is damaged, first moves what is readable into a new file and says what was lost. */
  static async openOrMend(
    file: string,
    options: SqliteStoreOptions = {}
  ): Promise<{ readonly store: SqliteStore; readonly mended?: MendReport }> {
    try {
      return { store: await SqliteStore.open(file, options) }
    } catch (error) {
      if (!(error instanceof StorageDamagedError)) throw error
      const mended = await mend(file, options.now?.() ?? Date.now())
      return { store: await SqliteStore.open(file, options), mended }
    }
  }

  /** Reads the whole history in slices. When a part is damaged, the file is mended at the next opening. */
  async check(): Promise<StorageDamagedError | undefined> {
    const { file, database } = this.#open
    const pause = async (): Promise<void> => {
      await turn()
      if (this.#closing !== undefined) throw new StorageClosedError(file)
    }
    await pause()
    const { isDamaged, conversations } = await checkAll(database, { pause, structure: false })
    if (!isDamaged) return undefined
    markDamaged(file)
    return new StorageDamagedError(file, conversations)
  }

  /**
   * The pages that were overwritten move from the write-ahead log into the file, which until then holds the text, and
   * the log is emptied. Backups of migrations and damaged copies hold it too, and go.
   */
  async eraseDeleted(): Promise<void> {
    const { file, database } = this.#open
    if (this.#closing !== undefined) throw new StorageClosedError(file)
    try {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      removeCopies(file)
    } catch (error) {
      throw storageFailure(file, error)
    }
  }

  /**
   * Copies the history, as it is when the copy ends, into the new file `target`; reads and writes go on meanwhile.
   * `VACUUM INTO` would hold up the event loop for all of its time (docs/decisions/0021-key-and-history-at-rest.md).
   *
   * @throws StorageFullError and the like; what aborted the signal. Nothing is left at `target` then
   */
  async copyTo(target: string, { signal, onProgress }: CopyOptions = {}): Promise<void> {
    const copying = this.#copy(target, signal, onProgress)
    this.#copies.add(copying)
    try {
      await copying
    } catch (error) {
      rmSync(target, { force: true })
      rmSync(`${target}-journal`, { force: true })
      signal?.throwIfAborted()
      throw storageFailure(target, error)
    } finally {
      this.#copies.delete(copying)
    }
  }

  async #copy(target: string, signal: AbortSignal | undefined, onProgress: CopyOptions['onProgress']): Promise<void> {
    // Made before SQLite makes it: for its owner alone, and nothing is overwritten.
    closeSync(openSync(target, 'wx', OWNER_ONLY))
    for (let tries = 1; ; tries++) {
      try {
        await this.#backUp(target, signal, onProgress)
        break
      } catch (error) {
        if (!isNoError(error) || tries === copyTries) throw error
        truncateSync(target)
      }
    }
    const written = openSync(target, 'r+')
    try {
      fsyncSync(written)
    } finally {
      closeSync(written)
    }
  }

  async #backUp(target: string, signal: AbortSignal | undefined, onProgress: CopyOptions['onProgress']): Promise<void> {
    const { file, database } = this.#open
    await backup(database, target, {
      rate: pagesPerStep,
      progress: ({ totalPages, remainingPages }) => {
        // What is thrown here ends the copy.
        signal?.throwIfAborted()
        if (this.#closing !== undefined) throw new StorageClosedError(file)
        onProgress?.({ doneBytes: (totalPages - remainingPages) * PAGE_BYTES, totalBytes: totalPages * PAGE_BYTES })
      }
    })
  }

  /** Resolves when everything that was asked for is settled and the file is closed. */
  async close(): Promise<void> {
    this.#closing ??= this.#close()
    await this.#closing
  }

  async #close(): Promise<void> {
    const { file, database, wal } = this.#open
    this.stopIndexing()
    await Promise.allSettled(this.#copies)
    await this.#queue.end(new StorageClosedError(file))
    closeQuietly(database)
    await wal.close()
  }
}

/** Node's backup() now and then fails with the result code of success when pages are written between its steps. */
function isNoError(error: unknown): boolean {
  return error instanceof Error && error.message === 'not an error'
}

/** Copies of the history that were made before a migration, or kept of a damaged file. */
function removeCopies(file: string): void {
  const folder = dirname(file)
  const name = basename(file)
  for (const entry of readdirSync(folder)) {
    const isCopy = /^\.(?:v\d+\.backup(?:\.part)?|damaged-.+)$/u.test(entry.slice(name.length))
    if (entry.startsWith(name) && isCopy) rmSync(join(folder, entry), { force: true })
  }
}

/** Adds to an error of damage, while the file is still open, which conversations have losses. */
async function withLosses(error: unknown, database: DatabaseSync | undefined): Promise<unknown> {
  if (!(error instanceof StorageDamagedError) || error.conversations !== undefined || !database?.isOpen) return error
  const { conversations } = await checkAll(database, { pause: turn, structure: false })
  return new StorageDamagedError(error.file, conversations, error.cause)
}
