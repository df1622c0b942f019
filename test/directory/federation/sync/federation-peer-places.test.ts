// Who gets a place among directories that nobody named, whatever comes: no
// address prefix keeps others out, and nobody is kept out for good.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_FEDERATION_PEERS } from '../../../../src/directory/federation-frames.ts'
import {
  placeFor,
  type Stranger,
  FEDERATION_TURN_MS
} from '../../../../src/directory/federation/sync/federation-peer-places.ts'

const strangers = (holders: readonly string[], sinceMs = 0): Stranger[] =>
  holders.map((holder, n) => ({ peer: `${holder} ${n}`, holder, sinceMs: sinceMs + n }))
const sybils = Array.from({ length: MAX_FEDERATION_PEERS }, () => 'sybil')

describe('the places of directories that were not named', () => {
  it('are free for everyone while there are some, whichever prefix holds the rest', () => {
    expect(placeFor({ holder: 'sybil' }, strangers(sybils.slice(1)), 0)).toEqual({ is: 'free' })
  })

  it('are given to a new address prefix by the youngest directory of the prefix that has the most', () => {
    const verdict = placeFor({ holder: 'honest' }, strangers(sybils), 100)
    expect(verdict).toMatchObject({
      is: 'given',
      by: { peer: `sybil ${MAX_FEDERATION_PEERS - 1}` },
      held: MAX_FEDERATION_PEERS
    })
  })

  it('are not given to one more of the prefix that has the most, but for its turn', () => {
    const held = strangers(sybils)
    expect(placeFor({ holder: 'sybil' }, held, FEDERATION_TURN_MS - 1)).toEqual({ is: 'taken' })
    expect(placeFor({ holder: 'sybil' }, held, FEDERATION_TURN_MS)).toMatchObject({
      is: 'given',
      by: { peer: 'sybil 0' }
    })
  })

  it('are taken in turn where every prefix has one', () => {
    const held = strangers(Array.from({ length: MAX_FEDERATION_PEERS }, (_, n) => `prefix ${n}`))
    expect(placeFor({ holder: 'another' }, held, FEDERATION_TURN_MS - 1)).toEqual({ is: 'taken' })
    expect(placeFor({ holder: 'another' }, held, FEDERATION_TURN_MS)).toMatchObject({ is: 'given', held: 1 })
  })

  it('are never more than there may be, and a prefix with fewer never gives one to a prefix with more', () => {
    const holders = fc.array(fc.integer({ min: 0, max: 5 }).map(String), { maxLength: 100 })
    fc.assert(
      fc.property(holders, (arrivals) => {
        let held: Stranger[] = []
        for (const [n, holder] of arrivals.entries()) {
          const count = (of: string): number => held.filter((one) => one.holder === of).length
          const verdict = placeFor({ holder }, held, n)
          if (verdict.is === 'given') {
            expect(count(verdict.by.holder)).toBeGreaterThan(count(holder) + 1)
            held = held.filter((one) => one !== verdict.by)
          }
          if (verdict.is !== 'taken') held.push({ peer: String(n), holder, sinceMs: n })
          expect(held.length).toBeLessThanOrEqual(MAX_FEDERATION_PEERS)
        }
        // A holder that asks for an equal share has it.
        const asked = new Set(arrivals)
        const share = Math.floor(MAX_FEDERATION_PEERS / Math.max(1, asked.size))
        for (const holder of asked) {
          const wanted = arrivals.filter((one) => one === holder).length
          const has = held.filter((one) => one.holder === holder).length
          expect(has).toBeGreaterThanOrEqual(Math.min(wanted, share) - 1)
        }
      })
    )
  })
})
