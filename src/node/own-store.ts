// The history of a profile, opened: mended first when it is damaged, with a word
// about what was lost, and with the errors of the disk made plain for people.
import { join } from 'node:path'
import {
  MemoryMessageStore,
  SqliteStore,
  type CopyOptions,
  type MendReport,
  type MessageStore,
  type StorageDamagedError
} from '../storage/index.ts'
import type { HeldProfile } from './profile.ts'
import { explain, explained } from './storage-problems.ts'

export interface OwnStore {
  readonly store: MessageStore
  /** What was lost of which conversation, when the file had to be mended. */
  readonly mended: string | undefined
  /** Reads all of it, in slices; resolves with what is damaged, in words, and undefined when nothing is. */
  readonly check: () => Promise<string | undefined>
  /** Copies the history into a new file while it is in use; undefined where it is kept in memory alone. */
  readonly copyTo: ((file: string, options: CopyOptions) => Promise<void>) | undefined
}

/**
 * @param onDamage called when damage is met later, while the store is in use
 * @throws StorageProblemError
 */
export async function openOwnStore(
  profile: Pick<HeldProfile, 'folder'>,
  options: { readonly nameOf: (peer: string) => string; readonly onDamage: (what: string) => void }
): Promise<OwnStore> {
  if (profile.folder === '') {
    return { store: new MemoryMessageStore(), mended: undefined, check: async () => undefined, copyTo: undefined }
  }
  try {
    const { store, mended } = await SqliteStore.openOrMend(join(profile.folder, 'history.db'), {
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

function mendedText({ damagedFile, messages, conversations }: MendReport, nameOf: (peer: string) => string): string {
  const losses = conversations.map(({ peer, lost }) => `${lost} with ${nameOf(peer)}`)
  const lost = losses.length === 0 ? 'no message was lost' : `lost: ${losses.join(', ')}`
  return `the history was damaged and has been mended: ${messages} messages are there, ${lost}. The damaged file is ${damagedFile}`
}
