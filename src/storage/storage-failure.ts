// From the failures of SQLite and the system to the errors of storage. Result codes: https://sqlite.org/rescode.html;
// only the primary part of a code counts.
import { randomBytes } from 'node:crypto'
import { accessSync, closeSync, constants, openSync, rmSync, writeSync } from 'node:fs'
import { constants as system } from 'node:os'
import { errorCode, hasErrorCode } from '../lib/index.ts'
import { OWNER_ONLY } from './atomic-file.ts'
import { DamageFound, StorageDamagedError, StorageError, StorageUnavailableError } from './errors.ts'

/** The limit that is reached: the disk, or the user's quota on it. */
type RoomLimit = 'disk' | 'quota'

function noRoomText(file: string, limit: RoomLimit): string {
  return limit === 'disk'
    ? `The disk that holds ${file} is full`
    : `Your quota on the disk that holds ${file} is used up`
}

/** The disk is full. Nothing was stored, and the caller may try again. */
export class StorageFullError extends StorageError {
  override readonly name: string = 'StorageFullError'

  constructor(file: string, cause?: unknown, limit: RoomLimit = 'disk') {
    super(file, `${noRoomText(file, limit)}, so nothing was stored: make room and try again`, { cause })
  }
}

/** The disk was full at a sync: what was written before it may be lost or not. */
export class StorageUnconfirmedError extends StorageFullError {
  override readonly name = 'StorageUnconfirmedError'

  constructor(file: string, cause: unknown, limit: RoomLimit) {
    super(file, cause, limit)
    this.message = `${noRoomText(file, limit)}. What was stored last may be missing: make room, and storing goes on by itself`
  }
}

/** The file or its folder can't be written. */
export class StorageReadOnlyError extends StorageError {
  override readonly name = 'StorageReadOnlyError'

  constructor(file: string, cause?: unknown) {
    super(file, `${file} can't be written: give its folder write permission, or choose another profile folder`, {
      cause
    })
  }
}

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
/** Messages of SQLite's generic error that only a file with foreign or damaged content causes. */
const foreignContent = /^(?:invalid fts5 file format|vtable constructor failed|no such table)/u
/**
 * I/O errors that mean a file which ends too early: SQLite reads the pages of a long text past its page cache. The search
 * index drops the code's second part, which every error of the system itself has.
 */
const endsTooEarly = new Set([10, 522])
/** A page: a shorter write may fit into space that the file system has already reserved. */
const probedBytes = 4096
const systemReadOnly = new Set(['EROFS', 'EACCES', 'EPERM'])

/** @returns a StorageError for a failure of the file or the disk; other errors unchanged */
export function storageFailure(file: string, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error
  if (isDamage(error)) return new StorageDamagedError(file, undefined, error)
  if ('errcode' in error && typeof error.errcode === 'number') return sqliteFailure(file, error, error.errcode)
  const systemCode = errorCode(error)
  if (systemCode !== undefined) {
    const limit = roomLimit(error)
    if (limit !== undefined) return new StorageFullError(file, error, limit)
    if (systemReadOnly.has(systemCode)) return new StorageReadOnlyError(file, error)
    if ('syscall' in error) return new StorageUnavailableError(file, error)
  }
  return error
}

/** The same for a sync: on a full disk the fate of the bytes is unknown. */
export function syncFailure(file: string, error: unknown): unknown {
  const limit = roomLimit(error)
  return limit === undefined ? storageFailure(file, error) : new StorageUnconfirmedError(file, error, limit)
}

/** Whether the file's content is wrong, rather than the disk or the statement. */
export function isDamage(error: unknown): boolean {
  if (error instanceof StorageDamagedError || error instanceof DamageFound) return true
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false
  const primary = error.errcode & primaryCode
  return (
    primary === code.corrupt ||
    primary === code.notADatabase ||
    endsTooEarly.has(error.errcode) ||
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
      return notWritten(file, error)
    default:
      return error
  }
}

/** SQLite reports an exhausted quota as an I/O error without the system's code. A write of our own finds the code. */
function notWritten(file: string, error: Error): StorageError {
  try {
    accessSync(file, constants.W_OK)
  } catch {
    return new StorageReadOnlyError(file, error)
  }
  const limit = roomLimit(failureOfWriting(`${file}.${randomBytes(6).toString('hex')}.probe`))
  return limit === undefined ? new StorageUnavailableError(file, error) : new StorageFullError(file, error, limit)
}

/** @returns why a new file can't take a page; undefined when it can */
function failureOfWriting(probe: string): unknown {
  try {
    const descriptor = openSync(probe, 'wx', OWNER_ONLY)
    try {
      writeSync(descriptor, Buffer.alloc(probedBytes), 0, probedBytes, 0)
    } finally {
      closeSync(descriptor)
      rmSync(probe, { force: true })
    }
    return undefined
  } catch (error) {
    return error
  }
}

/** @returns what is used up; undefined when the system refused for another reason */
function roomLimit(error: unknown): RoomLimit | undefined {
  if (!(error instanceof Error)) return undefined
  if (hasErrorCode(error, 'ENOSPC')) return 'disk'
  // libuv has no name for EDQUOT.
  return 'errno' in error && error.errno === -system.errno.EDQUOT ? 'quota' : undefined
}
