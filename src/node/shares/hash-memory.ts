// The file IDs of files that were read once, so that a restart reads only what has changed: kept by path, size, time of
// change and inode, in a file that grows by a line for each and is written anew when most of it is out of date.
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OWNER_ONLY, writeFileAtomically } from '../../storage/index.ts'
import type { ScannedFile } from '../../share/index.ts'

/** Files between two writes: what a crash makes to be read again. */
const FILES_PER_WRITE = 64

/** Lines that no file needs any more before the file is written anew. */
const MAX_STALE_LINES = 10_000

const hashMemoryName = 'share-hashes.jsonl'

export class HashMemory {
  readonly #file: string | undefined
  /** By the path on the disk: the state that was read, and the file ID. */
  readonly #known = new Map<string, { readonly state: string; readonly file: string }>()
  #lines = 0
  #unwritten: string[] = []
  #writing: Promise<void> = Promise.resolve()

  private constructor(file: string | undefined) {
    this.#file = file
  }

  /** @param folder of the profile; empty for one that nothing keeps */
  static async open(folder: string): Promise<HashMemory> {
    const memory = new HashMemory(folder === '' ? undefined : join(folder, hashMemoryName))
    const text = memory.#file === undefined ? '' : await readFile(memory.#file, 'utf8').catch(() => '')
    for (const line of text.split('\n')) memory.#take(line)
    return memory
  }

  /** @returns undefined when it was not read, or has changed since */
  fileId(scanned: ScannedFile): string | undefined {
    const known = this.#known.get(scanned.diskPath)
    return known?.state === stateOf(scanned) ? known.file : undefined
  }

  /** What can't be written is read again after a restart. */
  async remember(scanned: ScannedFile, file: string): Promise<void> {
    const state = stateOf(scanned)
    this.#known.set(scanned.diskPath, { state, file })
    this.#unwritten.push(lineOf(scanned.diskPath, state, file))
    if (this.#unwritten.length >= FILES_PER_WRITE) await this.flush()
  }

  /** Only these files are remembered from now on. */
  async keepOnly(diskPaths: ReadonlySet<string>): Promise<void> {
    for (const path of this.#known.keys()) if (!diskPaths.has(path)) this.#known.delete(path)
    if (this.#lines - this.#known.size < MAX_STALE_LINES) return
    this.#unwritten = []
    await this.#write(async (file) => {
      const lines = Array.from(this.#known, ([path, known]) => lineOf(path, known.state, known.file))
      await writeFileAtomically(file, lines.join(''), OWNER_ONLY)
      this.#lines = lines.length
    })
  }

  async flush(): Promise<void> {
    const lines = this.#unwritten
    this.#unwritten = []
    if (lines.length === 0) return
    await this.#write(async (file) => {
      await appendFile(file, lines.join(''), { mode: OWNER_ONLY })
      this.#lines += lines.length
    })
  }

  async #write(work: (file: string) => Promise<void>): Promise<void> {
    const file = this.#file
    if (file === undefined) return
    this.#writing = this.#writing.then(async () => work(file)).catch(() => undefined)
    await this.#writing
  }

  #take(line: string): void {
    if (line === '') return
    this.#lines++
    try {
      const [path, state, file] = JSON.parse(line) as readonly unknown[]
      if (typeof path !== 'string' || typeof state !== 'string' || typeof file !== 'string') return
      if (/^[0-9a-f]{64}$/u.test(file)) this.#known.set(path, { state, file })
    } catch {
      // The last line of a write that was cut off: that file is read again.
    }
  }
}

function stateOf({ sizeBytes, changedAtNs, inode }: ScannedFile): string {
  return `${sizeBytes} ${changedAtNs} ${inode}`
}

function lineOf(path: string, state: string, file: string): string {
  return `${JSON.stringify([path, state, file])}\n`
}
