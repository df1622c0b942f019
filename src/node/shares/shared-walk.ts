// Which files are to be fetched for the paths that a user names: with all that is below them, as far as a peer leads.
import { setTimeout as sleep } from 'node:timers/promises'
import { countText } from '../../lib/index.ts'
import { ShareRefusedError, type Page, type SharedEntry } from '../../share/index.ts'
import { UsageError } from '../api/errors.ts'

/** Files that are fetched by one command: each is remembered until it is here. */
const MAX_FILES_OF_GET = 1_000

/** Folders that are walked to find them. */
const MAX_FOLDERS_OF_GET = 1_000

/** Pages that are read for it: one for each folder, and as many for long ones. A peer could lead on without an end. */
const MAX_PAGES_OF_GET = 2_000

/** A peer that lists no more for now lists some twenty pages more after a second. */
const PAGE_PAUSE_MS = 1_000

/** Then it is not a matter of pace. Twenty refusals in a row would end the stream. */
const MAX_PAUSES_FOR_A_PAGE = 10

/** Asks for a page of a folder. @throws ShareRefusedError */
type ListPage = (path: string, after: string) => Promise<Page>

/** A file of a peer that is to be fetched. */
export interface WantedFile {
  readonly file: string
  readonly name: string
  readonly sizeBytes: number
  /** Names of the folders below that of downloads in which it goes. */
  readonly within: readonly string[]
}

/** The same, but waits where the peer lists no more for now: there are more folders than it lists at once. */
export function withPauses(
  list: ListPage,
  signal: AbortSignal,
  pause: (ms: number) => Promise<unknown> = async (ms) => sleep(ms, undefined, { signal })
): ListPage {
  return async (path, after) => {
    for (let pauses = 0; ; pauses++) {
      try {
        return await list(path, after)
      } catch (error) {
        const isTooFast = error instanceof ShareRefusedError && error.reason === 'too-fast'
        if (!isTooFast || pauses === MAX_PAUSES_FOR_A_PAGE) throw error
        await pause(PAGE_PAUSE_MS)
      }
    }
  }
}

/** Finds the files of paths, with what is below them. */
export class SharedWalk {
  readonly wanted: WantedFile[] = []
  /** Files that the peer has not read yet. */
  unread = 0
  readonly #page: ListPage
  #pages = 0
  /** Folders that were seen, read or not. */
  #folders = 0

  constructor(page: ListPage) {
    this.#page = async (path, after) => {
      if (++this.#pages > MAX_PAGES_OF_GET) {
        throw new UsageError('there is too much in it to be looked through: fetch its folders or files one by one')
      }
      return page(path, after)
    }
  }

  async add(path: string): Promise<void> {
    const cut = path.lastIndexOf('/')
    const name = path.slice(cut + 1)
    // The entry comes right behind what its name begins with.
    const entry = cut === -1 ? undefined : await this.#entry(path.slice(0, cut), name)
    if (entry?.is === 'file') this.#want(entry, [])
    else await this.#folder(path, name === '' ? [] : [name])
  }

  async #entry(folder: string, name: string): Promise<SharedEntry | undefined> {
    for (let after = [...name].slice(0, -1).join(''); ;) {
      const { entries, hasMore } = await this.#page(folder, after)
      const found = entries.find((entry) => entry.name === name)
      const last = entries.at(-1)?.name ?? ''
      if (found !== undefined || !hasMore || last > name) return found
      after = last
    }
  }

  async #folder(path: string, within: readonly string[]): Promise<void> {
    const folders: string[] = []
    for (let after = ''; ;) {
      const { entries, hasMore } = await this.#page(path, after)
      for (const entry of entries) {
        if (entry.is === 'file') this.#want(entry, within)
        else folders.push(entry.name)
        if (this.#folders + folders.length > MAX_FOLDERS_OF_GET) {
          throw new UsageError(
            `there are more than ${countText(MAX_FOLDERS_OF_GET)} folders in it: fetch some of them at a time`
          )
        }
      }
      if (!hasMore) break
      after = entries.at(-1)?.name ?? ''
    }
    this.#folders += folders.length
    for (const name of folders) await this.#folder(path === '' ? name : `${path}/${name}`, [...within, name])
  }

  #want(entry: Extract<SharedEntry, { is: 'file' }>, within: readonly string[]): void {
    const { file, name, sizeBytes } = entry
    if (file === undefined) this.unread++
    else this.wanted.push({ file, name, sizeBytes, within })
    if (this.wanted.length > MAX_FILES_OF_GET) {
      throw new UsageError(`more than ${countText(MAX_FILES_OF_GET)} files are in it: fetch its folders one by one`)
    }
  }
}
