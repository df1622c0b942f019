// From what SQLite or the system says to the errors of this folder. Result codes
// as in https://sqlite.org/rescode.html; only the primary part of a code counts.
import { accessSync, constants } from 'node:fs'
import {
  StorageDamagedError,
  StorageError,
  StorageFullError,
  StorageReadOnlyError,
  StorageUnavailableError
} from './errors.ts'
import { DamageFound, RowDamage } from './row-damage.ts'

const primaryCode = 0xff
const code = {
  generic: 1,
  busy: 5,
  locked: 6,
  noMemory: 7,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26
} as const
/** What SQLite calls an error like any other, and what only a file can say that is not as this program has made it. */
const foreignContent = /^(?:invalid fts5 file format|vtable constructor failed|no such table)/u
const systemFull = new Set(['ENOSPC', 'EDQUOT'])
const systemReadOnly = new Set(['EROFS', 'EACCES', 'EPERM'])

/** @returns a StorageError for a failure of the file or the disk; anything else as it is */
export function storageFailure(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error
  if (isDamage(error)) return new StorageDamagedError(file, undefined, error)
  if ('errcode' in error && typeof error.errcode === 'number') return sqliteFailure(file, error, error.errcode)
  if ('code' in error && typeof error.code === 'string') {
    if (systemFull.has(error.code)) return new StorageFullError(file, error)
    if (systemReadOnly.has(error.code)) return new StorageReadOnlyError(file, error)
    if ('syscall' in error) return new StorageUnavailableError(file, error)
  }
  return error
}

/** Whether the file itself is wrong, and not the disk or the question. */
export function isDamage(error: unknown): boolean {
  if (error instanceof StorageDamagedError || error instanceof RowDamage || error instanceof DamageFound) return true
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false
  const primary = error.errcode & primaryCode
  return (
    primary === code.corrupt ||
    primary === code.notADatabase ||
    (primary === code.generic && foreignContent.test(error.message))
  )
}

function sqliteFailure(file: string, error: Error, errcode: number): unknown {
  switch (errcode & primaryCode) {
    case code.full:
      return new StorageFullError(file, error)
    case code.readOnly:
      return new StorageReadOnlyError(file, error)
    case code.busy:
    case code.locked:
    case code.noMemory:
      return new StorageUnavailableError(file, error)
    case code.cannotOpen:
    case code.ioError:
      return isWritable(file) ? new StorageUnavailableError(file, error) : new StorageReadOnlyError(file, error)
    default:
      return error
  }
}

function isWritable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    return true
  } catch {
    return false
  }
}
