// The identity key of a profile or of a directory, held while its passphrase is
// set, changed or removed. It knows no terminal.
import type { PrivateKey } from '@libp2p/interface'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { OWNER_ONLY_FOLDER } from '../../storage/index.ts'
import type { Config } from '../config/config.ts'
import { UsageError } from '../api/errors.ts'
import { directoriesFolder, directoryKeyFile, type Folders } from '../config/folders.ts'
import { mendedTexts, mendModes, type MendedModes } from './file-modes.ts'
import { keyOf, loadIdentity, removeHalfWritten, rewriteIdentity, type Unlocker } from './identity.ts'
import type { StoredKey } from './key-file.ts'
import { openProfile, profileFiles } from './profile.ts'
import { explained } from './own-store.ts'

export interface OwnKey {
  /** As a sentence names it: `the profile anna`. */
  readonly owner: string
  readonly peer: string
  readonly hasPassphrase: boolean
  /** Wrong file modes that were mended, in words. */
  readonly mended: readonly string[]
  /** The key itself; `unlock` is asked when it has a passphrase. */
  open(unlock: Unlocker): Promise<PrivateKey>
  /**
   * Writes it encrypted by the passphrase or, with undefined, as it is.
   *
   * @returns whether the old bytes were overwritten on the disk
   * @throws PassphraseUnusableError, StorageProblemError; the key is there as it was
   */
  rewrite(key: PrivateKey, passphrase: string | undefined): Promise<{ readonly isOldOverwritten: boolean }>
  release(): void
}

/** @throws UsageError when there is no such profile; ProfileInUseError when another parley runs on it */
export async function openOwnKey({ settings, folders }: Config): Promise<OwnKey> {
  const files = profileFiles(folders.data, settings.profile)
  if (!existsSync(files.folder)) {
    throw new UsageError(
      `there is no profile ${settings.profile}: check --profile; parley makes a profile when it goes on the network with it`
    )
  }
  const profile = await openProfile(folders.data, settings.profile, { orNextFree: false })
  const owner = `the profile ${profile.name}`
  return {
    owner,
    peer: profile.id,
    hasPassphrase: profile.identity.state === 'locked',
    mended: mendedTexts(profile.mended),
    open: async (unlock) => keyOf(profile.identity, { owner, profile: profile.name }, unlock),
    rewrite: async (key, passphrase) => explained(rewriteIdentity(files.key, key, passphrase), files.folder),
    release: () => profile.release()
  }
}

/** The key of the directory on a port; one that runs keeps the key that it has opened. @throws UsageError */
export async function openDirectoryOwnKey({ folders }: Config, port: number): Promise<OwnKey> {
  const file = directoryKeyFile(folders.data, port)
  const owner = directoryOwner(port)
  if (!existsSync(file)) {
    throw new UsageError(`${owner} has no key: check the port; parley directory --port ${port} makes one`)
  }
  const { stored, mended } = await openDirectoryKey(folders, port)
  return {
    owner,
    peer: stored.peer,
    hasPassphrase: stored.state === 'locked',
    mended: mendedTexts(mended),
    open: async (unlock) => keyOf(stored, { owner, profile: undefined }, unlock),
    rewrite: async (key, passphrase) => explained(rewriteIdentity(file, key, passphrase), file),
    release: () => undefined
  }
}

/** The key of the directory on a port, which is made when there is none. */
export async function openDirectoryKey(
  folders: Folders,
  port: number
): Promise<{ readonly stored: StoredKey; readonly mended: MendedModes }> {
  const folder = directoriesFolder(folders.data)
  const openKey = async (): Promise<{ readonly stored: StoredKey; readonly mended: MendedModes }> => {
    await mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER })
    const mended = await mendModes(folder, (name) => name.includes('.key'))
    const file = directoryKeyFile(folders.data, port)
    await removeHalfWritten(file, true)
    return { stored: await loadIdentity(file), mended }
  }
  return explained(openKey(), folder)
}

/** As a sentence names it. */
export function directoryOwner(port: number): string {
  return `the directory on port ${port}`
}
