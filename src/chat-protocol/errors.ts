/**
 * The failures of `/chat/1.0.0` that somebody handles differently, and the reasons that travel in Refuse and Bye
 * frames, each way in this one place. Failures of the stream itself (lost, frame too large, deadline) are the
 * wire's.
 */

/** Why a peer did not take a message. `other` stands for a reason that this version does not know. */
export type RefuseReason = 'no-room' | 'rate' | 'too-long' | 'not-accepted' | 'evicted' | 'quota' | 'other'

/** `left`: closed the conversation on its screen. `quit`: the program ends, and the stream with it. */
export type ByeReason = 'left' | 'quit'

/** Base of this folder's errors. */
export abstract class ChatError extends Error {}

/** A text was too long to send; nothing of it was sent. */
export class TextTooLongError extends ChatError {
  override readonly name = 'TextTooLongError'
  readonly sizeBytes: number
  readonly limitBytes: number
  constructor(sizeBytes: number, limitBytes: number) {
    super(
      `The text is ${sizeBytes} bytes of UTF-8 and the limit is ${limitBytes}: send it in several messages or as a file`
    )
    this.sizeBytes = sizeBytes
    this.limitBytes = limitBytes
  }
}

/** The peer sent a line, or a length-prefixed text, beyond the limit. The stream is cut. */
export class LineTooLongError extends ChatError {
  override readonly name = 'LineTooLongError'
  readonly limitBytes: number
  constructor(limitBytes: number) {
    super(`The peer sent a line of more than ${limitBytes} bytes, which is the limit: the stream was cut`)
    this.limitBytes = limitBytes
  }
}

/** A frame that is no frame of this protocol, or one whose fields break its rules. The stream is cut. */
export class InvalidFrameError extends ChatError {
  override readonly name = 'InvalidFrameError'
  readonly what: string
  constructor(what: string, options?: ErrorOptions) {
    super(`The peer sent an invalid frame (${what}): the stream was cut`, options)
    this.what = what
  }
}

/** The peer is known to speak Parley and its stream did not start with a Hello. It is never read as plain text. */
export class HelloMissingError extends ChatError {
  override readonly name = 'HelloMissingError'
  constructor() {
    super('The peer speaks Parley, but its stream does not begin with a Hello: the stream was cut')
  }
}

/** Text was sent to what was taken for another program, and then it said Hello. Open again: it will be Parley. */
export class PeerIsParleyError extends ChatError {
  override readonly name = 'PeerIsParleyError'
  constructor() {
    super('The peer turned out to speak Parley after plain text was sent to it: the stream was cut; open it again')
  }
}

/** It is not known what the peer speaks, so nothing was sent to it. */
export class PeerUndecidedError extends ChatError {
  override readonly name = 'PeerUndecidedError'
  constructor(options?: ErrorOptions) {
    super('The peer did not answer what kind of program it is, so nothing was sent to it: try again', options)
  }
}

/** The peer does not serve /chat/1.0.0 at all. */
export class ChatUnsupportedError extends ChatError {
  override readonly name = 'ChatUnsupportedError'
  constructor(options?: ErrorOptions) {
    super('The peer does not serve /chat/1.0.0: it is no chat program, or its chat is switched off', options)
  }
}

/** The session ended before the call was done. What has no receipt is to be sent again in the next session. */
export class SessionClosedError extends ChatError {
  override readonly name = 'SessionClosedError'
  constructor(options?: ErrorOptions) {
    super('The chat session has ended: what has no receipt must be sent again in the next one', options)
  }
}

/** The peer's newer stream took the place of this one. */
export class StreamReplacedError extends ChatError {
  override readonly name = 'StreamReplacedError'
  constructor() {
    super('The peer opened a newer chat stream, which takes the place of this one')
  }
}

/** The peer does not read, and what this side owes it has filled the queue. The stream is cut. */
export class PeerNotReadingError extends ChatError {
  override readonly name = 'PeerNotReadingError'
  readonly limitBytes: number
  constructor(limitBytes: number) {
    super(`The peer does not read, and ${limitBytes} bytes wait for it, which is the limit: the stream was cut`)
    this.limitBytes = limitBytes
  }
}

/** A peer of unknown kind opened a stream and said nothing. */
export class SilentStreamError extends ChatError {
  override readonly name = 'SilentStreamError'
  readonly timeoutMs: number
  constructor(timeoutMs: number) {
    super(`A peer of unknown kind opened a stream and said nothing for ${timeoutMs} ms: the stream was cut`)
    this.timeoutMs = timeoutMs
  }
}

/** A stranger opens streams faster than it may. The stream is cut; the others stay. */
export class TooManyStreamsError extends ChatError {
  override readonly name = 'TooManyStreamsError'
  readonly perSecond: number
  constructor(perSecond: number) {
    super(`A stranger opened streams, messages and signals at more than ${perSecond} a second: the stream was cut`)
    this.perSecond = perSecond
  }
}

/** The service is not started, or is stopping. */
export class ChatNotStartedError extends ChatError {
  override readonly name = 'ChatNotStartedError'
  constructor() {
    super('The chat service is not running: start the node first')
  }
}

/** Numbers of the wire. `other` is never sent: it stands for numbers of later versions. */
const refuseNumbers: Readonly<Record<RefuseReason, number>> = {
  other: 0,
  'no-room': 1,
  rate: 2,
  'too-long': 3,
  'not-accepted': 4,
  evicted: 5,
  quota: 6
}

export function encodeRefuseReason(reason: RefuseReason): number {
  return refuseNumbers[reason]
}

export function decodeRefuseReason(number: number): RefuseReason {
  switch (number) {
    case 1:
      return 'no-room'
    case 2:
      return 'rate'
    case 3:
      return 'too-long'
    case 4:
      return 'not-accepted'
    case 5:
      return 'evicted'
    case 6:
      return 'quota'
    default:
      return 'other'
  }
}

export function encodeByeReason(reason: ByeReason): number {
  return reason === 'quit' ? 2 : 1
}

/** A reason of a later version is read as the weaker of the two: the stream stays. */
export function decodeByeReason(number: number): ByeReason {
  return number === 2 ? 'quit' : 'left'
}
