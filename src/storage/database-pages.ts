// The pages of a database file without SQLite: the main file with everything
// that was committed to its write-ahead log laid over it. For a file that SQLite
// refuses. Formats: https://sqlite.org/fileformat2.html
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { PAGE_BYTES } from './sqlite-file.ts'

const walHeaderBytes = 32
const frameHeaderBytes = 24
const walMagic = 0x377f0682

export class DatabasePages implements Disposable {
  readonly #main: number
  readonly #wal: number | undefined
  /** Where in the log the newest committed version of a page is. */
  readonly #inWal: ReadonlyMap<number, number>
  /** Pages are numbered from 1 up to this. */
  readonly count: number

  constructor(file: string) {
    this.#main = openSync(file, 'r')
    this.#wal = openIfPresent(`${file}-wal`)
    const inMain = Math.ceil(fstatSync(this.#main).size / PAGE_BYTES)
    const committed = this.#wal === undefined ? undefined : readWal(this.#wal)
    this.#inWal = committed?.offsets ?? new Map()
    this.count = Math.max(inMain, committed?.pageCount ?? 0)
  }

  /** @returns the page's bytes; undefined for one that isn't there whole */
  read(page: number): Buffer | undefined {
    if (page < 1 || page > this.count) return undefined
    const bytes = Buffer.alloc(PAGE_BYTES)
    const offset = this.#inWal.get(page)
    const length =
      offset === undefined || this.#wal === undefined
        ? readSync(this.#main, bytes, 0, PAGE_BYTES, (page - 1) * PAGE_BYTES)
        : readSync(this.#wal, bytes, 0, PAGE_BYTES, offset)
    return length === PAGE_BYTES ? bytes : undefined
  }

  [Symbol.dispose](): void {
    closeSync(this.#main)
    if (this.#wal !== undefined) closeSync(this.#wal)
  }
}

function openIfPresent(file: string): number | undefined {
  try {
    return openSync(file, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Frames count up to the last whole commit: each carries the header's salts and a checksum over all before it. */
function readWal(wal: number): { offsets: Map<number, number>; pageCount: number } | undefined {
  const header = Buffer.alloc(walHeaderBytes)
  if (readSync(wal, header, 0, walHeaderBytes, 0) < walHeaderBytes) return undefined
  const magic = header.readUInt32BE(0)
  if ((magic & ~1) !== walMagic || header.readUInt32BE(8) !== PAGE_BYTES) return undefined
  const isBigEndian = (magic & 1) === 1
  const sum = new WalChecksum(isBigEndian)
  sum.add(header.subarray(0, 24))
  if (!sum.equals(header.subarray(24))) return undefined

  const offsets = new Map<number, number>()
  const uncommitted = new Map<number, number>()
  let pageCount = 0
  const frame = Buffer.alloc(frameHeaderBytes + PAGE_BYTES)
  for (let offset = walHeaderBytes; ; offset += frame.length) {
    if (readSync(wal, frame, 0, frame.length, offset) < frame.length) break
    if (!frame.subarray(8, 16).equals(header.subarray(16, 24))) break
    sum.add(frame.subarray(0, 8))
    sum.add(frame.subarray(frameHeaderBytes))
    if (!sum.equals(frame.subarray(16, 24))) break
    uncommitted.set(frame.readUInt32BE(0), offset + frameHeaderBytes)
    const sizeAfterCommit = frame.readUInt32BE(4)
    if (sizeAfterCommit === 0) continue
    pageCount = sizeAfterCommit
    for (const [page, at] of uncommitted) offsets.set(page, at)
    uncommitted.clear()
  }
  return { offsets, pageCount }
}

class WalChecksum {
  readonly #isLittle: boolean
  #first = 0
  #second = 0

  constructor(isBigEndian: boolean) {
    this.#isLittle = !isBigEndian
  }

  add(bytes: Buffer): void {
    const aligned = Uint8Array.from(bytes)
    const words = new DataView(aligned.buffer)
    for (let at = 0; at < bytes.length; at += 8) {
      this.#first = (this.#first + words.getUint32(at, this.#isLittle) + this.#second) >>> 0
      this.#second = (this.#second + words.getUint32(at + 4, this.#isLittle) + this.#first) >>> 0
    }
  }

  equals(stored: Buffer): boolean {
    return stored.readUInt32BE(0) === this.#first && stored.readUInt32BE(4) === this.#second
  }
}
