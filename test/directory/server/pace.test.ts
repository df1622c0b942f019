import { describe, expect, it } from 'vitest'
import { DirectoryRefusedError } from '../../../src/directory/directory-frames.ts'
import { PATIENT_AFTER_MS, REDIAL_JITTER, RedialDelay } from '../../../src/directory/redial-delay.ts'

const [firstMs, mostMs, patientMs] = [250, 2_000, 7_000]

describe('the delay before a directory is dialled again', () => {
  it('doubles up to two seconds in the first minute, then stays patient for ever', () => {
    const delay = new RedialDelay()
    const waits: number[] = []
    for (let nowMs = 0; nowMs < PATIENT_AFTER_MS + 60_000; nowMs += waits.at(-1) ?? 0) {
      waits.push(delay.next(nowMs, () => 0))
    }
    expect(waits.slice(0, 5)).toEqual([firstMs, 500, 1_000, mostMs, mostMs])
    expect(waits.slice(-5)).toEqual(Array.from({ length: 5 }, () => patientMs))
  })

  it('is shortened at random, but never to nothing', () => {
    expect(new RedialDelay().next(0, () => 0.999)).toBeGreaterThanOrEqual(firstMs * (1 - REDIAL_JITTER))
  })

  it('begins anew after a reset', () => {
    const delay = new RedialDelay()
    delay.next(0, () => 0)
    delay.next(PATIENT_AFTER_MS, () => 0)
    delay.reset()
    expect(delay.next(PATIENT_AFTER_MS + 1, () => 0)).toBe(firstMs)
  })

  it('begins anew after a session that lasted, and goes on after one that did not', () => {
    const delay = new RedialDelay()
    delay.next(0, () => 0)
    delay.lasted(10)
    expect(delay.next(0, () => 0)).toBe(2 * firstMs)
    delay.lasted(60_000)
    expect(delay.next(0, () => 0)).toBe(firstMs)
  })

  it('is what the directory asks for, spread out where all its clients come back at once', () => {
    const wait = (reason: DirectoryRefusedError['reason'], chance: number) =>
      new RedialDelay().afterRefusal(new DirectoryRefusedError(reason, 10_000), () => chance)
    expect(wait('full', 0.9)).toBe(10_000)
    expect(wait('going-down', 0)).toBe(10_000)
    expect(wait('going-down', 0.9)).toBeGreaterThan(11_000)
  })
})
