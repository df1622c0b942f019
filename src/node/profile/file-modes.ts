// Whether a folder of identities is its owner's alone: a mode that lets others in
// is mended and reported, a folder of another user is refused. It opens no file.
import { chmod, lstat, readdir, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { OWNER_ONLY, OWNER_ONLY_FOLDER } from '../../storage/index.ts'
import { ParleyError } from '../api/errors.ts'
import { exitCodes } from '../api/exit-codes.ts'

/** A folder or file of a profile belongs to another user of this machine. */
export class ForeignFolderError extends ParleyError {
  override readonly name = 'ForeignFolderError'
  override readonly exitCode = exitCodes.storage
  readonly path: string

  constructor(path: string, whose: { readonly owner: number; readonly uid: number; readonly username: string }) {
    const { owner, uid, username } = whose
    super(
      `${path} belongs to the user ${owner}, and parley runs as ${username} (${uid}): run it as its owner, ` +
        `or, if it is yours, give it to yourself: sudo chown -R ${username} ${JSON.stringify(path)}`
    )
    this.path = path
  }
}

/** Something in the folder of a profile would be read without end: a pipe or a device. */
export class NoRegularFileError extends ParleyError {
  override readonly name = 'NoRegularFileError'
  override readonly exitCode = exitCodes.storage
  readonly path: string

  constructor(path: string) {
    super(`${path} is a pipe or a device and no file: remove it, or put the right file back`)
    this.path = path
  }
}

const others = 0o077
const readableByOthers = 0o044
const enteredByOthers = 0o011
const permissionBits = 0o777
/** What Windows gives for a user ID. */
const noUser = -1

/** The modes that were wrong and are mended, in words; undefined: none was. */
export interface MendedModes {
  readonly modes: string | undefined
  /** A key could be read by other users of this machine. */
  readonly exposedKey: string | undefined
}

/** As lines, for commands that have no face; the exposed key first. */
export function mendedTexts({ modes, exposedKey }: MendedModes): readonly string[] {
  return [...(exposedKey === undefined ? [] : [`WARNING: ${exposedKey}`]), ...(modes === undefined ? [] : [modes])]
}

/**
 * Mends the modes of a folder and of the files in it.
 *
 * @param folder must exist
 * @param isKey which file names are those of identity keys
 * @throws ForeignFolderError, NoRegularFileError
 */
export async function mendModes(folder: string, isKey: (name: string) => boolean): Promise<MendedModes> {
  const user = currentUser()
  // Windows has no such modes: a folder of a user is that user's by inheritance.
  if (user.uid === noUser) return { modes: undefined, exposedKey: undefined }
  const { mode: folderMode, uid: owner } = await stat(folder)
  checkOwner(folder, owner, user)
  const mended: string[] = []
  const exposed: string[] = []
  if ((folderMode & others) !== 0) {
    await chmod(folder, OWNER_ONLY_FOLDER)
    mended.push(`${folder} (${octal(folderMode)})`)
  }
  for (const name of await readdir(folder)) {
    const file = join(folder, name)
    const found = await lstat(file).catch(() => undefined)
    if (found === undefined) continue // it has just gone
    // Also of a link: while others could write here, one of them may have made it.
    checkOwner(file, found.uid, user)
    await checkKind(file)
    // A link is left to what it points to.
    if (!found.isFile()) continue
    if ((found.mode & others) === 0) continue
    await chmod(file, OWNER_ONLY)
    mended.push(`${file} (${octal(found.mode)})`)
    if (isKey(name) && (found.mode & readableByOthers) !== 0 && (folderMode & enteredByOthers) !== 0) {
      exposed.push(`${file} (mode ${octal(found.mode)})`)
    }
  }
  return { modes: modesText(mended), exposedKey: exposedText(exposed) }
}

/** @throws NoRegularFileError for what nothing can be read from but for ever, itself or behind a link */
async function checkKind(file: string): Promise<void> {
  const kind = await stat(file).catch(() => undefined)
  if (kind?.isFIFO() === true || kind?.isCharacterDevice() === true || kind?.isBlockDevice() === true) {
    throw new NoRegularFileError(file)
  }
}

function modesText(mended: readonly string[]): string | undefined {
  if (mended.length === 0) return undefined
  return `other users of this machine had access to ${mended.join(', ')}: that is closed now, only you have`
}

function exposedText(exposed: readonly string[]): string | undefined {
  if (exposed.length === 0) return undefined
  return (
    `the identity key could be READ BY OTHER USERS of this machine: ${exposed.join(', ')}. ` +
    'It is closed now. If one of them may have copied it, begin with a new profile and tell your contacts: ' +
    'a passphrase set now protects no copy made before'
  )
}

function octal(mode: number): string {
  return (mode & permissionBits).toString(8).padStart(3, '0')
}

interface User {
  /** Undefined when it can't be known, as in a container under a user ID without an account. */
  readonly uid: number | undefined
  readonly username: string
}

function currentUser(): User {
  try {
    return userInfo()
  } catch {
    return { uid: undefined, username: '' }
  }
}

function checkOwner(path: string, owner: number, { uid, username }: User): void {
  if (uid !== undefined && owner !== uid) throw new ForeignFolderError(path, { owner, uid, username })
}
