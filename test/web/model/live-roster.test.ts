// The page's connection to its directory, on an event source that the test moves.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { PAGE_END_WAIT_MS, PAGE_RETRY_MS, LiveRoster, type Link } from '../../../src/web/model/live-roster.ts'

class MovedSource extends EventTarget {
  static readonly all: MovedSource[] = []
  isClosed = false

  constructor(readonly url: string) {
    super()
    MovedSource.all.push(this)
  }

  say(event: string, body: unknown, lastEventId = ''): void {
    this.dispatchEvent(Object.assign(new Event(event), { data: JSON.stringify(body), lastEventId }))
  }

  close(): void {
    this.isClosed = true
  }
}

const snapshot = {
  network: 'n',
  directory: 'd',
  addresses: [],
  now: 0,
  total: 0,
  directories: [],
  recent: [],
  peers: [],
  more: false
}

beforeEach(() => {
  MovedSource.all.length = 0
  vi.useFakeTimers()
  vi.stubGlobal('EventSource', MovedSource)
  vi.stubGlobal('document', new EventTarget())
  vi.stubGlobal('addEventListener', () => undefined)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function live(): Link[] {
  const links: Link[] = []
  const roster = new LiveRoster({ onRoster: () => undefined, onLink: (link) => links.push(link) })
  roster.start()
  MovedSource.all[0]?.say('snapshot', snapshot, 'e-7')
  return links
}

test('a page that gave way to others says why, waits as it was asked to, and goes on where it was', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const links = live()
  MovedSource.all[0]?.say('end', { reason: 'too many pages are open', retryAfterMs: 30_000 })
  const waiting = links.at(-1)
  expect(waiting).toMatchObject({ state: 'waiting', why: 'too many pages are open' })
  expect(MovedSource.all[0]?.isClosed).toBe(true)
  vi.advanceTimersByTime(29_999)
  expect(MovedSource.all).toHaveLength(1)
  vi.advanceTimersByTime(1)
  expect(MovedSource.all).toHaveLength(2)
  expect(MovedSource.all[1]?.url).toBe('api/events?after=e-7')
})

test('no directory makes a page wait for good, or come back without a pause', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  live()
  MovedSource.all[0]?.say('end', { reason: 'never', retryAfterMs: 1e12 })
  vi.advanceTimersByTime(PAGE_END_WAIT_MS.max)
  expect(MovedSource.all).toHaveLength(2)
  MovedSource.all[1]?.say('end', { reason: 'at once', retryAfterMs: 0 })
  vi.advanceTimersByTime(PAGE_END_WAIT_MS.least - 1)
  expect(MovedSource.all).toHaveLength(2)
})

test('a connection that is lost without a word is tried again soon', () => {
  const links = live()
  MovedSource.all[0]?.dispatchEvent(new Event('error'))
  expect(links.at(-1)).not.toHaveProperty('why')
  vi.advanceTimersByTime(PAGE_RETRY_MS.first)
  expect(MovedSource.all).toHaveLength(2)
})
