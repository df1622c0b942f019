// The history of a profile, opened: mended first when it is damaged, with a word
// about what was lost, and with the errors of the disk made plain for people.
import { join } from 'node:path'
import {
  MemoryStore,
  SqliteStore,
  StorageError,
  storageFailure,
  type CopyOptions,
  type MendReport,
  type MessageStore,
  type StorageDamagedError
} from '../../storage/index.ts'
import { StorageProblemError } from '../api/errors.ts'
import { sizeText } from '../config/setting-values.ts'

export interface OwnStore {
  readonly store: MessageStore
  /** The losses of each conversation, when the file had to be mended. */
  readonly mended: string | undefined
  /** Reads all of it, in slices; resolves with what is damaged, in words, and undefined when nothing is. */
  readonly check: () => Promise<string | undefined>
  /** Copies the history into a new file while it is in use; undefined where it is kept in memory alone. */
  readonly copyTo: ((file: string, options: CopyOptions) => Promise<void>) | undefined
}

/**
 * @param options.isPeer recognises peer IDs; given, so that this file loads no libp2p
 * @param options.onDamage called when damage is met later, while the store is in use
 * @throws StorageProblemError
 */
export async function openOwnStore(
  profile: { readonly folder: string },
  options: {
    readonly isPeer: (text: string) => boolean
    readonly nameOf: (peer: string) => string
    readonly onDamage: (what: string) => void
  }
): Promise<OwnStore> {
  if (profile.folder === '') {
    return { store: new MemoryStore(), mended: undefined, check: async () => undefined, copyTo: undefined }
  }
  try {
    const { store, mended } = await SqliteStore.openOrMend(join(profile.folder, 'history.db'), {
      isPeer: options.isPeer,
      onDamage: (error) => options.onDamage(error.message)
    })
    return {
      store,
      mended: mended === undefined ? undefined : mendedText(mended, options.nameOf),
      check: async () => damageText(await store.check(), options.nameOf),
      copyTo: async (file, how) => explained(store.copyTo(file, how))
    }
  } catch (error) {
    throw explain(error)
  }
}

function damageText(damage: StorageDamagedError | undefined, nameOf: (peer: string) => string): string | undefined {
  if (damage === undefined) return undefined
  const losses = (damage.conversations ?? []).map(({ peer, lost }) => `${lost} with ${nameOf(peer)}`)
  const lost = losses.length === 0 ? '' : ` (messages that can't be read: ${losses.join(', ')})`
  return `the history is damaged${lost}. The rest is there; it is mended at the next start`
}

/** What was at a missing end is not counted: only of a file with its end it can be said that no message was lost. */
function mendedText(report: MendReport, nameOf: (peer: string) => string): string {
  const { damagedFile, messages, conversations, missingBytes } = report
  const losses = conversations.map(({ peer, lost }) => `${lost} with ${nameOf(peer)}`)
  if (missingBytes === undefined) losses.push('all that was in the file, which was empty or cut short')
  else if (missingBytes > 0) {
    losses.push(`all that was in the last ${sizeText(missingBytes)} of the file, which are missing`)
  }
  const lost = losses.length === 0 ? 'no message was lost' : `lost: ${losses.join(', ')}`
  return `the history was damaged and has been mended: ${messages} messages are there, ${lost}. The damaged file is ${damagedFile}`
}

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
