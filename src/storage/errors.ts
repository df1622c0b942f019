// The failures that several files of storage throw, one class for each that a caller handles differently. They know no
// SQLite: storage-failure.ts reads its codes, and has the failures that only it finds.

/** The base of every error of a message store. */
export class StorageError extends Error {
  override readonly name: string = 'StorageError'
  readonly file: string

  constructor(file: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.file = file
  }
}

/** The disk or the system refused. Nothing that was confirmed as stored is lost. */
export class StorageUnavailableError extends StorageError {
  override readonly name = 'StorageUnavailableError'

  constructor(file: string, cause?: unknown) {
    const why = cause instanceof Error ? cause.message : 'no reason given'
    super(file, `${file} can't be used (${why}): look at the disk and start again`, { cause })
  }
}

/** The store was closed before. */
export class StorageClosedError extends StorageError {
  override readonly name = 'StorageClosedError'

  constructor(file: string) {
    super(file, `${file} is closed`)
  }
}

/** A later version wrote the file, which stays as it is. */
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

/** What damage left of one conversation. */
export interface ConversationDamage {
  readonly peer: string
  readonly readable: number
  readonly lost: number
}

/** A part of the file can't be read, or differs from what was written. */
export class StorageDamagedError extends StorageError {
  override readonly name = 'StorageDamagedError'
  /** Conversations with losses; undefined while they are not known. */
  readonly conversations: readonly ConversationDamage[] | undefined

  constructor(file: string, conversations: readonly ConversationDamage[] | undefined, cause?: unknown) {
    super(file, `${file} is damaged${whereText(conversations)}. What is readable can be mended into a new file`, {
      cause
    })
    this.conversations = conversations
  }
}

/** The message names at most this many conversations; the field has all. */
const namedInText = 5

function whereText(conversations: readonly ConversationDamage[] | undefined): string {
  if (conversations === undefined) return ''
  if (conversations.length === 0) return '; no message is lost'
  const named = conversations.slice(0, namedInText).map(({ peer, readable, lost }) => {
    return `${lost} of ${readable + lost} messages with ${peer}`
  })
  const more = conversations.length - named.length
  return `: lost ${named.join(', ')}${more > 0 ? `, and some with ${more} more` : ''}`
}

/**
 * A row, or the structure of the file, is not what was written, and SQLite itself has not noticed. The store turns it into
 * a {@link StorageDamagedError}.
 */
export class DamageFound extends Error {
  override readonly name = 'DamageFound'
}
