/** The pure session: any order of streams coming, carrying and ending keeps its promises. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SessionLogic } from '../../src/chat-protocol/session.ts'
import type { Opener, SessionEffect, SessionEvent } from '../../src/chat-protocol/session.ts'
import type { Dialect } from '../../src/chat-protocol/dialect.ts'

const id = fc.integer({ min: 1, max: 6 })
const event: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc.record({
    kind: fc.constant('ready' as const),
    stream: fc.record({
      id,
      opener: fc.constantFrom<Opener>('local', 'remote'),
      dialect: fc.constantFrom<Dialect>('parley', 'parley', 'lines', 'framed-text')
    })
  }),
  fc.record({ kind: fc.constant('used' as const), id }),
  fc.record({ kind: fc.constant('ended' as const), id, why: fc.constantFrom(undefined, new Error('lost')) })
)

test('open and close alternate, and there is a stream to send on exactly while a session is open', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.boolean(), (events, localIsSmaller) => {
      const logic = new SessionLogic({ localIsSmaller })
      let open: Dialect | undefined
      const alive = new Set<number>()
      const parley = new Set<number>()
      for (const happened of events) {
        if (happened.kind === 'ready') {
          // A stream goes from plain to Parley when a Hello comes, and never the other way.
          if (alive.has(happened.stream.id) && parley.has(happened.stream.id)) continue
          alive.add(happened.stream.id)
          if (happened.stream.dialect === 'parley') parley.add(happened.stream.id)
          else parley.delete(happened.stream.id)
        }
        if (happened.kind === 'ended') alive.delete(happened.id)
        for (const effect of logic.handle(happened)) {
          if (effect.kind === 'open') {
            expect(open).toBeUndefined()
            open = effect.dialect
          } else if (effect.kind === 'close') {
            expect(open).toBeDefined()
            open = undefined
          } else {
            alive.delete(effect.id)
          }
        }
        expect(open !== undefined).toBe(alive.size > 0)
        expect(logic.sendOn !== undefined).toBe(alive.size > 0)
        if (logic.sendOn !== undefined) {
          expect(alive).toContain(logic.sendOn)
          expect(parley.has(logic.sendOn)).toBe(open === 'parley')
        }
        expect([...alive].filter((stream) => parley.has(stream)).length).toBeLessThanOrEqual(2)
      }
    }),
    { numRuns: 1000 }
  )
})

test('both sides send on the same stream, whatever the order in which they see the two', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.boolean(), (localIsSmaller, localOrder, remoteOrder) => {
      const [here, there] = [
        new SessionLogic({ localIsSmaller }),
        new SessionLogic({ localIsSmaller: !localIsSmaller })
      ]
      const streams = [1, 2] as const
      // Stream 1 was opened here and stream 2 over there.
      for (const stream of localOrder ? streams : streams.toReversed()) {
        here.handle(ready(stream, stream === 1 ? 'local' : 'remote'))
      }
      for (const stream of remoteOrder ? streams : streams.toReversed()) {
        there.handle(ready(stream, stream === 1 ? 'remote' : 'local'))
      }
      expect(here.sendOn).toBe(localIsSmaller ? 1 : 2)
      expect(there.sendOn).toBe(here.sendOn)
    })
  )
})

describe('in Parley', () => {
  test('losing a stream that was used makes the session begin again on the other', () => {
    const logic = new SessionLogic({ localIsSmaller: true })
    const why = new Error('cable')
    expect(logic.handle(ready(1, 'local'))).toEqual([opens('parley')])
    expect(logic.handle(ready(2, 'remote'))).toEqual([])
    logic.handle({ kind: 'used', id: 1 })
    expect(logic.handle({ kind: 'ended', id: 1, why })).toEqual([{ kind: 'close', why }, opens('parley')])
    expect(logic.sendOn).toBe(2)
  })

  test('a stream that was used before the better one came counts as used', () => {
    const logic = new SessionLogic({ localIsSmaller: false })
    logic.handle(ready(1, 'local'))
    logic.handle({ kind: 'used', id: 1 })
    logic.handle(ready(2, 'remote'))
    expect(logic.sendOn).toBe(2)
    expect(logic.handle({ kind: 'ended', id: 1, why: undefined })).toEqual([
      { kind: 'close', why: undefined },
      opens('parley')
    ])
  })

  test('a newer stream of the same opener drops the old one; one of the other opener does not', () => {
    const logic = new SessionLogic({ localIsSmaller: true })
    logic.handle(ready(1, 'remote'))
    expect(logic.handle(ready(2, 'local'))).toEqual([])
    expect(logic.handle(ready(3, 'remote'))).toEqual([{ kind: 'drop', id: 1 }])
    expect(logic.handle({ kind: 'ended', id: 1, why: new Error('dropped') })).toEqual([])
  })

  test('it takes the place of plain streams, and no plain stream comes beside it', () => {
    const logic = new SessionLogic({ localIsSmaller: true })
    logic.handle(ready(1, 'local', 'lines'))
    const close: SessionEffect = { kind: 'close', why: undefined }
    expect(logic.handle(ready(2, 'remote'))).toEqual([{ kind: 'drop', id: 1 }, close, opens('parley')])
    expect(logic.handle(ready(3, 'remote', 'lines'))).toEqual([{ kind: 'drop', id: 3 }])
  })
})

describe('in a plain dialect', () => {
  test('the answer goes on the newest stream that the peer opened, and falls back without a word', () => {
    const logic = new SessionLogic({ localIsSmaller: true })
    logic.handle(ready(1, 'local', 'lines'))
    expect(logic.sendOn).toBe(1)
    logic.handle(ready(2, 'remote', 'lines'))
    logic.handle(ready(3, 'remote', 'lines'))
    expect(logic.sendOn).toBe(3)
    logic.handle({ kind: 'used', id: 3 })
    expect(logic.handle({ kind: 'ended', id: 3, why: undefined })).toEqual([])
    expect(logic.sendOn).toBe(2)
  })

  test('losing the stream in use makes the session begin again on the other, and losing one that was not used does not', () => {
    const logic = new SessionLogic({ localIsSmaller: true })
    const why = new Error('cable')
    for (const stream of [1, 2, 3]) logic.handle(ready(stream, 'remote', 'lines'))
    logic.handle({ kind: 'used', id: 3 })
    expect(logic.handle({ kind: 'ended', id: 3, why })).toEqual([{ kind: 'close', why }, opens('lines')])
    expect(logic.sendOn).toBe(2)
    expect(logic.handle({ kind: 'ended', id: 2, why })).toEqual([])
    expect(logic.sendOn).toBe(1)
  })
})

function ready(stream: number, opener: Opener, dialect: Dialect = 'parley'): SessionEvent {
  return { kind: 'ready', stream: { id: stream, opener, dialect } }
}

function opens(dialect: Dialect): SessionEffect {
  return { kind: 'open', dialect }
}
