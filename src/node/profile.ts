// A profile: an identity with what it remembers, in a folder that one process at
// a time may use. It knows where the files are, not what is done with them.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PeerBook, ProfileLock, ProfileLockedError } from '../storage/index.ts'
import { defaultName, defaultProfile, type Config } from './config.ts'
import { ProfileInUseError } from './errors.ts'
import { bookFile, profileFolder } from './folders.ts'
import { loadIdentity } from './identity.ts'
import { explained } from './storage-problems.ts'

/** More profiles open at once on one machine than anybody has terminals for: a loop that never ends is worse. */
const maxNumberedProfiles = 64
const folderMode = 0o700

export interface Profile {
  readonly name: string
  /** The peer ID, as text. */
  readonly id: string
  readonly folder: string
  readonly key: PrivateKey
  readonly book: PeerBook
  /** Set when another profile was asked for and this one was free. */
  readonly insteadOf: string | undefined
  release(): void
}

interface ProfileFiles {
  readonly folder: string
  readonly key: string
  readonly book: string
}

/** Where the files of a profile are, whether they are there or not. */
export function profileFiles(dataFolder: string, name: string): ProfileFiles {
  const folder = profileFolder(dataFolder, name)
  return { folder, key: join(folder, 'identity.key'), book: bookFile(dataFolder, name) }
}

/**
 * Opens a profile and holds it.
 *
 * @param options.orNextFree when the default profile is held: take `default-2`, `default-3` … instead
 * @throws ProfileInUseError, StorageProblemError
 */
export async function openProfile(
  dataFolder: string,
  name: string,
  options: { orNextFree: boolean }
): Promise<Profile> {
  const mayMoveOn = options.orNextFree && name === defaultProfile
  for (let number = 1; number <= maxNumberedProfiles; number++) {
    const tried = number === 1 ? name : `${name}-${number}`
    const files = profileFiles(dataFolder, tried)
    const profile = await explained(tryProfile(tried, files, number === 1 ? undefined : name), files.folder)
    if (profile !== undefined) return profile
    if (!mayMoveOn) break
  }
  throw new ProfileInUseError(
    `the profile ${name} is in use by another parley: end that one, or choose another with --profile`
  )
}

/** @returns undefined when another process holds it */
async function tryProfile(
  name: string,
  files: ProfileFiles,
  insteadOf: string | undefined
): Promise<Profile | undefined> {
  await mkdir(files.folder, { recursive: true, mode: folderMode })
  const lock = takeLock(files.folder)
  return lock === undefined ? undefined : readProfile(name, files, lock, insteadOf)
}

async function readProfile(
  name: string,
  files: ProfileFiles,
  lock: ProfileLock,
  insteadOf: string | undefined
): Promise<Profile> {
  try {
    const key = await loadIdentity(files.key)
    const book = await PeerBook.open(files.book)
    return {
      name,
      id: peerIdFromPrivateKey(key).toString(),
      folder: files.folder,
      key,
      book,
      insteadOf,
      release: () => lock.release()
    }
  } catch (error) {
    lock.release()
    throw error
  }
}

function takeLock(folder: string): ProfileLock | undefined {
  try {
    return ProfileLock.take(folder)
  } catch (error) {
    if (error instanceof ProfileLockedError) return undefined
    throw error
  }
}

/** What the profile knows of others, as it is now and whoever holds it; of one that is not there, nothing. */
export async function readOthers({ folders, settings }: Config): Promise<PeerBook> {
  const book = await explained(PeerBook.open(profileFiles(folders.data, settings.profile).book))
  return book.copyOfOthers()
}

/**
 * An identity that nobody keeps: for looking at the network without being on it.
 *
 * @param book what it knows of others
 */
export async function passingProfile(book: PeerBook): Promise<Profile> {
  const key = await generateKeyPair('Ed25519')
  return {
    name: 'observer',
    id: peerIdFromPrivateKey(key).toString(),
    folder: '',
    key,
    book,
    insteadOf: undefined,
    release: () => undefined
  }
}

/** The nickname that is set; else the one that the user chose last; else the login name, or the profile's own. */
export function nicknameOf({ settings, sources }: Config, profile: Pick<Profile, 'name' | 'book'>): string {
  return sources.name === 'default' ? (profile.book.nickname ?? defaultName(profile.name)) : settings.name
}
