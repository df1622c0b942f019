// The Ed25519 key that is a peer's or directory's identity: made at the first
// start, kept in a file that only its owner may read, with or without a
// passphrase. The bytes of that file are key-file.ts's business.
import { hasErrorCode } from '../../lib/index.ts'
import { KeyLockedError, UsageError } from '../api/errors.ts'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { readdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { OWNER_ONLY, overwriteFile, replaceFile, writeFileAtomically } from '../../storage/index.ts'
import { decodeKeyFile, encodeLockedKey, encodeOpenKey, KeyFileError, type StoredKey } from './key-file.ts'

/** A key with a passphrase, as those who can find the passphrase see it. */
export interface LockedIdentity {
  /** Whose key it is, as a sentence names it: `the profile anna`. */
  readonly owner: string
  /** The name of the profile; undefined for a directory. */
  readonly profile: string | undefined
  readonly peer: string
  /** @throws WrongPassphraseError */
  unlock(passphrase: string): Promise<PrivateKey>
}

/** Finds the passphrase of a locked identity and returns its key. */
export type Unlocker = (locked: LockedIdentity) => Promise<PrivateKey>

/**
 * The key itself.
 *
 * @param unlock is asked when it has a passphrase
 * @throws KeyLockedError when it has one and there is nothing to ask; what `unlock` throws
 */
export async function keyOf(
  stored: StoredKey,
  whose: Pick<LockedIdentity, 'owner' | 'profile'>,
  unlock: Unlocker | undefined
): Promise<PrivateKey> {
  if (stored.state === 'open') return stored.key
  if (unlock === undefined) throw new KeyLockedError(`the key of ${whose.owner} has a passphrase, which was not given`)
  return unlock({ ...whose, peer: stored.peer, unlock: async (passphrase) => stored.unlock(passphrase) })
}

/**
 * Reads the key in `file`, or makes one there.
 *
 * @throws UsageError when the file is there and holds no private key; it is left as it is
 */
export async function loadIdentity(file: string): Promise<StoredKey> {
  const stored = await readIdentity(file)
  if (stored !== undefined) return stored
  const key = await generateKeyPair('Ed25519')
  const bytes = encodeOpenKey(key)
  await writeFileAtomically(file, bytes, OWNER_ONLY)
  return decodeKeyFile(bytes)
}

/**
 * The key in `file`, as it is stored; nothing is made or changed.
 *
 * @returns undefined when there is no such file
 * @throws UsageError when it holds no private key
 */
export async function readIdentity(file: string): Promise<StoredKey | undefined> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (error) {
    if (!isMissing(error)) throw error
    return undefined
  }
  try {
    return decodeKeyFile(bytes)
  } catch (error) {
    const why = error instanceof KeyFileError ? error.message : 'it holds no private key'
    throw new UsageError(
      `${file} can't be used as an identity key: ${why}. Put back the right file, or move it away to begin with a new identity`,
      { cause: error }
    )
  }
}

/**
 * Writes the key over `file`, encrypted by `passphrase` or, without one, as it is. At every moment the file holds the
 * key in its old form or in the new one. The bytes of the old form are overwritten where they lie.
 *
 * @returns whether they were: a hard link that another name still has is left as it is
 * @throws PassphraseUnusableError
 */
export async function rewriteIdentity(
  file: string,
  key: PrivateKey,
  passphrase: string | undefined
): Promise<{ readonly isOldOverwritten: boolean }> {
  const bytes = passphrase === undefined ? encodeOpenKey(key) : await encodeLockedKey(key, passphrase)
  return { isOldOverwritten: await replaceFile(file, bytes, OWNER_ONLY) }
}

/**
 * Removes what a process that was killed while it wrote `file` left beside it, with SQLite's files of that.
 *
 * @param isKey it may hold a key, and is overwritten first
 */
export async function removeHalfWritten(file: string, isKey: boolean): Promise<void> {
  const folder = dirname(file)
  const beginning = `${basename(file)}.`
  for (const entry of await readdir(folder)) {
    if (!entry.startsWith(beginning) || !/^[0-9a-f]{12}(?:-journal|-wal|-shm)?$/u.test(entry.slice(beginning.length)))
      continue
    const half = join(folder, entry)
    if (isKey) await overwriteFile(half).catch(() => undefined) // it is removed all the same
    await rm(half, { force: true })
  }
}

function isMissing(error: unknown): boolean {
  return hasErrorCode(error, 'ENOENT')
}
