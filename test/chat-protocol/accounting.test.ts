/** What is owed and what is allowed: receipts, the window of unconfirmed messages, and the rate of strangers. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_FRAME_BYTES } from '../../src/chat-protocol/frame-codec.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import { answer } from '../../src/chat-protocol/inbound.ts'
import { SendWindow } from '../../src/chat-protocol/send-window.ts'
import type { ChatMessage } from '../../src/chat-protocol/frames.ts'
import type { Disposition } from '../../src/chat-protocol/application.ts'
import { hex, message } from './harness.ts'

const disposition: fc.Arbitrary<Disposition> = fc.constantFrom<Disposition>(
  { kind: 'stored' },
  { kind: 'stored' },
  { kind: 'held' },
  { kind: 'refused', reason: 'no-room', retryAfterMs: 1000 },
  { kind: 'refused', reason: 'rate', retryAfterMs: 20 }
)

describe('the answer to a batch', () => {
  test('names each message exactly once, for what became of it, in frames that keep their limits', () => {
    const batch = fc.array(fc.tuple(disposition, fc.integer({ min: 1, max: 3 })), { maxLength: 3000 })
    fc.assert(
      fc.property(batch, (fates) => {
        let seq = 0
        const messages = fates.map(([, step]) => message('x', { log: 'ab'.repeat(8), seq: (seq += step) }))
        const window = new SendWindow({ maxMessages: 10_000, maxBytes: 1e9 })
        for (const sent of messages) window.add(sent, 1)
        const told: string[] = []
        for (const frame of answer(
          messages,
          fates.map(([fate]) => fate)
        )) {
          expect(encodeFrame(frame).byteLength).toBeLessThan(MAX_FRAME_BYTES)
          if (frame.kind === 'receipt') {
            told.push(...[...frame.ids, ...window.settleRanges(frame.ranges)].map((id) => `${id} ${frame.state}`))
          } else if (frame.kind === 'refuse') told.push(...frame.ids.map((id) => `${id} ${frame.reason}`))
        }
        const expected = messages.map(({ id }, index) => {
          const fate = fates[index]?.[0]
          return `${id} ${fate?.kind === 'refused' ? fate.reason : fate?.kind}`
        })
        expect(told.toSorted()).toEqual(expected.toSorted())
      }),
      { numRuns: 50 }
    )
  })

  test('a thousand messages in a row need one range', () => {
    const messages = Array.from({ length: 1000 }, (_, index) => message('x', { seq: index + 1 }))
    const frames = answer(
      messages,
      messages.map(() => ({ kind: 'stored' }))
    )
    const ranges = [{ log: '00'.repeat(8), first: 1, last: 1000 }]
    expect(frames).toEqual([{ kind: 'receipt', state: 'stored', ids: [], ranges }])
  })

  test('a batch with another number of fates than messages is an error', () => {
    expect(() => answer([message('x')], [])).toThrow(RangeError)
  })
})

describe('the window', () => {
  test('a range confirms only what was sent, whatever it covers', () => {
    const window = new SendWindow({ maxMessages: 10, maxBytes: 1000 })
    const log = hex(8)
    const sent = message('x', { log, seq: 7 })
    window.add(sent, 10)
    expect(window.settleRanges([{ log: hex(8), first: 0, last: 100 }])).toEqual([])
    expect(window.settleRanges([{ log, first: 0, last: Number.MAX_SAFE_INTEGER }])).toEqual([sent.id])
    expect(window.settleRanges([{ log, first: 0, last: Number.MAX_SAFE_INTEGER }])).toEqual([])
  })

  test('knows a message by its id and by its number, whichever answers come between', () => {
    const step = fc.record({ add: fc.nat(20), byId: fc.nat(20), byRange: fc.tuple(fc.nat(60), fc.nat(10)) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const window = new SendWindow({ maxMessages: 10_000, maxBytes: 1e9 })
        const log = hex(8)
        const left = new Map<number, ChatMessage>()
        let seq = 0
        for (const { add, byId, byRange } of steps) {
          for (let n = 0; n < add; n++) {
            const sent = message('x', { log, seq: ++seq })
            left.set(sent.seq, sent)
            window.add(sent, 1)
          }
          const named = left.get(byId)
          expect(window.has(named?.id ?? hex(16))).toBe(named !== undefined)
          if (named !== undefined) window.settle([named.id])
          left.delete(byId)
          const [first, more] = byRange
          const covered = [...left.values()].filter((sent) => sent.seq >= first && sent.seq <= first + more)
          const ids = window.settleRanges([{ log, first, last: first + more }])
          expect(ids.toSorted()).toEqual(covered.map(({ id }) => id).toSorted())
          for (const sent of covered) left.delete(sent.seq)
          expect(window.size).toBe(left.size)
          expect(window.hasRoom(1e9 - left.size)).toBe(true)
        }
      })
    )
  })

  test('has room again when enough is settled, and counts a message sent twice once', () => {
    const window = new SendWindow({ maxMessages: 2, maxBytes: 100 })
    const [one, two] = [message('1'), message('2')]
    window.add(one, 60)
    window.add(one, 60)
    expect([window.size, window.hasRoom(40), window.hasRoom(41)]).toEqual([1, true, false])
    window.add(two, 10)
    expect(window.hasRoom(1)).toBe(false)
    window.settle([one.id, hex(16)])
    expect([window.size, window.hasRoom(90)]).toEqual([1, true])
  })

  test('grows by what is answered, from its first size to its last', () => {
    const window = new SendWindow({ maxMessages: 100, maxBytes: 100, firstBytes: 20 })
    const [one, two, three] = [message('1'), message('2', { seq: 2 }), message('3', { seq: 3 })]
    window.add(one, 15)
    expect([window.hasRoom(5), window.hasRoom(6)]).toEqual([true, false])
    window.settle([one.id])
    window.add(two, 35)
    expect(window.hasRoom(1)).toBe(false)
    window.settleRanges([{ log: two.log, first: two.seq, last: two.seq }])
    window.add(three, 50)
    expect([window.hasRoom(20), window.hasRoom(21)]).toEqual([true, false])
    window.settle([three.id])
    window.add(message('4', { seq: 4 }), 10)
    expect([window.hasRoom(90), window.hasRoom(91)]).toEqual([true, false])
  })

  test('a message larger than the window passes alone', () => {
    expect(new SendWindow({ maxMessages: 1, maxBytes: 10 }).hasRoom(11)).toBe(true)
  })
})
