/** Whose handshake begins, and whose connection gives way, for any order of arrivals. Pure. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HandshakeQueue, type HandshakeLimits } from '../../src/transport/handshake-queue.ts'
import { addressClass } from '../../src/wire/index.ts'

const limits: HandshakeLimits = {
  maxPending: 8,
  maxRunning: 4,
  rate: { burst: 1_000, perSecond: 1_000 },
  firstBytesMs: 3_000,
  maxWaitMs: 2_000,
  stalledAfterMs: 1_000
}

const queueOf = (changed: Partial<HandshakeLimits> = {}) => new HandshakeQueue<string>({ ...limits, ...changed }, 0)

/** Everything that may begin at this time. */
function begun(queue: HandshakeQueue<string>, nowMs = 0): string[] {
  const all: string[] = []
  for (let turn = queue.next(nowMs); turn !== undefined; turn = queue.next(nowMs)) all.push(turn.begins)
  return all
}

describe('a full queue', () => {
  test('ends the oldest silent connection of the class with the most, and refuses no newcomer', () => {
    const queue = queueOf()
    for (let i = 0; i < 4; i++) queue.arrive(`a${i}`, 'a', i)
    for (let i = 0; i < 4; i++) queue.arrive(`b${i}`, 'b', 10 + i)
    queue.arrive('honest', 'c', 20)
    expect(queue.holders().map(({ count }) => count)).toEqual([4, 3, 1])
    queue.received('honest', 21)
    expect(queue.next(21)).toEqual({ begins: 'honest' })
  })

  test('counts all addresses of one IPv6 /64 as one', () => {
    const queue = queueOf()
    for (let i = 0; i < 4; i++) {
      queue.arrive(`one${i}`, addressClass('2001:db8::1'), 0)
      queue.arrive(`other${i}`, addressClass('2001:db8::2'), 0)
    }
    expect(queue.arrive('honest', addressClass('2001:db8:0:1::1'), 1)).toBe('one0')
    expect(queue.holders()).toHaveLength(2)
  })

  test('keeps what has sent something longer than what is silent, and a handshake in progress longest', () => {
    const queue = queueOf({ maxPending: 3 })
    for (const item of ['running', 'waiting', 'silent']) queue.arrive(item, 'a', 0)
    queue.received('running', 0)
    expect(queue.next(0)?.begins).toBe('running')
    queue.received('waiting', 1)
    expect(queue.arrive('x', 'b', 2)).toBe('silent')
    expect(queue.arrive('y', 'c', 2)).toBe('waiting')
    // Now each class has one: the newcomer's own silent connection is the one that may go.
    expect(queue.arrive('z', 'd', 2)).toBe('x')
    expect(queue.size).toBe(3)
  })
})

describe('turns', () => {
  test('go round the classes, however many connections one of them has', () => {
    const queue = queueOf({ maxPending: 100, maxRunning: 100 })
    for (let i = 0; i < 20; i++) {
      queue.arrive(`flood${i}`, 'flood', 0)
      queue.received(`flood${i}`, 0)
    }
    for (const item of ['b', 'c']) {
      queue.arrive(item, item, 1)
      queue.received(item, 1)
    }
    expect(begun(queue, 1).slice(0, 3).toSorted()).toEqual(['b', 'c', 'flood0'])
  })

  test('are taken from a handshake that has stalled', () => {
    const queue = queueOf()
    for (let i = 0; i < 4; i++) {
      queue.arrive(`stalls${i}`, 'a', 0)
      queue.received(`stalls${i}`, 0)
    }
    expect(begun(queue, 0)).toHaveLength(4)
    queue.received('stalls0', 500)
    queue.arrive('honest', 'b', 600)
    queue.received('honest', 600)
    expect(queue.next(1_000)).toBeUndefined()
    expect(queue.next(1_001)).toEqual({ begins: 'honest', ends: 'stalls1' })
  })

  test('are taken from those who keep all handshakes in progress by a byte now and then', () => {
    const queue = queueOf()
    for (let i = 0; i < 4; i++) {
      queue.arrive(`drips${i}`, 'a', 0)
      queue.received(`drips${i}`, 0)
    }
    expect(begun(queue, 0)).toHaveLength(4)
    queue.arrive('honest', 'b', 100)
    queue.received('honest', 100)
    queue.arrive('own', 'a', 100)
    queue.received('own', 100)
    for (let i = 0; i < 4; i++) queue.received(`drips${i}`, 900)
    expect(queue.next(1_000)).toBeUndefined()
    expect(queue.next(1_001)).toEqual({ begins: 'honest', ends: 'drips0' })
    queue.leave('honest')
    // What is free again goes to who waits; of its own kind nobody gives way.
    expect(queue.next(1_002)).toEqual({ begins: 'own' })
    queue.arrive('another', 'a', 1_003)
    queue.received('another', 1_003)
    expect(queue.next(1_100)).toBeUndefined()
  })

  test('come at the pace that is given, and no sooner', () => {
    const queue = queueOf({ rate: { burst: 2, perSecond: 10 } })
    for (const item of ['a', 'b', 'c']) {
      queue.arrive(item, item, 0)
      queue.received(item, 0)
    }
    expect(begun(queue, 0)).toEqual(['a', 'b'])
    expect(begun(queue, 99)).toEqual([])
    expect(begun(queue, 100)).toEqual(['c'])
  })
})

test('silence and waiting end in time, a running handshake has a deadline of its own', () => {
  const queue = queueOf({ maxRunning: 1 })
  for (const item of ['silent', 'waiting', 'running']) queue.arrive(item, item, 0)
  queue.received('running', 0)
  begun(queue, 0)
  queue.received('waiting', 500)
  expect(queue.takeOverdue(2_500)).toEqual([])
  expect(queue.takeOverdue(2_501)).toEqual([{ item: 'waiting', phase: 'waiting' }])
  expect(queue.takeOverdue(3_001)).toEqual([{ item: 'silent', phase: 'silent' }])
  expect([queue.size, queue.isWaiting]).toEqual([1, false])
})

test('a connection that a proxy forwards counts for the address in its header', () => {
  const queue = queueOf()
  queue.arrive('a', 'proxy', 0)
  queue.received('a', 0)
  queue.reassign('a', '203.0.113.7')
  expect(queue.holders()).toEqual([{ holder: '203.0.113.7', count: 1 }])
  expect(queue.next(0)).toEqual({ begins: 'a' })
  expect([queue.leave('a'), queue.leave('a'), queue.size]).toEqual([true, false, 0])
})

test('for any order of events the bounds hold, and nothing that has left has a turn', () => {
  const event = fc.record({
    does: fc.constantFrom('arrive', 'arrive', 'arrive', 'received', 'received', 'next', 'leave', 'overdue'),
    item: fc.nat(30),
    of: fc.nat(4),
    afterMs: fc.nat(700)
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), (events) => {
      const queue = new HandshakeQueue<number>(limits, 0)
      const pending = new Set<number>()
      const running = new Set<number>()
      let nowMs = 0
      const gone = (item: number | undefined): void => {
        if (item === undefined) return
        expect(pending.delete(item)).toBe(true)
        running.delete(item)
      }
      for (const { does, item, of, afterMs } of events) {
        nowMs += afterMs
        if (does === 'arrive' && !pending.has(item)) {
          pending.add(item)
          gone(queue.arrive(item, `class ${of}`, nowMs))
        } else if (does === 'received') queue.received(item, nowMs)
        else if (does === 'leave') {
          expect(queue.leave(item)).toBe(pending.delete(item))
          running.delete(item)
        } else if (does === 'overdue') for (const overdue of queue.takeOverdue(nowMs)) gone(overdue.item)
        else if (does === 'next') {
          const turn = queue.next(nowMs)
          gone(turn?.ends)
          if (turn !== undefined) {
            expect(pending.has(turn.begins) && !running.has(turn.begins)).toBe(true)
            running.add(turn.begins)
          }
        }
        expect(queue.size).toBe(pending.size)
        expect(queue.size).toBeLessThanOrEqual(limits.maxPending)
        expect(running.size).toBeLessThanOrEqual(limits.maxRunning)
      }
    })
  )
})

test('for any flood from two classes a newcomer of a third that speaks at once has its turn', () => {
  const flood = fc.array(fc.record({ of: fc.constantFrom('a', 'b'), speaks: fc.boolean() }), {
    minLength: 8,
    maxLength: 60
  })
  fc.assert(
    fc.property(flood, flood, (before, after) => {
      const queue = queueOf()
      const turns: (string | undefined)[] = []
      let nowMs = 0
      const arrive = ({ of, speaks }: { of: string; speaks: boolean }, name: string): void => {
        nowMs++
        queue.arrive(name, of, nowMs)
        if (speaks) queue.received(name, nowMs)
        turns.push(queue.next(nowMs)?.begins)
      }
      for (const [i, one] of before.entries()) arrive(one, `before${i}`)
      arrive({ of: 'c', speaks: true }, 'honest')
      for (const [i, one] of after.entries()) arrive(one, `after${i}`)
      // What still ran has stalled by now; the newcomer has waited for less than it may.
      for (let i = 0; i < 8; i++) turns.push(queue.next(nowMs + 1_001)?.begins)
      expect(turns).toContain('honest')
    })
  )
})
