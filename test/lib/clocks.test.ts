import { expect, test } from 'vitest'
import { ClockJumps } from '../../src/lib/index.ts'

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
