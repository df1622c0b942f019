import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  closeFrame,
  FrameReader,
  maskedMessage,
  messageHeader,
  pongFrame
} from '../../../src/transport/websocket/websocket-frames.ts'
import { MisbehaviourError, PING_RATE, TINY_FRAME_RATE } from '../../../src/wire/index.ts'

const reader = (isMasked = true): FrameReader => new FrameReader({ isMasked, nowMs: 0 })

function plain(payload: Uint8Array): Uint8Array {
  return Buffer.concat([messageHeader(payload.byteLength), payload])
}

/** Reads the bytes in pieces that end at these places. */
function readInPieces(reads: FrameReader, bytes: Uint8Array, cuts: readonly number[]): Buffer {
  const ends = [...cuts.map((cut) => cut % (bytes.byteLength + 1)), bytes.byteLength].toSorted((a, b) => a - b)
  let at = 0
  const pieces = ends.map((end) => {
    const piece = Uint8Array.from(bytes.subarray(at, end))
    at = end
    return Uint8Array.from(reads.read(piece, 0).payload)
  })
  return Buffer.concat(pieces)
}

test('whatever is sent in messages of any length comes out in order, however the network cuts it', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 300, size: 'max' }), { maxLength: 4 })
  fc.assert(
    fc.property(payloads, fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), (messages, cuts, isMasked) => {
      const bytes = Buffer.concat(messages.map((message) => (isMasked ? maskedMessage(message) : plain(message))))
      expect(readInPieces(reader(isMasked), bytes, cuts).equals(Buffer.concat(messages))).toBe(true)
    }),
    { numRuns: 40 }
  )
})

test.each([0, 125, 126, 65_535, 65_536, 100_000])('a message of %i bytes comes out whole', (byteLength) => {
  const payload = Buffer.alloc(byteLength, 'parley')
  for (const isMasked of [true, false]) {
    const bytes = isMasked ? maskedMessage(payload) : plain(payload)
    expect(readInPieces(reader(isMasked), bytes, [1, 3, 9, 70_000]).equals(payload)).toBe(true)
  }
})

test('a message in fragments is one stream of bytes, and control frames may stand between them', () => {
  const bytes = Buffer.concat([
    Buffer.from([0x02, 0x02]),
    Buffer.from('ab'),
    Buffer.from([0x89, 0x01]),
    Buffer.from('1'),
    Buffer.from([0x00, 0x01]),
    Buffer.from('c'),
    Buffer.from([0x89, 0x01]),
    Buffer.from('2'),
    Buffer.from([0x80, 0x00])
  ])
  const { payload, ping, isClosed } = reader(false).read(bytes, 0)
  expect(Buffer.from(payload).toString()).toBe('abc')
  // RFC 6455, 5.5.3: of several pings only the last needs an answer.
  expect(Buffer.from(ping ?? []).toString()).toBe('2')
  expect(isClosed).toBe(false)
})

test('after the frame that closes nothing more is read', () => {
  const bytes = Buffer.concat([
    maskedMessage(Buffer.from('last')),
    closeFrame(true),
    maskedMessage(Buffer.from('more'))
  ])
  const { payload, isClosed } = reader().read(bytes, 0)
  expect(Buffer.from(payload).toString()).toBe('last')
  expect(isClosed).toBe(true)
})

test('a pong carries what the ping did, and its reader drops it', () => {
  const { payload, ping } = reader().read(pongFrame(Buffer.from('hello'), true), 0)
  expect(payload.byteLength).toBe(0)
  expect(ping).toBeUndefined()
  expect(Buffer.from(pongFrame(Buffer.from('hi'), false)).toString('latin1')).toBe('\u008a\u0002hi')
})

test.each([
  ['without a mask', Buffer.from([0x82, 0x01, 0x61])],
  ['of an extension', Buffer.from([0xc2, 0x80, 0, 0, 0, 0])],
  ['of text', Buffer.from([0x81, 0x80, 0, 0, 0, 0])],
  ['of an opcode without a meaning', Buffer.from([0x83, 0x80, 0, 0, 0, 0])],
  ['of a control opcode without a meaning', Buffer.from([0x8b, 0x80, 0, 0, 0, 0])],
  ['that continues nothing', Buffer.from([0x80, 0x80, 0, 0, 0, 0])],
  ['that begins a message within another', Buffer.from([0x02, 0x80, 0, 0, 0, 0, 0x02, 0x80, 0, 0, 0, 0])],
  ['of control in fragments', Buffer.from([0x09, 0x80, 0, 0, 0, 0])],
  ['of control with more than 125 bytes', Buffer.from([0x89, 0xfe, 0, 126, 0, 0, 0, 0])],
  ['longer than any', Buffer.from([0x82, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]
])('a frame %s breaks the rules', (_what, bytes) => {
  expect(() => reader().read(bytes, 0)).toThrow(MisbehaviourError)
})

test('a server that masks breaks the rules', () => {
  expect(() => reader(false).read(maskedMessage(Buffer.from('a')), 0)).toThrow(/that is masked/)
})

test('pings and tiny frames beyond their rates break the rules, and those within do not', () => {
  const pings = reader(false)
  const ping = (): unknown => pings.read(Buffer.from([0x89, 0x00]), 0)
  for (let i = 0; i < PING_RATE.burst; i++) ping()
  expect(ping).toThrow(expect.objectContaining({ breach: 'ping-rate' }))

  const tiny = reader(false)
  const frames = (count: number): Uint8Array =>
    Buffer.concat(Array.from({ length: count }, () => plain(Buffer.from('a'))))
  expect(tiny.read(frames(TINY_FRAME_RATE.burst), 0).payload.byteLength).toBe(TINY_FRAME_RATE.burst)
  expect(tiny.read(frames(TINY_FRAME_RATE.perSecond), 1_000).payload.byteLength).toBe(TINY_FRAME_RATE.perSecond)
  expect(() => tiny.read(frames(1), 1_000)).toThrow(expect.objectContaining({ breach: 'frame-rate' }))
})

test('random bytes are read, or break the rules, and no more comes out than went in', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isMasked) => {
      const { byteLength } = bytes
      try {
        expect(reader(isMasked).read(bytes, 0).payload.byteLength).toBeLessThanOrEqual(byteLength)
      } catch (error) {
        expect(error).toBeInstanceOf(MisbehaviourError)
      }
    })
  )
})
