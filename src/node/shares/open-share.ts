// One shared folder while the node runs: what is in it, read file by file in the background, and looked at again from time
// to time. Who may see it is not its business.
import { hashFile } from '../../files/index.ts'
import { countText } from '../../lib/index.ts'
import {
  MAX_SHARED_FILES,
  NoSuchShareError,
  scan,
  ShareIndex,
  type IndexedFile,
  type ScannedFile
} from '../../share/index.ts'
import { toError } from '../../wire/index.ts'
import type { HashMemory } from './hash-memory.ts'
import type { Share } from './share-book.ts'

/** A file that is shared: where it is, and what others know of it. Its file ID comes when it has been read. */
export interface SharedFileEntry extends IndexedFile {
  readonly scanned: ScannedFile
  file: string | undefined
}

export interface OpenShareInit {
  readonly share: Share
  readonly memory: HashMemory
  /** How many files it may have. */
  readonly maxFiles: () => number
  /** Runs the work when it is its turn: one share is read at a time. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>
  /** What is in it has changed. */
  readonly onChange: () => void
  readonly onProgress: () => void
}

export class OpenShare {
  readonly share: Share
  readonly #init: OpenShareInit
  readonly #life = new AbortController()
  #index = new ShareIndex([])
  #files: readonly SharedFileEntry[] = []
  #byId = new Map<string, SharedFileEntry>()
  #readFiles = 0
  #readBytes = 0
  #why: string | undefined
  #hasLooked = false
  #work: Promise<void> | undefined
  #isWantedAgain = false

  constructor(init: OpenShareInit) {
    this.#init = init
    this.share = init.share
  }

  get index(): ShareIndex {
    return this.#index
  }

  get progress(): {
    readonly readFiles: number
    readonly readBytes: number
    readonly isBusy: boolean
    readonly why: string | undefined
  } {
    return { readFiles: this.#readFiles, readBytes: this.#readBytes, isBusy: this.#work !== undefined, why: this.#why }
  }

  /** Undefined until the folder was looked at once. */
  get files(): readonly SharedFileEntry[] | undefined {
    return this.#hasLooked ? this.#files : undefined
  }

  /** A file by its ID, once it has been read. */
  byId(file: string): SharedFileEntry | undefined {
    return this.#byId.get(file)
  }

  /** Looks at the folder again, and reads what is new. Never rejects. */
  refresh(): Promise<void> {
    this.#isWantedAgain = true
    this.#work ??= this.#lookAgain()
      .catch((error: unknown) => {
        if (!this.#life.signal.aborted) this.#why = toError(error).message
      })
      .finally(() => {
        this.#work = undefined
        this.#init.onProgress()
      })
    return this.#work
  }

  async stop(): Promise<void> {
    this.#life.abort(new Error('it is not shared any more'))
    await this.#work
  }

  async #lookAgain(): Promise<void> {
    while (this.#isWantedAgain && !this.#life.signal.aborted) {
      this.#isWantedAgain = false
      await this.#look()
    }
  }

  async #look(): Promise<void> {
    const { share, memory, maxFiles, onChange } = this.#init
    const { signal } = this.#life
    const found = await scan(share.folder, { maxFiles: maxFiles(), signal }).catch((error: unknown) => {
      if (error instanceof NoSuchShareError) return error
      throw error
    })
    if (found instanceof NoSuchShareError) {
      this.#why = found.message
      this.#take([])
      return onChange()
    }
    this.#why = found.isCut
      ? `only ${countText(found.files.length)} of its files are shared: all shares together have at most ${countText(MAX_SHARED_FILES)}`
      : undefined
    this.#take(
      found.files.map((scanned): SharedFileEntry => ({
        path: scanned.path,
        sizeBytes: scanned.sizeBytes,
        modifiedAtMs: scanned.modifiedAtMs,
        file: memory.fileId(scanned),
        scanned
      }))
    )
    this.#hasLooked = true
    onChange()
    await this.#init.inTurn(async () => this.#read())
  }

  #take(files: readonly SharedFileEntry[]): void {
    this.#files = files
    this.#index = new ShareIndex(files)
    this.#byId = new Map()
    this.#readFiles = 0
    this.#readBytes = 0
    for (const one of files) if (one.file !== undefined) this.#hasRead(one, one.file)
  }

  /** The small ones first: most of a folder is soon there to be fetched. */
  async #read(): Promise<void> {
    const { memory, onProgress } = this.#init
    const unread = this.#files.filter(({ file }) => file === undefined)
    for (const one of unread.toSorted((a, b) => a.sizeBytes - b.sizeBytes)) {
      if (this.#life.signal.aborted) break
      const id = await this.#idOf(one)
      if (id === undefined) continue
      this.#hasRead(one, id)
      await memory.remember(one.scanned, id)
      onProgress()
    }
    await memory.flush()
  }

  #hasRead(one: SharedFileEntry, file: string): void {
    one.file = file
    this.#byId.set(file, one)
    this.#readFiles++
    this.#readBytes += one.sizeBytes
  }

  /** @returns undefined for one that changes while it is read, or can't be read: the next look sees it as it is then */
  async #idOf({ scanned }: SharedFileEntry): Promise<string | undefined> {
    try {
      const hashed = await hashFile(scanned.diskPath, { signal: this.#life.signal })
      // Another file may have taken its place.
      return hashed.inode === scanned.inode && hashed.changedAtNs === scanned.changedAtNs ? hashed.file : undefined
    } catch {
      return undefined
    }
  }
}
