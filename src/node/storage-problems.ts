// What the disk does not let happen, told as errors for people: one place for
// the history, the lock and the small files of a profile.
import { StorageError, storageFailure } from '../storage/index.ts'
import { StorageProblemError } from './errors.ts'

/** @throws StorageProblemError in place of an error of the disk; `file` is named where the error names none */
export async function explained<T>(work: Promise<T>, file = 'the profile'): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw explain(error, file)
  }
}

/** @returns a StorageProblemError for an error of the disk; anything else as it is */
export function explain(error: unknown, file = 'the profile'): unknown {
  const failure = storageFailure(file, error)
  return failure instanceof StorageError ? new StorageProblemError(failure.message, { cause: error }) : error
}
