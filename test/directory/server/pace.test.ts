import { describe, expect, it } from 'vitest'
import {
  PATIENT_AFTER_MS,
  REDIAL_JITTER,
  RedialDelay,
  PATIENT_REDIAL_MS,
  REDIAL_MS
} from '../../../src/directory/redial-delay.ts'

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
