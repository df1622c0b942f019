// What can go wrong with the history: one class per failure that somebody would
// handle differently. Knows no SQLite; its codes are read in sqlite-failure.ts.

/** The base of every error of the message store. */
export class StorageError extends Error {
  override readonly name: string = 'StorageError'
  readonly file: string

  constructor(file: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.file = file
  }
}

/** There is no room. What was asked for did not happen, and may be asked for again. */
export class StorageFullError extends StorageError {
  override readonly name = 'StorageFullError'

  constructor(file: string, cause?: unknown) {
    super(file, `The disk that holds ${file} is full, so nothing was stored: make room and try again`, { cause })
  }
}

/** The file or its folder can't be written. */
export class StorageReadOnlyError extends StorageError {
  override readonly name = 'StorageReadOnlyError'

  constructor(file: string, cause?: unknown) {
    super(file, `${file} can't be written: give its folder write permission, or choose another profile folder`, {
      cause
    })
  }
}

/** The disk or the system refused; nothing that was told as stored is lost by it. */
export class StorageUnavailableError extends StorageError {
  override readonly name = 'StorageUnavailableError'

  constructor(file: string, cause?: unknown) {
    const why = cause instanceof Error ? cause.message : 'no reason was given'
    super(file, `${file} can't be used (${why}): look at the disk and start again`, { cause })
  }
}

/** The file was written by a later version. It is left as it is. */
export class StorageTooNewError extends StorageError {
  override readonly name = 'StorageTooNewError'
  readonly version: number
  readonly supportedVersion: number

  constructor(file: string, version: number, supportedVersion: number) {
    super(
      file,
      `${file} has version ${version} and this parley knows versions up to ${supportedVersion}: ` +
        'use the newer parley that wrote it. The file was not changed'
    )
    this.version = version
    this.supportedVersion = supportedVersion
  }
}

/** The store was closed before. */
export class StorageClosedError extends StorageError {
  override readonly name = 'StorageClosedError'

  constructor(file: string) {
    super(file, `${file} is closed`)
  }
}

/** What is left of one conversation. */
export interface ConversationDamage {
  readonly peer: string
  readonly readable: number
  readonly lost: number
}

/** A part of the file can't be read, or is not what was written. */
export class StorageDamagedError extends StorageError {
  override readonly name = 'StorageDamagedError'
  /** Those with losses; undefined when it isn't known yet which they are. */
  readonly conversations: readonly ConversationDamage[] | undefined

  constructor(file: string, conversations: readonly ConversationDamage[] | undefined, cause?: unknown) {
    super(file, `${file} is damaged${whereText(conversations)}. What is readable can be mended into a new file`, {
      cause
    })
    this.conversations = conversations
  }
}

/** Names at most this many conversations in one line of text; the field has them all. */
const namedInText = 5

function whereText(conversations: readonly ConversationDamage[] | undefined): string {
  if (conversations === undefined) return ''
  if (conversations.length === 0) return '; no message is lost'
  const named = conversations.slice(0, namedInText).map(({ peer, readable, lost }) => {
    return `${lost} of ${readable + lost} messages with ${peer}`
  })
  const more = conversations.length - named.length
  return `: lost are ${named.join(', ')}${more > 0 ? `, and some with ${more} more` : ''}`
}
