// A file that is on its way here: `NAME.part` with the bytes, and `NAME.part-state` with what the file is and which leaves
// are there. What the state claims is hashed again before it is believed. When it is whole it gets a name that no file has.
import { constants } from 'node:fs'
import { link, mkdir, open, rename, rm, statfs, type FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { hasErrorCode } from '../../lib/index.ts'
import { syncFolder } from '../../storage/index.ts'
import type { Part } from '../download.ts'
import { fileIdOf, HASH_BYTES, leafCountOf, LeafHash, leafSpan, MAX_FILE_BYTES } from '../file-tree.ts'
import { LeafSet } from '../leaf-set.ts'
import { numberedName, safeFileName } from './file-name.ts'

/** What a file of another machine may be: read and written by its owner, and never run. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** So many files of one name are told apart by a number. */
const MAX_NUMBER = 10_000

/** How often the free space is looked at while a file grows. */
const LOOK_EVERY_BYTES = 64 * 1024 * 1024

/** Leaves written at once. */
const MAX_LEAVES_PER_WRITE = 16

/** Of all leaves, those that may be written and not noted while more are being written: a crash costs no more than them. */
const UNNOTED_PART = 1 / 512

/** How often what was written goes to the disk, beside what still comes: at the end, so much at most is left to wait for. */
const SYNC_EVERY_BYTES = 32 * 1024 * 1024

const magic = Buffer.from('parley-part-1\n', 'ascii')
const headBytes = magic.byteLength + HASH_BYTES + 8

/** The disk has no room for the file, and for what is to stay free beside it. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError'
  readonly neededBytes: number
  readonly freeBytes: number
  constructor(neededBytes: number, freeBytes: number) {
    super(
      `The file needs ${neededBytes} more bytes and the disk has room for ${freeBytes}: make room, then get it again`
    )
    this.neededBytes = neededBytes
    this.freeBytes = freeBytes
  }
}

export interface PartInit {
  /** Where it goes; made when it is not there. */
  readonly folder: string
  /** As another machine proposed it: any text. */
  readonly name: string
  /** Its ID, as 64 hexadecimal digits. */
  readonly file: string
  readonly sizeBytes: number
  /** What must stay free on the disk. */
  readonly minFreeBytes: number
}

interface Unwritten {
  readonly leaf: number
  readonly bytes: Uint8Array
  readonly written: () => void
  readonly failed: (error: unknown) => void
}

interface OpenPart extends Pick<PartInit, 'name' | 'sizeBytes' | 'minFreeBytes'> {
  readonly path: string
  readonly handle: FileHandle
  readonly state: FileHandle
  readonly layer: Uint8Array
  readonly have: LeafSet
}

export class PartFile implements Part {
  readonly layer: Uint8Array
  readonly have: LeafSet
  /** Of the part, without `-state`. */
  readonly path: string
  readonly #open: OpenPart
  /** In the order in which they came. */
  readonly #unwritten: Unwritten[] = []
  #writing: Promise<void> | undefined
  #notedCount: number
  #writtenSinceLook = 0
  #writtenSinceSync = 0
  #syncing: Promise<void> | undefined
  #noting: Promise<void> = Promise.resolve()
  /** The note that has not begun. */
  #nextNote: Promise<void> | undefined
  #noteError: Error | undefined

  private constructor(part: OpenPart) {
    this.#open = part
    this.path = part.path
    this.layer = part.layer
    this.have = part.have
    this.#notedCount = part.have.count
  }

  /**
   * A new, empty part.
   *
   * @param layer the hashes of all leaves, checked
   * @throws {NoRoomError}; what the system says when the folder can't be written
   */
  static async create(init: PartInit, layer: Uint8Array): Promise<PartFile> {
    const { folder, file, sizeBytes, minFreeBytes } = init
    const name = safeFileName(init.name)
    await mkdir(folder, { recursive: true, mode: FOLDER_MODE })
    await checkRoom(folder, sizeBytes, minFreeBytes)
    const { path, handle } = await newPart(folder, name)
    const have = new LeafSet(leafCountOf(sizeBytes))
    let state: FileHandle | undefined
    try {
      // A state that is left over belongs to no part.
      await rm(stateOf(path), { force: true })
      state = await open(stateOf(path), 'wx+', FILE_MODE)
      await state.writeFile(Buffer.concat([headOf(file, sizeBytes), layer, have.bytes]))
      return new PartFile({ path, name, sizeBytes, minFreeBytes, handle, state, layer, have })
    } catch (error) {
      await handle.close()
      await state?.close()
      await removePart(path)
      throw error
    }
  }

  /**
   * The part at this path, with the leaves that are right.
   *
   * @returns undefined when there is none of this file, or its state can't be read
   */
  static async resume(path: string, init: PartInit): Promise<PartFile | undefined> {
    const handle = await openExisting(path)
    if (handle === undefined) return undefined
    const state = await openExisting(stateOf(path))
    try {
      const noted = state === undefined ? undefined : await readState(state, init)
      if (state !== undefined && noted !== undefined) {
        const { sizeBytes, minFreeBytes } = init
        const name = safeFileName(init.name)
        const part = new PartFile({ path, name, sizeBytes, minFreeBytes, handle, state, ...noted })
        await part.#check()
        return part
      }
    } catch (error) {
      await handle.close()
      await state?.close()
      throw error
    }
    await handle.close()
    await state?.close()
    return undefined
  }

  async write(leaf: number, bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#unwritten.push({ leaf, bytes, written: resolve, failed: reject })
    this.#writing ??= this.#writeAll()
    await promise
  }

  /** What comes while some are written is written after that, neighbours together. */
  async #writeAll(): Promise<void> {
    while (this.#unwritten.length > 0) {
      const some = this.#unwritten.splice(0, neighbours(this.#unwritten))
      try {
        await this.#writeSome(some)
        for (const { written } of some) written()
      } catch (thrown) {
        for (const { failed } of some) failed(thrown)
      }
    }
    // At once: what comes a moment later would wait for a loop that is over.
    this.#writing = undefined
    if (this.have.count !== this.#notedCount) this.#note()
  }

  async #writeSome(some: readonly Unwritten[]): Promise<void> {
    const { handle, sizeBytes } = this.#open
    const bytes = some.reduce((sum, { bytes: { byteLength } }) => sum + byteLength, 0)
    try {
      if (this.#noteError !== undefined) throw this.#noteError
      await this.#checkRoom(bytes)
      await writeTogether(
        handle,
        some.map((one) => one.bytes),
        leafSpan(sizeBytes, some[0]?.leaf ?? 0).offset
      )
    } catch (thrown) {
      throw hasErrorCode(thrown, 'ENOSPC') ? new NoRoomError(bytes, 0) : thrown
    }
    for (const { leaf } of some) this.have.add(leaf)
    if (this.have.count - this.#notedCount > UNNOTED_PART * this.have.leaves) this.#note()
    this.#syncSometimes(bytes)
  }

  async finish(): Promise<string> {
    const { path, name, handle, state, sizeBytes } = this.#open
    try {
      await this.#settled()
      await handle.truncate(sizeBytes)
      await handle.sync()
    } finally {
      await handle.close()
      await state.close()
    }
    const named = await giveName(path, name)
    await rm(stateOf(path), { force: true })
    await syncFolder(dirname(path))
    return named
  }

  async close(): Promise<void> {
    await this.#settled()
    await this.#open.handle.close()
    await this.#open.state.close()
  }

  /** Nothing is being written any more, in the background either. */
  async #settled(): Promise<void> {
    await this.#writing
    await this.#noting
    await this.#syncing
  }

  /**
   * One after the other; leaves that come while one is written are noted by the next. A leaf whose note is lost, in a crash
   * or on a full disk, is fetched again: that is no reason to wait for it. A failure is that of the next leaf.
   */
  #note(): void {
    this.#nextNote ??= this.#noting.then(async () => {
      this.#nextNote = undefined
      this.#notedCount = this.have.count
      await writeAll(this.#open.state, this.have.bytes, this.#bitmapAt)
    })
    this.#noting = this.#nextNote.catch((error: unknown) => {
      this.#noteError = error instanceof Error ? error : new Error(String(error))
    })
  }

  /** What fails here fails again when the file is finished. */
  #syncSometimes(bytes: number): void {
    this.#writtenSinceSync += bytes
    if (this.#writtenSinceSync < SYNC_EVERY_BYTES || this.#syncing !== undefined) return
    this.#writtenSinceSync = 0
    this.#syncing = this.#open.handle
      .datasync()
      .catch(() => undefined)
      .then(() => {
        this.#syncing = undefined
      })
  }

  get #bitmapAt(): number {
    return headBytes + this.layer.byteLength
  }

  /** Hashes what is claimed to be there. */
  async #check(): Promise<void> {
    const { handle, sizeBytes } = this.#open
    for (let leaf = 0; leaf < this.have.leaves; leaf++) {
      if (!this.have.has(leaf)) continue
      const { offset, bytes } = leafSpan(sizeBytes, leaf)
      const buffer = Buffer.allocUnsafeSlow(bytes)
      const { bytesRead } = await handle.read(buffer, 0, bytes, offset)
      const hash = new LeafHash()
      hash.update(buffer.subarray(0, bytesRead))
      const expected = this.layer.subarray(leaf * HASH_BYTES, (leaf + 1) * HASH_BYTES)
      if (Buffer.compare(hash.digest(), expected) !== 0) this.have.delete(leaf)
    }
  }

  async #checkRoom(bytes: number): Promise<void> {
    this.#writtenSinceLook += bytes
    if (this.#writtenSinceLook < LOOK_EVERY_BYTES) return
    this.#writtenSinceLook = 0
    await checkRoom(dirname(this.path), bytes, this.#open.minFreeBytes)
  }
}

/** Removes a part that is not wanted any more. */
export async function removePart(path: string): Promise<void> {
  await rm(path, { force: true })
  await rm(stateOf(path), { force: true })
}

function stateOf(path: string): string {
  return `${path}-state`
}

async function newPart(folder: string, name: string): Promise<{ readonly path: string; readonly handle: FileHandle }> {
  for (let number = 1; number <= MAX_NUMBER; number++) {
    const path = join(folder, `${numberedName(name, number)}.part`)
    try {
      // `x` follows no link and takes over no file.
      return { path, handle: await open(path, 'wx+', FILE_MODE) }
    } catch (error) {
      if (!hasErrorCode(error, 'EEXIST')) throw error
    }
  }
  throw new Error(`There are ${MAX_NUMBER} unfinished files called ${name}: remove some of those that end in .part`)
}

/** @returns undefined for what is not there, and for what can't be ours: a link, or a file with a second name */
async function openExisting(path: string): Promise<FileHandle | undefined> {
  const handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW).catch(() => undefined)
  if (handle === undefined) return undefined
  const found = await handle.stat()
  if (found.nlink === 1 && found.isFile()) return handle
  await handle.close()
  return undefined
}

function headOf(file: string, sizeBytes: number): Buffer {
  const head = Buffer.concat([magic, Buffer.from(file, 'hex'), Buffer.alloc(8)])
  head.writeBigUInt64BE(BigInt(sizeBytes), magic.byteLength + HASH_BYTES)
  return head
}

async function readState(
  state: FileHandle,
  { file, sizeBytes }: PartInit
): Promise<{ readonly layer: Uint8Array; readonly have: LeafSet } | undefined> {
  if (sizeBytes > MAX_FILE_BYTES) return undefined
  const leaves = leafCountOf(sizeBytes)
  const layerEnd = headBytes + leaves * HASH_BYTES
  const wanted = layerEnd + Math.ceil(leaves / 8)
  const read = Buffer.alloc(wanted)
  const { bytesRead } = await state.read(read, 0, wanted, 0)
  if (bytesRead < wanted || !read.subarray(0, headBytes).equals(headOf(file, sizeBytes))) return undefined
  const layer = read.subarray(headBytes, layerEnd)
  if ((await fileIdOf(sizeBytes, layer)).toString('hex') !== file) return undefined
  const have = LeafSet.from(leaves, read.subarray(layerEnd))
  return have === undefined ? undefined : { layer, have }
}

/** By a hard link, which never replaces a file. Where the file system has none, the name is reserved first. */
async function giveName(part: string, name: string): Promise<string> {
  for (let number = 1; number <= MAX_NUMBER; number++) {
    const path = join(dirname(part), numberedName(name, number))
    try {
      await link(part, path).catch(async (error: unknown) => {
        if (hasErrorCode(error, 'EEXIST')) throw error
        await (await open(path, 'wx', FILE_MODE)).close()
        await rename(part, path)
      })
    } catch (error) {
      if (hasErrorCode(error, 'EEXIST')) continue
      throw error
    }
    await rm(part, { force: true })
    return path
  }
  throw new Error(`There are ${MAX_NUMBER} files called ${basename(name)}: move some of them away`)
}

/** @throws {NoRoomError} when so much does not fit on the disk of the folder */
export async function checkRoom(folder: string, neededBytes: number, minFreeBytes: number): Promise<void> {
  const space = await statfs(folder).catch(() => undefined)
  if (space === undefined) return // what a write says counts then
  const freeBytes = Math.max(0, space.bavail * space.bsize - minFreeBytes)
  if (freeBytes < neededBytes) throw new NoRoomError(neededBytes, freeBytes)
}

/** How many at the beginning lie one behind the other in the file. */
function neighbours(unwritten: readonly Unwritten[]): number {
  const first = unwritten[0]?.leaf ?? 0
  const other = unwritten.findIndex(({ leaf }, index) => leaf !== first + index || index === MAX_LEAVES_PER_WRITE)
  return other < 0 ? unwritten.length : other
}

async function writeTogether(handle: FileHandle, pieces: readonly Uint8Array[], offset: number): Promise<void> {
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined) return writeAll(handle, only, offset)
  const wanted = pieces.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const { bytesWritten } = await handle.writev(pieces, offset)
  if (bytesWritten === wanted) return
  // A disk that is nearly full takes some of it, and then says why not more.
  let at = offset
  for (const piece of pieces) {
    await writeAll(handle, piece, at)
    at += piece.byteLength
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, offset + done)
    done += bytesWritten
  }
}
