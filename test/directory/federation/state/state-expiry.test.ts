/** What runs out in a directory ends, also in one that stood still once and has been busy ever since. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DeadlineTimer } from '../../../../src/lib/index.ts'
import { FederationState } from '../../../../src/directory/federation/state/federation-state.ts'
import { DIRECTORY_ALIVE_MS } from '../../../../src/directory/federation/state/known-directory.ts'
import { STALL_MS, StateExpiry } from '../../../../src/directory/federation/state/state-expiry.ts'
import { AttachmentDigest } from '../../../../src/directory/federation/state/statement-log.ts'
import { identity } from '../../../presence/records.ts'
import { beat, word } from '../words.ts'
import { defaultLimits } from '../../../../src/directory/federation/state/known-directories.ts'

const [self, north, ada] = await Promise.all([identity(1), identity(2), identity(11)])
const busyEveryMs = STALL_MS / 10
let nowMs = 0
let state: FederationState
let expiry: StateExpiry
let timer: DeadlineTimer
/** Peers whose attachment has ended. */
let ended: string[] = []

beforeEach(() => {
  vi.useFakeTimers()
  nowMs = 0
  ended = []
  state = new FederationState({ self: self.id, epoch: 1n })
  expiry = new StateExpiry(state)
  timer = new DeadlineTimer(
    () => nowMs,
    () => {
      ended.push(...expiry.expire(nowMs).flatMap((one) => (one.kind === 'detach' ? [one.peer] : [])))
      return expiry.nextDeadline()
    }
  )
})
afterEach(() => {
  timer.stop()
  vi.useRealTimers()
})

/** Time passes, and something changes in the state all the while. */
function busyFor(ms: number): void {
  for (let passedMs = 0; passedMs < ms; passedMs += busyEveryMs) {
    nowMs += busyEveryMs
    vi.advanceTimersByTime(busyEveryMs)
    timer.dueAt(expiry.nextDeadline())
  }
}

/** The process stands still when the timer is about to fire. */
function standsStillAt(dueMs: number): void {
  vi.advanceTimersByTime(dueMs - nowMs - 1)
  nowMs = dueMs + 2 * STALL_MS
}

test('own words that peers have left are forgotten after a standstill too', () => {
  const next = state.nextOwn(ada.peer, 1n, false)
  state.ownSealed(word(self.peer, ada.peer, next).statement, undefined, nowMs)
  timer.dueAt(expiry.nextDeadline())
  standsStillAt(defaultLimits.detachedMs)
  busyFor(2 * STALL_MS)
  expect(state.statementsOf(ada.id)).toEqual([])
})

test('the peers of a silent directory are off the roster after a standstill too', () => {
  hears(1n)
  standsStillAt(DIRECTORY_ALIVE_MS)
  busyFor(2 * STALL_MS)
  expect(ended).toEqual([ada.id])
})

test('a directory that is heard within a moment after a standstill keeps its peers', () => {
  hears(1n)
  standsStillAt(DIRECTORY_ALIVE_MS)
  busyFor(STALL_MS / 2)
  hears(2n)
  busyFor(2 * STALL_MS)
  expect(ended).toEqual([])
})

/** The directory lives, and says that ada is there. */
function hears(beats: bigint): void {
  const said = word(north.peer, ada.peer, { counter: 1n })
  const digest = new AttachmentDigest()
  digest.add(said.statement.statement)
  state.heard(beat(north.peer, { beat: beats, counter: 1n, digest: digest.bytes(), count: digest.count }), nowMs)
  state.merge(said, nowMs)
  timer.dueAt(expiry.nextDeadline())
}
