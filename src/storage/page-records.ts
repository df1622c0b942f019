// The records that lie in one page of a database file, whatever table they belong
// to. A page from a damaged file may hold anything: every number in it is checked
// against the page before it is used. https://sqlite.org/fileformat2.html#b_tree_pages
import type { DatabasePages } from './database-pages.ts'
import { PAGE_BYTES } from './sqlite-file.ts'

export type RecordValue = null | number | string | Uint8Array

export interface PageRecord {
  /** Undefined in an index, and in a table without row ids. */
  readonly rowId: number | undefined
  readonly values: readonly RecordValue[]
}

const pageKind = { indexInner: 2, indexLeaf: 10, tableLeaf: 13 } as const
/** A record longer than any message with what belongs to it is no record of ours. */
const maxRecordBytes = 1 << 20

/** @returns nothing for pages that hold no records; records that can't be read are left out */
export function* recordsOf(pages: DatabasePages, number: number): Generator<PageRecord> {
  const page = pages.read(number)
  if (page === undefined) return
  const start = number === 1 ? 100 : 0
  const kind = page[start]
  if (kind !== pageKind.indexInner && kind !== pageKind.indexLeaf && kind !== pageKind.tableLeaf) return
  const cellCount = page.readUInt16BE(start + 3)
  const pointers = start + (kind === pageKind.indexInner ? 12 : 8)
  for (let cell = 0; cell < cellCount && pointers + 2 * cell + 2 <= PAGE_BYTES; cell++) {
    try {
      const offset = page.readUInt16BE(pointers + 2 * cell) + (kind === pageKind.indexInner ? 4 : 0)
      const record = readCell(pages, new ByteReader(page, offset), kind === pageKind.tableLeaf)
      if (record !== undefined) yield record
    } catch (error) {
      // What the cell says of itself leads out of its page.
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
  const maxLocal = isTable ? PAGE_BYTES - 35 : Math.floor(((PAGE_BYTES - 12) * 64) / 255) - 23
  if (length <= maxLocal) return cell.take(length)
  const minLocal = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23
  const wanted = minLocal + ((length - minLocal) % (PAGE_BYTES - 4))
  const parts = [cell.take(wanted <= maxLocal ? wanted : minLocal)]
  let next = cell.take(4).readUInt32BE()
  let missing = length - (parts[0]?.length ?? 0)
  while (missing > 0) {
    const page = pages.read(next)
    if (page === undefined) return undefined
    next = page.readUInt32BE(0)
    const part = page.subarray(4, 4 + Math.min(missing, PAGE_BYTES - 4))
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

/** Reads forward; past the end it throws a RangeError. */
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

  /** SQLite's: 7 bits a byte, the highest first, and all 8 of a ninth. Numbers above 2^53 are none of ours. */
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
