import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Backoff } from '../../../src/lib/backoff.ts'
import {
  DIALS_KEPT_FREE,
  LATELY_HEARD_MS,
  MAX_RECONNECTS_AT_ONCE,
  MIN_REDIAL_GAP_MS,
  STEADY_SESSION_MS,
  OUTDATED_TRY_MS,
  URGENT_REDIAL_MAX_MS,
  Reconnect
} from '../../../src/node/messaging/reconnect.ts'
import { orAborted } from '../../../src/wire/index.ts'
import { REDIAL_BACKOFF } from '../../../src/node/messaging/peer-sessions.ts'

const peer = 'somebody'
/** A dial that nobody answers. */
const hangMs = 5_000
let attempts: number[]
let states: string[]
let lacks: unknown[]
let futile: string[]
let outcome: 'fail' | 'open' | 'never' | 'hang' | 'nowhere'
let session: boolean
let urgent: boolean
let reconnect: Reconnect

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  attempts = []
  states = []
  lacks = []
  futile = []
  outcome = 'fail'
  session = false
  urgent = false
  reconnect = new Reconnect({
    hasSession: () => session,
    isUrgent: () => urgent,
    attempt: async (_peer, { signal }) => {
      attempts.push(Date.now())
      if (outcome === 'hang') {
        await orAborted(new Promise((resolve) => void setTimeout(resolve, hangMs)), signal)
        throw new Error('nobody answers')
      }
      if (outcome === 'never') throw new RangeError('that is no peer')
      if (outcome === 'nowhere') throw new SyntaxError('no address is known')
      if (outcome === 'fail') throw new Error('nothing listens there')
      session = true
    },
    isFutile: (error) => error instanceof RangeError,
    lacksAddress: (error) => error instanceof SyntaxError,
    onFutile: (id) => futile.push(id),
    backoff: () => new Backoff({ firstMs: 1_000, maxMs: 8_000 }, () => 0),
    onState: (_peer, state) => {
      states.push(state.name)
      if (state.name === 'waiting') lacks.push(state.lacksAddress)
    },
    now: Date.now
  })
})

afterEach(async () => {
  const stopped = reconnect.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  await stopped
  vi.useRealTimers()
})

test('tries again for ever, with longer and longer waits up to the longest', async () => {
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(40_000)
  const waits = attempts.slice(1).map((at, i) => at - (attempts[i] ?? 0))
  expect(waits.map((wait) => Math.round(wait / 1_000))).toEqual([1, 2, 4, 8, 8, 8, 8])
})

test('a wait says whether no address is known', async () => {
  outcome = 'nowhere'
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(0)
  outcome = 'fail'
  await vi.advanceTimersByTimeAsync(2_000)
  expect(lacks).toEqual([true, undefined])
})

test('news cuts the wait short, but a flood of news does not make a flood of tries', async () => {
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(7_100)
  const before = attempts.length
  for (let i = 0; i < 100; i++) {
    reconnect.wake(peer)
    await vi.advanceTimersByTimeAsync(10)
  }
  const more = attempts.length - before
  expect(more).toBeGreaterThan(1)
  expect(more).toBeLessThanOrEqual(1_000 / MIN_REDIAL_GAP_MS + 1)
})

test('rests while there is a session, and tries again when it is lost', async () => {
  outcome = 'open'
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(attempts).toHaveLength(1)
  session = false
  reconnect.wake(peer)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(attempts).toHaveLength(2)
  expect(states).toEqual(['connecting', 'waiting', 'connecting'])
})

/** A peer that was away for long is reached, `meanwhile` happens, and its session is lost. @returns dials in a second */
async function dialsAfterShortSession(meanwhile: () => void): Promise<number> {
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(31_000)
  outcome = 'open'
  await vi.advanceTimersByTimeAsync(8_000)
  const opened = attempts.length
  outcome = 'fail'
  meanwhile()
  session = false
  reconnect.wake(peer)
  await vi.advanceTimersByTimeAsync(1_100)
  return attempts.length - opened
}

test('a receipt begins the back-off anew, however short the session was', async () => {
  expect(await dialsAfterShortSession(() => reconnect.progressed(peer))).toBe(1)
})

test('a Hello alone does not: a peer that says it and hangs up waits on', async () => {
  expect(await dialsAfterShortSession(() => undefined)).toBe(0)
})

test('a session that lasted begins the back-off anew, whatever was said in it', async () => {
  expect(await dialsAfterShortSession(() => vi.setSystemTime(Date.now() + STEADY_SESSION_MS))).toBe(1)
})

test('a peer that is no longer wanted is left alone', async () => {
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(500)
  reconnect.unwant(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(attempts).toHaveLength(1)
  expect(reconnect.isWanted(peer)).toBe(false)
})

test('a peer that is reached and hangs up is not dialled again at once, though each dial is news of it', async () => {
  outcome = 'fail'
  const news = new Reconnect({
    hasSession: () => false,
    isUrgent: () => true,
    attempt: async (_peer, { signal }) => {
      attempts.push(Date.now())
      if (outcome === 'hang') {
        await orAborted(new Promise((resolve) => void setTimeout(resolve, hangMs)), signal)
        throw new Error('nobody answers')
      }
      news.wake(peer)
      throw new Error('the other side hung up')
    },
    isFutile: () => false,
    onFutile: () => undefined,
    backoff: () => new Backoff({ firstMs: 500, maxMs: 30_000 }, () => 0),
    onState: () => undefined,
    now: Date.now
  })
  news.want(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(attempts.length).toBeLessThan(50)
  news.unwant(peer)
})

test('a peer that can never be had is told of once, and not tried again before it is wanted anew', async () => {
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(500)
  outcome = 'never'
  await vi.advanceTimersByTimeAsync(60_000)
  expect(attempts).toHaveLength(2)
  expect(futile).toEqual([peer])
  expect(reconnect.isWanted(peer)).toBe(false)
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(futile).toEqual([peer, peer])
})

test('a peer that is looked at is tried more often than one that is only waited for', async () => {
  const tries = async (isUrgent: boolean): Promise<number> => {
    let count = 0
    const search = new Reconnect({
      hasSession: () => false,
      isUrgent: () => isUrgent,
      attempt: async () => {
        count++
        throw new Error('nothing listens there')
      },
      isFutile: () => false,
      onFutile: () => undefined,
      backoff: () => new Backoff(REDIAL_BACKOFF, () => 0.5),
      onState: () => undefined,
      now: Date.now
    })
    search.want(peer)
    await vi.advanceTimersByTimeAsync(3_600_000)
    await search.stop()
    return count
  }
  const often = await tries(true)
  expect(often).toBeGreaterThanOrEqual(3_600_000 / URGENT_REDIAL_MAX_MS)
  expect(await tries(false)).toBeLessThan(often / 4)
})

test('a peer that was talked with a moment ago is tried often, and later as any other', async () => {
  const tries: number[] = []
  const search = new Reconnect({
    hasSession: () => false,
    isUrgent: () => false,
    attempt: async () => {
      tries.push(Date.now())
      throw new Error('nothing listens there')
    },
    isFutile: () => false,
    onFutile: () => undefined,
    backoff: () => new Backoff(REDIAL_BACKOFF, () => 0),
    onState: () => undefined,
    now: Date.now
  })
  // All was delivered, so it was looked for no longer; then it was killed, and something is written to it.
  search.progressed(peer)
  search.want(peer)
  await vi.advanceTimersByTimeAsync(3 * LATELY_HEARD_MS)
  await search.stop()
  const waits = tries.slice(1).map((at, index) => ({ at, waitMs: at - (tries[index] ?? 0) }))
  const lately = waits.filter(({ at }) => at < LATELY_HEARD_MS).map(({ waitMs }) => waitMs)
  expect(Math.max(...lately)).toBe(URGENT_REDIAL_MAX_MS)
  expect(waits.at(-1)?.waitMs).toBeGreaterThan(4 * URGENT_REDIAL_MAX_MS)
})

test('many absent peers are not dialled all at once', async () => {
  let dialling = 0
  let most = 0
  const search = new Reconnect({
    hasSession: () => false,
    isUrgent: () => false,
    attempt: async () => {
      most = Math.max(most, ++dialling)
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      dialling--
      throw new Error('nothing answered')
    },
    isFutile: () => false,
    onFutile: () => undefined,
    backoff: () => new Backoff(REDIAL_BACKOFF),
    onState: () => undefined,
    now: Date.now
  })
  for (let i = 0; i < 100; i++) search.want(`peer ${i}`)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(most).toBe(MAX_RECONNECTS_AT_ONCE - DIALS_KEPT_FREE[2])
  const stopped = search.stop()
  await vi.advanceTimersByTimeAsync(5_000)
  await stopped
})

/** A search for peers that never answer, but for one. */
function among(absentCount: number, { friend, onScreen }: { friend: string; onScreen: boolean }) {
  const reached: number[] = []
  const search = new Reconnect({
    hasSession: (id) => id === friend && reached.length > 0,
    isUrgent: (id) => onScreen && id === friend,
    attempt: async (id) => {
      if (id === friend) {
        reached.push(Date.now())
        return
      }
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      throw new Error('nothing answered')
    },
    isFutile: () => false,
    onFutile: () => undefined,
    backoff: () => new Backoff(REDIAL_BACKOFF, () => 0.5),
    onState: () => undefined,
    now: Date.now
  })
  for (let i = 0; i < absentCount; i++) search.want(`absent ${i}`, { isNew: false })
  const stop = async (): Promise<void> => {
    const stopped = search.stop()
    await vi.advanceTimersByTimeAsync(5_000)
    await stopped
  }
  return { search, reached, stop }
}

test('a peer that was just written to does not wait behind a thousand that do not answer', async () => {
  const { search, reached, stop } = among(1_000, { friend: 'friend', onScreen: false })
  await vi.advanceTimersByTimeAsync(10_000)
  search.want('friend')
  await vi.advanceTimersByTimeAsync(1)
  expect(reached).toEqual([10_000])
  await stop()
})

test('a peer that waits in line is dialled as soon as it is heard of', async () => {
  const { search, reached, stop } = among(1_000, { friend: 'friend', onScreen: false })
  search.want('friend', { isNew: false })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(reached).toEqual([])
  search.wake('friend')
  await vi.advanceTimersByTimeAsync(1)
  expect(reached).toEqual([10_000])
  await stop()
})

test('a conversation on the screen goes before all others that were just heard of', async () => {
  const { search, reached, stop } = among(1_000, { friend: 'friend', onScreen: true })
  await vi.advanceTimersByTimeAsync(10_000)
  for (let i = 0; i < 1_000; i++) search.wake(`absent ${i}`)
  search.want('friend')
  await vi.advanceTimersByTimeAsync(1)
  expect(reached).toEqual([10_000])
  await stop()
})

test('peers that were reached before go before those that never were', async () => {
  const { search, reached, stop } = among(1_000, { friend: 'friend', onScreen: false })
  search.want('friend', { isNew: false, wasReached: true })
  await vi.advanceTimersByTimeAsync(5_001)
  expect(reached).toHaveLength(1)
  await stop()
})

test('a try that the network has changed under begins anew, after the time of one that leads anywhere', async () => {
  outcome = 'hang'
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(300)
  reconnect.wakeAll()
  await vi.advanceTimersByTimeAsync(OUTDATED_TRY_MS - 400)
  expect(attempts).toEqual([0])
  await vi.advanceTimersByTimeAsync(200)
  expect(attempts).toEqual([0, OUTDATED_TRY_MS])
})

test('a relay that comes into use ends no try, and the wait after one', async () => {
  outcome = 'hang'
  reconnect.want(peer)
  for (let i = 0; i < (hangMs - 100) / 100; i++) {
    reconnect.relayCame()
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(attempts).toEqual([0])
  await vi.advanceTimersByTimeAsync(100)
  reconnect.relayCame()
  await vi.advanceTimersByTimeAsync(MIN_REDIAL_GAP_MS + 10)
  expect(attempts).toHaveLength(2)
})

test('a network that changes all the time leaves every second try its whole time', async () => {
  outcome = 'hang'
  reconnect.want(peer)
  for (let i = 0; i < 100; i++) {
    reconnect.wakeAll()
    await vi.advanceTimersByTimeAsync(100)
  }
  const waits = attempts.slice(1).map((at, i) => at - (attempts[i] ?? 0))
  expect(waits[0]).toBe(OUTDATED_TRY_MS)
  expect(waits[1]).toBeGreaterThanOrEqual(hangMs + MIN_REDIAL_GAP_MS)
  expect(waits[2]).toBe(OUTDATED_TRY_MS)
})

test('a change of the network ends the wait that news of the peer does not end', async () => {
  urgent = true
  reconnect.want(peer)
  await vi.advanceTimersByTimeAsync(63_100)
  const before = attempts.length
  await vi.advanceTimersByTimeAsync((attempts.at(-1) ?? 0) + 8_000 - Date.now())
  expect(attempts).toHaveLength(before + 1)
  const failedAtMs = attempts.at(-1) ?? 0
  reconnect.wake(peer)
  await vi.advanceTimersByTimeAsync(MIN_REDIAL_GAP_MS + 50)
  expect(attempts).toHaveLength(before + 1)
  reconnect.wakeAll()
  await vi.advanceTimersByTimeAsync(10)
  expect(attempts.at(-1)).toBe(failedAtMs + MIN_REDIAL_GAP_MS + 50)
})
