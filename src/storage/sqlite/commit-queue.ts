// Group commit: all writes of one turn of the event loop become one transaction,
// and what commits while the disk is busy shares the next sync. A promise of this
// queue resolves when what it tells is on the disk, by a sync of SQLite's log that
// the event loop does not wait for. It knows no table; the decision record on
// durable storage says why the sync is not SQLite's own.
import { close, fdatasync, fstat, openSync, read, write } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { syncFolderSync } from '../atomic-file.ts'
import { StorageUnavailableError } from '../errors.ts'
import { StorageFullError, StorageReadOnlyError, StorageUnconfirmedError } from '../storage-failure.ts'
import { readWal } from './write-ahead-log.ts'

/**
 * How long one transaction may take work in, in milliseconds. The event loop
 * stands still meanwhile, and keys are echoed by the same loop.
 */
const maxTransactionMs = 8

/** Until the disk is tried again after a sync found no room: each try writes the whole log. */
export const RECOVERY_AGAIN_MS = 2_000

interface Job {
  /** Synchronous, and may be run again after its transaction was rolled back. */
  readonly run: () => unknown
  /** It writes nothing: a disk that takes nothing is no reason to refuse it. */
  readonly isReading: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface Waiter {
  /** The number of the commit that has to be on the disk. */
  readonly commit: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export interface CommitQueueInit {
  readonly database: DatabaseSync
  /** Forces everything that was committed before the call to the disk. */
  readonly sync: () => Promise<void>
  /** Does so after a sync that failed for want of room, whatever became of that one. */
  readonly syncAnew: () => Promise<void>
  /** Turns a thrown error into the one that the caller gets. */
  readonly failure: (error: unknown) => unknown
  /** The same for a sync. */
  readonly syncFailure: (error: unknown) => unknown
}

/** How the store changes and reads its tables: each change as a whole, and each read sees what was asked for before it. */
export interface Transactions {
  write<T>(run: () => T): Promise<T>
  read<T>(run: () => T): Promise<T>
  /** Reads only what the caller knows to be on the disk, and waits for no sync. */
  readSynced<T>(run: () => T): Promise<T>
}

export class CommitQueue implements Transactions {
  readonly #init: CommitQueueInit
  #jobs: Job[] = []
  #waiters: Waiter[] = []
  #isScheduled = false
  #isSyncing = false
  #committed = 0
  #synced = 0
  /** Why nothing is taken any more: it was closed, or a sync failed and the disk can't be believed. */
  #ended: { readonly error: unknown } | undefined
  /** A sync found no room: nothing is taken or told until all that was committed is on the disk. */
  #stalled: { readonly error: StorageUnconfirmedError; readonly triedAtMs: number } | undefined
  #recovering: Promise<void> | undefined

  constructor(init: CommitQueueInit) {
    this.#init = init
  }

  /** Runs in a transaction with others; resolves when it is on the disk. */
  async write<T>(run: () => T): Promise<T> {
    return this.#ask(run, false)
  }

  async #ask<T>(run: () => T, isReading: boolean): Promise<T> {
    if (this.#stalled !== undefined) await this.#recover()
    if (this.#ended !== undefined) throw this.#ended.error
    // The queue holds jobs of all kinds of values; each resolves with what its own run returned.
    const value = (await new Promise<unknown>((resolve, reject) => {
      this.#jobs.push({ run, isReading, resolve, reject })
      this.#schedule()
    })) as T
    return value
  }

  /** Sees everything that was asked for before; resolves when what it saw is on the disk. */
  async read<T>(run: () => T): Promise<T> {
    if (this.#stalled !== undefined) await this.#recover()
    if (this.#ended !== undefined) throw this.#ended.error
    if (this.#jobs.length > 0) return this.#ask(run, true)
    let value: T
    try {
      value = run()
    } catch (error) {
      throw this.#init.failure(error)
    }
    await this.#durable()
    return value
  }

  /** For what the caller knows to be on the disk: `run` reads nothing else, and no sync is waited for. */
  async readSynced<T>(run: () => T): Promise<T> {
    if (this.#stalled !== undefined) await this.#recover()
    if (this.#ended !== undefined) throw this.#ended.error
    try {
      return run()
    } catch (error) {
      throw this.#init.failure(error)
    }
  }

  /** Takes nothing more; resolves when all that was taken is settled. */
  async end(reason: unknown): Promise<void> {
    this.#ended ??= { error: reason }
    if (this.#recovering !== undefined) await Promise.allSettled([this.#recovering])
    while (this.#jobs.length > 0) this.#flush()
    await Promise.allSettled([this.#durable()])
  }

  #schedule(): void {
    // While the disk is busy, a commit would only wait for the next sync: what is asked meanwhile joins it.
    if (this.#isScheduled || this.#isSyncing) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#flush()
      if (this.#jobs.length > 0) this.#schedule()
      else this.#startSync()
    })
  }

  /** Commits as many jobs as fit into one transaction's time. */
  #flush(): void {
    const { database } = this.#init
    const until = performance.now() + maxTransactionMs
    const values: unknown[] = []
    let tried = 0
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const job of this.#jobs) {
        tried++
        values.push(job.run())
        if (performance.now() > until) break
      }
      database.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      // One failure must not fail its neighbours.
      if (tried > 1) this.#flushApart(this.#jobs.splice(0, tried))
      else this.#jobs.shift()?.reject(this.#init.failure(error))
      return
    }
    this.#settle(this.#jobs.splice(0, tried), values)
  }

  #flushApart(jobs: readonly Job[]): void {
    let hopeless: unknown
    for (const job of jobs) {
      if (hopeless !== undefined && !job.isReading) {
        job.reject(hopeless)
        continue
      }
      try {
        if (!job.isReading) this.#init.database.exec('BEGIN IMMEDIATE')
        const value = job.run()
        if (!job.isReading) this.#init.database.exec('COMMIT')
        this.#settle([job], [value])
      } catch (error) {
        this.#rollBack()
        const failure = this.#init.failure(error)
        job.reject(failure)
        if (isOfTheDisk(failure)) hopeless = failure
      }
    }
  }

  #settle(jobs: readonly Job[], values: readonly unknown[]): void {
    this.#committed++
    const commit = this.#committed
    const resolve = (): void => {
      for (const [index, job] of jobs.entries()) job.resolve(values[index])
    }
    const reject = (error: unknown): void => {
      for (const job of jobs) job.reject(error)
    }
    this.#waiters.push({ commit, resolve, reject })
  }

  async #durable(): Promise<void> {
    if (this.#synced >= this.#committed) return
    await new Promise<void>((resolve, reject) => {
      this.#waiters.push({ commit: this.#committed, resolve, reject })
      this.#startSync()
    })
  }

  #startSync(): void {
    if (this.#isSyncing || this.#synced >= this.#committed) return
    this.#isSyncing = true
    const commit = this.#committed
    this.#init.sync().then(
      () => {
        this.#isSyncing = false
        this.#synced = commit
        const reached = this.#waiters.filter((waiter) => waiter.commit <= commit)
        this.#waiters = this.#waiters.filter((waiter) => waiter.commit > commit)
        for (const { resolve } of reached) resolve()
        if (this.#jobs.length > 0) this.#schedule()
        else if (this.#waiters.length > 0) this.#startSync()
      },
      (error: unknown) => this.#distrust(error)
    )
  }

  /** After a failed sync the system may have dropped what it could not write, and a second try would lie. */
  #distrust(cause: unknown): void {
    const error = this.#init.syncFailure(cause)
    this.#isSyncing = false
    if (error instanceof StorageUnconfirmedError) this.#stalled = { error, triedAtMs: performance.now() }
    else this.#ended = { error }
    for (const { reject } of this.#waiters) reject(error)
    for (const { reject } of this.#jobs) reject(error)
    this.#waiters = []
    this.#jobs = []
    this.#synced = this.#committed
  }

  /** While the queue is stalled, each request tries the disk again. */
  async #recover(): Promise<void> {
    this.#recovering ??= this.#tryAgain().finally(() => (this.#recovering = undefined))
    await this.#recovering
  }

  async #tryAgain(): Promise<void> {
    if (this.#stalled === undefined) return
    const { error, triedAtMs } = this.#stalled
    if (performance.now() - triedAtMs < RECOVERY_AGAIN_MS) throw error
    try {
      await this.#init.syncAnew()
      this.#stalled = undefined
    } catch (cause) {
      this.#distrust(cause)
      throw this.#init.syncFailure(cause)
    }
  }

  #rollBack(): void {
    if (!this.#init.database.isTransaction) return
    try {
      this.#init.database.exec('ROLLBACK')
    } catch {
      // SQLite has rolled back by itself.
    }
  }
}

function isOfTheDisk(error: unknown): boolean {
  return (
    error instanceof StorageFullError ||
    error instanceof StorageReadOnlyError ||
    error instanceof StorageUnavailableError
  )
}

/** The log has megabytes, and the thread pool has other users. */
const rewrittenAtOnceBytes = 1024 * 1024

const statFile = promisify(fstat)
const readFile = promisify(read)
const writeFile = promisify(write)
const syncFile = promisify(fdatasync)
const closeFile = promisify(close)

/** Forces the write-ahead log of a database to the disk, in the thread pool. */
export class WalSync {
  readonly #descriptor: number

  private constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** The database must be open in WAL mode and have been read from, so that the log exists. */
  static open(databaseFile: string): WalSync {
    const descriptor = openSync(`${databaseFile}-wal`, 'r+')
    syncFolderSync(dirname(databaseFile))
    return new WalSync(descriptor)
  }

  async sync(): Promise<void> {
    await syncFile(this.#descriptor)
  }

  /**
   * After a failed sync the system may have dropped pages that the next sync would confirm. So this reads the whole log,
   * writes it again in place, and syncs. Nothing may commit meanwhile.
   *
   * @param frames the frames that SQLite has committed
   * @returns whether all of them are on the disk
   */
  async rewrite(frames: number): Promise<boolean> {
    const { size } = await statFile(this.#descriptor)
    const bytes = Buffer.alloc(Math.min(rewrittenAtOnceBytes, size))
    for (let offset = 0; offset < size;) {
      const { bytesRead } = await readFile(this.#descriptor, bytes, 0, bytes.length, offset)
      if (bytesRead === 0) break
      const { bytesWritten } = await writeFile(this.#descriptor, bytes, 0, bytesRead, offset)
      offset += bytesWritten
    }
    await syncFile(this.#descriptor)
    return (readWal(this.#descriptor)?.frames ?? 0) === frames
  }

  async close(): Promise<void> {
    await closeFile(this.#descriptor)
  }
}
