// A file of this machine that others may fetch: read in leaves, and hashed as a whole before it is offered. That it was
// changed since is noticed by its size and times. Who may fetch it is not its business.
import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { fileIdOf, HASH_BYTES, leafCountOf, LeafHash, leafSpan, MAX_FILE_BYTES } from '../file-tree.ts'

/** What is read and hashed in one turn of the event loop: 0.2 ms of hashing. */
const READ_BYTES = 256 * 1024

/** Not a file that can be sent. */
export class NotSendableError extends Error {
  override readonly name = 'NotSendableError'
}

/** It is not what it was when it was offered. */
export class FileChangedError extends Error {
  override readonly name = 'FileChangedError'
  constructor(path: string, options?: ErrorOptions) {
    super(`${path} was changed or removed after it was offered: offer it again`, options)
  }
}

/** What a file was like when it was hashed. */
export interface FileState {
  readonly path: string
  readonly sizeBytes: number
  /** When its content was changed, in nanoseconds since 1970, as a decimal number. */
  readonly changedAtNs: string
  /** Its device and inode, where another file of the same size and time must not pass for it. */
  readonly inode?: string
}

export interface HashedFile extends FileState {
  /** Its file ID, as 64 hexadecimal digits. */
  readonly file: string
  /** The hashes of its leaves. */
  readonly layer: Buffer
}

/**
 * Reads the file once, in pieces, and hashes it.
 *
 * @param options.onProgress is called with the bytes that were hashed so far
 * @throws {NotSendableError} when it is a folder, a device or too large
 * @throws {FileChangedError} when it changes meanwhile
 * @throws the signal's reason; what the system says when it can't be read
 */
export async function hashFile(
  path: string,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (bytes: number) => void } = {}
): Promise<HashedFile> {
  const { handle, state } = await openRegular(path)
  try {
    const { sizeBytes } = state
    const leaves = leafCountOf(sizeBytes)
    const layer = Buffer.alloc(leaves * HASH_BYTES)
    const piece = Buffer.alloc(Math.min(READ_BYTES, Math.max(1, sizeBytes)))
    for (let leaf = 0; leaf < leaves; leaf++) {
      const { offset, bytes } = leafSpan(sizeBytes, leaf)
      const hash = new LeafHash()
      for (let done = 0; done < bytes;) {
        options.signal?.throwIfAborted()
        const read = await readSome(handle, piece, { offset: offset + done, bytes: bytes - done }, path)
        hash.update(read)
        done += read.byteLength
        options.onProgress?.(offset + done)
      }
      layer.set(hash.digest(), leaf * HASH_BYTES)
    }
    if (!isSame(state, await stateOf(handle, path))) throw new FileChangedError(path)
    return { ...state, layer, file: (await fileIdOf(sizeBytes, layer)).toString('hex') }
  } finally {
    await handle.close()
  }
}

/** A file that was hashed, opened for reading. */
export class SharedFile {
  readonly sizeBytes: number
  readonly #handle: FileHandle
  readonly #state: FileState

  private constructor(handle: FileHandle, state: FileState) {
    this.#handle = handle
    this.#state = state
    this.sizeBytes = state.sizeBytes
  }

  /** @throws {FileChangedError} also when it is not there any more, or can't be read */
  static async open(state: FileState): Promise<SharedFile> {
    const { path } = state
    const { handle, state: now } = await openRegular(path).catch((cause: unknown) => {
      throw new FileChangedError(path, { cause })
    })
    if (isSame(state, now)) return new SharedFile(handle, state)
    await handle.close()
    throw new FileChangedError(path)
  }

  /**
   * The bytes of a leaf, in pieces of at most `pieceBytes`. What was read at once is looked at once for changes, and
   * lies together in memory of its own.
   *
   * @throws {FileChangedError} before a piece is returned that was read from a changed file
   */
  async *leaf(leaf: number, pieceBytes: number): AsyncGenerator<Uint8Array> {
    const { path } = this.#state
    const { offset, bytes } = leafSpan(this.sizeBytes, leaf)
    for (let done = 0; done < bytes;) {
      const room = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, bytes - done))
      const read = await readSome(this.#handle, room, { offset: offset + done, bytes: bytes - done }, path)
      if (!isSame(this.#state, await stateOf(this.#handle, path))) throw new FileChangedError(path)
      done += read.byteLength
      for (let at = 0; at < read.byteLength; at += pieceBytes) yield read.subarray(at, at + pieceBytes)
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

async function openRegular(path: string): Promise<{ readonly handle: FileHandle; readonly state: FileState }> {
  // A pipe that nobody writes to would never open.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!(await handle.stat()).isFile())
      throw new NotSendableError(`${path} is not a file: devices and pipes can't be sent`)
    const state = await stateOf(handle, path)
    if (state.sizeBytes > MAX_FILE_BYTES) {
      throw new NotSendableError(
        `${path} has ${state.sizeBytes} bytes and at most ${MAX_FILE_BYTES} can be sent: split it`
      )
    }
    return { handle, state }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function stateOf(handle: FileHandle, path: string): Promise<FileState> {
  const { size, mtimeNs, dev, ino } = await handle.stat({ bigint: true })
  return { path, sizeBytes: Number(size), changedAtNs: String(mtimeNs), inode: `${dev}:${ino}` }
}

/** @param wanted without an inode, any will do */
function isSame(wanted: FileState, now: FileState): boolean {
  return (
    wanted.sizeBytes === now.sizeBytes &&
    wanted.changedAtNs === now.changedAtNs &&
    (wanted.inode === undefined || wanted.inode === now.inode)
  )
}

/** @throws {FileChangedError} at the end of the file */
async function readSome(
  handle: FileHandle,
  into: Buffer,
  wanted: { readonly offset: number; readonly bytes: number },
  path: string
): Promise<Buffer> {
  const { bytesRead } = await handle.read(into, 0, Math.min(into.byteLength, wanted.bytes), wanted.offset)
  if (bytesRead === 0) throw new FileChangedError(path)
  return into.subarray(0, bytesRead)
}
