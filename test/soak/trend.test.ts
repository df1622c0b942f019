/** A leak stands out from noise, and noise is not reported as a leak. */
import { expect, test } from 'vitest'
import { SeededRandom } from '../kill/seeded-random.ts'
import { trend, type Sample } from './trend.ts'

/** A heap: it rises until it is collected, and never twice to the same height. */
function heap(perStep: number, seed: number): Sample[] {
  const random = new SeededRandom(seed)
  return Array.from({ length: 120 }, (_, x) => ({
    x,
    y: 50e6 + perStep * x + (x % 7) * 2e5 + random.next() * 1_000_000
  }))
}

test('a slope is found within its bounds', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { slope, least, most } = trend(heap(20_000, seed))
    expect(least).toBeLessThan(slope)
    expect(least).toBeGreaterThan(0)
    expect(most).toBeGreaterThan(20_000 * 0.8)
  }
})

test('noise alone has no slope', () => {
  const wrong = Array.from({ length: 200 }, (_, seed) => trend(heap(0, seed + 1)).least).filter((least) => least > 0)
  // 99 % two-sided: of 200 one is above by chance.
  expect(wrong.length).toBeLessThanOrEqual(4)
})

test('fewer samples than blocks give no trend', () => {
  expect(() => trend([{ x: 0, y: 0 }])).toThrow('a trend needs')
})
