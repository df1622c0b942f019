/** What is below the paths that a user names, at peers that lead on without an end. */
import { expect, test } from 'vitest'
import { SharedWalk } from '../../../src/node/shares/shared-walk.ts'
import type { Page } from '../../../src/share/index.ts'

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
