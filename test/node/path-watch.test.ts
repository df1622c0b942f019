import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PathView } from '../../src/node/index.ts'
import { PATH_LOOK_MS } from '../../src/node/constants.ts'
import { PathWatch } from '../../src/node/path-watch.ts'

const lan = (rttMs?: number): PathView => ({
  kind: 'lan',
  address: '/ip4/10.0.0.2/tcp/4001',
  ...(rttMs === undefined ? {} : { rttMs })
})

/** A watch over paths that the test sets; what is measured is what comes next. */
class Watched {
  readonly asked: string[] = []
  readonly told: string[] = []
  readonly paths = new Map<string, PathView>()
  readonly coming = new Map<string, PathView>()
  readonly watch = new PathWatch({
    pathOf: (peer) => this.paths.get(peer) ?? { kind: 'none', why: 'nobody is there' },
    measure: async (peer) => {
      this.asked.push(peer)
      const next = this.coming.get(peer)
      if (next !== undefined) this.paths.set(peer, next)
    },
    onPath: (peer, path) => this.told.push(`${peer}: ${path.kind === 'none' ? path.why : (path.rttMs ?? path.kind)}`)
  })
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('a peer on the screen is asked at once and then now and then, and told of only when something changes', async () => {
  const { watch, asked, told, paths, coming } = new Watched()
  paths.set('bob', lan())
  coming.set('bob', lan(2))
  watch.watch('bob')
  await vi.advanceTimersByTimeAsync(0)
  expect([asked, told]).toEqual([['bob'], ['bob: lan', 'bob: 2']])
  await vi.advanceTimersByTimeAsync(2 * PATH_LOOK_MS)
  expect([asked, told]).toEqual([
    ['bob', 'bob', 'bob'],
    ['bob: lan', 'bob: 2']
  ])
  coming.set('bob', lan(80))
  await vi.advanceTimersByTimeAsync(PATH_LOOK_MS)
  expect(told.at(-1)).toBe('bob: 80')
})

test('nobody is asked who is on no screen, and no timer runs then', async () => {
  const { watch, asked, told } = new Watched()
  watch.look('bob')
  watch.watch('cleo')
  watch.unwatch('cleo')
  expect(vi.getTimerCount()).toBe(0)
  await vi.advanceTimersByTimeAsync(10 * PATH_LOOK_MS)
  expect([asked, told]).toEqual([['cleo'], ['cleo: nobody is there']])
})

test('what a change of the conversation makes of the path is told at once', async () => {
  const { watch, told, paths } = new Watched()
  watch.watch('bob')
  paths.set('bob', lan(3))
  watch.look('bob')
  paths.delete('bob')
  watch.look('bob')
  await vi.advanceTimersByTimeAsync(0)
  expect(told).toEqual(['bob: nobody is there', 'bob: 3', 'bob: nobody is there'])
  watch.stop()
  expect(vi.getTimerCount()).toBe(0)
})
