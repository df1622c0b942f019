/** The frame codec: what goes in comes out, and nothing that a peer can send does more than throw. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HELLO_MARKER } from '../../src/chat-protocol/dialect.ts'
import { MAX_TEXT_BYTES, InvalidFrameError, decodeFrame, encodeFrame } from '../../src/chat-protocol/frames.ts'
import { frameBytes } from '../../src/chat-protocol/frame-codec.ts'
import type { OutgoingFrame } from '../../src/chat-protocol/frames.ts'
import { Frame } from '../../src/chat-protocol/pb/frames.ts'

const hexOf = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((b) => Buffer.from(b).toString('hex'))
const id = hexOf(16)
const log = hexOf(8)
const seq = fc.maxSafeNat()
const text = fc.string({ unit: 'grapheme', maxLength: 300 })
const range = fc.tuple(log, seq, seq).map(([l, a, b]) => ({ log: l, first: Math.min(a, b), last: Math.max(a, b) }))
const offered = fc.record({
  file: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  name: fc.string({ unit: 'grapheme', maxLength: 40 }).filter((name) => Buffer.byteLength(name) <= 255),
  sizeBytes: seq
})
const frame: fc.Arbitrary<OutgoingFrame> = fc.oneof(
  fc.record({ kind: fc.constant('hello' as const), log }),
  fc.record({ kind: fc.constant('hello' as const), log, held: fc.record({ log, seq }) }),
  fc.record({ kind: fc.constant('message' as const), message: fc.record({ id, log, seq, sentAtMs: seq, text }) }),
  fc.record({
    kind: fc.constant('message' as const),
    message: fc.record({ id, log, seq, sentAtMs: seq, text, replyTo: id })
  }),
  fc.record({
    kind: fc.constant('message' as const),
    message: fc.record({ id, log, seq, sentAtMs: seq, text, files: fc.array(offered, { minLength: 1, maxLength: 32 }) })
  }),
  fc.record({
    kind: fc.constant('receipt' as const),
    state: fc.constantFrom('stored' as const, 'held' as const, 'seen' as const),
    ids: fc.array(id, { maxLength: 20 }),
    ranges: fc.array(range, { maxLength: 20 })
  }),
  fc.record({
    kind: fc.constant('refuse' as const),
    reason: fc.constantFrom(...(['no-room', 'rate', 'too-long', 'not-accepted', 'evicted', 'quota'] as const)),
    retryAfterMs: fc.nat(86_400_000),
    ids: fc.array(id, { maxLength: 20 })
  }),
  fc.record({ kind: fc.constant('bye' as const), reason: fc.constantFrom('left' as const, 'quit' as const) }),
  fc.constantFrom({ kind: 'enter' as const }, { kind: 'typing' as const })
)

describe('a frame', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(frame, (sent) => {
        expect(decodeFrame(encodeFrame(sent))).toEqual(sent)
      })
    )
  })

  test('takes no more than was reckoned for it', () => {
    fc.assert(
      fc.property(frame, (sent) => {
        expect(encodeFrame(sent).byteLength + 3).toBeLessThanOrEqual(frameBytes(sent))
      })
    )
  })

  test('of random bytes is a frame, unknown or an InvalidFrameError, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        try {
          decodeFrame(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidFrameError)
        }
      }),
      { numRuns: 2000 }
    )
  })

  test('with a byte changed is still only a frame, unknown or an InvalidFrameError', () => {
    fc.assert(
      fc.property(frame, fc.nat(), fc.nat(255), (sent, at, byte) => {
        const bytes = encodeFrame(sent)
        if (bytes.byteLength > 0) bytes[at % bytes.byteLength] = byte
        try {
          decodeFrame(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidFrameError)
        }
      })
    )
  })

  test('of a later version is skipped, and so are fields that a later version adds', () => {
    expect(decodeFrame(Buffer.from('7a0568656c6c6f', 'hex'))).toBeUndefined() // field 15
    const bye = Buffer.concat([encodeFrame({ kind: 'bye', reason: 'quit' }), Buffer.from('7a0568656c6c6f', 'hex')])
    expect(decodeFrame(bye)).toEqual({ kind: 'bye', reason: 'quit' })
    expect(decodeFrame(Frame.encode({ receipt: { state: 9, ids: [], ranges: [] } }))).toBeUndefined()
  })
})

describe('refused as invalid', () => {
  const good = {
    id: new Uint8Array(16),
    log: new Uint8Array(8),
    seq: 1n,
    sentAtMs: 1n,
    text: new Uint8Array(1),
    files: []
  }
  const offer = { file: new Uint8Array(32), name: new Uint8Array(1), size: 1n }
  const cases: [string, Partial<Frame>][] = [
    ['a text that is not UTF-8', { message: { ...good, text: Uint8Array.of(0x61, 0xff) } }],
    ['a text that ends within a character', { message: { ...good, text: Uint8Array.of(0xe2, 0x98) } }],
    ['an id that is too short', { message: { ...good, id: new Uint8Array(15) } }],
    ['no id', { message: { ...good, id: new Uint8Array(0) } }],
    ['a log that is too long', { message: { ...good, log: new Uint8Array(9) } }],
    ['a number beyond 2^53', { message: { ...good, seq: 2n ** 53n } }],
    [
      'a range that ends before it begins',
      { receipt: { state: 1, ids: [], ranges: [{ log: good.log, first: 2n, last: 1n }] } }
    ],
    [
      'a receipt of too many ids',
      { receipt: { state: 1, ids: Array.from({ length: 1025 }, () => good.id), ranges: [] } }
    ],
    ['a file ID that is too short', { message: { ...good, files: [{ ...offer, file: new Uint8Array(31) }] } }],
    ['a file name that is too long', { message: { ...good, files: [{ ...offer, name: new Uint8Array(256) }] } }],
    ['a file name that is not UTF-8', { message: { ...good, files: [{ ...offer, name: Uint8Array.of(0xff) }] } }],
    ['a file of 2^53 bytes', { message: { ...good, files: [{ ...offer, size: 2n ** 53n }] } }],
    ['too many files', { message: { ...good, files: Array.from({ length: 33 }, () => offer) } }],
    ['two kinds in one', { enter: {}, typing: {} }],
    ['a Hello with another marker', { hello: { marker: Buffer.from(HELLO_MARKER).fill(0, 7), log: good.log } }]
  ]
  test.each(cases)('%s', (_name, wrong) => {
    expect(() => decodeFrame(Frame.encode(wrong))).toThrow(InvalidFrameError)
  })

  test('groups nested a hundred thousand deep', () => {
    expect(() => decodeFrame(Buffer.alloc(130_000, 0x7b))).toThrow(InvalidFrameError)
  })
})

test('a text over the limit is told by its id, so that it can be refused and the stream kept', () => {
  const message = { id: new Uint8Array(16).fill(7), log: new Uint8Array(8), seq: 1n, sentAtMs: 1n, files: [] }
  const bytes = Frame.encode({ message: { ...message, text: new Uint8Array(MAX_TEXT_BYTES + 1).fill(0x61) } })
  expect(decodeFrame(bytes)).toEqual({ kind: 'oversized', id: '07'.repeat(16), sizeBytes: MAX_TEXT_BYTES + 1 })
})

test('a reason that this version does not know is read as the nearest that it knows', () => {
  expect(decodeFrame(Frame.encode({ refuse: { reason: 77, retryAfterMs: 2n ** 60n, ids: [] } }))).toEqual({
    kind: 'refuse',
    reason: 'other',
    retryAfterMs: 86_400_000,
    ids: []
  })
  expect(decodeFrame(Frame.encode({ bye: { reason: 77 } }))).toEqual({ kind: 'bye', reason: 'left' })
})
