import { describe, expect, it } from 'vitest'
import { PATIENT_AFTER_MS, PATIENT_REDIAL_MS, REDIAL_JITTER, REDIAL_MS } from '../../src/directory/constants.ts'
import { RateLimit } from '../../src/directory/rate-limit.ts'
import { RedialDelay } from '../../src/directory/redial-delay.ts'

describe('the delay before a directory is dialled again', () => {
  it('doubles up to two seconds in the first minute, then stays patient for ever', () => {
    const delay = new RedialDelay()
    const waits: number[] = []
    for (let nowMs = 0; nowMs < PATIENT_AFTER_MS + 60_000; nowMs += waits.at(-1) ?? 0) {
      waits.push(delay.next(nowMs, () => 0))
    }
    expect(waits.slice(0, 5)).toEqual([250, 500, 1_000, REDIAL_MS.max, REDIAL_MS.max])
    expect(waits.slice(-5)).toEqual(Array.from({ length: 5 }, () => PATIENT_REDIAL_MS))
  })

  it('is shortened at random, but never to nothing', () => {
    expect(new RedialDelay().next(0, () => 0.999)).toBeGreaterThanOrEqual(REDIAL_MS.first * (1 - REDIAL_JITTER))
  })

  it('begins anew after a reset', () => {
    const delay = new RedialDelay()
    delay.next(0, () => 0)
    delay.next(PATIENT_AFTER_MS, () => 0)
    delay.reset()
    expect(delay.next(PATIENT_AFTER_MS + 1, () => 0)).toBe(REDIAL_MS.first)
  })
})

describe('a rate', () => {
  it('lets a burst pass, then so many a second, and says how long to wait', () => {
    const rate = new RateLimit({ burst: 2, perSecond: 2 }, 0)
    expect([rate.take(0), rate.take(0), rate.take(0)]).toEqual([0, 0, 500])
    expect([rate.take(499), rate.take(500), rate.take(500)]).toEqual([1, 0, 500])
    expect([rate.take(60_000), rate.take(60_000), rate.take(60_000)]).toEqual([0, 0, 500])
  })

  it('is not fooled by a clock that goes back', () => {
    const rate = new RateLimit({ burst: 1, perSecond: 1 }, 1_000)
    expect([rate.take(1_000), rate.take(0), rate.take(1)]).toEqual([0, 1_000, 999])
  })
})
