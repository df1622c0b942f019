import { expect, test } from 'vitest'
import { AwakeClock, ClockJumps } from '../../src/lib/index.ts'

const year = 365 * 86_400_000

test('time that passes counts, and a clock that is set forth or back does not', () => {
  const clock = new ClockJumps(1_000_000, 0)
  expect(clock.withoutJumps(1_060_000, 60_000)).toBe(1_060_000)
  expect(clock.withoutJumps(1_120_000 + year, 120_000)).toBe(1_120_000)
  expect(clock.withoutJumps(1_180_000 + year, 180_000)).toBe(1_180_000)
  expect(clock.withoutJumps(1_240_000, 240_000)).toBe(1_240_000)
  expect(clock.withoutJumps(1_300_000 - year, 300_000)).toBe(1_300_000)
})

test('a clock that is corrected little by little is believed', () => {
  const clock = new ClockJumps(0, 0)
  expect(clock.withoutJumps(60_500, 60_000)).toBe(60_500)
})

test('time in which the process stood still is left out, and the clock never goes back', () => {
  let steadyMs = 1_000
  const clock = new AwakeClock(() => steadyMs, 100)
  const shown: number[] = []
  const after = (ms: number): number => {
    steadyMs += ms
    shown.push(clock.nowMs())
    clock.look()
    shown.push(clock.nowMs())
    return clock.nowMs()
  }
  expect([after(100), after(150), after(100)]).toEqual([1_100, 1_250, 1_350])
  expect([after(10_000), after(100)]).toEqual([1_550, 1_650])
  steadyMs += 60_000
  clock.resume()
  expect(after(100)).toBeGreaterThanOrEqual(1_750)
  expect(shown).toEqual(shown.toSorted((a, b) => a - b))
})
