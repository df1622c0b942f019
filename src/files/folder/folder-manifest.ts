// What a folder is when it is sent: a list of what is in it, which is fetched like a file and says what to fetch next. It
// is checked whole before anything is done with it. It knows no disk: how its paths are called here is local-names' business.
import { HASH_BYTES, MAX_FILE_BYTES } from '../file-tree.ts'

/** More files than a folder of photographs or of a program's source has; a list of them is some megabytes. */
export const MAX_FOLDER_ENTRIES = 100_000

/** The whole path of an entry, in UTF-8: what every common system can open below a folder of the user. */
const MAX_ENTRY_PATH_BYTES = 1_024

/** Folders in folders. No person nests as many; a program that follows links in a circle does. */
export const MAX_SENT_DEPTH = 32

/** It is held in memory while it is read: a hundred thousand paths of 300 bytes. */
export const MAX_MANIFEST_BYTES = 32 * 1024 * 1024

/** The longest name that common file systems have. */
const MAX_COMPONENT_BYTES = 255

const magic = Buffer.from('parley-folder-1\n', 'ascii')

/** Kind, length of the path, and of a file its size and ID. */
const ENTRY_HEAD_BYTES = 3
const FILE_TAIL_BYTES = 8 + HASH_BYTES

const kinds = { folder: 0, file: 1, program: 2 } as const

/** Something in a folder. */
export type FolderEntry =
  | { readonly is: 'folder'; readonly path: string }
  | {
      readonly is: 'file'
      /** From the folder on, with `/` between the names. */
      readonly path: string
      readonly sizeBytes: number
      /** Its file ID, as 64 hexadecimal digits. */
      readonly file: string
      /** That it can be run where it comes from. A receiver never makes it so. */
      readonly isProgram: boolean
    }

/** These bytes are no list of a folder. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
}

/**
 * The one way to write these entries, in any order.
 *
 * @throws {ManifestError} when they are too many, or a path can't stand in a list
 */
export function encodeManifest(entries: readonly FolderEntry[]): Buffer {
  checkCount(entries.length)
  const sorted = entries
    .map((entry) => ({ entry, path: Buffer.from(entry.path, 'utf8') }))
    .toSorted((one, other) => Buffer.compare(one.path, other.path))
  const parts: Buffer[] = [magic]
  for (const { entry, path } of sorted) {
    checkPath(entry.path, path)
    const head = Buffer.alloc(ENTRY_HEAD_BYTES)
    head.writeUInt8(entry.is === 'folder' ? kinds.folder : entry.isProgram ? kinds.program : kinds.file)
    head.writeUInt16BE(path.byteLength, 1)
    parts.push(head, path)
    if (entry.is === 'folder') continue
    const tail = Buffer.alloc(FILE_TAIL_BYTES)
    tail.writeBigUInt64BE(BigInt(entry.sizeBytes))
    tail.write(entry.file, 8, 'hex')
    parts.push(tail)
  }
  const encoded = Buffer.concat(parts)
  if (encoded.byteLength > MAX_MANIFEST_BYTES) {
    throw new ManifestError(`its list has ${encoded.byteLength} bytes, and at most ${MAX_MANIFEST_BYTES} can be sent`)
  }
  return encoded
}

/**
 * @returns the entries in the order of their paths' bytes
 * @throws {ManifestError} for anything but what {@link encodeManifest} writes
 */
export function decodeManifest(bytes: Uint8Array): readonly FolderEntry[] {
  const encoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (encoded.byteLength > MAX_MANIFEST_BYTES) throw new ManifestError(`a list of ${encoded.byteLength} bytes`)
  if (!encoded.subarray(0, magic.byteLength).equals(magic)) throw new ManifestError('it does not begin as a list does')
  const entries: FolderEntry[] = []
  const files = new Set<string>()
  let before: Buffer | undefined
  for (let at = magic.byteLength; at < encoded.byteLength;) {
    checkCount(entries.length + 1)
    const { entry, raw, end } = entryAt(encoded, at)
    if (before !== undefined && Buffer.compare(before, raw) >= 0) throw new ManifestError('its paths are not in order')
    checkPath(entry.path, raw)
    for (const parent of parentsOf(entry.path)) {
      if (files.has(parent)) throw new ManifestError(`"${parent}" is a file and a folder`)
    }
    if (entry.is === 'file') files.add(entry.path)
    entries.push(entry)
    before = raw
    at = end
  }
  return entries
}

/** How many files there are, and their bytes together. */
export function folderSums(entries: readonly FolderEntry[]): { readonly files: number; readonly sizeBytes: number } {
  let [files, sizeBytes] = [0, 0]
  for (const entry of entries) {
    if (entry.is !== 'file') continue
    files += 1
    sizeBytes += entry.sizeBytes
  }
  return { files, sizeBytes }
}

/** The folders that a path lies in, the outermost first. */
function parentsOf(path: string): readonly string[] {
  const names = path.split('/')
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'))
}

interface ReadEntry {
  readonly entry: FolderEntry
  readonly raw: Buffer
  readonly end: number
}

function entryAt(encoded: Buffer, at: number): ReadEntry {
  if (at + ENTRY_HEAD_BYTES > encoded.byteLength) throw new ManifestError('it is cut off')
  const kind = encoded.readUInt8(at)
  const pathAt = at + ENTRY_HEAD_BYTES
  const pathEnd = pathAt + encoded.readUInt16BE(at + 1)
  const raw = encoded.subarray(pathAt, pathEnd)
  const path = raw.toString('utf8')
  const end = kind === kinds.folder ? pathEnd : pathEnd + FILE_TAIL_BYTES
  if (end > encoded.byteLength) throw new ManifestError('it is cut off')
  // What is no UTF-8 would be two paths that read as one.
  if (!Buffer.from(path, 'utf8').equals(raw)) throw new ManifestError('a path is not UTF-8')
  if (kind === kinds.folder) return { entry: { is: 'folder', path }, raw, end }
  if (kind !== kinds.file && kind !== kinds.program) throw new ManifestError(`an entry of kind ${kind}`)
  const sizeBytes = Number(encoded.readBigUInt64BE(pathEnd))
  if (sizeBytes > MAX_FILE_BYTES) throw new ManifestError(`a file of ${sizeBytes} bytes`)
  const file = encoded.toString('hex', pathEnd + 8, end)
  return { entry: { is: 'file', path, sizeBytes, file, isProgram: kind === kinds.program }, raw, end }
}

function checkCount(count: number): void {
  if (count > MAX_FOLDER_ENTRIES) {
    throw new ManifestError(`it has more than ${MAX_FOLDER_ENTRIES} files and folders: send it in parts`)
  }
}

/** @throws {ManifestError} for a path that leads elsewhere than into the folder, or that no system could open */
function checkPath(path: string, raw: Uint8Array): void {
  const names = path.split('/')
  if (raw.byteLength > MAX_ENTRY_PATH_BYTES) {
    throw new ManifestError(`a path in it has ${raw.byteLength} bytes, and at most ${MAX_ENTRY_PATH_BYTES} can be sent`)
  }
  if (names.length > MAX_SENT_DEPTH) throw new ManifestError(`it has folders more than ${MAX_SENT_DEPTH} deep`)
  for (const name of names) {
    const isName = name !== '' && name !== '.' && name !== '..' && !name.includes('\0')
    if (!isName || Buffer.byteLength(name) > MAX_COMPONENT_BYTES) {
      throw new ManifestError(`a path in it can't be used: ${JSON.stringify(path.slice(0, 80))}`)
    }
  }
}
