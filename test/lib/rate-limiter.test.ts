import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RateLimiter } from '../../src/wire/index.ts'

test('never gives more than the burst and what has been refilled since', () => {
  const step = fc.record({ waitMs: fc.nat(2000), wanted: fc.nat(40) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const rates = new RateLimiter({ perSecond: 5, burst: 20 }, 4)
      let nowMs = 0
      let given = 0
      for (const { waitMs, wanted } of steps) {
        nowMs += waitMs
        given += rates.of('peer', nowMs).take(wanted, nowMs)
        expect(given).toBeLessThanOrEqual(20 + (nowMs * 5) / 1000)
      }
    })
  )
})

test('after the time to wait that it names there is room', () => {
  const rates = new RateLimiter({ perSecond: 50, burst: 500 }, 4)
  expect(rates.of('peer', 0).take(600, 0)).toBe(500)
  const waitMs = rates.of('peer', 0).waitMs(100, 0)
  expect(waitMs).toBe(2000)
  expect(rates.of('peer', waitMs).take(100, waitMs)).toBe(100)
})

test('is kept for a bounded number of peers, and forgets the recovered first', () => {
  const rates = new RateLimiter({ perSecond: 1, burst: 2 }, 2)
  rates.of('busy', 10_000).take(2, 10_000)
  for (let peer = 0; peer < 100; peer++) rates.of(`visitor ${peer}`, 10_000)
  expect(rates.of('busy', 10_000).take(1, 10_000)).toBe(0)
})
