// A disk that keeps for sure only what was synced: made from the calls that strace has recorded of a program. After a
// power cut of it any part of what was written since the last sync is there, in any order, torn at its sectors; of new,
// renamed and removed names a first part is. It knows no program and no format of a file.
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { SeededRandom } from './seeded-random.ts'

/** What a disk writes whole. */
const sectorBytes = 512

type Change =
  | { readonly is: 'write'; readonly offset: number; readonly bytes: Buffer }
  | { readonly is: 'truncate'; readonly size: number }

type NameChange =
  | { readonly is: 'make'; readonly name: string; readonly file: RecordedFile }
  | { readonly is: 'rename'; readonly from: string; readonly to: string }
  | { readonly is: 'remove'; readonly name: string }

/** Changes in their order: a first part of them is on the disk for sure. */
class Unsure<T> {
  pending: T[] = []
  #sure = 0

  /** @returns to be called when the sync has ended: what had come before it began is sure then */
  beginSync(makeSure: (changes: readonly T[]) => void): () => void {
    const upTo = this.#sure + this.pending.length
    return () => {
      const count = Math.max(0, upTo - this.#sure)
      this.#sure += count
      makeSure(this.pending.splice(0, count))
    }
  }
}

/** The bytes of a file, changed in place. */
class Content {
  #bytes: Buffer
  #size: number

  constructor(bytes: Buffer = Buffer.alloc(0)) {
    this.#bytes = bytes
    this.#size = bytes.length
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#size)
  }

  copy(): Content {
    return new Content(Buffer.from(this.bytes))
  }

  apply(change: Change): void {
    if (change.is === 'write' && change.bytes.length === 0) return
    const end = change.is === 'truncate' ? change.size : change.offset + change.bytes.length
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.bytes, Buffer.alloc(2 * end - this.#size)])
    if (end > this.#size || change.is === 'truncate') {
      this.#bytes.fill(0, Math.min(end, this.#size), Math.max(end, this.#size))
      this.#size = end
    }
    if (change.is === 'write') change.bytes.copy(this.#bytes, change.offset)
  }
}

class RecordedFile {
  readonly changes = new Unsure<Change>()
  readonly #sure = new Content()
  /** As the program sees it. */
  sizeBytes = 0

  change(change: Change): void {
    this.changes.pending.push(change)
    const end = change.is === 'truncate' ? change.size : change.offset + change.bytes.length
    this.sizeBytes = change.is === 'truncate' ? end : Math.max(this.sizeBytes, end)
  }

  beginSync(): () => void {
    return this.changes.beginSync((changes) => {
      for (const change of changes) this.#sure.apply(change)
    })
  }

  /** One of the contents that a power cut may leave. */
  afterCut(random: SeededRandom): Buffer {
    const { pending } = this.changes
    const kind = random.choose(['nothing', 'all', 'a first part', 'some'] as const)
    const first = Math.floor(random.upTo(pending.length + 1))
    const content = this.#sure.copy()
    for (const [index, change] of pending.entries()) {
      const isThere =
        kind === 'all' || (kind === 'a first part' && index < first) || (kind === 'some' && random.isOne(2))
      if (isThere) content.apply(kind === 'some' ? torn(change, random) : change)
    }
    return content.bytes
  }
}

export interface DiskOptions {
  /** A disk that lies: a test of the test. */
  readonly ignoresSyncs?: boolean
}

export class RecordedDisk {
  readonly #folder: string
  readonly #options: DiskOptions
  /** As the program sees them. */
  readonly #names = new Map<string, RecordedFile>()
  readonly #sureNames = new Map<string, RecordedFile>()
  readonly #nameChanges = new Unsure<NameChange>()

  /** @param folder the only one whose files are looked at, without those in folders below it */
  constructor(folder: string, options: DiskOptions = {}) {
    this.#folder = folder
    this.#options = options
  }

  holds(path: string): boolean {
    return dirname(path) === this.#folder
  }

  sizeBytes(path: string): number {
    return this.#names.get(path)?.sizeBytes ?? 0
  }

  make(path: string): void {
    if (this.#names.has(path)) return
    const file = new RecordedFile()
    this.#changeName({ is: 'make', name: path, file })
  }

  /** A file that was there before the recording began is not known, and what happens to it says so. */
  change(path: string, change: Change): void {
    const file = this.#names.get(path)
    if (file === undefined) throw new Error(`${path} was written to before it was made: the recording has a gap`)
    file.change(change)
  }

  rename(from: string, to: string): void {
    this.#changeName({ is: 'rename', from, to })
  }

  remove(path: string): void {
    this.#changeName({ is: 'remove', name: path })
  }

  /** @param path of a file or of the folder. @returns to be called when the sync has ended */
  beginSync(path: string): () => void {
    if (this.#options.ignoresSyncs === true) return () => undefined
    if (path !== this.#folder) return this.#names.get(path)?.beginSync() ?? (() => undefined)
    return this.#nameChanges.beginSync((changes) => {
      for (const change of changes) applyName(this.#sureNames, change)
    })
  }

  /** Writes into `target` what may be left when the power goes now. */
  async cut(target: string, random: SeededRandom): Promise<void> {
    const names = new Map(this.#sureNames)
    const { pending } = this.#nameChanges
    for (const change of pending.slice(0, Math.floor(random.upTo(pending.length + 1)))) applyName(names, change)
    await mkdir(target, { recursive: true })
    const files = [...names].map(async ([path, file]) => writeFile(join(target, basename(path)), file.afterCut(random)))
    await Promise.all(files)
  }

  #changeName(change: NameChange): void {
    applyName(this.#names, change)
    this.#nameChanges.pending.push(change)
  }
}

function applyName(names: Map<string, RecordedFile>, change: NameChange): void {
  switch (change.is) {
    case 'make':
      names.set(change.name, change.file)
      return
    case 'remove':
      names.delete(change.name)
      return
    case 'rename': {
      const file = names.get(change.from)
      if (file === undefined) return
      names.delete(change.from)
      names.set(change.to, file)
    }
  }
}

/** A part of a write, up to a sector's border or from one. */
function torn(change: Change, random: SeededRandom): Change {
  if (change.is === 'truncate' || !random.isOne(2)) return change
  const { offset, bytes } = change
  const sectors = Math.ceil((offset + bytes.length) / sectorBytes) - Math.floor(offset / sectorBytes)
  const border = (Math.floor(offset / sectorBytes) + Math.floor(random.upTo(sectors + 1))) * sectorBytes - offset
  const at = Math.max(0, Math.min(bytes.length, border))
  if (random.isOne(2)) return { is: 'write', offset, bytes: bytes.subarray(0, at) }
  return { is: 'write', offset: offset + at, bytes: bytes.subarray(at) }
}
