// Walks a folder that is shared: which files are in it, without opening one. Nothing outside of it is seen: no link is
// followed, also not one that takes the place of a folder meanwhile. Who may see the files is not its business.
import { lstat, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { normalForm } from '../../lib/index.ts'
import { byUnits } from '../share-index.ts'
import { isInnerPath, MAX_FOLDER_DEPTH } from '../share-limits.ts'

/** Files of all shares of a profile: 60 MB of memory with their paths. */
export const MAX_SHARED_FILES = 200_000

/** Names of one folder that are looked at together; the event loop goes on in between. */
const STATS_AT_A_TIME = 16

/** A file that was found. */
export interface ScannedFile {
  /** Its names below the shared folder, in NFC, with slashes between them. */
  readonly path: string
  /** Where it is on the disk. */
  readonly diskPath: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** When its content was changed, in nanoseconds since 1970, as a decimal number. */
  readonly changedAtNs: string
  /** Device and inode: another file that takes its place has another one. */
  readonly inode: string
}

export interface Scan {
  readonly files: readonly ScannedFile[]
  /** What is not shared: links, devices, sockets, folders that can't be read, names that no other machine can write. */
  readonly skipped: number
  /** There are more than may be shared. */
  readonly isCut: boolean
}

/** The shared folder is not there, or is no folder. */
export class NoSuchShareError extends Error {
  override readonly name = 'NoSuchShareError'
}

/**
 * @param folder a real path, without links in it
 * @throws NoSuchShareError; the signal's reason
 */
export async function scan(
  folder: string,
  { maxFiles = MAX_SHARED_FILES, signal }: { readonly maxFiles?: number; readonly signal?: AbortSignal } = {}
): Promise<Scan> {
  const walk = new Walk(maxFiles, signal)
  if (!(await walk.folder(folder, '', [], 0))) throw new NoSuchShareError(`${folder} is not there, or is no folder`)
  return { files: walk.files, skipped: walk.skipped, isCut: walk.isCut }
}

class Walk {
  readonly files: ScannedFile[] = []
  skipped = 0
  isCut = false
  readonly #maxFiles: number
  readonly #signal: AbortSignal | undefined

  constructor(maxFiles: number, signal: AbortSignal | undefined) {
    this.#maxFiles = maxFiles
    this.#signal = signal
  }

  /**
   * @param above inodes of the folders that it is in: one that is mounted in itself has no end
   * @returns whether it could be read
   */
  async folder(diskPath: string, path: string, above: readonly string[], depth: number): Promise<boolean> {
    this.#signal?.throwIfAborted()
    const before = await inodeOf(diskPath)
    if (before === undefined || above.includes(before) || depth > MAX_FOLDER_DEPTH) return false
    const names = await readdir(diskPath).catch(() => undefined)
    if (names === undefined) return false
    const seen = new Set<string>()
    const folders: { readonly diskPath: string; readonly path: string }[] = []
    const files: ScannedFile[] = []
    for (let at = 0; at < names.length && !this.isCut; at += STATS_AT_A_TIME) {
      this.#signal?.throwIfAborted()
      const some = names.slice(at, at + STATS_AT_A_TIME).toSorted(byUnits)
      const found = await Promise.all(some.map(async (name) => this.#look(diskPath, path, name)))
      for (const one of found) {
        // Two names of one form would be one name on the other side.
        if (one === undefined || seen.has(one.path)) continue
        seen.add(one.path)
        if ('inode' in one) files.push(one)
        else folders.push(one)
        if (this.files.length + files.length > this.#maxFiles) this.isCut = true
      }
    }
    // A link that took its place would have led elsewhere.
    if ((await inodeOf(diskPath)) !== before || (await realpath(diskPath).catch(() => '')) !== diskPath) return false
    this.files.push(...files.slice(0, this.#maxFiles - this.files.length))
    for (const below of folders) {
      if (this.isCut) break
      if (!(await this.folder(below.diskPath, below.path, [...above, before], depth + 1))) this.skipped++
    }
    return true
  }

  async #look(
    folder: string,
    above: string,
    name: string
  ): Promise<ScannedFile | { readonly diskPath: string; readonly path: string } | undefined> {
    // Settings, keys and caches of programs.
    if (name.startsWith('.')) return undefined
    const shown = normalForm(name, 'NFC')
    const path = above === '' ? shown : `${above}/${shown}`
    const diskPath = join(folder, name)
    const found = await lstat(diskPath, { bigint: true }).catch(() => undefined)
    if (found === undefined || !isInnerPath(path)) {
      this.skipped++
      return undefined
    }
    if (found.isDirectory()) return { diskPath, path }
    if (!found.isFile() || found.size > BigInt(Number.MAX_SAFE_INTEGER)) {
      this.skipped++
      return undefined
    }
    return {
      path,
      diskPath,
      sizeBytes: Number(found.size),
      modifiedAtMs: Math.max(0, Number(found.mtimeMs)),
      changedAtNs: String(found.mtimeNs),
      inode: `${found.dev}:${found.ino}`
    }
  }
}

/** Of a folder, and of nothing else. */
async function inodeOf(path: string): Promise<string | undefined> {
  const found = await lstat(path, { bigint: true }).catch(() => undefined)
  return found?.isDirectory() === true ? `${found.dev}:${found.ino}` : undefined
}
