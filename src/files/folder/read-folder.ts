// A folder of this machine, read to be offered: all that is in it, hashed. Nothing outside of it is read: no link is
// followed, and a file that was swapped for one while it was read is noticed. Devices, pipes and sockets are left out.
import { lstat, opendir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { hashFile, type HashedFile } from '../disk/shared-file.ts'
import { MAX_SENT_DEPTH, MAX_FOLDER_ENTRIES, ManifestError, type FolderEntry } from './folder-manifest.ts'

/** Any of the three bits with which a file can be run. */
const PROGRAM_BITS = 0o111

interface ReadFile extends Omit<HashedFile, 'layer'> {
  /** From the folder on, with `/` between the names. */
  readonly inside: string
}

export interface ReadFolder {
  readonly entries: readonly FolderEntry[]
  readonly files: readonly ReadFile[]
  /** What was not taken: links, and what is neither file nor folder. From the folder on. */
  readonly leftOut: readonly string[]
}

/**
 * @param root absolute; may itself be reached by a link, as the user has named it
 * @throws {ManifestError} when there is too much in it; {FileChangedError} when a file changes while it is read; what the
 * system says when something can't be read, with its path
 */
export async function readFolder(
  root: string,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (bytes: number) => void } = {}
): Promise<ReadFolder> {
  const top = await realpath(root)
  const entries: FolderEntry[] = []
  const files: ReadFile[] = []
  const leftOut: string[] = []
  let doneBytes = 0
  const read = async (inside: string, depth: number): Promise<void> => {
    if (depth > MAX_SENT_DEPTH) throw new ManifestError(`it has folders more than ${MAX_SENT_DEPTH} deep`)
    for await (const found of await opendir(join(top, inside))) {
      options.signal?.throwIfAborted()
      if (entries.length >= MAX_FOLDER_ENTRIES) {
        throw new ManifestError(`it has more than ${MAX_FOLDER_ENTRIES} files and folders: send it in parts`)
      }
      const path = inside === '' ? found.name : `${inside}/${found.name}`
      const now = await lstat(join(top, path))
      if (now.isDirectory()) {
        entries.push({ is: 'folder', path })
        await read(path, depth + 1)
      } else if (now.isFile()) {
        const hashed = await hashFile(join(top, path), {
          ...options,
          onProgress: (bytes) => options.onProgress?.(doneBytes + bytes)
        })
        await checkPlace(join(top, path), hashed)
        doneBytes += hashed.sizeBytes
        const { layer: _layer, ...state } = hashed
        const { file, sizeBytes } = hashed
        entries.push({ is: 'file', path, sizeBytes, file, isProgram: (now.mode & PROGRAM_BITS) !== 0 })
        files.push({ ...state, inside: path })
      } else leftOut.push(path)
    }
  }
  await read('', 1)
  return { entries, files, leftOut }
}

/** That what was read lies where it was looked for, and was not reached through a link that was put there meanwhile. */
async function checkPlace(path: string, { inode }: HashedFile): Promise<void> {
  const [real, { dev, ino }] = await Promise.all([realpath(path), stat(path, { bigint: true })])
  if (real === path && inode === `${dev}:${ino}`) return
  throw new ManifestError(`${path} was replaced while it was read: offer the folder again`)
}
