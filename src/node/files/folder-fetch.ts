// Fetches one folder from the peer that offered it: its list first, then each file in it, some at a time. It grows in a
// folder of its own beside its place, `NAME.part`, and gets its name when all of it is there. What an earlier run has left
// is hashed before it counts.
import { lstat, mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import {
  checkRoom,
  decodeManifest,
  folderSums,
  hashFile,
  localNames,
  numberedName,
  removePart,
  safeFileName,
  type FolderEntry
} from '../../files/index.ts'
import { hasErrorCode } from '../../lib/index.ts'
import { toError } from '../../wire/index.ts'
import { OWNER_ONLY_FOLDER, syncFolder } from '../../storage/index.ts'
import { Fetch, type FetchInit } from './fetch.ts'

/** Files of one folder that are fetched at a time: while one ends, the next is on its way. */
const FILES_AT_A_TIME = 2

/** Folders of one name are told apart by a number. */
const MAX_NUMBERED_FOLDERS = 10_000

/** In the folder that grows. */
const manifestName = 'list'
const filesName = 'files'

/** Files that are named when some could not be fetched. */
const MAX_NAMED_FILES = 3

export interface FolderFetchInit extends FetchInit {
  /** As it was offered: files in it, and their bytes together. */
  readonly folderFiles: number
  readonly folderBytes: number
}

interface WantedFile {
  readonly sizeBytes: number
  readonly file: string
  /** Where it goes. */
  readonly path: string
  /** In the folder, as the sender calls it. */
  readonly inside: string
}

export class FolderFetch {
  readonly #init: FolderFetchInit
  readonly #stopped = new AbortController()
  readonly #running = new Map<string, Fetch>()
  #wholeBytes = 0
  #wholeFiles = 0

  constructor(init: FolderFetchInit) {
    this.#init = init
  }

  wake(peer: string): void {
    for (const fetch of this.#running.values()) fetch.wake(peer)
  }

  /** Of its files; the list does not count. */
  get doneBytes(): number {
    let sum = this.#wholeBytes
    for (const [path, fetch] of this.#running) if (path !== '') sum += fetch.doneBytes
    return sum
  }

  get doneFiles(): number {
    return this.#wholeFiles
  }

  get sources(): readonly string[] {
    return [...new Set([...this.#running.values()].flatMap((fetch) => fetch.sources))]
  }

  get isConnected(): boolean {
    return [...this.#running.values()].some((fetch) => fetch.isConnected)
  }

  /** Where none of its files is served: the place of the first that waits. */
  get place(): number | undefined {
    const places = [...this.#running.values()].map((fetch) => fetch.place)
    const waiting = places.filter((place) => place !== undefined)
    return waiting.length === 0 || waiting.length < places.length ? undefined : Math.min(...waiting)
  }

  get why(): string | undefined {
    return this.isConnected ? undefined : [...this.#running.values()].map((fetch) => fetch.why).find(Boolean)
  }

  /**
   * Resolves to the path of the folder.
   *
   * @throws as a {@link Fetch} does; Error for files that its sender has no more, or a list that is not what was offered
   */
  async run(): Promise<string> {
    const work = (await ownFolder(this.#init.part)) ?? (await this.#newWork())
    const entries = await this.#entries(work)
    const wanted = await this.#prepare(work, entries)
    this.#wholeFiles = this.#init.folderFiles - wanted.length
    this.#wholeBytes = this.#init.folderBytes - wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    await checkRoom(work, this.#init.folderBytes - this.#wholeBytes, this.#init.minFreeBytes)
    this.#init.onProgress()
    const missing = await this.#fetchAll(wanted)
    if (missing.length > 0) throw new Error(missingText(missing, join(work, filesName)))
    return this.#finish(work, entries)
  }

  /** What has come stays on the disk. */
  async stop(reason: Error): Promise<void> {
    this.#stopped.abort(reason)
    await Promise.all([...this.#running.values()].map(async (fetch) => fetch.stop(reason)))
  }

  async #newWork(): Promise<string> {
    const { folder, name, onPart } = this.#init
    await mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER })
    const work = await newFolder(folder, (number) => `${numberedName(safeFileName(name), number)}.part`)
    await onPart(work)
    return work
  }

  /** The list, fetched unless it is here already. */
  async #entries(work: string): Promise<readonly FolderEntry[]> {
    const { file, folderFiles, folderBytes } = this.#init
    const path = join(work, manifestName)
    if (!(await isFile(path, file))) {
      await rm(path, { force: true, recursive: true })
      await this.#fetch({ file, sizeBytes: this.#init.sizeBytes, path, inside: '' })
    }
    const entries = decodeManifest(await readFile(path))
    const { files, sizeBytes } = folderSums(entries)
    if (files === folderFiles && sizeBytes === folderBytes) return entries
    throw new Error('its list is not that of the folder that was offered')
  }

  /** Makes the folders, and looks for what is here. @returns the files that are not */
  async #prepare(work: string, entries: readonly FolderEntry[]): Promise<readonly WantedFile[]> {
    const wanted: WantedFile[] = []
    const top = join(work, filesName)
    await makeFolder(top)
    const names = localNames(entries)
    const made = new Set<string>()
    for (const [index, entry] of entries.entries()) {
      this.#stopped.signal.throwIfAborted()
      const local = names[index] ?? []
      const depth = entry.is === 'folder' ? local.length : local.length - 1
      for (let length = 1; length <= depth; length++) {
        const path = join(top, ...local.slice(0, length))
        if (!made.has(path)) await makeFolder(path)
        made.add(path)
      }
      if (entry.is === 'folder') continue
      const { file, sizeBytes, path: inside } = entry
      const path = join(top, ...local)
      if (await isFile(path, file, sizeBytes)) continue
      await rm(path, { force: true, recursive: true })
      wanted.push({ file, sizeBytes, path, inside })
    }
    return wanted
  }

  /** @returns what its sender does not have any more, with the reason. @throws what else ends a {@link Fetch} */
  async #fetchAll(wanted: readonly WantedFile[]): Promise<readonly string[]> {
    const missing: string[] = []
    const waiting = wanted.values()
    const worker = async (): Promise<void> => {
      // One iterator for all workers: each takes the next.
      for (const one of waiting) {
        try {
          await this.#fetch(one)
          this.#wholeFiles += 1
          this.#wholeBytes += one.sizeBytes
          this.#init.onProgress()
        } catch (error) {
          if (toError(error).name !== 'FileRefusedError') {
            await this.stop(toError(error))
            throw error
          }
          missing.push(`${one.inside}: ${toError(error).message}`)
        }
      }
    }
    const ended = await Promise.allSettled(Array.from({ length: FILES_AT_A_TIME }, worker))
    const failed = ended.find((one) => one.status === 'rejected')
    if (failed !== undefined) throw failed.reason
    return missing
  }

  async #fetch({ file, sizeBytes, path, inside }: WantedFile): Promise<void> {
    this.#stopped.signal.throwIfAborted()
    const part = `${path}.part`
    // Without its state it is nothing to go on with, and would be in the way.
    if (!(await isRegular(`${part}-state`))) await removePart(part)
    const fetch = new Fetch({
      // Those that have offered the folder offer what is in it.
      ...this.#init,
      file,
      sizeBytes,
      folder: dirname(path),
      name: basename(path),
      part,
      onPart: async () => undefined
    })
    this.#running.set(inside, fetch)
    try {
      await fetch.run()
    } finally {
      this.#running.delete(inside)
    }
  }

  /** Gives the folder its name, which no other has. */
  async #finish(work: string, entries: readonly FolderEntry[]): Promise<string> {
    const { name, folder } = this.#init
    const top = join(work, filesName)
    await removeLeftovers(top, new Set(localNames(entries).map((names) => join(top, ...names))))
    const path = await newFolder(folder, (number) => numberedName(safeFileName(name), number))
    try {
      await rename(top, path)
    } catch (error) {
      // Not everywhere does a folder take the place of an empty one.
      if (!hasErrorCode(error, 'EEXIST', 'EPERM')) throw error
      await rmdir(path)
      await rename(top, path)
    }
    await rm(work, { recursive: true, force: true })
    await syncFolder(folder)
    return path
  }
}

/** Removes what has come of a folder that is not wanted any more. */
export async function removeFolderPart(work: string): Promise<void> {
  if ((await ownFolder(work)) !== undefined) await rm(work, { recursive: true, force: true })
}

/** @returns undefined for what is no folder of this program's making, such as a link that was put in its place */
async function ownFolder(work: string | undefined): Promise<string | undefined> {
  if (work === undefined || !work.endsWith('.part')) return undefined
  const found = await lstat(work).catch(() => undefined)
  return found?.isDirectory() === true ? work : undefined
}

async function newFolder(folder: string, nameOf: (number: number) => string): Promise<string> {
  for (let number = 1; number <= MAX_NUMBERED_FOLDERS; number++) {
    const path = join(folder, nameOf(number))
    try {
      await mkdir(path, { mode: OWNER_ONLY_FOLDER })
      return path
    } catch (error) {
      if (!hasErrorCode(error, 'EEXIST')) throw error
    }
  }
  throw new Error(`there are ${MAX_NUMBERED_FOLDERS} folders called ${nameOf(1)}: move some of them away`)
}

/** Never through a link: what lies there instead of a folder goes. */
async function makeFolder(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isDirectory() === true) return
  if (found !== undefined) await rm(path, { force: true })
  await mkdir(path, { mode: OWNER_ONLY_FOLDER })
}

async function isRegular(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isFile() === true
}

/** Whether this very file is at the path. */
async function isFile(path: string, file: string, sizeBytes?: number): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined)
  if (found?.isFile() !== true || (sizeBytes !== undefined && found.size !== sizeBytes)) return false
  return hashFile(path).then(
    (hashed) => hashed.file === file,
    () => false
  )
}

/** Parts that could not be gone on with, and whatever else is not of the folder. */
async function removeLeftovers(top: string, expected: ReadonlySet<string>): Promise<void> {
  const folders = new Set([...expected].flatMap((path) => parentsBelow(top, path)))
  for (const entry of await readdir(top, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!expected.has(path) && !folders.has(path)) await rm(path, { recursive: true, force: true })
  }
}

function parentsBelow(top: string, path: string): readonly string[] {
  const parents: string[] = []
  for (let at = dirname(path); at.length > top.length; at = dirname(at)) parents.push(at)
  return parents
}

function missingText(missing: readonly string[], where: string): string {
  const named = missing.slice(0, MAX_NAMED_FILES).join('; ')
  const more = missing.length > MAX_NAMED_FILES ? `; and ${missing.length - MAX_NAMED_FILES} more` : ''
  const count = missing.length === 1 ? 'one file' : `${missing.length} files`
  return `${count} could not be fetched: ${named}${more}. What has come is in ${where}`
}
