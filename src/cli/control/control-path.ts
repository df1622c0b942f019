// Where the socket of a running parley lies: in a folder that is the user's
// alone, under a name made of the profile's folder, with a path that is short
// enough for a socket. It opens no socket. It hashes without `node:crypto`, which a
// face has no other use for.
import { sha256 } from '@noble/hashes/sha2.js'
import { lstat, mkdir, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Config } from '../../node/settings.ts'

/** The path of a Unix socket may have 103 bytes on macOS and 107 on Linux; a longer one is cut without a word. */
export const MAX_SOCKET_PATH_BYTES = 100

type Folders = Config['folders']

const folderMode = 0o700
const othersMode = 0o077
/** 64 bits: two profiles of one user that share a name are never met. */
const nameLength = 16

/** Commands as lines of JSON, or faces that are attached. */
export type SocketKind = 'commands' | 'faces'

const endings = { commands: '.sock', faces: '.face' } as const satisfies Record<SocketKind, string>

/**
 * The path to listen at: the first whose folder is private, made where it is missing.
 *
 * @returns undefined where there is none, as on Windows
 */
export async function pathToListenAt(
  folders: Folders,
  profileFolder: string,
  kind: SocketKind = 'commands'
): Promise<string | undefined> {
  const uid = process.getuid?.()
  if (uid === undefined) return undefined
  for (const path of await candidates(foldersToListenIn(folders, uid), profileFolder, kind)) {
    const folder = dirname(path)
    // The folder above has to be there: a runtime folder is made by the system or not at all.
    await mkdir(folder, { mode: folderMode }).catch(() => undefined)
    if (await isPrivate(folder, uid)) return path
  }
  return undefined
}

/**
 * Every path where the parley of a profile may listen. Its environment may have been another one: a job of cron has
 * no runtime folder, the chat on the desktop has.
 */
export async function pathsToCall(
  folders: Folders,
  profileFolder: string,
  kind: SocketKind = 'commands'
): Promise<readonly string[]> {
  const uid = process.getuid?.()
  if (uid === undefined) return []
  const usual = join('/run/user', String(uid), 'parley')
  const all = await candidates(new Set([...foldersToListenIn(folders, uid), usual]), profileFolder, kind)
  const checked = await Promise.all(all.map(async (path) => ((await isPrivate(dirname(path), uid)) ? [path] : [])))
  return checked.flat()
}

function foldersToListenIn({ runtime, data }: Folders, uid: number): ReadonlySet<string> {
  return new Set([...(runtime === undefined ? [] : [runtime]), join(data, 'run'), join(tmpdir(), `parley-${uid}`)])
}

async function candidates(
  folders: Iterable<string>,
  profileFolder: string,
  kind: SocketKind
): Promise<readonly string[]> {
  // Two ways to the same folder are one profile.
  const real = await realpath(profileFolder).catch(() => profileFolder)
  const hash = Buffer.from(sha256(Buffer.from(real)))
    .toString('hex')
    .slice(0, nameLength)
  const paths = Array.from(folders, (folder) => join(folder, `${hash}${endings[kind]}`))
  return paths.filter((path) => Buffer.byteLength(path) < MAX_SOCKET_PATH_BYTES)
}

/** A folder, no link, that belongs to this user and is closed to others. Any other is left unchanged. */
async function isPrivate(folder: string, uid: number): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  return found !== undefined && found.isDirectory() && found.uid === uid && (found.mode & othersMode) === 0
}
