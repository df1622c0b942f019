// Replaces a damaged history by what is readable of it. The power may fail after each step: the damaged file stays as
// it is until the new one is whole beside it, and a copy of it stays for good.
import { closeSync, constants, copyFileSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { OWNER_ONLY, syncFileSync, syncFolderSync } from '../atomic-file.ts'
import type { ConversationDamage } from '../errors.ts'
import { salvage } from './salvage.ts'
import { storageFailure } from '../storage-failure.ts'
import { closeQuietly, openHistoryFile } from '../sqlite/history-file.ts'

export interface MendReport {
  /** The copy of the damaged file; its log is beside it. */
  readonly damagedFile: string
  /** The number of messages in the new file. */
  readonly messages: number
  /** Conversations with losses, as far as they can be counted. */
  readonly conversations: readonly ConversationDamage[]
  /** Bytes missing at the file's end: more may be lost than is counted. Undefined when nothing says how long it was. */
  readonly missingBytes: number | undefined
}

/** The new history's name while it grows, and the one that it gets when it is whole. */
const growing = (file: string): string => `${file}.mending`
const whole = (file: string): string => `${file}.mended`
const mark = (file: string): string => `${file}.damaged`

/** Marks a history as damaged, so that the next opening checks all of it. */
export function markDamaged(file: string): void {
  try {
    closeSync(openSync(mark(file), 'w', OWNER_ONLY))
  } catch {
    // Without the mark the damage is found and reported again.
  }
}

export function isMarkedDamaged(file: string): boolean {
  return existsSync(mark(file))
}

export function unmarkDamaged(file: string): void {
  rmSync(mark(file), { force: true })
}

/** Mends the history in `file`, which must not be open. */
export async function mend(file: string, nowMs: number, isPeer?: (text: string) => boolean): Promise<MendReport> {
  const damagedFile = `${file}.damaged-${new Date(nowMs).toISOString().replaceAll(':', '-')}`
  let target: DatabaseSync | undefined
  try {
    if (existsSync(file)) copyForGood(file, damagedFile)
    else closeSync(openSync(damagedFile, 'wx', OWNER_ONLY))
    if (existsSync(`${file}-wal`)) copyForGood(`${file}-wal`, `${damagedFile}-wal`)
    removeDatabase(growing(file))
    target = openHistoryFile(growing(file))
    const salvaged = await salvage(damagedFile, target, isPeer)
    target.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    target.close()
    syncFileSync(growing(file))
    renameSync(growing(file), whole(file))
    syncFolderSync(dirname(file))
    finishMending(file)
    return { damagedFile, ...salvaged }
  } catch (error) {
    closeQuietly(target)
    throw storageFailure(file, error)
  }
}

/** Moves a whole new history into place; also one that an earlier process left. */
export function finishMending(file: string): void {
  if (!existsSync(whole(file))) return
  // SQLite would take the old file's log for the new one's.
  rmSync(`${file}-wal`, { force: true })
  rmSync(`${file}-shm`, { force: true })
  renameSync(whole(file), file)
  unmarkDamaged(file)
  syncFolderSync(dirname(file))
}

function copyForGood(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE)
    syncFileSync(to)
  } catch (error) {
    rmSync(to, { force: true })
    throw error
  }
}

function removeDatabase(file: string): void {
  for (const part of ['', '-wal', '-shm']) rmSync(`${file}${part}`, { force: true })
}
