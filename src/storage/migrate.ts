// Brings a history file to the version that this program knows: each step once,
// each in a transaction, after a copy of the file as it was. Knows no table.
import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { OWNER_ONLY } from './atomic-file.ts'
import { StorageTooNewError } from './errors.ts'

export interface Migration {
  readonly file: string
  /** The step at index n makes version n + 1. */
  readonly steps: readonly string[]
  readonly applicationId: number
}

/**
 * @returns the backup's path when there was something to migrate
 * @throws StorageTooNewError for a file of a later version, which stays as it is
 */
export function migrate(database: DatabaseSync, { file, steps, applicationId }: Migration): string | undefined {
  const version = readPragma(database, 'user_version')
  if (version > steps.length) throw new StorageTooNewError(file, version, steps.length)
  if (version === steps.length) return undefined
  const backup = version === 0 ? undefined : backUp(database, `${file}.v${version}.backup`)
  for (const [index, step] of steps.entries()) {
    if (index < version) continue
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(step)
      database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${index + 1}; COMMIT`)
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
  return backup
}

export function readPragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  const value = database.prepare(`PRAGMA ${name}`).get()?.[name]
  return typeof value === 'number' ? value : 0
}

/** Written under another name first: a backup that is there is whole. */
function backUp(database: DatabaseSync, backup: string): string {
  const partial = `${backup}.part`
  rmSync(partial, { force: true })
  try {
    closeSync(openSync(partial, 'wx', OWNER_ONLY))
    database.prepare('VACUUM INTO ?').run(partial)
    const written = openSync(partial, 'r+')
    try {
      fsyncSync(written)
    } finally {
      closeSync(written)
    }
    renameSync(partial, backup)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
  return backup
}
