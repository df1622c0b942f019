// Which of the directories that the user did not name are used.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DIRECTORIES_IN_USE,
  betterChoice,
  mayTakePlace,
  type Candidate
} from '../../../src/node/directories/directory-places.ts'

const idle: Candidate = { origin: 'remembered', hasPlace: false, yields: false, isConnecting: false, refuses: false }
const used: Candidate = { ...idle, hasPlace: true }
const onItsWay: Candidate = { ...idle, isConnecting: true }

/** Whether the last of them may take a place. */
function lastMay(candidates: readonly Candidate[], hasPrecedence = false): boolean {
  const own = candidates.map((candidate) => ({ ...candidate }))
  const last = own.at(-1)
  return last !== undefined && mayTakePlace(last, own, hasPrecedence)
}

describe('a place', () => {
  it.each([
    ['is free while fewer than two are used', [used, idle], false, true],
    ['is taken when two are used', [used, used, idle], false, false],
    ['is kept at the start for those that are on their way before', [used, onItsWay, idle], true, false],
    ['is not kept for them for long', [used, onItsWay, idle], false, true],
    ['is free when one of two yields its own', [used, { ...used, yields: true }, idle], false, true],
    ['is not taken by one that refuses us', [used, { ...used, refuses: true }, idle], false, true],
    ['is always there for one that was named', [used, used, { ...idle, origin: 'named' as const }], false, true]
  ])('%s', (_what, candidates, hasPrecedence, may) => {
    expect(lastMay(candidates, hasPrecedence)).toBe(may)
  })

  it('is never taken by more than there are, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(7), { maxLength: 40 }), fc.boolean(), (turns, hasPrecedence) => {
        const all: Candidate[] = Array.from({ length: 8 }, () => ({ ...onItsWay }))
        for (const turn of turns) {
          const one = all[turn]
          if (one !== undefined && !one.hasPlace && mayTakePlace(one, all, hasPrecedence)) all[turn] = { ...used }
        }
        expect(all.filter(({ hasPlace }) => hasPlace).length).toBeLessThanOrEqual(DIRECTORIES_IN_USE)
      })
    )
  })
})

describe('a nearer directory', () => {
  const choose = (inUse: Record<string, number>, standby: Record<string, number>) =>
    betterChoice(new Map(Object.entries(inUse)), new Map(Object.entries(standby)))

  it('takes the place of the farthest one, if it is clearly nearer', () => {
    expect(choose({ a: 10, b: 90 }, { c: 30, d: 20 })).toEqual({ give: 'b', take: 'd' })
    expect(choose({ a: 10, b: 90 }, { c: 80 })).toBeUndefined()
    expect(choose({ a: 1, b: 8 }, { c: 1 })).toBeUndefined() // nobody feels that
    expect(choose({ a: 10 }, {})).toBeUndefined()
  })

  it('never changes places back and forth', () => {
    const distance = fc.double({ min: 0, max: 1_000, noNaN: true })
    fc.assert(
      fc.property(distance, distance, (a, b) => {
        expect(choose({ a }, { b }) !== undefined && choose({ b }, { a }) !== undefined).toBe(false)
      })
    )
  })
})
