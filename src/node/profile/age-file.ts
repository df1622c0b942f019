// A file in the age format (https://age-encryption.org/v1), written and read as
// a stream of a bounded size. Its content is the caller's business.
import type { Decrypter, Encrypter } from 'age-encryption'
import { ArchiveError, UsageError, WrongPassphraseError } from '../api/errors.ts'

/** Who can open the file. */
export type AgeLock = { readonly passphrase: string } | { readonly recipients: readonly string[] }
/** What opens it. */
export type AgeKey = { readonly passphrase: string } | { readonly identities: readonly string[] }

const firstLine = 'age-encryption.org/v1\n'
/** The header ends with a line that begins so. */
const headerEnd = '\n--- '
const passphraseStanza = '\n-> scrypt '
/** A header for a hundred recipients, post-quantum ones too, is shorter. */
export const maxAgeHeaderBytes = 256 * 1024

/** @throws UsageError for a recipient that is none */
export async function encryptAge(plain: AsyncIterable<Uint8Array>, lock: AgeLock): Promise<AsyncIterable<Uint8Array>> {
  const encrypter = new (await library()).Encrypter()
  if ('passphrase' in lock) encrypter.setPassphrase(lock.passphrase)
  else for (const recipient of lock.recipients) addRecipient(encrypter, recipient)
  return encrypter.encrypt(ReadableStream.from(plain))
}

/** Loaded when it is needed: every start would pay for its post-quantum tables. */
async function library(): Promise<{ readonly Encrypter: typeof Encrypter; readonly Decrypter: typeof Decrypter }> {
  return import('age-encryption')
}

function addRecipient(encrypter: Encrypter, recipient: string): void {
  try {
    encrypter.addRecipient(recipient)
  } catch (error) {
    throw new UsageError(`--recipient ${recipient}: that is no recipient of age, which begins with age1`, {
      cause: error
    })
  }
}

/**
 * How a file that begins with these bytes is opened.
 *
 * @param start its first `maxAgeHeaderBytes`, or all of it
 * @throws ArchiveError when it is no age file
 */
export function ageLockOf(start: Buffer): 'passphrase' | 'recipients' {
  const text = start.toString('latin1')
  if (!text.startsWith(firstLine)) throw new ArchiveError('it is not in the age format')
  const end = text.indexOf(headerEnd)
  if (end === -1) throw new ArchiveError('its header has no end')
  return text.slice(0, end).includes(passphraseStanza) ? 'passphrase' : 'recipients'
}

/**
 * What is in the file; each piece was authenticated before it is yielded, and the end is an error unless it is the
 * real one.
 *
 * @throws WrongPassphraseError, ArchiveError
 */
export async function decryptAge(sealed: AsyncIterable<Uint8Array>, key: AgeKey): Promise<AsyncIterable<Uint8Array>> {
  const decrypter = new (await library()).Decrypter()
  if ('passphrase' in key) decrypter.addPassphrase(key.passphrase)
  else for (const identity of key.identities) addIdentity(decrypter, identity)
  try {
    return told(await decrypter.decrypt(ReadableStream.from(sealed)))
  } catch (error) {
    if (isNoMatch(error)) {
      throw 'passphrase' in key
        ? new WrongPassphraseError('wrong passphrase: try again', { cause: error })
        : new ArchiveError('none of the identities opens it: give that of one of its recipients', { cause: error })
    }
    throw asArchiveError(error)
  }
}

function addIdentity(decrypter: Decrypter, identity: string): void {
  try {
    decrypter.addIdentity(identity)
  } catch (error) {
    // The text is a secret and stays out of the message.
    throw new UsageError('the file of --identity holds a line that is no identity of age', { cause: error })
  }
}

async function* told(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* plain
  } catch (error) {
    throw asArchiveError(error)
  }
}

/** The words of age-encryption for a file that none of the keys opens. */
function isNoMatch(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('no identity matched')
}

/** What the disk said stays what it is; all else is wrong with the file. */
function asArchiveError(error: unknown): unknown {
  if (error instanceof Error && ('code' in error || error instanceof ArchiveError || error.name === 'InterruptedError'))
    return error
  return new ArchiveError('it is damaged or was cut short', { cause: error })
}
