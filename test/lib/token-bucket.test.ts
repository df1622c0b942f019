import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TokenBucket } from '../../src/wire/index.ts'

test('lets a burst pass at once, and then so much per second', () => {
  const bucket = new TokenBucket({ burst: 5, perSecond: 2 }, 0)
  expect(bucket.take(7, 0)).toBe(5)
  expect(bucket.take(1, 0)).toBe(0)
  expect(bucket.waitMs(1, 0)).toBe(500)
  expect(bucket.take(3, 1_000)).toBe(2)
  expect(bucket.isFull(1_000)).toBe(false)
  expect(bucket.isFull(10_000)).toBe(true)
})

test('tells for one how long it has to wait', () => {
  const bucket = new TokenBucket({ burst: 2, perSecond: 2 }, 0)
  expect([0, 0, 0, 250, 500].map((nowMs) => bucket.takeOne(nowMs))).toEqual([0, 0, 500, 250, 0])
})

test('a clock that is set back neither refills nor takes away', () => {
  const bucket = new TokenBucket({ burst: 5, perSecond: 1 }, 10_000)
  expect(bucket.take(4, 10_000)).toBe(4)
  expect(bucket.take(5, 0)).toBe(1)
  expect(bucket.take(5, 10_000)).toBe(0)
  expect(bucket.take(5, 11_000)).toBe(1)
})

test('never lets more pass than a burst and the time that went by allow', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ stepMs: fc.nat(5_000), wanted: fc.nat(50) })), (takes) => {
      const rate = { burst: 20, perSecond: 10 }
      const bucket = new TokenBucket(rate, 0)
      let nowMs = 0
      let passed = 0
      for (const { stepMs, wanted } of takes) {
        nowMs += stepMs
        passed += bucket.take(wanted, nowMs)
      }
      expect(passed).toBeLessThanOrEqual(rate.burst + (nowMs * rate.perSecond) / 1_000 + 1e-6)
    })
  )
})
