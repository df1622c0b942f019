// The records in the pages of a database file, read without SQLite: the main file with everything that was committed to
// its write-ahead log laid over it. For a file that SQLite refuses. A damaged page may hold anything: every number in
// it is checked against the page before it is used. Formats: https://sqlite.org/fileformat2.html
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { hasErrorCode } from '../../lib/index.ts'
import { DATABASE_PAGE_BYTES } from '../sqlite/history-file.ts'
import { readWal } from '../sqlite/write-ahead-log.ts'

const fileHeaderBytes = 100
const fileMagic = 'SQLite format 3\0'

export class DatabasePages implements Disposable {
  readonly #main: number
  readonly #wal: number | undefined
  /** The offset of each page's newest committed version in the log. */
  readonly #inWal: ReadonlyMap<number, number>
  /** The highest page number; the lowest is 1. */
  readonly count: number
  /**
   * Bytes missing at the file's end: its header or log counts more pages than there are. Undefined for a file without a
   * whole page, whose log has counted none either.
   */
  readonly missingBytes: number | undefined

  constructor(file: string) {
    this.#main = openSync(file, 'r')
    this.#wal = openIfPresent(`${file}-wal`)
    const { size } = fstatSync(this.#main)
    const inMain = Math.ceil(size / DATABASE_PAGE_BYTES)
    const committed = this.#wal === undefined ? undefined : readWal(this.#wal)
    this.#inWal = committed?.offsets ?? new Map()
    this.count = Math.max(inMain, committed?.pageCount ?? 0)
    const whole = Math.floor(size / DATABASE_PAGE_BYTES)
    const inLog = committed?.pageCount ?? 0
    const expected = inLog > 0 ? inLog : countInHeader(this.#main)
    const behind = Array.from(this.#inWal.keys()).filter((page) => page > whole && page <= expected)
    const isUnknown = whole === 0 && expected === 0
    this.missingBytes = isUnknown ? undefined : Math.max(expected - whole - behind.length, 0) * DATABASE_PAGE_BYTES
  }

  /** @returns the page's bytes; undefined when they are not all there */
  read(page: number): Buffer | undefined {
    if (page < 1 || page > this.count) return undefined
    const bytes = Buffer.alloc(DATABASE_PAGE_BYTES)
    const offset = this.#inWal.get(page)
    const length =
      offset === undefined || this.#wal === undefined
        ? readSync(this.#main, bytes, 0, DATABASE_PAGE_BYTES, (page - 1) * DATABASE_PAGE_BYTES)
        : readSync(this.#wal, bytes, 0, DATABASE_PAGE_BYTES, offset)
    return length === DATABASE_PAGE_BYTES ? bytes : undefined
  }

  [Symbol.dispose](): void {
    closeSync(this.#main)
    if (this.#wal !== undefined) closeSync(this.#wal)
  }
}

/** @returns how many pages the file had when its header was written; 0 if the header is damaged or outdated */
function countInHeader(main: number): number {
  const header = Buffer.alloc(fileHeaderBytes)
  if (readSync(main, header, 0, fileHeaderBytes, 0) < fileHeaderBytes) return 0
  if (header.toString('latin1', 0, fileMagic.length) !== fileMagic) return 0
  // The count is valid only for the version of the file that it was written with.
  return header.readUInt32BE(24) === header.readUInt32BE(92) ? header.readUInt32BE(28) : 0
}

function openIfPresent(file: string): number | undefined {
  try {
    return openSync(file, 'r')
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined
    throw error
  }
}

export type RecordValue = null | number | string | Uint8Array

export interface PageRecord {
  /** Undefined in indexes and in tables without row ids. */
  readonly rowId: number | undefined
  readonly values: readonly RecordValue[]
}

const pageKind = { indexInner: 2, indexLeaf: 10, tableLeaf: 13 } as const
/** Above the size of the largest message's record. */
const maxRecordBytes = 1 << 20

/** @returns the readable records of a page; none for pages without records */
export function* recordsOf(pages: DatabasePages, number: number): Generator<PageRecord> {
  const page = pages.read(number)
  if (page === undefined) return
  const start = number === 1 ? 100 : 0
  const kind = page[start]
  if (kind !== pageKind.indexInner && kind !== pageKind.indexLeaf && kind !== pageKind.tableLeaf) return
  const cellCount = page.readUInt16BE(start + 3)
  const pointers = start + (kind === pageKind.indexInner ? 12 : 8)
  for (let cell = 0; cell < cellCount && pointers + 2 * cell + 2 <= DATABASE_PAGE_BYTES; cell++) {
    try {
      const offset = page.readUInt16BE(pointers + 2 * cell) + (kind === pageKind.indexInner ? 4 : 0)
      const record = readCell(pages, new ByteReader(page, offset), kind === pageKind.tableLeaf)
      if (record !== undefined) yield record
    } catch (error) {
      // The cell's own numbers point outside its page.
      if (!(error instanceof RangeError)) throw error
    }
  }
}

function readCell(pages: DatabasePages, cell: ByteReader, isTable: boolean): PageRecord | undefined {
  const length = cell.varint()
  if (length > maxRecordBytes) return undefined
  const rowId = isTable ? cell.varint() : undefined
  const payload = readPayload(pages, cell, length, isTable)
  return payload === undefined ? undefined : { rowId, values: readRecord(payload) }
}

function readPayload(pages: DatabasePages, cell: ByteReader, length: number, isTable: boolean): Buffer | undefined {
  const maxLocal = isTable ? DATABASE_PAGE_BYTES - 35 : Math.floor(((DATABASE_PAGE_BYTES - 12) * 64) / 255) - 23
  if (length <= maxLocal) return cell.take(length)
  const minLocal = Math.floor(((DATABASE_PAGE_BYTES - 12) * 32) / 255) - 23
  const wanted = minLocal + ((length - minLocal) % (DATABASE_PAGE_BYTES - 4))
  const parts = [cell.take(wanted <= maxLocal ? wanted : minLocal)]
  let next = cell.take(4).readUInt32BE()
  let missing = length - (parts[0]?.length ?? 0)
  while (missing > 0) {
    const page = pages.read(next)
    if (page === undefined) return undefined
    next = page.readUInt32BE(0)
    const part = page.subarray(4, 4 + Math.min(missing, DATABASE_PAGE_BYTES - 4))
    missing -= part.length
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function readRecord(payload: Buffer): RecordValue[] {
  const header = new ByteReader(payload, 0)
  const headerBytes = header.varint()
  const body = new ByteReader(payload, headerBytes)
  const values: RecordValue[] = []
  while (header.offset < headerBytes) values.push(readValue(header.varint(), body))
  return values
}

function readValue(serialType: number, body: ByteReader): RecordValue {
  if (serialType >= 12) {
    const bytes = body.take(Math.floor((serialType - 12) / 2))
    return serialType % 2 === 0 ? Uint8Array.from(bytes) : bytes.toString('utf8')
  }
  switch (serialType) {
    case 0:
      return null
    case 5:
      return body.take(6).readIntBE(0, 6)
    case 6:
      return Number(body.take(8).readBigInt64BE())
    case 7:
      return body.take(8).readDoubleBE()
    case 8:
      return 0
    case 9:
      return 1
    case 10:
    case 11:
      throw new RangeError(`the serial type ${serialType} is reserved`)
    default:
      return body.take(serialType).readIntBE(0, serialType)
  }
}

/** Reads forward; throws a RangeError past the end. */
class ByteReader {
  readonly #bytes: Buffer
  offset: number

  constructor(bytes: Buffer, offset: number) {
    this.#bytes = bytes
    this.offset = offset
  }

  take(length: number): Buffer {
    const end = this.offset + length
    if (end > this.#bytes.length) throw new RangeError('past the end')
    const taken = this.#bytes.subarray(this.offset, end)
    this.offset = end
    return taken
  }

  /** SQLite's varint: 7 bits a byte, the highest first, and 8 of a ninth, which only numbers above all of ours have. */
  varint(): number {
    let value = 0
    for (let length = 0; length < 8; length++) {
      const byte = this.take(1).readUInt8()
      value = value * 128 + (byte & 0x7f)
      if (byte < 0x80) return value
    }
    throw new RangeError('a number above all of ours')
  }
}
