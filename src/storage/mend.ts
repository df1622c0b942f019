// Replacing a damaged history by what is readable of it. Each step may be the
// last before the power goes: the damaged file stays as it is until the new one
// is whole beside it, and its copy stays for good.
import { closeSync, constants, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { OWNER_ONLY } from './atomic-file.ts'
import type { ConversationDamage } from './errors.ts'
import { salvage } from './salvage.ts'
import { storageFailure } from './sqlite-failure.ts'
import { closeQuietly, openHistoryFile } from './sqlite-file.ts'
import { syncFolder } from './wal-sync.ts'

export interface MendReport {
  /** A copy of the file as it was found; its log is beside it. */
  readonly damagedFile: string
  /** How many messages the new file has. */
  readonly messages: number
  /** Conversations with losses. */
  readonly conversations: readonly ConversationDamage[]
}

/** In this file the new history grows; under the next name it is whole. */
const growing = (file: string): string => `${file}.mending`
const whole = (file: string): string => `${file}.mended`
const mark = (file: string): string => `${file}.damaged`

/** Notes beside a history that damage was met, so that the next opening looks through all of it. */
export function markDamaged(file: string): void {
  try {
    closeSync(openSync(mark(file), 'w', OWNER_ONLY))
  } catch {
    // Without the note the damage is met again where it is, and told again.
  }
}

export function isMarkedDamaged(file: string): boolean {
  return existsSync(mark(file))
}

export function unmarkDamaged(file: string): void {
  rmSync(mark(file), { force: true })
}

/** Nobody may have the file open. */
export async function mend(file: string, nowMs: number): Promise<MendReport> {
  const damagedFile = `${file}.damaged-${new Date(nowMs).toISOString().replaceAll(':', '-')}`
  let target: DatabaseSync | undefined
  try {
    copyForGood(file, damagedFile)
    if (existsSync(`${file}-wal`)) copyForGood(`${file}-wal`, `${damagedFile}-wal`)
    removeDatabase(growing(file))
    target = openHistoryFile(growing(file))
    const { messages, conversations } = await salvage(damagedFile, target)
    target.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    target.close()
    syncContent(growing(file))
    renameSync(growing(file), whole(file))
    syncFolder(dirname(file))
    finishMending(file)
    return { damagedFile, messages, conversations }
  } catch (error) {
    closeQuietly(target)
    throw storageFailure(file, error)
  }
}

/** Puts a new history that is whole into its place, also when the program ended before it could. */
export function finishMending(file: string): void {
  if (!existsSync(whole(file))) return
  // The old log belongs to the old file: beside the new one it would be taken for the new one's.
  rmSync(`${file}-wal`, { force: true })
  rmSync(`${file}-shm`, { force: true })
  renameSync(whole(file), file)
  unmarkDamaged(file)
  syncFolder(dirname(file))
}

function copyForGood(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_FICLONE)
    syncContent(to)
  } catch (error) {
    rmSync(to, { force: true })
    throw error
  }
}

function syncContent(file: string): void {
  const descriptor = openSync(file, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function removeDatabase(file: string): void {
  for (const part of ['', '-wal', '-shm']) rmSync(`${file}${part}`, { force: true })
}
