// Files in a row as a tar archive (POSIX ustar, with GNU's form for sizes beyond
// 8 GiB), so that `age --decrypt | tar --extract` opens an exported profile
// without Parley. It knows no disk: bytes in, bytes out.
import { ArchiveError } from '../api/errors.ts'

export interface TarEntry {
  readonly name: string
  readonly sizeBytes: number
  readonly content: AsyncIterable<Uint8Array>
}

/** What the reader lets in: a name with the most bytes that it may have. Anything else ends the reading. */
export type TarRules = ReadonlyMap<string, { readonly maxBytes: number }>

const blockBytes = 512
const fields = { name: 0, mode: 100, size: 124, mtime: 136, checksum: 148, type: 156, magic: 257 } as const
const lengths = { name: 100, size: 12, checksum: 8 } as const
const fileType = 0x30
const oldFileType = 0
/** The largest size in eleven octal digits. */
const maxOctal = 0o77777777777
const largeSize = 0x80

/** The archive, piece by piece. @throws ArchiveError when a content has another size than announced */
export async function* encodeTar(entries: Iterable<TarEntry>, modifiedAtMs: number): AsyncGenerator<Uint8Array> {
  for (const { name, sizeBytes, content } of entries) {
    yield encodeHeader(name, sizeBytes, modifiedAtMs)
    let written = 0
    for await (const chunk of content) {
      written += chunk.length
      yield chunk
    }
    if (written !== sizeBytes) {
      throw new ArchiveError(`${name} has ${written} bytes, and had ${sizeBytes} a moment ago: try again`)
    }
    yield Buffer.alloc(paddingOf(sizeBytes))
  }
  yield Buffer.alloc(2 * blockBytes)
}

/** How large the archive of these is. */
export function tarSizeOf(entries: Iterable<Pick<TarEntry, 'sizeBytes'>>): number {
  let size = 2 * blockBytes
  for (const { sizeBytes } of entries) size += blockBytes + sizeBytes + paddingOf(sizeBytes)
  return size
}

/**
 * Reads an archive to its very end. Each content has to be read before the next entry is asked for.
 *
 * @throws ArchiveError at the first thing that is not one of these files, once each, with no more than their bytes
 */
export async function* decodeTar(source: AsyncIterable<Uint8Array>, rules: TarRules): AsyncGenerator<TarEntry> {
  const reader = new BlockReader(source)
  const seen = new Set<string>()
  for (;;) {
    const header = await reader.block()
    if (isEmpty(header)) break
    const { name, sizeBytes } = decodeHeader(header)
    const rule = rules.get(name)
    if (rule === undefined)
      throw new ArchiveError(`there is ${JSON.stringify(name)} in it, which belongs to no profile`)
    if (seen.has(name)) throw new ArchiveError(`there is ${name} in it twice`)
    if (sizeBytes > rule.maxBytes) {
      throw new ArchiveError(`${name} would have ${sizeBytes} bytes, and may have ${rule.maxBytes}`)
    }
    seen.add(name)
    const content = reader.content(sizeBytes)
    yield { name, sizeBytes, content }
    await reader.passPadding(paddingOf(sizeBytes))
  }
  if (!isEmpty(await reader.block())) throw new ArchiveError('it goes on after its end')
  // What follows is padding. It is read all the same: only the last bytes prove that nothing was cut off.
  await reader.passRest()
}

function encodeHeader(name: string, sizeBytes: number, modifiedAtMs: number): Uint8Array {
  const header = Buffer.alloc(blockBytes)
  header.write(name, fields.name, 'latin1')
  header.write('0000600\0', fields.mode, 'latin1')
  header.write('0000000\0'.repeat(2), fields.mode + 8, 'latin1')
  writeSize(header, sizeBytes)
  header.write(
    `${Math.floor(modifiedAtMs / 1000)
      .toString(8)
      .padStart(11, '0')}\0`,
    fields.mtime,
    'latin1'
  )
  header[fields.type] = fileType
  header.write('ustar\u000000', fields.magic, 'latin1')
  header.write(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, fields.checksum, 'latin1')
  return header
}

function writeSize(header: Buffer, sizeBytes: number): void {
  if (sizeBytes <= maxOctal) {
    header.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, fields.size, 'latin1')
    return
  }
  header[fields.size] = largeSize
  header.writeBigUInt64BE(BigInt(sizeBytes), fields.size + 4)
}

function decodeHeader(header: Buffer): { readonly name: string; readonly sizeBytes: number } {
  if (header.toString('latin1', fields.magic, fields.magic + 5) !== 'ustar')
    throw new ArchiveError('it is no tar archive')
  if (readOctal(header, fields.checksum, lengths.checksum) !== checksumOf(header)) {
    throw new ArchiveError('a header in it is damaged')
  }
  const name = textOf(header, fields.name, lengths.name)
  const type = header[fields.type]
  if (type !== fileType && type !== oldFileType) {
    throw new ArchiveError(`${JSON.stringify(name)} in it is no ordinary file`)
  }
  return { name, sizeBytes: readSize(header) }
}

function readSize(header: Buffer): number {
  if (header[fields.size] !== largeSize) return readOctal(header, fields.size, lengths.size)
  const size = Number(header.readBigUInt64BE(fields.size + 4))
  if (!Number.isSafeInteger(size)) throw new ArchiveError('a size in it is out of bounds')
  return size
}

function readOctal(header: Buffer, at: number, length: number): number {
  const text = textOf(header, at, length).trim()
  if (!/^[0-7]{1,12}$/u.test(text)) throw new ArchiveError('a number in it can’t be read')
  return Number.parseInt(text, 8)
}

function textOf(header: Buffer, at: number, length: number): string {
  const field = header.subarray(at, at + length)
  const end = field.indexOf(0)
  return field.toString('latin1', 0, end === -1 ? length : end)
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
function checksumOf(header: Buffer): number {
  let sum = 0
  for (const [at, byte] of header.entries()) {
    sum += at >= fields.checksum && at < fields.checksum + lengths.checksum ? 0x20 : byte
  }
  return sum
}

function paddingOf(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes
}

function isEmpty(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

/** Takes a stream apart into pieces of a known size. It holds no more than one chunk of it. */
class BlockReader {
  readonly #source: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  async block(): Promise<Buffer> {
    const parts: Uint8Array[] = []
    for await (const part of this.content(blockBytes)) parts.push(part)
    return Buffer.concat(parts)
  }

  async *content(sizeBytes: number): AsyncGenerator<Uint8Array> {
    for (let left = sizeBytes; left > 0;) {
      const part = await this.#take(left)
      if (part === undefined) throw new ArchiveError('it was cut short')
      left -= part.length
      yield part
    }
  }

  async passPadding(sizeBytes: number): Promise<void> {
    for await (const part of this.content(sizeBytes)) void part
  }

  async passRest(): Promise<void> {
    while ((await this.#take(Number.MAX_SAFE_INTEGER)) !== undefined);
  }

  async #take(atMost: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next()
      if (next.done === true) return undefined
      this.#chunk = next.value
    }
    const part = this.#chunk.subarray(0, atMost)
    this.#chunk = this.#chunk.subarray(part.length)
    return part
  }
}
