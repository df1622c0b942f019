/**
 * The frames of the parley dialect as it-pipe transforms over batches: a batch is written into one piece of memory.
 * The rules of a frame are in frames.ts.
 */
import { Buffer } from 'node:buffer'
import { FrameTooLargeError } from '../wire/index.ts'
import { MAX_FRAME_BYTES } from './constants.ts'
import { checkText, decodeFrame, encodeFrame, frameBytes } from './frames.ts'
import type { ChatFrame, ChatMessage, OutgoingFrame } from './frames.ts'
import { MESSAGE_OVERHEAD_BYTES, MessageReader, writeMessage } from './message-frame.ts'

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
  return { frame: { kind: 'message', message }, sizeBytes: MESSAGE_OVERHEAD_BYTES + checkText(message.text) }
}

/** @throws {InvalidFrameError} after the frames before the bad one have been yielded */
export async function* decodeChatFrames(
  source: AsyncIterable<Uint8Array[]>
): AsyncGenerator<ChatFrame[], void, undefined> {
  const messages = new MessageReader()
  for await (const batch of source) {
    const frames: ChatFrame[] = []
    try {
      for (const bytes of batch) {
        const message = messages.read(asBuffer(bytes))
        const frame: ChatFrame | undefined = message === undefined ? decodeFrame(bytes) : { kind: 'message', message }
        if (frame !== undefined) frames.push(frame)
      }
    } catch (error) {
      if (frames.length > 0) yield frames
      throw error
    }
    if (frames.length > 0) yield frames
  }
}

/** Each batch with the lengths of its frames, in one piece. */
export async function* encodeChatFrames(
  source: AsyncIterable<SizedFrame[]>
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const batch of source) {
    const bytes = Buffer.allocUnsafeSlow(batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
    let end = 0
    for (const frame of batch) end = writeFrame(bytes, end, frame)
    yield bytes.subarray(0, end)
  }
}

function writeFrame(into: Buffer, start: number, { frame, sizeBytes }: SizedFrame): number {
  if (frame.kind === 'message') return writeMessage(into, start, frame.message, sizeBytes - MESSAGE_OVERHEAD_BYTES)
  const encoded = encodeFrame(frame)
  if (encoded.byteLength > MAX_FRAME_BYTES) throw new FrameTooLargeError('write', encoded.byteLength, MAX_FRAME_BYTES)
  let at = start
  let rest = encoded.byteLength
  for (; rest >= 0x80; rest >>>= 7) into[at++] = (rest & 0x7f) | 0x80
  into[at++] = rest
  into.set(encoded, at)
  return at + encoded.byteLength
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
