// A profile as it is known before it is opened, and before anything of libp2p is
// loaded: whether another process holds it, whether its key has a passphrase, and
// which settings it keeps. Nothing is made or changed.
import { existsSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Config } from '../config/config.ts'
import { defaultProfile, type Settings } from '../config/setting-specs.ts'
import { bookFile, keyFile, profileFolder } from '../config/folders.ts'

/** More profiles than one machine has terminals; the search for a free one must end. */
const MAX_NUMBERED_PROFILES = 64

/** How a key file with a passphrase begins; libp2p's protobuf of a private key begins with a byte 8. */
export const lockedKeyMagic: Buffer = Buffer.from('parley-key\n', 'latin1')

/** The names under which a profile is looked for while others are held: `default`, `default-2`, … */
export function profileNames(name: string, mayMoveOn: boolean): readonly string[] {
  const count = mayMoveOn && name === defaultProfile ? MAX_NUMBERED_PROFILES : 1
  return Array.from({ length: count }, (_, index) => (index === 0 ? name : `${name}-${index + 1}`))
}

/** Whether a start on a terminal with these settings may ask for a passphrase. */
export async function mayAskForPassphrase({ settings, sources, folders }: Config): Promise<boolean> {
  const names = profileNames(settings.profile, sources.profile !== 'flag')
  const found = await Promise.all(names.map(async (name) => keyProtection(keyFile(folders.data, name))))
  return found.includes('passphrase')
}

/** Whether the key of the profile has a passphrase. */
export async function profileKeyProtection({ settings, folders }: Config): Promise<KeyProtection> {
  return keyProtection(keyFile(folders.data, settings.profile))
}

/** `unknown`: there is no key, or it can't be read. */
export type KeyProtection = 'passphrase' | 'none' | 'unknown'

async function keyProtection(file: string): Promise<KeyProtection> {
  const handle = await open(file, 'r').catch(() => undefined)
  if (handle === undefined) return 'unknown'
  try {
    const start = Buffer.alloc(lockedKeyMagic.length)
    await handle.read(start, 0, start.length, 0)
    return start.equals(lockedKeyMagic) ? 'passphrase' : 'none'
  } catch {
    return 'unknown'
  } finally {
    await handle.close()
  }
}

/** Whether another process holds the profile. */
export async function isProfileHeld({ folders, settings }: Config): Promise<boolean> {
  const folder = profileFolder(folders.data, settings.profile)
  if (!existsSync(folder)) return false
  const { ProfileLock, ProfileLockedError } = await import('../../storage/index.ts')
  try {
    ProfileLock.take(folder).release()
    return false
  } catch (error) {
    // Any other problem with the folder is reported when the profile is opened.
    return error instanceof ProfileLockedError
  }
}

/** The process that holds the profile, which is held; undefined where it is not known. */
export async function profileHolder({ folders, settings }: Config): Promise<number | undefined> {
  const { ProfileLock } = await import('../../storage/index.ts')
  return ProfileLock.holder(profileFolder(folders.data, settings.profile))
}

/** The settings with which a node would start: where there is only a default, what the profile remembers. */
export async function withProfileDefaults(config: Config): Promise<Config> {
  const { folders, settings, sources } = config
  // Loaded here and not above: who only asks for help waits for no storage.
  const [{ PeerBook }, { explained }] = await Promise.all([import('../../storage/index.ts'), import('./own-store.ts')])
  const book = await explained(PeerBook.open(bookFile(folders.data, settings.profile)))
  const kept: { -readonly [K in 'name' | 'port' | 'typing']?: Settings[K] } = {}
  if (sources.name === 'default' && book.nickname !== undefined) kept.name = book.nickname
  if (sources.port === 'default' && book.port !== undefined) kept.port = book.port
  if (sources.typing === 'default' && book.tellsTyping !== undefined) kept.typing = book.tellsTyping
  const from = Object.fromEntries(Object.keys(kept).map((name) => [name, 'profile' as const]))
  return { ...config, settings: { ...settings, ...kept }, sources: { ...sources, ...from } }
}
