// What looks around regularly is woken at the same moments, whenever it began.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { alignedInterval } from '../../src/lib/aligned-interval.ts'

const ends: (() => void)[] = []
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  for (const end of ends.splice(0)) end()
  vi.useRealTimers()
})

/** @returns when it was called, in milliseconds of the clock */
function calls(periodMs: number): readonly number[] {
  const atMs: number[] = []
  ends.push(alignedInterval(() => atMs.push(performance.now()), periodMs))
  return atMs
}

test('what began at different moments is called at the same ones', () => {
  vi.advanceTimersByTime(1_234)
  const early = calls(1_000)
  vi.advanceTimersByTime(321)
  const late = calls(1_000)
  const rare = calls(3_000)
  vi.advanceTimersByTime(7_000)
  expect(late).toEqual([2_000, 3_000, 4_000, 5_000, 6_000, 7_000, 8_000])
  expect(early).toEqual(late)
  expect(rare).toEqual([3_000, 6_000])
})

test('calls that a process has missed are not made up for', () => {
  const atMs = calls(1_000)
  vi.advanceTimersByTime(1_000)
  const now = performance.now.bind(performance)
  // It stands still for three and a half seconds before its timer is looked at.
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 3_500)
  vi.advanceTimersByTime(2_000)
  clock.mockRestore()
  expect(atMs).toEqual([1_000, 5_500, 6_000])
})

test('it ends, also from within a call', () => {
  let count = 0
  const end = alignedInterval(() => {
    count++
    end()
  }, 1_000)
  vi.advanceTimersByTime(10_000)
  expect(count).toBe(1)
  expect(vi.getTimerCount()).toBe(0)
})
