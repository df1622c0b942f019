// Replaces a small file whole: a reader, or this program after a crash, finds
// the old content or the new one, never a part.
import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Everything of a profile is for its owner alone. */
export const OWNER_ONLY = 0o600

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

/** The rename itself is durable only when the folder is; systems that can't open a folder have no need to. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  if (handle === undefined) return
  await handle.sync().catch(() => undefined)
  await handle.close()
}
