// The identity key of a profile or of a directory, held while its passphrase is
// set, changed or removed. It knows no terminal.
import type { PrivateKey } from '@libp2p/interface'
import { existsSync } from 'node:fs'
import type { Config } from './config.ts'
import { directoryOwner, openDirectoryKey } from './directory-node.ts'
import { UsageError } from './errors.ts'
import { mendedTexts } from './file-modes.ts'
import { directoryKeyFile } from './folders.ts'
import { keyOf, rewriteIdentity, type Unlocker } from './identity.ts'
import { openProfile, profileFiles } from './profile.ts'
import { explained } from './storage-problems.ts'

export interface OwnKey {
  /** As a sentence names it: `the profile anna`. */
  readonly owner: string
  readonly peer: string
  readonly hasPassphrase: boolean
  /** What was wrong with the modes of the files, in words. */
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
