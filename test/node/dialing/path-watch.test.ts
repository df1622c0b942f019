import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PathView } from '../../../src/node/index.ts'
import { PATH_LOOK_MS, PathWatch } from '../../../src/node/dialing/paths.ts'

const lan = (rttMs?: number): PathView => ({
  kind: 'lan',
  address: '/ip4/10.0.0.2/tcp/4001',
  ...(rttMs === undefined ? {} : { rttMs })
})

/** A watch over paths that the test sets; a measurement returns the next one. */
class Watched {
  readonly asked: string[] = []
  readonly reported: string[] = []
  readonly paths = new Map<string, PathView>()
  readonly coming = new Map<string, PathView>()
  readonly watch = new PathWatch({
    pathOf: (peer) => this.paths.get(peer) ?? { kind: 'none', why: 'nobody is there' },
    measure: async (peer) => {
      this.asked.push(peer)
      const next = this.coming.get(peer)
      if (next !== undefined) this.paths.set(peer, next)
    },
    onPath: (peer, path) =>
      this.reported.push(`${peer}: ${path.kind === 'none' ? path.why : (path.rttMs ?? path.kind)}`)
  })
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a peer on the screen is measured at once and then now and then, and reported only when something changes', async () => {
  const { watch, asked, reported, paths, coming } = new Watched()
  paths.set('bob', lan())
  coming.set('bob', lan(2))
  watch.watch('bob')
  await vi.advanceTimersByTimeAsync(0)
  expect([asked, reported]).toEqual([['bob'], ['bob: lan', 'bob: 2']])
  await vi.advanceTimersByTimeAsync(2 * PATH_LOOK_MS)
  expect([asked, reported]).toEqual([
    ['bob', 'bob', 'bob'],
    ['bob: lan', 'bob: 2']
  ])
  coming.set('bob', lan(80))
  await vi.advanceTimersByTimeAsync(PATH_LOOK_MS)
  expect(reported.at(-1)).toBe('bob: 80')
})

test('a peer that is on no screen is not measured, and no timer runs', async () => {
  const { watch, asked, reported } = new Watched()
  watch.look('bob')
  watch.watch('cleo')
  watch.unwatch('cleo')
  expect(vi.getTimerCount()).toBe(0)
  await vi.advanceTimersByTimeAsync(10 * PATH_LOOK_MS)
  expect([asked, reported]).toEqual([['cleo'], ['cleo: nobody is there']])
})

test('a change of the path that comes with the conversation is reported at once', async () => {
  const { watch, reported, paths } = new Watched()
  watch.watch('bob')
  paths.set('bob', lan(3))
  watch.look('bob')
  paths.delete('bob')
  watch.look('bob')
  await vi.advanceTimersByTimeAsync(0)
  expect(reported).toEqual(['bob: nobody is there', 'bob: 3', 'bob: nobody is there'])
  watch.stop()
  expect(vi.getTimerCount()).toBe(0)
})
