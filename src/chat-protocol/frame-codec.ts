/**
 * The codec of one stream's frames: a batch is written into one piece of memory, and messages, which nearly all frames
 * are, are written and read without the generated code, at a tenth of its cost. What is written is what the generated
 * code writes, byte for byte; a frame that is not such a message at first sight (another kind, a later version, a broken
 * one) is left to frames.ts, which holds the rules.
 */
import { Buffer } from 'node:buffer'
import { FrameTooLargeError } from '../wire/index.ts'
import type { BatchCodec } from '../wire/index.ts'
import { checkText, decodeFrame, encodeFrame, LOG_ID_BYTES, MAX_TEXT_BYTES, MESSAGE_ID_BYTES } from './frames.ts'
import type { ChatFrame, ChatMessage, OutgoingFrame } from './frames.ts'

/** The longest text, its header, and as much again so that later versions can add fields to a message. */
export const MAX_FRAME_BYTES = 128 * 1024

/** The tags of Frame.message and of the fields of Message, in their order on the wire. */
const tag = { message: 0x1a, id: 0x0a, log: 0x12, seq: 0x18, sentAtMs: 0x20, text: 0x2a, replyTo: 0x32 } as const

/** What a message takes beside its text: its length, tags and lengths, both ids, the log and both numbers. */
export const MESSAGE_OVERHEAD_BYTES = 96

/** What a file of a message takes beside its name: its ID, its size, those of a folder, tags and lengths. */
const OFFER_OVERHEAD_BYTES = 80

/** What stands in for bytes that are no UTF-8. */
const replacement = '\ufffd'

/** A frame, and an upper bound of what it takes on the wire. */
export interface SizedFrame {
  readonly frame: OutgoingFrame
  readonly sizeBytes: number
}

export interface SizedMessage extends SizedFrame {
  readonly frame: Extract<OutgoingFrame, { kind: 'message' }>
}

export function sized(frame: OutgoingFrame): SizedFrame {
  return { frame, sizeBytes: frameBytes(frame) }
}

/** @throws {TextTooLongError} when the text is over the limit */
export function sizedMessage(message: ChatMessage): SizedMessage {
  const sizeBytes = MESSAGE_OVERHEAD_BYTES + checkText(message.text) + offersBytes(message)
  return { frame: { kind: 'message', message }, sizeBytes }
}

/** An upper bound of what a frame takes on the wire, for the bounded send queue. */
export function frameBytes(frame: OutgoingFrame): number {
  const overhead = MESSAGE_OVERHEAD_BYTES
  switch (frame.kind) {
    case 'message':
      return overhead + Buffer.byteLength(frame.message.text) + offersBytes(frame.message)
    case 'receipt':
      return overhead + frame.ids.length * (MESSAGE_ID_BYTES + 2) + frame.ranges.length * 32
    case 'refuse':
      return overhead + frame.ids.length * (MESSAGE_ID_BYTES + 2)
    default:
      return overhead
  }
}

/** An upper bound of what the files of a message take. */
function offersBytes({ files = [] }: ChatMessage): number {
  return files.reduce((sum, { name }) => sum + OFFER_OVERHEAD_BYTES + Buffer.byteLength(name), 0)
}

/** Decodes and encodes for one stream: it remembers the log of the last message. */
export class ChatFrameCodec implements BatchCodec<ChatFrame, SizedFrame> {
  readonly #messages = new MessageReader()

  /** @throws {InvalidFrameError} */
  decode(bytes: Uint8Array): ChatFrame | undefined {
    const message = this.#messages.read(asBuffer(bytes))
    return message === undefined ? decodeFrame(bytes) : { kind: 'message', message }
  }

  encodeBatch(batch: readonly SizedFrame[]): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
    let end = 0
    for (const frame of batch) end = writeFrame(bytes, end, frame)
    return bytes.subarray(0, end)
  }
}

function writeFrame(into: Buffer, start: number, { frame, sizeBytes }: SizedFrame): number {
  if (frame.kind === 'message' && frame.message.files === undefined)
    return writeMessage(into, start, frame.message, sizeBytes - MESSAGE_OVERHEAD_BYTES)
  const encoded = encodeFrame(frame)
  if (encoded.byteLength > MAX_FRAME_BYTES) throw new FrameTooLargeError('write', encoded.byteLength, MAX_FRAME_BYTES)
  let at = start
  let rest = encoded.byteLength
  for (; rest >= 0x80; rest >>>= 7) into[at++] = (rest & 0x7f) | 0x80
  into[at++] = rest
  into.set(encoded, at)
  return at + encoded.byteLength
}

/**
 * Writes a message with the length of its frame before it.
 *
 * @param textBytes of the text in UTF-8
 * @returns where it ends
 * @throws {TypeError} when an id or a log is not the hex digits that it must be
 */
export function writeMessage(into: Buffer, start: number, message: ChatMessage, textBytes: number): number {
  const { id, log, seq, sentAtMs, text, replyTo } = message
  const fieldsBytes =
    4 +
    MESSAGE_ID_BYTES +
    LOG_ID_BYTES +
    (seq === 0 ? 0 : 1 + varintBytes(seq)) +
    (sentAtMs === 0 ? 0 : 1 + varintBytes(sentAtMs)) +
    (textBytes === 0 ? 0 : 1 + varintBytes(textBytes) + textBytes) +
    (replyTo === undefined ? 0 : 2 + MESSAGE_ID_BYTES)
  let at = writeVarint(into, start, 1 + varintBytes(fieldsBytes) + fieldsBytes)
  into[at++] = tag.message
  at = writeVarint(into, at, fieldsBytes)
  at = writeHex(into, at, tag.id, id, MESSAGE_ID_BYTES)
  at = writeHex(into, at, tag.log, log, LOG_ID_BYTES)
  if (seq !== 0) {
    into[at++] = tag.seq
    at = writeVarint(into, at, seq)
  }
  if (sentAtMs !== 0) {
    into[at++] = tag.sentAtMs
    at = writeVarint(into, at, sentAtMs)
  }
  if (textBytes > 0) {
    into[at++] = tag.text
    at = writeVarint(into, at, textBytes)
    at += into.write(text, at, textBytes, 'utf8')
  }
  return replyTo === undefined ? at : writeHex(into, at, tag.replyTo, replyTo, MESSAGE_ID_BYTES)
}

/** Reads the messages of one stream. */
export class MessageReader {
  /** The log of the message before: nearly always the same. */
  readonly #logBytes = Buffer.alloc(LOG_ID_BYTES)
  #log = this.#logBytes.toString('hex')
  #at = 0

  /**
   * @param bytes a frame without its length
   * @returns undefined when it is for {@link decodeFrame} to say what this is
   */
  read(bytes: Buffer): ChatMessage | undefined {
    const end = bytes.byteLength
    if (bytes[0] !== tag.message) return undefined
    this.#at = 1
    if (this.#varint(bytes) !== end - this.#at) return undefined
    const idAt = this.#at + 2
    const logAt = idAt + MESSAGE_ID_BYTES + 2
    const fixedEnd = logAt + LOG_ID_BYTES
    if (fixedEnd > end || bytes[idAt - 2] !== tag.id || bytes[idAt - 1] !== MESSAGE_ID_BYTES) return undefined
    if (bytes[logAt - 2] !== tag.log || bytes[logAt - 1] !== LOG_ID_BYTES) return undefined
    this.#at = fixedEnd
    const seq = this.#number(bytes, tag.seq)
    const sentAtMs = this.#number(bytes, tag.sentAtMs)
    const text = this.#text(bytes, end)
    if (seq === undefined || sentAtMs === undefined || text === undefined) return undefined
    const message = {
      id: bytes.toString('hex', idAt, logAt - 2),
      log: this.#readLog(bytes, logAt),
      seq,
      sentAtMs,
      text
    }
    if (this.#at === end) return message
    const replyAt = this.#at + 2
    if (replyAt + MESSAGE_ID_BYTES !== end || bytes[replyAt - 2] !== tag.replyTo) return undefined
    if (bytes[replyAt - 1] !== MESSAGE_ID_BYTES) return undefined
    return { ...message, replyTo: bytes.toString('hex', replyAt, end) }
  }

  #readLog(bytes: Buffer, start: number): string {
    for (let i = 0; i < LOG_ID_BYTES; i++) {
      if (bytes[start + i] === this.#logBytes[i]) continue
      bytes.copy(this.#logBytes, 0, start, start + LOG_ID_BYTES)
      this.#log = this.#logBytes.toString('hex')
      break
    }
    return this.#log
  }

  /** The number under this tag, 0 when another one comes, undefined when it is none below 2^53. */
  #number(bytes: Buffer, numberTag: number): number | undefined {
    if (bytes[this.#at] !== numberTag) return 0
    this.#at++
    return this.#varint(bytes)
  }

  #text(bytes: Buffer, end: number): string | undefined {
    if (bytes[this.#at] !== tag.text) return ''
    this.#at++
    const textBytes = this.#varint(bytes)
    if (textBytes === undefined || textBytes > MAX_TEXT_BYTES || this.#at + textBytes > end) return undefined
    const text = bytes.toString('utf8', this.#at, this.#at + textBytes)
    this.#at += textBytes
    return text.includes(replacement) ? undefined : text
  }

  #varint(bytes: Buffer): number | undefined {
    let value = 0
    for (let weight = 1; weight <= Number.MAX_SAFE_INTEGER; weight *= 0x80) {
      const byte = bytes[this.#at++]
      if (byte === undefined) return undefined
      value += (byte & 0x7f) * weight
      if (byte < 0x80) return value <= Number.MAX_SAFE_INTEGER ? value : undefined
    }
    return undefined
  }
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}

function writeVarint(into: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) into[at++] = (rest % 0x80) | 0x80
  into[at++] = rest
  return at
}

function writeHex(into: Buffer, start: number, fieldTag: number, digits: string, length: number): number {
  into[start] = fieldTag
  into[start + 1] = length
  if (digits.length !== length * 2 || into.write(digits, start + 2, length, 'hex') !== length) {
    throw new TypeError(`'${digits}' is not ${length} bytes in hex digits`)
  }
  return start + 2 + length
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
