/**
 * The frames of the parley dialect: bytes to a closed union, and back. What this file lets through has been checked
 * for sizes, lengths of ids, number ranges and valid UTF-8; what it does not know it skips. It knows nothing of
 * streams, of order, or of what a frame causes.
 */
import { Buffer } from 'node:buffer'
import { Frame, type OfferedFile as Pb } from './pb/frames.ts'
import { HELLO_MARKER } from './dialect.ts'

/** Why a peer did not take a message. `other` stands for a reason that this version does not know. */
export type RefuseReason = 'no-room' | 'rate' | 'too-long' | 'not-accepted' | 'evicted' | 'quota' | 'other'

/** Base of this folder's errors. */
export abstract class ChatError extends Error {}

/** A frame that is no frame of this protocol, or one whose fields break its rules. The stream is cut. */
export class InvalidFrameError extends ChatError {
  override readonly name = 'InvalidFrameError'
  readonly what: string
  constructor(what: string, options?: ErrorOptions) {
    super(`The peer sent an invalid frame (${what}): the stream was cut`, options)
    this.what = what
  }
}

/** `left`: closed the conversation on its screen. `quit`: the program ends, and the stream with it. */
export type ByeReason = 'left' | 'quit'

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

function encodeRefuseReason(reason: RefuseReason): number {
  return refuseNumbers[reason]
}

function decodeRefuseReason(number: number): RefuseReason {
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

function encodeByeReason(reason: ByeReason): number {
  return reason === 'quit' ? 2 : 1
}

/** A reason of a later version is read as the weaker of the two: the stream stays. */
function decodeByeReason(number: number): ByeReason {
  return number === 2 ? 'quit' : 'left'
}

/** The usual size. It has room for the time, which keeps neighbours together in an index, and 80 bits of chance. */
export const MESSAGE_ID_BYTES = 16

/** Random too, but one per peer and restored backup, not one per message. */
export const LOG_ID_BYTES = 8

/** About 30 pages: more is a file and not a message. Counted in UTF-8, as that is what the other side stores. */
export const MAX_TEXT_BYTES = 64 * 1024

/** 16 KiB of ids: one receipt frame stays small beside the messages that it confirms. */
export const MAX_IDS_PER_FRAME = 1024

/** A batch that was numbered by one sender needs one range; no honest sender needs as many. */
export const MAX_RANGES_PER_RECEIPT = 128

/** A handful of files is a message; more are a folder, or several messages. */
export const MAX_FILES_PER_MESSAGE = 32

/** The longest name that common file systems have. */
export const MAX_OFFERED_NAME_BYTES = 255

const FILE_ID_BYTES = 32

/** No honest refusal asks for more than a day of silence; a longer one is read as this. */
const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000

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
  /** What it offers, at most {@link MAX_FILES_PER_MESSAGE}. The text names them too, for peers that know no offers. */
  readonly files?: readonly OfferedFile[]
}

/** A file that a message offers: its bytes are fetched over another protocol. */
export interface OfferedFile {
  /** Its file ID: 32 bytes as 64 hex digits. */
  readonly file: string
  /** At most {@link MAX_OFFERED_NAME_BYTES} of UTF-8; any text. */
  readonly name: string
  readonly sizeBytes: number
  /** Of a folder: the file is the list of what is in it, and this says how many files that are, and their bytes. */
  readonly folder?: OfferedFolder
}

interface OfferedFolder {
  readonly files: number
  readonly sizeBytes: number
}

/**
 * `stored`: on disk over there. `held`: on disk as a stranger's request that is not accepted yet. `seen`: stored,
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
  refuse: { ids: MAX_IDS_PER_FRAME },
  message: { files: MAX_FILES_PER_MESSAGE }
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
    const { id, log, seq, sentAtMs, text, replyTo, files } = frame.message
    if (text.byteLength > MAX_TEXT_BYTES) {
      return { kind: 'oversized', id: hex(id, MESSAGE_ID_BYTES, 'message id'), sizeBytes: text.byteLength }
    }
    const message = {
      id: hex(id, MESSAGE_ID_BYTES, 'message id'),
      log: hex(log, LOG_ID_BYTES, 'log'),
      seq: safe(seq, 'seq'),
      sentAtMs: safe(sentAtMs, 'sentAtMs'),
      text: decodeText(text),
      ...(replyTo === undefined ? {} : { replyTo: hex(replyTo, MESSAGE_ID_BYTES, 'replyTo') }),
      ...(files.length === 0 ? {} : { files: files.map(decodeOffer) })
    }
    return { kind: 'message', message }
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
      const { id, log, seq, sentAtMs, text, replyTo, files = [] } = frame.message
      const message = {
        id: unhex(id, MESSAGE_ID_BYTES),
        log: unhex(log, LOG_ID_BYTES),
        seq: BigInt(seq),
        sentAtMs: BigInt(sentAtMs),
        text: encodeText(text),
        files: files.map(encodeOffer)
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

function encodeOffer({ file, name, sizeBytes, folder }: OfferedFile) {
  const offer = { file: unhex(file, FILE_ID_BYTES), name: utf8Encoder.encode(name), size: BigInt(sizeBytes) }
  return folder === undefined ? offer : { ...offer, folder: { files: folder.files, size: BigInt(folder.sizeBytes) } }
}

/** @throws {InvalidFrameError} */
function decodeOffer(offer: Pb): OfferedFile {
  const { file, name, size, folder } = offer
  if (name.byteLength > MAX_OFFERED_NAME_BYTES) throw new InvalidFrameError(`a file name of ${name.byteLength} bytes`)
  return {
    file: hex(file, FILE_ID_BYTES, 'file ID'),
    name: decodeText(name),
    sizeBytes: safe(size, 'size'),
    ...(folder === undefined
      ? {}
      : { folder: { files: folder.files, sizeBytes: safe(folder.size, 'size of a folder') } })
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
