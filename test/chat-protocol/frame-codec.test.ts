/** A message that is written and read by hand is the one that the generated code writes and reads. */
import { Buffer } from 'node:buffer'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ChatFrameCodec,
  sized,
  sizedMessage,
  MESSAGE_OVERHEAD_BYTES,
  MessageReader,
  writeMessage
} from '../../src/chat-protocol/frame-codec.ts'
import { TextTooLongError, decodeFrame, encodeFrame, MAX_TEXT_BYTES } from '../../src/chat-protocol/frames.ts'
import type { ChatMessage } from '../../src/chat-protocol/frames.ts'
import { lengthPrefixed, message } from './harness.ts'

const hexOf = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'))
const number = fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(0, 127, 128, Number.MAX_SAFE_INTEGER))
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.string({ unit: 'grapheme-ascii', maxLength: 300 }),
  fc.string({ unit: 'binary', maxLength: 300 })
)
const fields = { id: hexOf(16), log: hexOf(8), seq: number, sentAtMs: number, text }
const anyMessage: fc.Arbitrary<ChatMessage> = fc.oneof(
  fc.record(fields),
  fc.record({ ...fields, replyTo: hexOf(16) }),
  // Lone surrogates, which UTF-8 can't hold.
  fc.record({ ...fields, text: fc.constantFrom('\ud800', 'a\udfffb', '\ufffd', '\ufeffx') })
)

function written(sent: ChatMessage): Buffer {
  const textBytes = Buffer.byteLength(sent.text)
  const bytes = Buffer.alloc(5 + MESSAGE_OVERHEAD_BYTES + textBytes)
  return bytes.subarray(5, writeMessage(bytes, 5, sent, textBytes))
}

/** What the reader and, where it leaves that to it, the general decoder make of a frame. */
function read(bytes: Uint8Array): unknown {
  const found = new MessageReader().read(Buffer.from(bytes))
  return found === undefined ? undefined : { kind: 'message', message: found }
}

test('a message with files is written between others, and read as it was', () => {
  const codec = new ChatFrameCodec()
  const fixed = { id: '07'.repeat(16), log: '08'.repeat(8), seq: 1, sentAtMs: 2, text: 'é' }
  const offers = { ...fixed, files: [{ file: 'ab'.repeat(32), name: 'né.txt', sizeBytes: 2 ** 40 }] }
  const messages: readonly ChatMessage[] = [fixed, offers, { ...fixed, seq: 2 }]
  const bytes = codec.encodeBatch(messages.map(sizedMessage))
  const encoded = messages.map((one) => lengthPrefixed(encodeFrame({ kind: 'message', message: one })))
  expect(Buffer.from(bytes)).toEqual(Buffer.concat(encoded))
  expect(encoded.map((frame) => codec.decode(frame.subarray(1)))).toEqual(
    messages.map((one) => ({ kind: 'message', message: one }))
  )
})

describe('a message', () => {
  test('is written as the generated code writes it, with the length before it', () => {
    fc.assert(
      fc.property(anyMessage, (sent) => {
        expect(written(sent)).toEqual(lengthPrefixed(encodeFrame({ kind: 'message', message: sent })))
      }),
      { numRuns: 1000 }
    )
  })

  test('is read as the general decoder reads it', () => {
    const reader = new MessageReader()
    fc.assert(
      fc.property(anyMessage, (sent) => {
        const bytes = Buffer.from(encodeFrame({ kind: 'message', message: sent }))
        const found = reader.read(bytes)
        // What was sent as U+FFFD could be bytes that are none.
        if (sent.text.toWellFormed().includes('\ufffd')) expect(found).toBeUndefined()
        else expect({ kind: 'message', message: found }).toEqual(decodeFrame(bytes))
      }),
      { numRuns: 1000 }
    )
  })

  test('with any byte changed is read as the general decoder reads it, or left to it', () => {
    fc.assert(
      fc.property(anyMessage, fc.nat(), fc.nat(255), (sent, at, byte) => {
        const bytes = Buffer.from(encodeFrame({ kind: 'message', message: sent }))
        bytes[at % bytes.byteLength] = byte
        const found = read(bytes)
        if (found !== undefined) expect(found).toEqual(decodeFrame(bytes))
      }),
      { numRuns: 3000 }
    )
  })

  test('of random bytes is left to the general decoder, which refuses it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const found = read(Uint8Array.of(0x1a, bytes.byteLength, ...bytes))
        if (found !== undefined) expect(found).toEqual(decodeFrame(Uint8Array.of(0x1a, bytes.byteLength, ...bytes)))
      }),
      { numRuns: 3000 }
    )
  })

  test('with a field of a later version is read without it', async () => {
    const sent = message('later')
    const frame = Buffer.from(encodeFrame({ kind: 'message', message: sent }))
    const withMore = Buffer.concat([frame, Buffer.from('7a0568656c6c6f', 'hex')])
    // Field 15 belongs to the message: its length counts it.
    withMore[1] = (withMore[1] ?? 0) + 7
    expect(read(withMore)).toBeUndefined()
    expect(decodeFrame(withMore)).toEqual({ kind: 'message', message: sent })
  })

  test('whose id is not what it must be is not written', () => {
    for (const id of ['00', 'zz'.repeat(16), '00'.repeat(17)]) {
      expect(() => written(message('x', { id }))).toThrow(TypeError)
    }
    expect(() => written(message('x', { log: '0'.repeat(15) }))).toThrow(TypeError)
  })

  test('over the limit is refused before it is queued', () => {
    expect(() => sizedMessage(message('é'.repeat(MAX_TEXT_BYTES / 2 + 1)))).toThrow(TextTooLongError)
    expect(sizedMessage(message('é'.repeat(MAX_TEXT_BYTES / 2))).sizeBytes).toBe(
      MAX_TEXT_BYTES + MESSAGE_OVERHEAD_BYTES
    )
  })
})

test('a batch of all kinds goes out in one piece and comes in as it was', () => {
  const [one, two] = [message('one'), message('zwei ü')]
  const batch = [
    sizedMessage(one),
    sized({ kind: 'typing' }),
    sized({ kind: 'receipt', state: 'stored', ids: Array.from({ length: 30 }, () => one.id), ranges: [] }),
    sizedMessage(two)
  ]
  const codec = new ChatFrameCodec()
  const frames = batch.map(({ frame }) => frame)
  expect(codec.encodeBatch(batch)).toEqual(Buffer.concat(frames.map((frame) => lengthPrefixed(encodeFrame(frame)))))
  expect(frames.map((frame) => codec.decode(encodeFrame(frame)))).toEqual(frames)
})
