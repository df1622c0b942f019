// Whether a key file has a passphrase, by its first bytes: for those that must
// know before libp2p is loaded. What follows in the file is key-file.ts's business.
import { open } from 'node:fs/promises'
import { defaultProfile, type Config } from './config.ts'
import { MAX_NUMBERED_PROFILES } from './constants.ts'
import { keyFile } from './folders.ts'

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
  const found = await Promise.all(names.map(async (name) => hasPassphrase(keyFile(folders.data, name))))
  return found.includes(true)
}

/** A file that is not there, or can't be read, has none. */
async function hasPassphrase(file: string): Promise<boolean> {
  const handle = await open(file, 'r').catch(() => undefined)
  if (handle === undefined) return false
  try {
    const start = Buffer.alloc(lockedKeyMagic.length)
    await handle.read(start, 0, start.length, 0)
    return start.equals(lockedKeyMagic)
  } catch {
    return false
  } finally {
    await handle.close()
  }
}
