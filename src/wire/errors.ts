/**
 * What can go wrong on a stream: one class per failure that somebody handles
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

/**
 * How a stream was lost: the remote reset it, this side aborted it, or the
 * connection under it went away.
 */
export type StreamLoss = 'reset' | 'aborted' | 'disconnected'

const LOSS_TEXT: Readonly<Record<StreamLoss, string>> = {
  reset: 'the remote reset the stream; open a new one',
  aborted: 'the stream was aborted on this side; the cause says why',
  disconnected: 'the connection closed before the stream ended; connect again'
}

/** The stream is gone. Bytes that were given to it may or may not have arrived. */
export class StreamLostError extends WireError {
  override readonly name = 'StreamLostError'
  readonly loss: StreamLoss

  constructor(stage: Stage, loss: StreamLoss, cause?: Error) {
    super(stage, `Stream lost (${stage}): ${LOSS_TEXT[loss]}`, cause === undefined ? undefined : { cause })
    this.loss = loss
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

/** The remote ended its half in the middle of a frame. */
export class TruncatedFrameError extends WireError {
  override readonly name = 'TruncatedFrameError'
  readonly receivedBytes: number
  /** The announced size, or undefined when the end came within the length prefix. */
  readonly frameBytes: number | undefined

  constructor(receivedBytes: number, frameBytes: number | undefined) {
    const where =
      frameBytes === undefined
        ? `after ${receivedBytes} bytes of a length prefix`
        : `after ${receivedBytes} of ${frameBytes} bytes of a frame`
    super('read', `The remote ended the stream ${where}`)
    this.receivedBytes = receivedBytes
    this.frameBytes = frameBytes
  }
}

/** A length prefix is not a minimal unsigned varint of at most the allowed bytes. */
export class BadLengthPrefixError extends WireError {
  override readonly name = 'BadLengthPrefixError'

  constructor(detail: string) {
    super('read', `Bad length prefix: ${detail}; the remote does not speak length-prefixed frames`)
  }
}

/** The remote sent, or announced in one Yamux frame, more than any window that it can have been granted. */
export class WindowOverrunError extends WireError {
  override readonly name = 'WindowOverrunError'
  readonly sizeBytes: number
  readonly limitBytes: number

  /** What the remote did, to follow its name. */
  readonly what: string

  constructor(sizeBytes: number, limitBytes: number) {
    const what = `announced a Yamux frame of ${sizeBytes} bytes; its window is at most ${limitBytes}`
    super('read', `The remote ${what}`)
    this.what = what
    this.sizeBytes = sizeBytes
    this.limitBytes = limitBytes
  }
}

/** What a remote did that ended its connection: which of the budgets it went beyond, or which rule it broke. */
export type Breach =
  /** It sent bytes that are no multistream-select, or too many of them. */
  | 'negotiation'
  /** It announced the length of a message in more bytes than the longest allowed message needs. */
  | 'length-prefix'
  /** It sent more than a handshake takes before the connection was encrypted. */
  | 'handshake'
  /** Its frame headers are none, or break the rules of Yamux. */
  | 'frames'
  /** It sent, or announced, more than its window. */
  | 'window'
  | 'ping-rate'
  | 'stream-rate'
  /** Frames that have no effect, or of a few bytes each. */
  | 'frame-rate'
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

/** The other end of a connection has not been heard for too long, and did not answer a ping. */
export class SilentLinkError extends WireError {
  override readonly name = 'SilentLinkError'
  readonly silentMs: number

  constructor(silentMs: number) {
    super('read', `Nothing received for ${Math.round(silentMs)} ms, not even the answer to a ping: connect again`)
    this.silentMs = silentMs
  }
}

/** The outgoing queue takes no more: it was ended, aborted, or its reader has left. */
export class QueueClosedError extends WireError {
  override readonly name = 'QueueClosedError'

  constructor(how: 'ended' | 'aborted' | 'unread', cause?: Error) {
    super('write', `The outgoing queue is closed (${how})`, cause === undefined ? undefined : { cause })
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
