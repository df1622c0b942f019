// Writes a profile into one encrypted file: its key as it is, its small files and
// a copy of its history. The file is there whole or not at all, and nothing that
// was there is overwritten unasked.
import { randomBytes } from 'node:crypto'
import { link, open, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode, hasErrorCode } from '../../lib/index.ts'
import { OWNER_ONLY, syncFolder, type CopyOptions } from '../../storage/index.ts'
import { encryptAge, type AgeLock } from './age-file.ts'
import type { Config } from '../config/config.ts'
import { ParleyError, StorageProblemError, UsageError } from '../api/errors.ts'
import { historyCopies, keyFile, profileFolder } from '../config/folders.ts'
import { openKeptProfile } from './kept-profile.ts'
import { readIdentity } from './identity.ts'
import { encodeManifest, historyName, manifestName, plainFiles, settingsName } from './profile-archive.ts'
import { explained, type OwnStore } from './own-store.ts'
import { encodeTar, tarSizeOf, type TarEntry } from './tar.ts'
import { version } from '../config/version.ts'
import { exitCodes } from '../api/exit-codes.ts'

/** A file is there already, and is not to be overwritten unasked. */
export class FileExistsError extends ParleyError {
  override readonly name = 'FileExistsError'
  override readonly exitCode = exitCodes.usage

  constructor(file: string) {
    super(`${file} is there already: name another file, or add --force to replace it`)
  }
}

/** Pieces in which the history is read. */
const readBytes = 256 * 1024

export interface Progress {
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface ExportInit {
  readonly config: Config
  /** Where to write it. */
  readonly file: string
  readonly lock: AgeLock
  /** Take the place of a file that is there. */
  readonly force: boolean
  /** A copy of the history; see {@link takeCopy}. */
  readonly history: FileHandle
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

export interface Exported {
  readonly peer: string
  readonly sizeBytes: number
  /** The key has a passphrase of its own, inside too. */
  readonly hasPassphrase: boolean
}

/** Where to put a copy of a profile's history; what a killed process leaves there is removed at the next start. */
function newHistoryCopy(folder: string): string {
  return `${historyCopies(folder)}.${randomBytes(6).toString('hex')}`
}

/** Opens a copy and takes its name from it: it is gone from the disk when it is closed, however that comes. */
export async function takeCopy(file: string): Promise<FileHandle> {
  const handle = await open(file, 'r')
  await rm(file, { force: true })
  return handle
}

/**
 * A copy of the history of a profile that no other process holds.
 *
 * @throws UsageError when there is no such profile; ProfileInUseError, StorageProblemError
 */
export async function copyHistory(
  config: Config,
  options: CopyOptions & { readonly onMended?: (texts: readonly string[]) => void }
): Promise<FileHandle> {
  const { profile, mended, copyTo, close } = await openKeptProfile(config, 'there is nothing to export')
  try {
    options.onMended?.(mended)
    const copy = newHistoryCopy(profile.folder)
    await copyTo?.(copy, options)
    return await takeCopy(copy)
  } finally {
    await close()
  }
}

/**
 * A copy of the history that this process has open, in a new file beside it, made while the chat goes on.
 *
 * @param disk what is free, and what of that is kept for messages that come in
 * @throws UsageError when it is kept in memory alone; StorageProblemError
 */
export async function copyOpenHistory(
  { store, copyTo }: OwnStore,
  folder: string,
  disk: { readonly freeBytes: number | undefined; readonly floorBytes: number },
  options: CopyOptions
): Promise<string> {
  if (copyTo === undefined) throw new UsageError('the history is kept in memory alone: there is nothing to copy')
  const { totalBytes } = await explained(store.use({ limit: 0 }))
  const { freeBytes, floorBytes } = disk
  if (freeBytes !== undefined && freeBytes - totalBytes < floorBytes) {
    const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1_000_000)} MB`
    throw new StorageProblemError(
      `a copy of the history takes ${megabytes(totalBytes)} for a moment, and ${megabytes(freeBytes)} are free, ` +
        `of which ${megabytes(floorBytes)} are kept for messages: make room, or end the chat first`
    )
  }
  const copy = newHistoryCopy(folder)
  await copyTo(copy, options)
  return copy
}

/** @throws UsageError when there is no such profile; FileExistsError unless `force` */
export async function checkExport({
  config,
  file,
  force
}: Pick<ExportInit, 'config' | 'file' | 'force'>): Promise<void> {
  const { folders, settings } = config
  if ((await readIdentity(keyFile(folders.data, settings.profile))) === undefined) {
    throw new UsageError(`there is no profile ${settings.profile}, so there is nothing to export: check --profile`)
  }
  await checkTarget(file, force)
}

async function checkTarget(file: string, force: boolean): Promise<void> {
  const found = await stat(file).catch(() => undefined)
  const folder = await stat(dirname(file)).catch(() => undefined)
  if (folder?.isDirectory() !== true) {
    throw new UsageError(`there is no folder ${dirname(file)}: make it, or name a file in another`)
  }
  if (found?.isDirectory() === true) throw new UsageError(`${file} is a folder: name a file`)
  if (found !== undefined && !force) throw new FileExistsError(file)
}

/** @throws FileExistsError, StorageProblemError, UsageError; what aborted the signal. Nothing is left behind then */
export async function exportProfile(init: ExportInit): Promise<Exported> {
  const { config, file, lock, history, signal } = init
  const { folders, settings } = config
  const folder = profileFolder(folders.data, settings.profile)
  const identity = await readIdentity(keyFile(folders.data, settings.profile))
  if (identity === undefined) throw new UsageError(`the profile ${settings.profile} has no identity key`)
  const nowMs = Date.now()
  const manifest = { profile: settings.profile, peer: identity.peer, program: version, exportedAtMs: nowMs }
  const small = [
    [manifestName, encodeManifest(manifest)] as const,
    ...(await readSmallFiles(plainFiles.map((name) => [name, join(folder, name)] as const))),
    ...(await readSmallFiles([[settingsName, config.file]]))
  ]
  const entries: TarEntry[] = small.map(([name, bytes]) => ({ name, sizeBytes: bytes.length, content: only(bytes) }))
  entries.push({ name: historyName, sizeBytes: (await history.stat()).size, content: piecesOf(history) })
  const totalBytes = tarSizeOf(entries)
  const plain = counted(encodeTar(entries, nowMs), signal, (doneBytes) => init.onProgress({ doneBytes, totalBytes }))
  const sealed = await encryptAge(plain, lock)
  const sizeBytes = await explained(writeNewFile(file, sealed, init.force), file)
  return { peer: identity.peer, sizeBytes, hasPassphrase: identity.state === 'locked' }
}

async function readSmallFiles(
  files: readonly (readonly [name: string, path: string])[]
): Promise<readonly (readonly [string, Uint8Array])[]> {
  const read = files.map(async ([name, path]) => {
    try {
      return [[name, await readFile(path)] as const]
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return []
      throw error
    }
  })
  return (await explained(Promise.all(read))).flat()
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

export async function* piecesOf(handle: FileHandle): AsyncGenerator<Uint8Array> {
  for (let at = 0; ;) {
    const piece = Buffer.alloc(readBytes)
    const { bytesRead } = await handle.read(piece, 0, piece.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield piece.subarray(0, bytesRead)
  }
}

export async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onCount: (bytes: number) => void
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    signal.throwIfAborted()
    bytes += chunk.length
    onCount(bytes)
    yield chunk
  }
}

/** Writes beside `file`, and gives it the name when it is whole. @returns its size */
async function writeNewFile(file: string, content: AsyncIterable<Uint8Array>, force: boolean): Promise<number> {
  const next = `${file}.${randomBytes(6).toString('hex')}.part`
  try {
    const handle = await open(next, 'wx', OWNER_ONLY)
    let size = 0
    try {
      for await (const chunk of content) {
        await handle.writeFile(chunk)
        size += chunk.length
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    if (force) await rename(next, file)
    else await nameNew(next, file)
    await syncFolder(dirname(file))
    return size
  } catch (error) {
    await rm(next, { force: true })
    throw error
  }
}

/** A link does not take the place of a file that has come meanwhile, a renaming does. */
async function nameNew(next: string, file: string): Promise<void> {
  try {
    await link(next, file)
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    if (hasErrorCode(error, 'EEXIST')) throw new FileExistsError(file)
    // A memory stick with FAT has no links.
    await checkTarget(file, false)
    await rename(next, file)
    return
  }
  await rm(next)
}
