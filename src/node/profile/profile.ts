// A profile: an identity with what it remembers, in a folder that one process at
// a time may use. It knows where the files are, not what is done with them, and
// not where a passphrase comes from.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { mkdir } from 'node:fs/promises'
import { OWNER_ONLY_FOLDER, PeerBook, ProfileLock, ProfileLockedError } from '../../storage/index.ts'
import { type Config } from '../config/config.ts'
import { defaultName } from '../config/setting-specs.ts'
import { processNote, ProfileInUseError } from '../api/errors.ts'
import { isPeerId } from '../peers/peer-reference.ts'
import { mendModes, type MendedModes } from './file-modes.ts'
import { bookFile, historyCopies, keyFile, profileFolder } from '../config/folders.ts'
import { keyOf, loadIdentity, removeHalfWritten, type Unlocker } from './identity.ts'
import type { StoredKey } from './key-file.ts'
import { profileNames } from './profile-preview.ts'
import { explained } from './own-store.ts'

/** A profile that this process holds. Its key may be locked by a passphrase: only a node needs it. */
export interface HeldProfile {
  readonly name: string
  /** The peer ID, as text. */
  readonly id: string
  readonly folder: string
  readonly identity: StoredKey
  readonly book: PeerBook
  /** Set when another profile was asked for and this one was free. */
  readonly insteadOf: string | undefined
  /** Wrong modes of its files that were mended. */
  readonly mended: MendedModes
  release(): void
}

/** A held profile with its key: what a node runs on. */
export interface Profile extends HeldProfile {
  readonly key: PrivateKey
}

interface ProfileFiles {
  readonly folder: string
  readonly key: string
  readonly book: string
}

/** Where the files of a profile are, whether they are there or not. */
export function profileFiles(dataFolder: string, name: string): ProfileFiles {
  const folder = profileFolder(dataFolder, name)
  return { folder, key: keyFile(dataFolder, name), book: bookFile(dataFolder, name) }
}

/**
 * Opens a profile and holds it.
 *
 * @param options.orNextFree when the default profile is held: take `default-2`, `default-3` … instead
 * @throws ProfileInUseError, StorageProblemError, ForeignFolderError
 */
export async function openProfile(
  dataFolder: string,
  name: string,
  options: { orNextFree: boolean }
): Promise<HeldProfile> {
  for (const tried of profileNames(name, options.orNextFree)) {
    const files = profileFiles(dataFolder, tried)
    const profile = await explained(tryProfile(tried, files, tried === name ? undefined : name), files.folder)
    if (profile !== undefined) return profile
  }
  const holder = processNote(ProfileLock.holder(profileFolder(dataFolder, name)))
  throw new ProfileInUseError(
    `the profile ${name} is in use by another parley${holder}: end that one, or choose another with --profile`
  )
}

/** @returns undefined when another process holds it */
async function tryProfile(
  name: string,
  files: ProfileFiles,
  insteadOf: string | undefined
): Promise<HeldProfile | undefined> {
  await mkdir(files.folder, { recursive: true, mode: OWNER_ONLY_FOLDER })
  const mended = await mendModes(files.folder, (file) => file.startsWith('identity.key'))
  const lock = takeLock(files.folder)
  return lock === undefined ? undefined : readProfile(name, files, { lock, insteadOf, mended })
}

async function readProfile(
  name: string,
  files: ProfileFiles,
  { lock, ...held }: Pick<HeldProfile, 'insteadOf' | 'mended'> & { readonly lock: ProfileLock }
): Promise<HeldProfile> {
  try {
    await removeHalfWritten(files.key, true)
    await removeHalfWritten(historyCopies(files.folder), false)
    const identity = await loadIdentity(files.key)
    const book = await PeerBook.open(files.book, isPeerId)
    const { folder } = files
    return { ...held, name, id: identity.peer, folder, identity, book, release: () => lock.release() }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** @returns undefined when another process holds the profile in this folder */
export function takeLock(folder: string): ProfileLock | undefined {
  try {
    return ProfileLock.take(folder)
  } catch (error) {
    if (error instanceof ProfileLockedError) return undefined
    throw error
  }
}

/**
 * The profile with its key.
 *
 * @param unlock is asked when the key has a passphrase
 * @throws KeyLockedError when it has one and there is nothing to ask; what `unlock` throws
 */
export async function withKey(held: HeldProfile, unlock: Unlocker | undefined): Promise<Profile> {
  const { identity, name } = held
  return { ...held, key: await keyOf(identity, { owner: `the profile ${name}`, profile: name }, unlock) }
}

/** What the profile knows of others now, also while another process holds it; of a missing profile, nothing. */
export async function readOthers({ folders, settings }: Config): Promise<PeerBook> {
  const book = await explained(PeerBook.open(profileFiles(folders.data, settings.profile).book, isPeerId))
  return book.copyOfOthers()
}

/**
 * An identity that nobody keeps: for looking at the network without being on it.
 *
 * @param book what it knows of others
 */
export async function passingProfile(book: PeerBook): Promise<Profile> {
  const key = await generateKeyPair('Ed25519')
  const id = peerIdFromPrivateKey(key).toString()
  return {
    name: 'observer',
    id,
    folder: '',
    identity: { state: 'open', peer: id, key },
    key,
    book,
    insteadOf: undefined,
    mended: { modes: undefined, exposedKey: undefined },
    release: () => undefined
  }
}

/** The nickname that is set; else the one that the user chose last; else the login name, or the profile's own. */
export function nicknameOf({ settings, sources }: Config, profile: Pick<HeldProfile, 'name' | 'book'>): string {
  return sources.name === 'default' ? (profile.book.nickname ?? defaultName(profile.name)) : settings.name
}
