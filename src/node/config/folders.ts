// Where Parley keeps its files, after the XDG Base Directory Specification.
// It names folders; it makes none.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

export interface Folders {
  /** Identities and what each profile remembers. */
  readonly data: string
  /** config.json. */
  readonly config: string
  /** Sockets: gone after a restart of the machine. Undefined where the system gives the user no such folder. */
  readonly runtime?: string
  /** Where files of other people go. */
  readonly downloads?: string
}

/** The folder of a profile, whether it is there or not. */
export function profileFolder(dataFolder: string, profile: string): string {
  return join(dataFolder, 'profiles', profile)
}

/** The identity key of a profile. */
export function keyFile(dataFolder: string, profile: string): string {
  return join(profileFolder(dataFolder, profile), 'identity.key')
}

/** How the copies of a history that are made for an export begin; a dot and twelve hexadecimal digits follow. */
export function historyCopies(ofProfile: string): string {
  return join(ofProfile, 'history.db.copy')
}

/** The folder with the identity keys of the directories on this machine. */
export function directoriesFolder(dataFolder: string): string {
  return join(dataFolder, 'directories')
}

/** The identity key of the directory on a port. */
export function directoryKeyFile(dataFolder: string, port: number): string {
  return join(directoriesFolder(dataFolder), `${port}.key`)
}

/** What a profile remembers of others and of itself: the file of its peer book. */
export function bookFile(dataFolder: string, profile: string): string {
  return join(profileFolder(dataFolder, profile), 'book.json')
}

/** A relative path in these variables is to be ignored (XDG Base Directory Specification, "Basics"). */
function folder(value: string | undefined, fallback: string): string {
  return join(value !== undefined && isAbsolute(value) ? value : join(homedir(), fallback), 'parley')
}

export function foldersOf(env: NodeJS.ProcessEnv): Folders {
  const runtime = env['XDG_RUNTIME_DIR']
  return {
    downloads: join(downloadsOf(env), 'Parley'),
    ...(runtime !== undefined && isAbsolute(runtime) ? { runtime: join(runtime, 'parley') } : {}),
    data: folder(env['XDG_DATA_HOME'], '.local/share'),
    config: folder(env['XDG_CONFIG_HOME'], '.config')
  }
}

/** The user's folder of downloads, as desktops keep it: https://www.freedesktop.org/wiki/Software/xdg-user-dirs/ */
function downloadsOf(env: NodeJS.ProcessEnv): string {
  const usual = join(homedir(), 'Downloads')
  const config = env['XDG_CONFIG_HOME']
  const folders = join(
    config !== undefined && isAbsolute(config) ? config : join(homedir(), '.config'),
    'user-dirs.dirs'
  )
  try {
    const [, named] = /^XDG_DOWNLOAD_DIR="(.+)"$/mu.exec(readFileSync(folders, 'utf8')) ?? []
    const path = named?.replace(/^\$HOME(?=\/|$)/u, homedir())
    return path !== undefined && isAbsolute(path) ? path : usual
  } catch {
    return usual // no desktop has made it
  }
}
