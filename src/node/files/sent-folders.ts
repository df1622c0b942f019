// The folders that this profile offers: which file of each lies where, and what it was like when it was read. One small
// file for each in the profile, named by the ID of the folder's list; to whom it was offered is the book's business.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesId, encodeManifest, type FileState, type FolderEntry, type ReadFolder } from '../../files/index.ts'
import { OWNER_ONLY, OWNER_ONLY_FOLDER, writeFileAtomically } from '../../storage/index.ts'

const foldersName = 'sent-folders'

/** In all folders that are offered; they are held in memory, about 300 bytes each. The oldest offers end for new ones. */
export const MAX_OFFERED_FOLDER_FILES = 200_000

export interface SentFolder {
  /** What is fetched first. */
  readonly manifest: Buffer
  /** The hashes of its leaves. */
  readonly layer: Buffer
  /** Of each file ID, one file that has it. */
  readonly files: ReadonlyMap<string, FileState>
}

/** As it is written. */
interface Written {
  readonly entries: readonly FolderEntry[]
  /** In the order of the files among the entries. */
  readonly states: readonly FileState[]
}

export class SentFolders {
  /** Undefined for a profile that nothing keeps. */
  readonly #place: string | undefined
  readonly #folders = new Map<string, SentFolder>()

  private constructor(place: string | undefined) {
    this.#place = place
  }

  /** @param folder of the profile; empty for one that nothing keeps */
  static async open(folder: string): Promise<SentFolders> {
    const place = folder === '' ? undefined : join(folder, foldersName)
    const opened = new SentFolders(place)
    if (place === undefined) return opened
    for (const name of await readdir(place).catch(() => [])) {
      const text = await readFile(join(place, name), 'utf8').catch(() => undefined)
      const read = text === undefined ? undefined : await parsed(text)
      // One that can't be read is offered again by a person.
      if (read === undefined || `${read.file}.json` !== name) await rm(join(place, name), { force: true })
      else opened.#folders.set(read.file, read.folder)
    }
    return opened
  }

  /** How many files there are in all of them. */
  get fileCount(): number {
    return [...this.#folders.values()].reduce((sum, { files }) => sum + files.size, 0)
  }

  get(file: string): SentFolder | undefined {
    return this.#folders.get(file)
  }

  /** @returns the ID of its list, and how long that is */
  async add({ entries, files }: ReadFolder): Promise<{ readonly file: string; readonly sizeBytes: number }> {
    const states = files.map(({ path, sizeBytes, changedAtNs, inode }) => ({
      path,
      sizeBytes,
      changedAtNs,
      ...(inode === undefined ? {} : { inode })
    }))
    const { file, folder } = await built({ entries, states })
    if (this.#place !== undefined) {
      await mkdir(this.#place, { recursive: true, mode: OWNER_ONLY_FOLDER })
      await writeFileAtomically(join(this.#place, `${file}.json`), JSON.stringify({ entries, states }), OWNER_ONLY)
    }
    this.#folders.set(file, folder)
    return { file, sizeBytes: folder.manifest.byteLength }
  }

  /** Forgets all but these. */
  async keep(files: ReadonlySet<string>): Promise<void> {
    for (const file of this.#folders.keys()) {
      if (files.has(file)) continue
      this.#folders.delete(file)
      if (this.#place !== undefined) await rm(join(this.#place, `${file}.json`), { force: true })
    }
  }
}

async function built({ entries, states }: Written): Promise<{ readonly file: string; readonly folder: SentFolder }> {
  const manifest = encodeManifest(entries)
  const ids = entries.flatMap((entry) => (entry.is === 'file' ? [entry.file] : []))
  const files = new Map(states.flatMap((state, index) => (ids[index] === undefined ? [] : [[ids[index], state]])))
  const { file, layer } = await bytesId(manifest)
  return { file, folder: { manifest, layer, files } }
}

async function parsed(text: string): Promise<{ readonly file: string; readonly folder: SentFolder } | undefined> {
  try {
    // This program wrote it; what was changed by hand has another ID, or is no list.
    const { entries, states } = JSON.parse(text) as Written
    const areStates = states.every(
      ({ path, sizeBytes, changedAtNs }) =>
        typeof path === 'string' && Number.isSafeInteger(sizeBytes) && typeof changedAtNs === 'string'
    )
    return areStates ? await built({ entries, states }) : undefined
  } catch {
    return undefined
  }
}
