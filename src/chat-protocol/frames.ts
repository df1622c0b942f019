/**
 * The frames of the parley dialect: bytes to a closed union, and back. Whatever this file lets through has been
 * checked for sizes, lengths of ids, number ranges and valid UTF-8; what it does not know it skips. It knows
 * nothing of streams, of order, or of what a frame makes somebody do.
 */
import { Buffer } from 'node:buffer'
import {
  HELLO_MARKER,
  LOG_ID_BYTES,
  MAX_IDS_PER_FRAME,
  MAX_RANGES_PER_RECEIPT,
  MAX_RETRY_AFTER_MS
} from './constants.ts'
import { MAX_TEXT_BYTES, MESSAGE_ID_BYTES } from './constants.ts'
import { decodeByeReason, decodeRefuseReason, encodeByeReason, encodeRefuseReason } from './errors.ts'
import { InvalidFrameError, TextTooLongError } from './errors.ts'
import type { ByeReason, RefuseReason } from './errors.ts'
import { MESSAGE_OVERHEAD_BYTES } from './message-frame.ts'
import { Frame } from './pb/frames.ts'

/** One message as it travels. */
export interface ChatMessage {
  /** 16 random bytes as 32 hex digits. This decides what is a duplicate. */
  readonly id: string
  /** 8 bytes as 16 hex digits: the sender's numbering that `seq` belongs to. */
  readonly log: string
  readonly seq: number
  /** The sender's clock, milliseconds since 1970. */
  readonly sentAtMs: number
  readonly text: string
  /** The id of the message that this one answers. */
  readonly replyTo?: string
}

/**
 * `stored`: on disk over there. `held`: on disk as a stranger's request that nobody has accepted yet. `seen`: stored,
 * and shown to the user, who lets that be told.
 */
export type ReceiptState = 'stored' | 'held' | 'seen'

/** On the wire a state is its place here, counted from 1. */
const RECEIPT_STATES: readonly ReceiptState[] = ['stored', 'held', 'seen']

/** The highest number held of the other side's messages, in the log that they were numbered in. */
export interface HeldMark {
  readonly log: string
  readonly seq: number
}

/** Messages `first` to `last`, both included, of one log. */
export interface SeqRange {
  readonly log: string
  readonly first: number
  readonly last: number
}

export type OutgoingFrame =
  | { readonly kind: 'hello'; readonly log: string; readonly held?: HeldMark }
  | { readonly kind: 'enter' }
  | { readonly kind: 'message'; readonly message: ChatMessage }
  | {
      readonly kind: 'receipt'
      readonly state: ReceiptState
      readonly ids: readonly string[]
      readonly ranges: readonly SeqRange[]
    }
  | { readonly kind: 'typing' }
  | { readonly kind: 'bye'; readonly reason: ByeReason }
  | {
      readonly kind: 'refuse'
      readonly reason: RefuseReason
      readonly retryAfterMs: number
      readonly ids: readonly string[]
    }

/** What can arrive: the same, and a message whose text is over the limit, which is refused by its id. */
export type ChatFrame = OutgoingFrame | { readonly kind: 'oversized'; readonly id: string; readonly sizeBytes: number }

const utf8Encoder = new TextEncoder()
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const limits = {
  receipt: { ids: MAX_IDS_PER_FRAME, ranges: MAX_RANGES_PER_RECEIPT },
  refuse: { ids: MAX_IDS_PER_FRAME }
} as const

/**
 * Decodes one frame (without its length prefix). `undefined`: a frame that this version does not know.
 *
 * @throws {InvalidFrameError} when it is no protobuf or breaks a rule of the specification
 */
export function decodeFrame(bytes: Uint8Array): ChatFrame | undefined {
  const frame = parse(bytes)
  const set = Object.keys(frame).length
  if (set === 0) return undefined
  if (set > 1) throw new InvalidFrameError(`${set} kinds of frame in one`)
  if (frame.message !== undefined) {
    const { id, log, seq, sentAtMs, text, replyTo } = frame.message
    if (text.byteLength > MAX_TEXT_BYTES) {
      return { kind: 'oversized', id: hex(id, MESSAGE_ID_BYTES, 'message id'), sizeBytes: text.byteLength }
    }
    const message = {
      id: hex(id, MESSAGE_ID_BYTES, 'message id'),
      log: hex(log, LOG_ID_BYTES, 'log'),
      seq: safe(seq, 'seq'),
      sentAtMs: safe(sentAtMs, 'sentAtMs'),
      text: decodeText(text)
    }
    if (replyTo === undefined) return { kind: 'message', message }
    return { kind: 'message', message: { ...message, replyTo: hex(replyTo, MESSAGE_ID_BYTES, 'replyTo') } }
  }
  if (frame.receipt !== undefined) {
    const { ids, ranges } = frame.receipt
    const state = RECEIPT_STATES[frame.receipt.state - 1]
    if (state === undefined) return undefined
    return {
      kind: 'receipt',
      state,
      ids: ids.map((id) => hex(id, MESSAGE_ID_BYTES, 'message id')),
      ranges: ranges.map(({ log, first, last }) => {
        if (first > last) throw new InvalidFrameError(`a range from ${first} to ${last}`)
        return { log: hex(log, LOG_ID_BYTES, 'log'), first: safe(first, 'first'), last: safe(last, 'last') }
      })
    }
  }
  if (frame.hello !== undefined) {
    const { marker, log, heldLog, heldSeq } = frame.hello
    if (Buffer.compare(marker, HELLO_MARKER) !== 0) throw new InvalidFrameError('a Hello without the marker')
    const hello = { kind: 'hello', log: hex(log, LOG_ID_BYTES, 'log') } as const
    if (heldLog === undefined) return hello
    return { ...hello, held: { log: hex(heldLog, LOG_ID_BYTES, 'heldLog'), seq: safe(heldSeq ?? 0n, 'heldSeq') } }
  }
  if (frame.refuse !== undefined) {
    const { reason, retryAfterMs, ids } = frame.refuse
    return {
      kind: 'refuse',
      reason: decodeRefuseReason(reason),
      retryAfterMs: retryAfterMs > BigInt(MAX_RETRY_AFTER_MS) ? MAX_RETRY_AFTER_MS : Number(retryAfterMs),
      ids: ids.map((id) => hex(id, MESSAGE_ID_BYTES, 'message id'))
    }
  }
  if (frame.bye !== undefined) return { kind: 'bye', reason: decodeByeReason(frame.bye.reason) }
  return frame.enter !== undefined ? { kind: 'enter' } : { kind: 'typing' }
}

/**
 * Encodes one frame (without its length prefix).
 *
 * @throws {TextTooLongError} when a text is over the limit
 * @throws {TypeError} when an id or a log is not the hex digits that it must be
 */
export function encodeFrame(frame: OutgoingFrame): Uint8Array {
  switch (frame.kind) {
    case 'hello': {
      const { log, held } = frame
      const hello = { marker: Uint8Array.from(HELLO_MARKER), log: unhex(log, LOG_ID_BYTES) }
      if (held === undefined) return Frame.encode({ hello })
      return Frame.encode({ hello: { ...hello, heldLog: unhex(held.log, LOG_ID_BYTES), heldSeq: BigInt(held.seq) } })
    }
    case 'message': {
      const { id, log, seq, sentAtMs, text, replyTo } = frame.message
      const message = {
        id: unhex(id, MESSAGE_ID_BYTES),
        log: unhex(log, LOG_ID_BYTES),
        seq: BigInt(seq),
        sentAtMs: BigInt(sentAtMs),
        text: encodeText(text)
      }
      if (replyTo === undefined) return Frame.encode({ message })
      return Frame.encode({ message: { ...message, replyTo: unhex(replyTo, MESSAGE_ID_BYTES) } })
    }
    case 'receipt':
      return Frame.encode({
        receipt: {
          state: RECEIPT_STATES.indexOf(frame.state) + 1,
          ids: frame.ids.map((id) => unhex(id, MESSAGE_ID_BYTES)),
          ranges: frame.ranges.map(({ log, first, last }) => ({
            log: unhex(log, LOG_ID_BYTES),
            first: BigInt(first),
            last: BigInt(last)
          }))
        }
      })
    case 'refuse':
      return Frame.encode({
        refuse: {
          reason: encodeRefuseReason(frame.reason),
          retryAfterMs: BigInt(Math.ceil(frame.retryAfterMs)),
          ids: frame.ids.map((id) => unhex(id, MESSAGE_ID_BYTES))
        }
      })
    case 'bye':
      return Frame.encode({ bye: { reason: encodeByeReason(frame.reason) } })
    case 'enter':
      return Frame.encode({ enter: {} })
    case 'typing':
      return Frame.encode({ typing: {} })
  }
}

/** UTF-8 of a text. A lone surrogate, which UTF-8 cannot hold, becomes U+FFFD. */
function encodeText(text: string): Uint8Array<ArrayBuffer> {
  checkText(text)
  return utf8Encoder.encode(text)
}

/**
 * @returns the bytes of the text
 * @throws {TextTooLongError} when they are over the limit
 */
export function checkText(text: string): number {
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes > MAX_TEXT_BYTES) throw new TextTooLongError(sizeBytes, MAX_TEXT_BYTES)
  return sizeBytes
}

/** An upper bound of what a frame takes on the wire, for the bounded send queue. */
export function frameBytes(frame: OutgoingFrame): number {
  const overhead = MESSAGE_OVERHEAD_BYTES
  switch (frame.kind) {
    case 'message':
      return overhead + Buffer.byteLength(frame.message.text)
    case 'receipt':
      return overhead + frame.ids.length * (MESSAGE_ID_BYTES + 2) + frame.ranges.length * 32
    case 'refuse':
      return overhead + frame.ids.length * (MESSAGE_ID_BYTES + 2)
    default:
      return overhead
  }
}

function parse(bytes: Uint8Array): Frame {
  try {
    return Frame.decode(bytes, { limits })
  } catch (cause) {
    throw new InvalidFrameError('no readable protobuf', { cause })
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new InvalidFrameError('a text that is not valid UTF-8', { cause })
  }
}

function hex(bytes: Uint8Array, length: number, field: string): string {
  if (bytes.byteLength !== length) {
    throw new InvalidFrameError(`${field} of ${bytes.byteLength} bytes where there must be ${length}`)
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

function unhex(digits: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Buffer.from(digits, 'hex'))
  if (bytes.byteLength !== length || digits.length !== length * 2) {
    throw new TypeError(`'${digits}' is not ${length} bytes in hex digits`)
  }
  return bytes
}

function safe(value: bigint, field: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new InvalidFrameError(`${field} beyond 2^53`)
  return Number(value)
}
