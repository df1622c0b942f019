// The errors that are for people: each says what happened, what was expected and
// what to do, and knows the exit code of a command that ends with it.
import { exitCodes, type ExitCode } from './exit-codes.ts'

export abstract class ParleyError extends Error {
  abstract readonly exitCode: ExitCode
}

/** Why a file that a person named can't be read, to follow `FILE can't be read: `. */
export function fileFault(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EACCES') return 'its owner keeps others from reading it'
  return error instanceof Error ? error.message : String(error)
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

/** An address of a kind that Parley does not dial; `text` is what was typed. */
export class UnusableAddressError extends ParleyError {
  override readonly name = 'UnusableAddressError'
  override readonly exitCode = exitCodes.usage
  readonly text: string

  /** @param kind what it is an address of: "QUIC", "a relay" */
  constructor(text: string, kind: string) {
    super(`${quote(text)} is an address of ${kind}, and Parley dials TCP: use one such as /ip4/192.168.1.7/tcp/4001`)
    this.text = text
  }
}

/** Nobody known answers to this name. */
export class PeerNotFoundError extends ParleyError {
  override readonly name = 'PeerNotFoundError'
  override readonly exitCode = exitCodes.peerNotFound
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
    super(
      `${who} is a directory, and nobody to talk to: choose somebody on its roster, by number, name or ID${use}`,
      options
    )
  }
}

/** A nickname that anybody may take was given where a trusted name is needed. */
export class UntrustedNameError extends ParleyError {
  override readonly name = 'UntrustedNameError'
  override readonly exitCode = exitCodes.peerNotFound

  constructor(nickname: string, peer: string) {
    super(
      `${quote(nickname)} is the nickname of a peer that is not a contact, and anybody may take it: ` +
        `name it by its ID, ${peer}, or add --trust-name`
    )
  }
}

/** A few letters of an ID, which anybody can have too, were given where a trusted name is needed. */
export class UntrustedBeginningError extends ParleyError {
  override readonly name = 'UntrustedBeginningError'
  override readonly exitCode = exitCodes.peerNotFound

  constructor(text: string, found: { readonly name: string; readonly peer: string; readonly shortId: string }) {
    super(
      `${quote(text)} begins the ID of ${found.name}, who is not a contact, and anybody can make an ID with so few ` +
        `letters in common: name it by its short ID, ${found.shortId}, or the whole one, ${found.peer}`
    )
  }
}

/** A whole peer ID that nobody has, with the short form of one that is known: mistyped, or made to look like it. */
export class LookalikePeerError extends ParleyError {
  override readonly name = 'LookalikePeerError'
  override readonly exitCode = exitCodes.peerNotFound
  /** The peer that it looks like. */
  readonly known: string

  /** @param known.name undefined for oneself */
  constructor(text: string, known: { readonly name: string | undefined; readonly peer: string }) {
    const whose = known.name === undefined ? 'your own' : `that of ${known.name}`
    super(`nobody is known by the ID ${text}, and ${whose} begins like it, ${known.peer}: check its last letters`)
    this.known = known.peer
  }
}

/** No way to the peer or address was found. */
export class UnreachableError extends ParleyError {
  override readonly name = 'UnreachableError'
  override readonly exitCode = exitCodes.unreachable
}

/** What answers as a directory is none, or does not tell its roster. */
export class DirectoryProblemError extends ParleyError {
  override readonly name = 'DirectoryProblemError'
  override readonly exitCode = exitCodes.unreachable
}

/** The other end proved another key than the one expected there. */
export class KeyChangedError extends ParleyError {
  override readonly name = 'KeyChangedError'
  override readonly exitCode = exitCodes.keyChanged
}

export class ProfileInUseError extends ParleyError {
  override readonly name = 'ProfileInUseError'
  override readonly exitCode = exitCodes.profileInUse
}

/** The identity key is protected by a passphrase, and there is no way to ask for it. */
export class KeyLockedError extends ParleyError {
  override readonly name = 'KeyLockedError'
  override readonly exitCode = exitCodes.locked
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

/** A file is there already, and is not to be overwritten unasked. */
export class FileExistsError extends ParleyError {
  override readonly name = 'FileExistsError'
  override readonly exitCode = exitCodes.usage

  constructor(file: string) {
    super(`${file} is there already: name another file, or add --force to replace it`)
  }
}

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

/** A new passphrase that is too short, or too long. */
export class PassphraseUnusableError extends ParleyError {
  override readonly name = 'PassphraseUnusableError'
  override readonly exitCode = exitCodes.usage
}

export class PortTakenError extends ParleyError {
  override readonly name = 'PortTakenError'
  override readonly exitCode = exitCodes.portTaken
  readonly port: number

  /** @param options.option with which another is chosen; --port, unless told */
  constructor(port: number, options?: ErrorOptions & { readonly option?: string }) {
    const option = options?.option ?? '--port'
    super(`port ${port} is taken by another program: choose another with ${option}, or end that program`, options)
    this.port = port
  }
}

/** The history can't be used as it should; the message of the storage says why and what to do. */
export class StorageProblemError extends ParleyError {
  override readonly name = 'StorageProblemError'
  override readonly exitCode = exitCodes.storage
}

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

/** Another message to the same peer has the id that was chosen for this one. */
export class MessageIdTakenError extends ParleyError {
  override readonly name = 'MessageIdTakenError'
  override readonly exitCode = exitCodes.usage

  constructor(id: string) {
    super(`another message to this peer has the id ${id}: choose 32 other hexadecimal digits at random`)
  }
}

/** A conversation would make the peer a contact, and so end what the user has decided about it. */
export class PeerBlockedError extends ParleyError {
  override readonly name = 'PeerBlockedError'
  override readonly exitCode = exitCodes.usage

  constructor(name: string, id: string) {
    super(`${name} is blocked: /unblock ${id} in the chat ends that, and parley log ${id} shows what was written`)
  }
}

/** More text than one message may carry. */
export class MessageTooLongError extends ParleyError {
  override readonly name = 'MessageTooLongError'
  override readonly exitCode = exitCodes.usage
  readonly sizeBytes: number
  readonly limitBytes: number

  constructor(sizeBytes: number, limitBytes: number) {
    super(`the message has ${sizeBytes} bytes of UTF-8 and at most ${limitBytes} are allowed: send it in parts`)
    this.sizeBytes = sizeBytes
    this.limitBytes = limitBytes
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 79)}…` : text)
}
