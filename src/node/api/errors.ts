// The errors that are for people: each says what happened, what was expected and
// what to do, and knows the exit code of a command that ends with it.
import { hasErrorCode } from '../../lib/index.ts'
import { exitCodes, type ExitCode } from './exit-codes.ts'

export abstract class ParleyError extends Error {
  abstract readonly exitCode: ExitCode
}

/** A setting or argument that can't be used. */
export class UsageError extends ParleyError {
  override readonly name = 'UsageError'
  override readonly exitCode = exitCodes.usage
}

/** An address that can't be one; `text` is what was typed. */
export class BadAddressError extends ParleyError {
  override readonly name = 'BadAddressError'
  override readonly exitCode = exitCodes.usage
  readonly text: string

  constructor(text: string, what: string, options?: ErrorOptions) {
    super(`${quote(text)} is not an address: ${what}`, options)
    this.text = text
  }
}

/** Nobody known answers to this name. */
export class PeerNotFoundError extends ParleyError {
  override readonly name = 'PeerNotFoundError'
  override readonly exitCode = exitCodes.peerNotFound
}

/** The peer named is this node itself. */
export class OwnPeerError extends ParleyError {
  override readonly name = 'OwnPeerError'
  override readonly exitCode = exitCodes.peerNotFound

  constructor(text: string) {
    super(`${quote(text)} is yourself: name another peer`)
  }
}

/** What answers as the peer named is a directory, which lists people and takes no messages. */
export class DirectoryPeerError extends ParleyError {
  override readonly name = 'DirectoryPeerError'
  override readonly exitCode = exitCodes.peerNotFound

  /** @param address where it is, as people write it, when that is known */
  constructor(who: string, address?: string, options?: ErrorOptions) {
    const use = address === undefined ? '' : ` (parley roster --directory ${address} prints it)`
    super(`${who} is a directory, not a person: choose a peer on its roster, by number, name or ID${use}`, options)
  }
}

/** The peer or address can't be reached. */
export class UnreachableError extends ParleyError {
  override readonly name = 'UnreachableError'
  override readonly exitCode = exitCodes.unreachable
}

/** No address of the peer is known, nor a way around one: another try helps only after news of it. */
export class NoAddressError extends UnreachableError {}

/** The other end proved another key than the one expected there. */
export class KeyChangedError extends ParleyError {
  override readonly name = 'KeyChangedError'
  override readonly exitCode = exitCodes.keyChanged
}

export class ProfileInUseError extends ParleyError {
  override readonly name = 'ProfileInUseError'
  override readonly exitCode = exitCodes.profileInUse
}

/** To follow the words for whatever holds a profile. @param pid empty where it is not known */
export function processNote(pid: number | undefined): string {
  return pid === undefined ? '' : ` (process ${pid})`
}

export class WrongPassphraseError extends ParleyError {
  override readonly name = 'WrongPassphraseError'
  override readonly exitCode = exitCodes.wrongPassphrase
}

/** A file that should hold an exported profile, and does not. */
export class ArchiveError extends ParleyError {
  override readonly name = 'ArchiveError'
  override readonly exitCode = exitCodes.archive
}

/** The history can't be used as it should; the message of the storage says why and what to do. */
export class StorageProblemError extends ParleyError {
  override readonly name = 'StorageProblemError'
  override readonly exitCode = exitCodes.storage
}

export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}

/** The identity key is protected by a passphrase, and there is no way to ask for it. */
export class KeyLockedError extends ParleyError {
  override readonly name = 'KeyLockedError'
  override readonly exitCode = exitCodes.locked
}

/** Why a file that a person named can't be read, to follow `FILE can't be read: `. */
export function fileFault(error: unknown): string {
  if (hasErrorCode(error, 'ENOENT')) return 'there is no such file'
  if (hasErrorCode(error, 'EACCES')) return 'its owner keeps others from reading it'
  return error instanceof Error ? error.message : String(error)
}

/** Several peers answer to it; `candidates` are their names with short IDs. */
export class AmbiguousPeerError extends ParleyError {
  override readonly name = 'AmbiguousPeerError'
  override readonly exitCode = exitCodes.peerNotFound
  readonly candidates: readonly string[]

  constructor(text: string, candidates: readonly string[]) {
    super(`${quote(text)} can mean ${candidates.join(', ')}: give the peer ID, or more of its beginning`)
    this.candidates = candidates
  }
}

/** A nickname, which anyone may take, was given where a trusted name is needed. */
export class UntrustedNameError extends ParleyError {
  override readonly name = 'UntrustedNameError'
  override readonly exitCode = exitCodes.peerNotFound

  /** @param contact the name of a contact that gives itself this nickname */
  constructor(nickname: string, peer: string, contact?: string) {
    super(
      contact === undefined
        ? `${quote(nickname)} is the nickname of a peer that is not a contact, and anyone can take it: ` +
            `name it by its ID, ${peer}, or trust the name (--trust-name; as JSON "trustName": true)`
        : `${quote(nickname)} is what your contact ${contact} calls itself, and anybody may: name it ${contact}, or by its ` +
            `ID, ${peer}`
    )
  }
}
