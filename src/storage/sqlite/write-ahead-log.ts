// SQLite's write-ahead log, where commits are, read without SQLite.
// Format: https://sqlite.org/fileformat2.html#the_write_ahead_log
import { readSync } from 'node:fs'
import { DATABASE_PAGE_BYTES } from './history-file.ts'

const walHeaderBytes = 32
const frameHeaderBytes = 24
const walMagic = 0x377f0682

/**
 * Reads a log up to its last whole commit: each frame carries the header's salts and a checksum over all before it.
 *
 * @returns the offset of each page's newest version, the pages of the database, and the frames; undefined without a header
 */
export function readWal(wal: number): { offsets: Map<number, number>; pageCount: number; frames: number } | undefined {
  const header = Buffer.alloc(walHeaderBytes)
  if (readSync(wal, header, 0, walHeaderBytes, 0) < walHeaderBytes) return undefined
  const magic = header.readUInt32BE(0)
  if ((magic & ~1) !== walMagic || header.readUInt32BE(8) !== DATABASE_PAGE_BYTES) return undefined
  const isBigEndian = (magic & 1) === 1
  const sum = new WalChecksum(isBigEndian)
  sum.add(header.subarray(0, 24))
  if (!sum.equals(header.subarray(24))) return undefined

  const offsets = new Map<number, number>()
  const uncommitted = new Map<number, number>()
  let pageCount = 0
  let frames = 0
  const frame = Buffer.alloc(frameHeaderBytes + DATABASE_PAGE_BYTES)
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
    frames = (offset - walHeaderBytes) / frame.length + 1
    for (const [page, at] of uncommitted) offsets.set(page, at)
    uncommitted.clear()
  }
  return { offsets, pageCount, frames }
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
