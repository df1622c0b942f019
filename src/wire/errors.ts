/**
 * What can go wrong on a stream: one class per failure that callers handle
 * differently, each naming the stage it happened in. Knows no protocol: what a
 * frame means, and what is answered to the remote, is decided elsewhere.
 */

/** The steps of talking to a peer, in order. A failure names the one it happened in. */
export type Stage = 'dial' | 'handshake' | 'negotiate' | 'hello' | 'read' | 'write' | 'receipt' | 'close'

/** The base of every error of this folder. */
export class WireError extends Error {
  override readonly name: string = 'WireError'
  readonly stage: Stage

  constructor(stage: Stage, message: string, options?: ErrorOptions) {
    super(message, options)
    this.stage = stage
  }
}

/** A frame was announced, or was about to be sent, that is over the limit. */
export class FrameTooLargeError extends WireError {
  override readonly name = 'FrameTooLargeError'
  readonly sizeBytes: number
  readonly limitBytes: number

  constructor(stage: 'read' | 'write', sizeBytes: number, limitBytes: number) {
    const act = stage === 'read' ? 'The remote announced' : 'Refused to send'
    super(stage, `${act} a frame of ${sizeBytes} bytes; the limit is ${limitBytes}`)
    this.sizeBytes = sizeBytes
    this.limitBytes = limitBytes
  }
}

/**
 * The remote broke the rules of a protocol: what it sent is no frame of it, or comes out of turn. The base of each
 * protocol's own error, so that streams of any protocol are judged alike: see `ServedStreams`.
 */
export abstract class BrokenProtocolError extends Error {}

/** What a remote did that ended its connection: which of the budgets it went beyond, or which rule it broke. */
export type Breach =
  /** It sent bytes that are no multistream-select, or too many of them. */
  | 'negotiation'
  /** It announced the length of a message in more bytes than the longest allowed message needs. */
  | 'length-prefix'
  /** It sent more than a handshake takes before the connection was encrypted. */
  | 'handshake'
  /** Its frame headers are none, or break the rules of Yamux or WebSocket. */
  | 'frames'
  /** It sent, or announced, more than its window. */
  | 'window'
  | 'ping-rate'
  | 'stream-rate'
  /** Frames that have no effect, or of a few bytes each. */
  | 'frame-rate'
  /** It sends what is no message of the protocol that it has asked for, on one stream after the other. */
  | 'garbage'
  /** It asks and does not read the answers. */
  | 'unread-answers'

/** A remote has broken a rule or gone beyond a budget, and its connection was cut for that. */
export class MisbehaviourError extends WireError {
  override readonly name = 'MisbehaviourError'
  readonly breach: Breach
  /** What it did, to follow the name of the remote: `sent pings faster than 2 a second`. */
  readonly what: string

  constructor(breach: Breach, what: string, options?: ErrorOptions) {
    super('read', `The remote ${what}: its connection was cut`, options)
    this.breach = breach
    this.what = what
  }
}

/** A step took longer than it may. */
export class DeadlineError extends WireError {
  override readonly name = 'DeadlineError'
  readonly timeoutMs: number

  constructor(stage: Stage, timeoutMs: number) {
    super(stage, `No progress in "${stage}" within ${timeoutMs} ms`)
    this.timeoutMs = timeoutMs
  }
}

/**
 * Whatever was thrown or rejected with, as an Error. libp2p rejects some waits
 * with the event that ended them; the error inside it is used then.
 */
export function toError(thrown: unknown): Error {
  if (thrown instanceof Error) {
    return thrown
  }
  if (thrown instanceof Event && 'error' in thrown && thrown.error instanceof Error) {
    return thrown.error
  }
  const what = thrown instanceof Event ? `it ended with the event "${thrown.type}"` : String(thrown)
  return new Error(what, { cause: thrown })
}
