// Small files replaced as a whole: a reader, or this program after a crash, finds the old content or the new one, never
// a part. Secrets are overwritten, as far as the file system does that in place.
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync } from 'node:fs'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Only the owner may read the files of a profile. */
export const OWNER_ONLY = 0o600
/** The same for its folders. */
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
 * The same for a file that held a secret: once the new content is on the disk, the old bytes are overwritten in place.
 * Media that write elsewhere (a copy-on-write file system, an SSD, a snapshot, a backup) keep them.
 *
 * @returns whether the old bytes were overwritten; those of a file with a second name (a hard link) stay
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

/** Overwrites the bytes of a file in place; its size stays. */
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

/** Makes a new or renamed file durable. Systems that can't open a folder don't need it. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle === undefined) return
  await handle.sync().catch(() => undefined)
  await handle.close()
}

/** The same, synchronously. */
export function syncFolderSync(folder: string): void {
  let descriptor: number
  try {
    descriptor = openSync(folder, 'r')
  } catch {
    return
  }
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Forces a file's content to the disk, whichever descriptor wrote it. */
export function syncFileSync(file: string): void {
  const descriptor = openSync(file, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
