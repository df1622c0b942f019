import { expect, test } from 'vitest'
import { Backoff, backoffMs } from '../../src/lib/backoff.ts'

const settings = { firstMs: 500, maxMs: 30_000 }

test('waits double from the first to the longest, each shortened by at most a half', () => {
  const longest = new Backoff(settings, () => 0)
  const shortest = new Backoff(settings, () => 0.999_999)
  const full = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]
  for (const expected of full) {
    expect(longest.nextMs()).toBe(expected)
    expect(shortest.nextMs()).toBeCloseTo(expected / 2, 0)
  }
})

test('a reset begins again, and no number of failures overflows', () => {
  const backoff = new Backoff(settings, () => 0.999_999)
  for (let i = 0; i < 5_000; i++) expect(backoff.nextMs()).toBeLessThanOrEqual(settings.maxMs)
  backoff.reset()
  expect(backoff.nextMs()).toBe(250)
})

test('without jitter chance has no part in a wait', () => {
  const waits = [0, 1, 2, 40].map((failures) => backoffMs({ ...settings, jitter: 0 }, failures, () => 0.7))
  expect(waits).toEqual([500, 1_000, 2_000, 30_000])
})
