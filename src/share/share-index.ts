// What is in one shared folder, in memory: its folders, page by page, and its files by the words of their paths. Pure: it
// knows no disk, and asks nobody who may look.
import { folded } from '../lib/index.ts'
import { entryBytes, type Found, type Hit, type Page, type SharedEntry } from './share-frames.ts'
import { MAX_HITS, MAX_HITS_BYTES, MAX_LISTING_BYTES, MAX_LISTING_ENTRIES } from './share-limits.ts'

/** A file as it was seen on the disk. */
export interface IndexedFile {
  /** Its names below the shared folder, in NFC, with slashes between them. */
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  /** Its file ID; undefined until it was read. */
  readonly file: string | undefined
}

interface Folder {
  readonly folders: Map<string, Folder>
  readonly files: Map<string, IndexedFile>
  sizeBytes: number
  /** In the order of their names; made when they are first asked for. */
  sorted: readonly string[] | undefined
}

/** Stands between two paths: no name has it. */
const SEPARATOR = '\n'

export class ShareIndex {
  readonly #root: Folder = newFolder()
  readonly #files: readonly IndexedFile[]
  /** All paths, folded, one behind the other: one search goes through them all. */
  #text: string | undefined
  /** Where each path begins in the text. */
  #starts = new Uint32Array()

  /** @param files each path once */
  constructor(files: readonly IndexedFile[]) {
    this.#files = files
    for (const file of files) this.#add(file)
  }

  get fileCount(): number {
    return this.#files.length
  }

  get sizeBytes(): number {
    return this.#root.sizeBytes
  }

  get files(): readonly IndexedFile[] {
    return this.#files
  }

  /**
   * @param path of a folder, in the share; empty for all of it
   * @param after the last name of the page before, or the empty name
   * @returns undefined when there is no such folder
   */
  page(path: string, after: string): Omit<Page, 'snapshot'> | undefined {
    const folder = this.#folder(path)
    if (folder === undefined) return undefined
    const names = (folder.sorted ??= [...folder.folders.keys(), ...folder.files.keys()].toSorted(byUnits))
    return pageOf(names, after, (name) => entryOf(folder, name))
  }

  file(path: string): IndexedFile | undefined {
    const cut = path.lastIndexOf('/')
    return this.#folder(cut === -1 ? '' : path.slice(0, cut))?.files.get(path.slice(cut + 1))
  }

  /** Files that were read, and whose paths have all of the words, in any case. @param words folded */
  find(words: readonly string[], room = MAX_HITS): readonly IndexedFile[] {
    const text = this.#searchable()
    const [longest = '', ...others] = words.toSorted((one, other) => other.length - one.length)
    const hits: IndexedFile[] = []
    // A word of characters that are not seen is folded to nothing, which is found everywhere, also behind the end.
    if (longest === '') return hits
    for (let at = text.indexOf(longest); at !== -1 && hits.length < room;) {
      const line = this.#lineAt(at)
      const end = this.#starts[line + 1] ?? text.length + 1
      const file = this.#files[line]
      const path = text.slice(this.#starts[line], end - 1)
      if (file?.file !== undefined && others.every((word) => path.includes(word))) hits.push(file)
      at = text.indexOf(longest, end)
    }
    return hits
  }

  #add(file: IndexedFile): void {
    const names = file.path.split('/')
    const last = names.pop() ?? ''
    let folder = this.#root
    folder.sizeBytes += file.sizeBytes
    for (const name of names) {
      let next = folder.folders.get(name)
      if (next === undefined) folder.folders.set(name, (next = newFolder()))
      next.sizeBytes += file.sizeBytes
      folder = next
    }
    folder.files.set(last, file)
  }

  #folder(path: string): Folder | undefined {
    let folder: Folder | undefined = this.#root
    for (const name of path === '' ? [] : path.split('/')) folder = folder?.folders.get(name)
    return folder
  }

  #searchable(): string {
    if (this.#text !== undefined) return this.#text
    const lines = this.#files.map(({ path }) => folded(path).replaceAll(SEPARATOR, ' '))
    this.#starts = new Uint32Array(lines.length)
    let start = 0
    for (const [at, line] of lines.entries()) {
      this.#starts[at] = start
      start += line.length + 1
    }
    this.#text = lines.join(SEPARATOR)
    return this.#text
  }

  /** The path that has this place of the text. */
  #lineAt(place: number): number {
    let [low, high] = [0, this.#starts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#starts[middle] ?? 0) <= place) low = middle
      else high = middle - 1
    }
    return low
  }
}

/** What fits in one page of those that are behind a name. @param names in order */
export function pageOf(
  names: readonly string[],
  after: string,
  entry: (name: string) => SharedEntry | undefined
): Omit<Page, 'snapshot'> {
  const entries: SharedEntry[] = []
  let bytes = 0
  for (let at = firstBehind(names, after); at < names.length; at++) {
    const next = entry(names[at] ?? '')
    if (next === undefined) continue
    bytes += entryBytes(next)
    if (entries.length === MAX_LISTING_ENTRIES || bytes > MAX_LISTING_BYTES) return { entries, hasMore: true }
    entries.push(next)
  }
  return { entries, hasMore: false }
}

/** As many of the hits as go into one frame. */
export function foundOf(hits: readonly Hit[]): Found {
  const fitting: Hit[] = []
  let bytes = 0
  for (const hit of hits) {
    bytes += entryBytes({ name: hit.path })
    if (fitting.length === MAX_HITS || bytes > MAX_HITS_BYTES) return { hits: fitting, hasMore: true }
    fitting.push(hit)
  }
  return { hits: fitting, hasMore: false }
}

/** Of UTF-16, as the wire has it: the same on every machine. */
export function byUnits(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function firstBehind(names: readonly string[], after: string): number {
  let [low, high] = [0, names.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((names[middle] ?? '') <= after) low = middle + 1
    else high = middle
  }
  return after === '' ? 0 : low
}

function newFolder(): Folder {
  return { folders: new Map(), files: new Map(), sizeBytes: 0, sorted: undefined }
}

/** A name is a folder or a file, never both: they come from one folder of a disk. */
function entryOf(folder: Folder, name: string): SharedEntry | undefined {
  const below = folder.folders.get(name)
  if (below !== undefined) return { is: 'folder', name, sizeBytes: below.sizeBytes }
  const file = folder.files.get(name)
  if (file === undefined) return undefined
  return { is: 'file', name, sizeBytes: file.sizeBytes, modifiedAtMs: file.modifiedAtMs, file: file.file }
}
