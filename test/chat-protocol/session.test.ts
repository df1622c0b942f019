/** The pure session: any order of streams coming, carrying and ending keeps its promises. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SessionLogic } from '../../src/chat-protocol/session.ts'
import type { SessionEffect, SessionEvent } from '../../src/chat-protocol/session.ts'
import { sizedMessage } from '../../src/chat-protocol/frame-codec.ts'
import type { Dialect } from '../../src/chat-protocol/dialect.ts'
import type { Opener } from '../../src/wire/index.ts'

const id = fc.integer({ min: 1, max: 6 })
const event: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc.record({ kind: fc.constant('begun' as const), id }),
  fc.record({
    kind: fc.constant('ready' as const),
    stream: fc.record({
      id,
      openedBy: fc.constantFrom<Opener>('us', 'them'),
      dialect: fc.constantFrom<Dialect>('parley', 'parley', 'lines', 'framed-text')
    })
  }),
  fc.record({ kind: fc.constant('used' as const), id }),
  fc.record({ kind: fc.constant('ended' as const), id, why: fc.constantFrom(undefined, new Error('lost')) })
)

test('open and close alternate, and a session without a stream to send on waits for one that was begun', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.constantFrom<Opener>('us', 'them'), (events, preferred) => {
      const logic = new SessionLogic(preferred)
      let open: Dialect | undefined
      const alive = new Set<number>()
      const parley = new Set<number>()
      const begun = new Set<number>()
      for (const happened of events) {
        // A stream begins once, before anything else happens on it.
        if (happened.kind === 'begun') {
          if (alive.has(happened.id)) continue
          if (alive.size > 0) begun.add(happened.id)
        } else if (happened.kind === 'ready') begun.delete(happened.stream.id)
        else if (happened.kind === 'ended') begun.delete(happened.id)
        if (happened.kind === 'ready') {
          // A stream goes from plain to Parley when a Hello comes, and never the other way.
          if (alive.has(happened.stream.id) && parley.has(happened.stream.id)) continue
          alive.add(happened.stream.id)
          if (happened.stream.dialect === 'parley') parley.add(happened.stream.id)
          else parley.delete(happened.stream.id)
        }
        if (happened.kind === 'ended') alive.delete(happened.id)
        for (const effect of logic.step(happened, 0)) {
          if (effect.kind === 'open') {
            expect(open).toBeUndefined()
            open = effect.dialect
          } else if (effect.kind === 'close') {
            expect(open).toBeDefined()
            open = undefined
          } else if (effect.kind === 'resume') {
            expect(open).toBe('parley')
            expect(logic.sendOn).toBeDefined()
          } else {
            expect(effect.kind).toBe('drop')
            if (effect.kind === 'drop') alive.delete(effect.id)
          }
        }
        if (alive.size > 0) expect(open).toBeDefined()
        else if (open !== undefined) expect([open, begun.size > 0]).toEqual(['parley', true])
        else begun.clear()
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
        new SessionLogic(localIsSmaller ? 'us' : 'them'),
        new SessionLogic(localIsSmaller ? 'them' : 'us')
      ]
      const streams = [1, 2] as const
      // Stream 1 was opened here and stream 2 over there.
      for (const stream of localOrder ? streams : streams.toReversed()) {
        here.step(ready(stream, stream === 1 ? 'us' : 'them'), 0)
      }
      for (const stream of remoteOrder ? streams : streams.toReversed()) {
        there.step(ready(stream, stream === 1 ? 'them' : 'us'), 0)
      }
      expect(here.sendOn).toBe(localIsSmaller ? 1 : 2)
      expect(there.sendOn).toBe(here.sendOn)
    })
  )
})

describe('in Parley', () => {
  test('losing a stream that was used makes the session begin again on the other', () => {
    const logic = new SessionLogic('us')
    const why = new Error('cable')
    expect(logic.step(ready(1, 'us'), 0)).toEqual([opens('parley')])
    expect(logic.step(ready(2, 'them'), 0)).toEqual([])
    logic.step({ kind: 'used', id: 1 }, 0)
    expect(logic.step({ kind: 'ended', id: 1, why }, 0)).toEqual([{ kind: 'close', why }, opens('parley')])
    expect(logic.sendOn).toBe(2)
  })

  test('a stream that was used before the better one came counts as used', () => {
    const logic = new SessionLogic('them')
    logic.step(ready(1, 'us'), 0)
    logic.step({ kind: 'used', id: 1 }, 0)
    logic.step(ready(2, 'them'), 0)
    expect(logic.sendOn).toBe(2)
    expect(logic.step({ kind: 'ended', id: 1, why: undefined }, 0)).toEqual([
      { kind: 'close', why: undefined },
      opens('parley')
    ])
  })

  test('a newer stream of the same opener drops the old one; one of the other opener does not', () => {
    const logic = new SessionLogic('us')
    logic.step(ready(1, 'them'), 0)
    expect(logic.step(ready(2, 'us'), 0)).toEqual([])
    expect(logic.step(ready(3, 'them'), 0)).toEqual([{ kind: 'drop', id: 1 }])
    expect(logic.step({ kind: 'ended', id: 1, why: new Error('dropped') }, 0)).toEqual([])
  })

  test('a newer stream of the same opener resumes a session that has sent on the old one, and what it was given is sent again', () => {
    const logic = new SessionLogic('us')
    logic.step(ready(1, 'us'), 0)
    logic.step({ kind: 'used', id: 1 }, 0)
    const message = { id: '00'.repeat(16), log: '00'.repeat(8), seq: 1, sentAtMs: 0, text: 'where am I?' }
    const messages = [sizedMessage(message)]
    expect(logic.step({ kind: 'send', batch: 1, messages }, 0)).toMatchObject([{ kind: 'write', id: 1 }])
    expect(logic.step(ready(2, 'us'), 0)).toMatchObject([
      { kind: 'drop', id: 1 },
      { kind: 'unsent', batch: 1 },
      { kind: 'resume' }
    ])
    expect(logic.step({ kind: 'send', batch: 2, messages }, 0)).toMatchObject([{ kind: 'write', id: 2 }])
  })

  test('a stream that is lost while its successor is not ready ends no session', () => {
    const logic = new SessionLogic('us')
    logic.step(ready(1, 'them'), 0)
    logic.step({ kind: 'used', id: 1 }, 0)
    logic.step({ kind: 'begun', id: 2 }, 0)
    expect(logic.step({ kind: 'ended', id: 1, why: new Error('reset') }, 0)).toEqual([])
    expect(logic.sendOn).toBeUndefined()
    expect(logic.step(ready(2, 'them'), 0)).toEqual([{ kind: 'resume' }])
    expect(logic.sendOn).toBe(2)
  })

  test('a session that has waited resumes though nothing was sent before: what it was told meanwhile went out nowhere', () => {
    const logic = new SessionLogic('us')
    logic.step(ready(1, 'them'), 0)
    logic.step({ kind: 'begun', id: 2 }, 0)
    logic.step({ kind: 'ended', id: 1, why: undefined }, 0)
    expect(logic.step(ready(2, 'them'), 0)).toEqual([{ kind: 'resume' }])
  })

  test('a successor that never gets ready ends the session that waits for it, for the reason that it waits', () => {
    const logic = new SessionLogic('us')
    const why = new Error('cable')
    logic.step(ready(1, 'us'), 0)
    logic.step({ kind: 'used', id: 1 }, 0)
    logic.step({ kind: 'begun', id: 2 }, 0)
    logic.step({ kind: 'ended', id: 1, why }, 0)
    // Others that begin now prolong nothing.
    logic.step({ kind: 'begun', id: 3 }, 0)
    expect(logic.step({ kind: 'ended', id: 2, why: new Error('no Hello') }, 0)).toEqual([{ kind: 'close', why }])
  })

  test('it takes the place of plain streams, and no plain stream comes beside it', () => {
    const logic = new SessionLogic('us')
    logic.step(ready(1, 'us', 'lines'), 0)
    const close: SessionEffect = { kind: 'close', why: undefined }
    expect(logic.step(ready(2, 'them'), 0)).toEqual([{ kind: 'drop', id: 1 }, close, opens('parley')])
    expect(logic.step(ready(3, 'them', 'lines'), 0)).toEqual([{ kind: 'drop', id: 3 }])
  })
})

describe('in a plain dialect', () => {
  test('the answer goes on the newest stream that the peer opened, and falls back without a word', () => {
    const logic = new SessionLogic('us')
    logic.step(ready(1, 'us', 'lines'), 0)
    expect(logic.sendOn).toBe(1)
    logic.step(ready(2, 'them', 'lines'), 0)
    logic.step(ready(3, 'them', 'lines'), 0)
    expect(logic.sendOn).toBe(3)
    logic.step({ kind: 'used', id: 3 }, 0)
    expect(logic.step({ kind: 'ended', id: 3, why: undefined }, 0)).toEqual([])
    expect(logic.sendOn).toBe(2)
  })

  test('losing the stream in use makes the session begin again on the other, and losing one that was not used does not', () => {
    const logic = new SessionLogic('us')
    const why = new Error('cable')
    for (const stream of [1, 2, 3]) logic.step(ready(stream, 'them', 'lines'), 0)
    logic.step({ kind: 'used', id: 3 }, 0)
    expect(logic.step({ kind: 'ended', id: 3, why }, 0)).toEqual([{ kind: 'close', why }, opens('lines')])
    expect(logic.sendOn).toBe(2)
    expect(logic.step({ kind: 'ended', id: 2, why }, 0)).toEqual([])
    expect(logic.sendOn).toBe(1)
  })
})

function ready(stream: number, openedBy: Opener, dialect: Dialect = 'parley'): SessionEvent {
  return { kind: 'ready', stream: { id: stream, openedBy, dialect } }
}

function opens(dialect: Dialect): SessionEffect {
  return { kind: 'open', dialect }
}
