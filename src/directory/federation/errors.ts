// What can be wrong with what a directory signs. Knows no streams and no state.

/** Why something that a directory should have signed was not accepted. */
export type BadStatementWhy =
  | 'too-large'
  | 'malformed'
  | 'bad-signature'
  /** The key in the envelope is not the directory's that the payload names. */
  | 'other-key'
  | 'bad-peer'
  | 'bad-network'
  | 'bad-number'
  | 'bad-digest'
  /** The record that came with a statement is not the one that it speaks of, or is missing. */
  | 'other-record'

/** A statement about a peer that its receiver must not believe, or that cannot be sealed. */
export class BadStatementError extends Error {
  override readonly name = 'BadStatementError'
  readonly why: BadStatementWhy

  constructor(why: BadStatementWhy, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.why = why
  }
}

/** A heartbeat that its receiver must not believe, or that cannot be sealed. */
export class BadHeartbeatError extends Error {
  override readonly name = 'BadHeartbeatError'
  readonly why: BadStatementWhy

  constructor(why: BadStatementWhy, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.why = why
  }
}
