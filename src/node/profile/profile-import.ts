// Makes a profile of an exported one. All of it is read, checked and on the disk
// before the profile has its name; until then, and when anything is wrong with
// the file, nothing of what was there is touched.
import { hasErrorCode } from '../../lib/index.ts'
import { fileFault, ArchiveError, processNote, ProfileInUseError, UsageError, ParleyError } from '../api/errors.ts'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  checkForeignHistory,
  OWNER_ONLY,
  OWNER_ONLY_FOLDER,
  PeerBook,
  PeerBookDamagedError,
  ProfileLock,
  SqliteStore,
  StorageDamagedError,
  syncFolder
} from '../../storage/index.ts'
import { ageLockOf, decryptAge, maxAgeHeaderBytes, type AgeKey } from './age-file.ts'
import type { Config } from '../config/config.ts'
import { profileFolder } from '../config/folders.ts'
import { isPeerId } from '../peers/peer-reference.ts'
import { decodeKeyFile, KeyFileError } from './key-file.ts'
import {
  archiveRules,
  decodeManifest,
  historyName,
  manifestName,
  readObject,
  settingsName,
  type Manifest
} from './profile-archive.ts'
import { counted, piecesOf, type Progress } from './profile-export.ts'
import { takeLock } from './profile.ts'
import { explained } from './own-store.ts'
import { decodeTar } from './tar.ts'
import { exitCodes } from '../api/exit-codes.ts'

/** A profile of this name is there already. */
export class ProfileExistsError extends ParleyError {
  override readonly name = 'ProfileExistsError'
  override readonly exitCode = exitCodes.usage

  constructor(profile: string, options?: ErrorOptions) {
    super(
      `there is a profile ${profile} already: import under another name with --profile NAME, ` +
        'or add --force, which gives the one that is there another name',
      options
    )
  }
}

/** No profile has such a name: it begins with a dot. */
const unfinishedPrefix = '.import-'
/** As many characters as a profile's name may have. */
const maxNameLength = 32

export interface ImportInit {
  readonly config: Config
  /** Put a profile of this name aside. */
  readonly force: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress) => void
}

export interface Imported {
  readonly manifest: Manifest
  readonly hasPassphrase: boolean
  /** What became of the settings that were in it. */
  readonly settings: 'none' | 'taken' | 'kept yours'
  /** The name of the profile that was there before. */
  readonly putAside: string | undefined
}

/** An exported profile that is about to be imported. */
export class ProfileArchive {
  readonly #file: string
  readonly #handle: FileHandle
  readonly #sizeBytes: number
  readonly lock: 'passphrase' | 'recipients'

  /**
   * @param init.force a profile of this name may be there: it will be put aside
   * @throws ProfileExistsError; ProfileInUseError; UsageError when there is no such file; ArchiveError when it is something else
   */
  static async open(file: string, init: Pick<ImportInit, 'config' | 'force'>): Promise<ProfileArchive> {
    checkName(init.config, init.force)
    const handle = await open(file, 'r').catch((error: unknown) => {
      throw new UsageError(`${file} can't be read: ${fileFault(error)}`, { cause: error })
    })
    try {
      const stats = await handle.stat()
      if (!stats.isFile()) throw new UsageError(`${file} is no file`)
      const start = Buffer.alloc(Math.min(maxAgeHeaderBytes, stats.size))
      await handle.read(start, 0, start.length, 0)
      return new ProfileArchive(
        file,
        handle,
        stats.size,
        naming(file, () => ageLockOf(start))
      )
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  private constructor(file: string, handle: FileHandle, sizeBytes: number, lock: 'passphrase' | 'recipients') {
    this.#file = file
    this.#handle = handle
    this.#sizeBytes = sizeBytes
    this.lock = lock
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  /**
   * @throws WrongPassphraseError, before anything was made; ArchiveError, ProfileExistsError, ProfileInUseError,
   *   StorageProblemError; what aborted the signal
   */
  async import(key: AgeKey, init: ImportInit): Promise<Imported> {
    const { config, signal, onProgress } = init
    const sealed = counted(piecesOf(this.#handle), signal, (doneBytes) =>
      onProgress({ doneBytes, totalBytes: this.#sizeBytes })
    )
    const plain = await this.#named(decryptAge(sealed, key), signal)
    checkName(config, init.force)
    const folder = join(dirname(profileFolder(config.folders.data, config.settings.profile)), unfinishedName())
    await explained(removeUnfinished(dirname(folder)), folder)
    await explained(mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER }), folder)
    const held = ProfileLock.take(folder)
    try {
      await this.#named(explained(this.#unpack(plain, folder), folder), signal)
      const checked = await this.#named(explained(check(folder, signal), folder), signal)
      held.release()
      return { ...checked, ...(await explained(putInPlace(folder, init), folder)) }
    } finally {
      held.release()
      await rm(folder, { recursive: true, force: true })
    }
  }

  async #unpack(plain: AsyncIterable<Uint8Array>, folder: string): Promise<void> {
    for await (const { name, content } of decodeTar(plain, archiveRules(this.#sizeBytes))) {
      const handle = await open(join(folder, name), 'wx', OWNER_ONLY)
      try {
        for await (const chunk of content) await handle.writeFile(chunk)
        await handle.sync()
      } finally {
        await handle.close()
      }
    }
  }

  /** Errors of the archive say which file they mean. */
  async #named<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    try {
      return await work
    } catch (error) {
      // A stream that was stopped looks as if it had been cut short.
      signal.throwIfAborted()
      throw namedError(this.#file, error)
    }
  }
}

function naming<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw namedError(file, error)
  }
}

function namedError(file: string, error: unknown): unknown {
  if (!(error instanceof ArchiveError)) return error
  return new ArchiveError(`${file} is no profile that can be imported: ${error.message}. Nothing was changed`, {
    cause: error
  })
}

function unfinishedName(): string {
  return `${unfinishedPrefix}${randomBytes(6).toString('hex')}`
}

/** Removes what killed imports have left: no process holds it. */
async function removeUnfinished(profiles: string): Promise<void> {
  for (const name of await readdir(profiles).catch(() => [])) {
    if (!name.startsWith(unfinishedPrefix)) continue
    const lock = takeLock(join(profiles, name))
    if (lock === undefined) continue
    lock.release()
    await rm(join(profiles, name), { recursive: true, force: true })
  }
}

/** @throws ProfileExistsError unless `force`; ProfileInUseError */
function checkName({ folders, settings }: Config, force: boolean): void {
  const folder = profileFolder(folders.data, settings.profile)
  if (!existsSync(folder)) return
  if (!force) throw new ProfileExistsError(settings.profile)
  lockUnused(folder, settings.profile).release()
}

/** @throws ProfileInUseError */
function lockUnused(folder: string, name: string): ProfileLock {
  const lock = takeLock(folder)
  if (lock === undefined) {
    const holder = processNote(ProfileLock.holder(folder))
    throw new ProfileInUseError(`the profile ${name} is in use by another parley${holder}: end that one first`)
  }
  return lock
}

/** @throws ArchiveError when one of the files is not what its name says */
async function check(folder: string, signal: AbortSignal): Promise<Pick<Imported, 'manifest' | 'hasPassphrase'>> {
  const manifest = decodeManifest(await contentOf(folder, manifestName))
  const identity = await checkKey(folder)
  if (identity.peer !== manifest.peer) throw new ArchiveError('its key is not the one that it names')
  await checkBook(folder)
  if (existsSync(join(folder, settingsName))) readObject(await contentOf(folder, settingsName), settingsName)
  if (existsSync(join(folder, historyName))) await checkHistory(join(folder, historyName), signal)
  return { manifest, hasPassphrase: identity.state === 'locked' }
}

async function contentOf(folder: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(join(folder, name))
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) {
      throw new ArchiveError(`it lacks ${name}`, { cause: error })
    }
    throw error
  }
}

async function checkKey(folder: string): Promise<ReturnType<typeof decodeKeyFile>> {
  try {
    return decodeKeyFile(await contentOf(folder, 'identity.key'))
  } catch (error) {
    if (error instanceof KeyFileError) throw new ArchiveError('its identity key can’t be read', { cause: error })
    throw error
  }
}

async function checkBook(folder: string): Promise<void> {
  try {
    await PeerBook.open(join(folder, 'book.json'), isPeerId)
  } catch (error) {
    if (error instanceof PeerBookDamagedError) throw new ArchiveError('its peer book can’t be read', { cause: error })
    throw error
  }
}

/** Reads all of it, and begins new logs: the machine that it came from may go on with the old ones. */
async function checkHistory(file: string, signal: AbortSignal): Promise<void> {
  try {
    checkForeignHistory(file)
    signal.throwIfAborted()
    const store = await SqliteStore.open(file, { isPeer: isPeerId })
    try {
      const damage = await store.check()
      if (damage !== undefined) throw damage
      signal.throwIfAborted()
      await store.startNewLogs()
    } finally {
      await store.close()
    }
  } catch (error) {
    if (error instanceof StorageDamagedError) throw new ArchiveError('its history can’t be read', { cause: error })
    throw error
  }
}

/** From here on it takes no more than renaming. */
async function putInPlace(
  folder: string,
  { config, force }: ImportInit
): Promise<Pick<Imported, 'settings' | 'putAside'>> {
  const { folders, settings, file: settingsFile } = config
  const target = profileFolder(folders.data, settings.profile)
  const imported = join(folder, settingsName)
  const hasSettings = existsSync(imported)
  const kept = hasSettings ? await readFile(imported) : undefined
  await rm(imported, { force: true })
  await rm(join(folder, manifestName), { force: true })
  await syncFolder(folder)
  const putAside = existsSync(target) && force ? await setAside(target, settings.profile) : undefined
  // Where a profile of this name has come meanwhile, this fails: a folder that is not empty is not replaced.
  await rename(folder, target).catch((error: unknown) => {
    throw existsSync(target) ? new ProfileExistsError(settings.profile, { cause: error }) : error
  })
  await syncFolder(dirname(target))
  return { settings: await takeSettings(settingsFile, kept), putAside }
}

/** Gives the profile another name, under which it goes on as it was. @throws ProfileInUseError */
async function setAside(target: string, name: string): Promise<string> {
  const lock = lockUnused(target, name)
  try {
    const suffix = `-before-${randomBytes(3).toString('hex')}`
    const aside = `${name.slice(0, maxNameLength - suffix.length)}${suffix}`
    await rename(target, join(dirname(target), aside))
    return aside
  } finally {
    lock.release()
  }
}

async function takeSettings(file: string, content: Uint8Array | undefined): Promise<Imported['settings']> {
  if (content === undefined) return 'none'
  await mkdir(dirname(file), { recursive: true, mode: OWNER_ONLY_FOLDER })
  const handle = await open(file, 'wx', OWNER_ONLY).catch((error: unknown) => {
    if (hasErrorCode(error, 'EEXIST')) return undefined
    throw error
  })
  if (handle === undefined) return 'kept yours'
  try {
    await handle.writeFile(content)
    await handle.sync()
    return 'taken'
  } finally {
    await handle.close()
  }
}
