// Replaces a small file whole: a reader, or this program after a crash, finds
// the old content or the new one, never a part. What must not be found again on
// the disk is overwritten, as far as the file system does that in place.
import { randomBytes } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Everything of a profile is for its owner alone. */
export const OWNER_ONLY = 0o600
/** Likewise its folders. */
export const OWNER_ONLY_FOLDER = 0o700

/**
 * Writes `content` beside `file`, forces it to the disk and renames it over `file`.
 *
 * @param mode permission bits of the new file, such as 0o600
 */
export async function writeFileAtomically(file: string, content: string | Uint8Array, mode: number): Promise<void> {
  const next = `${file}.${randomBytes(6).toString('hex')}`
  try {
    const handle = await open(next, 'wx', mode)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(next, file)
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
  await syncFolder(dirname(file))
}

/**
 * The same for a file whose old content must not be found again: once the new one is on the disk, the old bytes are
 * overwritten where they lie. A disk or file system that writes elsewhere instead (a copy-on-write file system, an SSD,
 * a snapshot, a backup) keeps them.
 *
 * @returns whether it was done: a file that has another name too (a hard link) is left as it is
 */
export async function replaceFile(file: string, content: Uint8Array, mode: number): Promise<boolean> {
  const old = await open(file, 'r+')
  try {
    await writeFileAtomically(file, content, mode)
    const { nlink } = await old.stat()
    if (nlink > 0) return false
    await overwrite(old)
    return true
  } finally {
    await old.close()
  }
}

/** Overwrites the bytes of a file where they lie; it keeps its size. */
export async function overwriteFile(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  try {
    await overwrite(handle)
  } finally {
    await handle.close()
  }
}

async function overwrite(handle: FileHandle): Promise<void> {
  const { size } = await handle.stat()
  await handle.write(randomBytes(size), 0, size, 0)
  await handle.sync()
}

/** The rename itself is durable only when the folder is; systems that can't open a folder have no need to. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle === undefined) return
  await handle.sync().catch(() => undefined)
  await handle.close()
}
