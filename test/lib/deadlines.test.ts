import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeadlineHeap } from '../../src/lib/deadlines.ts'

describe('the heap of deadlines', () => {
  it('always knows the first, however deadlines move', () => {
    const move = fc.record({ thing: fc.nat(9), atMs: fc.oneof(fc.nat(50), fc.constant(Infinity)), look: fc.boolean() })
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const due = new Map<number, number>()
        const heap = new DeadlineHeap<number>((thing) => due.get(thing) ?? Infinity)
        for (const { thing, atMs, look } of moves) {
          due.set(thing, atMs)
          heap.touch(thing)
          if (!look) continue
          const first = heap.first()
          expect(first?.atMs ?? Infinity).toBe(Math.min(...due.values()))
          if (first !== undefined) expect(due.get(first.thing)).toBe(first.atMs)
        }
      }),
      { numRuns: 500 }
    )
  })
})
