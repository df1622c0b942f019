// The durable message store: one SQLite file for each profile, one writer, and promises that resolve when their effect is on
// the disk. It is opened, checked, mended, copied and closed here; sqlite-messages.ts has the rest.
import { closeSync, openSync, readdirSync, rmSync, truncateSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { backup, type DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { OWNER_ONLY, syncFileSync } from '../atomic-file.ts'
import { checkAll, checkAtOpening } from '../recovery/check.ts'
import { CommitQueue, WalSync } from '../sqlite/commit-queue.ts'
import { StorageClosedError, StorageDamagedError, StorageUnavailableError } from '../errors.ts'
import { finishMending, isMarkedDamaged, markDamaged, mend, unmarkDamaged, type MendReport } from '../recovery/mend.ts'
import { storageFailure, syncFailure } from '../storage-failure.ts'
import { closeQuietly, DATABASE_PAGE_BYTES, inSmallCache, openHistoryFile } from '../sqlite/history-file.ts'
import { SqliteMessages } from './sqlite-messages.ts'

export interface SqliteStoreOptions {
  readonly now?: () => number
  /** Called at the first damage found. The file is marked, and the next opening checks all of it. */
  readonly onDamage?: (error: StorageDamagedError) => void
  /** Recognises the IDs of peers: a row that names none is damaged. Without it, any name is one. */
  readonly isPeer?: (text: string) => boolean
}

export interface CopyOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void
}

/** Pages of one step of a copy, which holds writes up for a few milliseconds. */
const pagesPerStep = 64
/** A write can make a copy fail, which begins again this many times; in a busy chat every fifth fails. */
const copyTries = 10

interface OpenFile {
  readonly file: string
  readonly database: DatabaseSync
  readonly wal: WalSync
  readonly isPeer: SqliteStoreOptions['isPeer']
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
      syncAnew: async () => syncAnew(open),
      syncFailure: (error) => syncFailure(file, error),
      failure: (error) => {
        const failure = storageFailure(file, error)
        if (!(failure instanceof StorageDamagedError) || isTold) return failure
        isTold = true
        markDamaged(file)
        options.onDamage?.(failure)
        return failure
      }
    })
    super({ database, queue, now: options.now ?? Date.now, indexing: 'in the background' })
    this.#open = open
    this.#queue = queue
  }

  /**
   * Opens the history in `file`, and creates it if it is missing.
   *
   * @throws StorageDamagedError with the losses of each conversation; {@link SqliteStore.openOrMend} mends
   * @throws StorageTooNewError, StorageFullError, StorageReadOnlyError, StorageUnavailableError
   */
  static async open(file: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
    let database: DatabaseSync | undefined
    try {
      finishMending(file)
      database = openHistoryFile(file)
      if (isMarkedDamaged(file)) {
        const { isDamaged, conversations } = await checkAll(database, {
          isPeer: options.isPeer,
          pause: turn,
          structure: true
        })
        if (isDamaged) throw new StorageDamagedError(file, conversations)
        unmarkDamaged(file)
      }
      checkAtOpening(database, options.isPeer)
      return new SqliteStore({ file, database, wal: WalSync.open(file), isPeer: options.isPeer }, options)
    } catch (error) {
      const failure = await withLosses(storageFailure(file, error), database, options)
      closeQuietly(database)
      throw failure
    }
  }

  /** Opens the history; if it is damaged, first copies what is readable into a new file and reports the losses. */
  static async openOrMend(
    file: string,
    options: SqliteStoreOptions = {}
  ): Promise<{ readonly store: SqliteStore; readonly mended?: MendReport }> {
    try {
      return { store: await SqliteStore.open(file, options) }
    } catch (error) {
      if (!(error instanceof StorageDamagedError)) throw error
      const mended = await mend(file, options.now?.() ?? Date.now(), options.isPeer)
      return { store: await SqliteStore.open(file, options), mended }
    }
  }

  /** Reads the whole history in slices. If a part is damaged, the next opening mends the file. */
  async check(): Promise<StorageDamagedError | undefined> {
    const { file, database, isPeer } = this.#open
    const pause = async (): Promise<void> => {
      await turn()
      if (this.#closing !== undefined) throw new StorageClosedError(file)
    }
    await pause()
    const { isDamaged, conversations } = await inSmallCache(database, async () =>
      checkAll(database, { isPeer, pause, structure: false })
    )
    if (!isDamaged) return undefined
    markDamaged(file)
    return new StorageDamagedError(file, conversations)
  }

  /**
   * Moves the overwritten pages from the write-ahead log into the file, which holds the text until then, and empties the
   * log. Removes backups of migrations and damaged copies, which hold it too.
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
   * Copies the history, in its state at the end of the copy, into the new file `target`; reads and writes go on meanwhile.
   * `VACUUM INTO` would block the event loop for all of its time (docs/decisions/0021-key-and-history-at-rest.md).
   *
   * @throws StorageError, or the signal's reason; then nothing is left at `target`
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
    // Created before SQLite does it: for its owner alone, and never over another file.
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
    syncFileSync(target)
  }

  async #backUp(target: string, signal: AbortSignal | undefined, onProgress: CopyOptions['onProgress']): Promise<void> {
    const { file, database } = this.#open
    await backup(database, target, {
      rate: pagesPerStep,
      progress: ({ totalPages, remainingPages }) => {
        // An error thrown here ends the copy.
        signal?.throwIfAborted()
        if (this.#closing !== undefined) throw new StorageClosedError(file)
        onProgress?.({
          doneBytes: (totalPages - remainingPages) * DATABASE_PAGE_BYTES,
          totalBytes: totalPages * DATABASE_PAGE_BYTES
        })
      }
    })
  }

  /** Resolves when every earlier call is settled and the file is closed. */
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

/** @throws when the disk still refuses, or has lost commits: the next opening finds what is there */
async function syncAnew({ file, database, wal }: OpenFile): Promise<void> {
  const frames = committedFrames(database)
  if (frames !== undefined && (await wal.rewrite(frames))) return
  throw new StorageUnavailableError(file, new Error('its log may have lost a part when there was no room'))
}

/** The frames of the write-ahead log by SQLite's own count; undefined before 3.51, where asking ran a checkpoint. */
function committedFrames(database: DatabaseSync): number | undefined {
  const isKnown = database.prepare(`SELECT sqlite_version() >= '3.51' AS known`).get()?.['known'] === 1
  const frames = isKnown ? database.prepare('PRAGMA wal_checkpoint(NOOP)').get()?.['log'] : undefined
  return typeof frames === 'number' ? frames : undefined
}

/** Node's backup() sometimes fails with the result code of success when pages are written between its steps. */
function isNoError(error: unknown): boolean {
  return error instanceof Error && error.message === 'not an error'
}

/** Removes backups from before migrations, and copies of damaged files. */
function removeCopies(file: string): void {
  const folder = dirname(file)
  const name = basename(file)
  for (const entry of readdirSync(folder)) {
    const isCopy = /^\.(?:v\d+\.backup(?:\.part)?|damaged-.+)$/u.test(entry.slice(name.length))
    if (entry.startsWith(name) && isCopy) rmSync(join(folder, entry), { force: true })
  }
}

/** Adds the losses of each conversation to an error of damage, if the open file lets them be read. */
async function withLosses(
  error: unknown,
  database: DatabaseSync | undefined,
  { isPeer }: SqliteStoreOptions
): Promise<unknown> {
  if (!(error instanceof StorageDamagedError) || error.conversations !== undefined || !database?.isOpen) return error
  try {
    const { conversations } = await checkAll(database, { isPeer, pause: turn, structure: false })
    return new StorageDamagedError(error.file, conversations, error.cause)
  } catch {
    return error
  }
}
