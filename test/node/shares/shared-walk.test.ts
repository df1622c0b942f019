/** What is below the paths that a user names, at peers that lead on without an end. */
import { expect, test } from 'vitest'
import { SharedWalk, withPauses } from '../../../src/node/shares/shared-walk.ts'
import { ShareRefusedError, type Page } from '../../../src/share/index.ts'

const folderNamed = (name: string) => ({ is: 'folder', name, sizeBytes: 0 }) as const
const unreadNamed = (name: string) => ({ is: 'file', name, sizeBytes: 1, modifiedAtMs: 0, file: undefined }) as const

/** Pages of `entry`, each behind the one before, and always one more. */
function endless(entry: (name: string) => Page['entries'][number]): {
  readonly page: (path: string, after: string) => Promise<Page>
  readonly asked: () => number
} {
  let asked = 0
  return {
    page: async () => {
      const first = asked++ * 100
      const names = Array.from({ length: 100 }, (_, index) => String(first + index).padStart(12, '0'))
      return { entries: names.map(entry), hasMore: true, snapshot: 1 }
    },
    asked: () => asked
  }
}

test('folders without an end are given up once too many were seen, before one is read', async () => {
  const { page, asked } = endless(folderNamed)
  await expect(new SharedWalk(page).add('Slides')).rejects.toThrow('more than 1,000 folders')
  expect(asked()).toBeLessThan(20)
})

test.each(['Slides', 'Slides/never there'])('pages without an end are given up: %s', async (path) => {
  const { page, asked } = endless(unreadNamed)
  await expect(new SharedWalk(page).add(path)).rejects.toThrow('too much in it')
  expect(asked()).toBe(2_000)
})

test('a folder in a folder without an end is given up', async () => {
  const page = async (): Promise<Page> => ({ entries: [folderNamed('in')], hasMore: false, snapshot: 1 })
  await expect(new SharedWalk(page).add('Slides')).rejects.toThrow('more than 1,000 folders')
})

/** A peer that refuses so many times before each page. */
function busy(times: number) {
  let refusals = 0
  return async (): Promise<Page> => {
    if (refusals++ < times) throw new ShareRefusedError('too-fast')
    refusals = 0
    return { entries: [], hasMore: false, snapshot: 1 }
  }
}

test('a peer that lists no more for now is asked again after a pause', async () => {
  const pauses: number[] = []
  const list = withPauses(busy(3), new AbortController().signal, async (ms) => pauses.push(ms))
  await list('Slides', '')
  await list('Slides/Autumn', '')
  expect(pauses).toHaveLength(6)
})

test('a peer that never lists more is not asked without an end, and what is not there is not asked for again', async () => {
  let pauses = 0
  const pause = async (): Promise<void> => void pauses++
  const { signal } = new AbortController()
  await expect(withPauses(busy(Infinity), signal, pause)('Slides', '')).rejects.toThrow('too often')
  expect(pauses).toBe(10)
  const nothing = async (): Promise<Page> => Promise.reject(new ShareRefusedError('not-here'))
  await expect(withPauses(nothing, signal, pause)('Slides', '')).rejects.toThrow('shares nothing')
  expect(pauses).toBe(10)
})
