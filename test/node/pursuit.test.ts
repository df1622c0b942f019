import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Backoff } from '../../src/node/backoff.ts'
import { MIN_REDIAL_GAP_MS } from '../../src/node/constants.ts'
import { Pursuit } from '../../src/node/pursuit.ts'

const peer = 'somebody'
let attempts: number[]
let states: string[]
let outcome: 'fail' | 'open'
let session: boolean
let pursuit: Pursuit

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  attempts = []
  states = []
  outcome = 'fail'
  session = false
  pursuit = new Pursuit({
    hasSession: () => session,
    attempt: async () => {
      attempts.push(Date.now())
      if (outcome === 'fail') throw new Error('nothing listens there')
      session = true
    },
    backoff: () => new Backoff({ firstMs: 1_000, maxMs: 8_000 }, () => 0.999_999),
    onState: (_peer, state) => states.push(state.name),
    now: Date.now
  })
})

afterEach(async () => {
  const stopped = pursuit.stop()
  await vi.runAllTimersAsync()
  await stopped
  vi.useRealTimers()
})

test('tries again for ever, with longer and longer waits up to the longest', async () => {
  pursuit.want(peer)
  await vi.advanceTimersByTimeAsync(40_000)
  const waits = attempts.slice(1).map((at, i) => at - (attempts[i] ?? 0))
  expect(waits.map((wait) => Math.round(wait / 1_000))).toEqual([1, 2, 4, 8, 8, 8, 8])
})

test('news cuts the wait short, but a flood of news does not make a flood of tries', async () => {
  pursuit.want(peer)
  await vi.advanceTimersByTimeAsync(7_100)
  const before = attempts.length
  for (let i = 0; i < 100; i++) {
    pursuit.wake(peer)
    await vi.advanceTimersByTimeAsync(10)
  }
  const more = attempts.length - before
  expect(more).toBeGreaterThan(1)
  expect(more).toBeLessThanOrEqual(1_000 / MIN_REDIAL_GAP_MS + 1)
})

test('rests while there is a session, and tries again when it is lost', async () => {
  outcome = 'open'
  pursuit.want(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(attempts).toHaveLength(1)
  session = false
  pursuit.wake(peer)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(attempts).toHaveLength(2)
  expect(states).toEqual(['connecting', 'waiting', 'connecting'])
})

test('a peer that is no longer wanted is left alone', async () => {
  pursuit.want(peer)
  await vi.advanceTimersByTimeAsync(500)
  pursuit.unwant(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(attempts).toHaveLength(1)
  expect(pursuit.isWanted(peer)).toBe(false)
})

test('a peer that is reached and hangs up is not dialled again at once, though each dial is news of it', async () => {
  outcome = 'fail'
  const news = new Pursuit({
    hasSession: () => false,
    attempt: async () => {
      attempts.push(Date.now())
      news.wake(peer)
      throw new Error('the other side hung up')
    },
    backoff: () => new Backoff({ firstMs: 500, maxMs: 30_000 }, () => 0.999_999),
    onState: () => undefined,
    now: Date.now
  })
  news.want(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(attempts.length).toBeLessThan(50)
  news.unwant(peer)
})
