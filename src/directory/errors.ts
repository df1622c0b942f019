// What can go wrong with presence, one class for each failure that somebody
// handles differently, and the reasons of a directory's Refuse. Knows no streams.

/** Why an envelope was not accepted. */
export type BadRecordWhy =
  | 'too-large'
  | 'malformed'
  | 'bad-signature'
  | 'other-key'
  | 'other-peer'
  | 'bad-nickname'
  | 'bad-status'
  | 'bad-network'
  | 'too-many-addresses'
  | 'bad-capabilities'
  | 'bad-number'

/** An envelope that its receiver must not believe, or a record that cannot be sealed. */
export class BadRecordError extends Error {
  override readonly name = 'BadRecordError'
  readonly why: BadRecordWhy

  constructor(why: BadRecordWhy, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.why = why
  }
}

/** Reasons in a directory's Refuse. A client treats one that it does not know as 'refused'. */
export type RefuseReason =
  | 'stale'
  | 'bad-record'
  | 'other-network'
  | 'too-fast'
  | 'full'
  | 'too-many-watchers'
  | 'bad-watch'
  | 'too-many-lookups'
  | 'going-down'
  | 'refused'

const reasons: ReadonlySet<string> = new Set<RefuseReason>([
  'stale',
  'bad-record',
  'other-network',
  'too-fast',
  'full',
  'too-many-watchers',
  'bad-watch',
  'too-many-lookups',
  'going-down'
])

/** @returns the reason that the word on the wire stands for */
export function refuseReason(word: string): RefuseReason {
  // The set holds exactly the members of the union.
  return reasons.has(word) ? (word as RefuseReason) : 'refused'
}

/** The directory answered, and the answer is no. */
export class DirectoryRefusedError extends Error {
  override readonly name = 'DirectoryRefusedError'
  readonly reason: RefuseReason
  readonly retryAfterMs: number

  constructor(reason: RefuseReason, retryAfterMs: number) {
    super(reason === 'going-down' ? goingDown : `the directory refused (${reason}): ${refusalAdvice(reason)}`)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** It is no refusal to whoever hears it, and what else there is only they know. */
const goingDown = 'the directory is being shut down'

/** @returns why a directory does not do what was asked, and what to do, in words for its user */
export function refusalAdvice(reason: RefuseReason): string {
  switch (reason) {
    case 'going-down':
      return 'it is being shut down; use another directory'

    case 'stale':
      return 'it knows a newer record of this peer; is the same identity running elsewhere?'
    case 'bad-record':
      return 'it does not accept the record; the two programs may be of different versions'
    case 'other-network':
      return 'it serves another network; start with the same --network on both sides'
    case 'too-fast':
      return 'too many announcements or queries in a short time; it is tried again later'
    case 'full':
      return 'it holds as many peers as it may; use another directory'
    case 'too-many-watchers':
      return 'too many others search its roster; watch the whole roster or come back later'
    case 'bad-watch':
      return 'the query is longer than it accepts; shorten it'
    case 'too-many-lookups':
      return 'too many questions about single peers in a short time; they are asked again later'
    case 'refused':
      return 'it gave no reason that this version knows'
  }
}

/** The peer at the other end is a directory of another network, or says so. */
export class OtherNetworkError extends Error {
  override readonly name = 'OtherNetworkError'
  readonly ours: string
  readonly theirs: string

  constructor(ours: string, theirs: string) {
    super(
      `the directory serves the network ${JSON.stringify(theirs)}, not ${JSON.stringify(ours)}: ` +
        'start with the same --network on both sides'
    )
    this.ours = ours
    this.theirs = theirs
  }
}

/** What answers there is a libp2p node, but no directory. */
export class NotADirectoryError extends Error {
  override readonly name = 'NotADirectoryError'

  constructor(options?: { cause?: unknown }) {
    super('that node is no Parley directory: check the address, or start `parley directory` there', options)
  }
}

/** A watcher that does not read what it asked for. */
export class SlowWatcherError extends Error {
  override readonly name = 'SlowWatcherError'
  readonly queuedBytes: number
  readonly limitBytes: number

  constructor(queuedBytes: number, limitBytes: number) {
    super(
      `${queuedBytes} bytes wait for a watcher that may have ${limitBytes}: ` +
        'it is reset and starts again from a snapshot'
    )
    this.queuedBytes = queuedBytes
    this.limitBytes = limitBytes
  }
}

/** More questions about single peers are open at one directory than a client may have. */
export class TooManyLookupsError extends Error {
  override readonly name = 'TooManyLookupsError'
  readonly limit: number

  constructor(limit: number) {
    super(`${limit} questions about peers are open at this directory: wait for their answers`)
    this.limit = limit
  }
}

/** The other side broke the protocol: the stream is reset. */
export class PresenceProtocolError extends Error {
  override readonly name = 'PresenceProtocolError'
}

/** A directory stream ended, or the directory hung up while it was opened. */
export class DirectoryLostError extends Error {
  override readonly name = 'DirectoryLostError'

  constructor(options?: { cause?: unknown }) {
    super('the directory went away', options)
  }
}
