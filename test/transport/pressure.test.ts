/** Reports of too many connections: two for each episode, whatever happens in it. Pure. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_PRESSURE_CLASSES, PRESSURE_QUIET_MS, PressureEpisodes } from '../../src/transport/connection-guard.ts'

test('an episode names the class with most of the connections that gave way, and lasts until the last of them', () => {
  const episodes = new PressureEpisodes()
  expect(episodes.gaveWay('a', 1_000)).toBe(true)
  for (let i = 0; i < 3; i++) expect(episodes.gaveWay('b', 5_000)).toBe(false)
  expect(episodes.takeEnd(5_000 + PRESSURE_QUIET_MS - 1)).toBeUndefined()
  expect(episodes.takeEnd(5_000 + PRESSURE_QUIET_MS)).toEqual({ from: 'b', ended: 4, endedFrom: 3, lastedMs: 4_000 })
  expect(episodes.isOpen).toBe(false)
  expect(episodes.takeEnd(1_000_000)).toBeUndefined()
})

test('a flood from ever new addresses is one episode, and a bounded part of it is counted by address', () => {
  const episodes = new PressureEpisodes()
  const begins = Array.from({ length: 2 * MAX_PRESSURE_CLASSES }, (_, i) => episodes.gaveWay(`class ${i}`, i))
  expect(begins.filter(Boolean)).toHaveLength(1)
  expect(episodes.takeEnd(1_000_000)).toMatchObject({ from: 'class 0', ended: 2 * MAX_PRESSURE_CLASSES, endedFrom: 1 })
})

test('for any times every episode that begins ends once, with at most two reports in the quiet time', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2 * PRESSURE_QUIET_MS), { maxLength: 50 }), (gaps) => {
      const episodes = new PressureEpisodes()
      const begun: number[] = []
      const ended: number[] = []
      let nowMs = 0
      for (const gap of gaps) {
        nowMs += gap
        if (episodes.takeEnd(nowMs) !== undefined) ended.push(nowMs)
        if (episodes.gaveWay('a', nowMs)) begun.push(nowMs)
      }
      expect(begun.length - ended.length).toBe(episodes.isOpen ? 1 : 0)
      for (const [i, atMs] of begun.slice(1).entries()) {
        expect(atMs - (begun[i] ?? 0)).toBeGreaterThanOrEqual(PRESSURE_QUIET_MS)
      }
    })
  )
})
