// Forces SQLite's write-ahead log to the disk in the thread pool, so that the
// event loop does not wait for the disk. What is committed is in that file.
import { close, closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const syncFile = promisify(fdatasync)
const closeFile = promisify(close)

export class WalSync {
  readonly #descriptor: number

  private constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** The database must be open in WAL mode and have been read from: then the file is there. */
  static open(databaseFile: string): WalSync {
    const descriptor = openSync(`${databaseFile}-wal`, 'r+')
    syncFolder(dirname(databaseFile))
    return new WalSync(descriptor)
  }

  async sync(): Promise<void> {
    await syncFile(this.#descriptor)
  }

  async close(): Promise<void> {
    await closeFile(this.#descriptor)
  }
}

/** A new file is durable only when its folder is; systems that can't open a folder have no need to. */
export function syncFolder(folder: string): void {
  let descriptor: number
  try {
    descriptor = openSync(folder, 'r')
  } catch {
    return
  }
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
