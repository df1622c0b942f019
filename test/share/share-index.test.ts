import { describe, expect, test } from 'vitest'
import { folded } from '../../src/lib/index.ts'
import { shareFrames } from '../../src/share/share-frames.ts'
import { foundOf, ShareIndex, type IndexedFile } from '../../src/share/share-index.ts'
import { MAX_LISTING_BYTES } from '../../src/share/share-limits.ts'

const id = 'cd'.repeat(32)

function file(path: string, sizeBytes = 1, read = true): IndexedFile {
  return { path, sizeBytes, modifiedAtMs: 1, file: read ? id : undefined }
}

function allPages(index: ShareIndex, path: string): readonly string[] {
  const names: string[] = []
  for (let after = ''; ;) {
    const page = index.page(path, after)
    if (page === undefined) throw new Error(`no folder ${path}`)
    const frame = shareFrames.encode({ type: 'listing', snapshot: 1, ...page })
    expect(frame.byteLength).toBeLessThanOrEqual(MAX_LISTING_BYTES)
    names.push(...page.entries.map(({ name }) => name))
    if (!page.hasMore) return names
    after = names.at(-1) ?? ''
  }
}

describe('the index of a share', () => {
  test('a folder has its files and folders in order, and the bytes of all below it', () => {
    const index = new ShareIndex([file('b.txt', 2), file('a/x.txt', 3), file('a/deep/y.txt', 4)])
    expect(index.page('', '')?.entries).toEqual([
      { is: 'folder', name: 'a', sizeBytes: 7 },
      { is: 'file', name: 'b.txt', sizeBytes: 2, modifiedAtMs: 1, file: id }
    ])
    expect(index.page('a', '')?.entries.map(({ name }) => name)).toEqual(['deep', 'x.txt'])
    expect(index.page('a/x.txt', '')).toBeUndefined()
    expect(index.page('c', '')).toBeUndefined()
    expect(index.file('a/deep/y.txt')?.sizeBytes).toBe(4)
    expect(index.file('a/deep')).toBeUndefined()
    expect([index.fileCount, index.sizeBytes]).toEqual([3, 9])
  })

  test('words of characters that are not seen find nothing', () => {
    for (const isRead of [true, false]) {
      const index = new ShareIndex([file('a.txt', 1, isRead), file('b.txt', 1, isRead)])
      expect(index.find(['\u200b\u200b\u200b', '\u3164\u3164\u3164'].map(folded))).toEqual([])
      expect(index.find(['a.t', '\u200b\u200b\u200b'].map(folded))).toHaveLength(isRead ? 1 : 0)
    }
  })

  test('the pages of a large folder have each name once, and no frame is too large', () => {
    const names = Array.from({ length: 3_000 }, (_, at) => `${'long name '.repeat(20)}${at}`)
    expect(allPages(new ShareIndex(names.map((name) => file(name))), '')).toEqual(names.toSorted())
    const short = Array.from({ length: 3_000 }, (_, at) => String(at))
    expect(allPages(new ShareIndex(short.map((name) => file(name))), '')).toEqual(short.toSorted())
  })

  test('a file is found by all of the words, in any case and order, in its own name or its folders', () => {
    const index = new ShareIndex([
      file('Slides/Herbst/ÜBERBLICK.pdf'),
      file('Slides/Frühling/Plan.pdf'),
      file('notes.txt'),
      file('Slides/Herbst/draft.pdf', 1, false)
    ])
    const paths = (words: readonly string[]): readonly string[] => index.find(words).map(({ path }) => path)
    expect(paths(['überblick', 'slides'])).toEqual(['Slides/Herbst/ÜBERBLICK.pdf'])
    expect(paths(['pdf'])).toEqual(['Slides/Herbst/ÜBERBLICK.pdf', 'Slides/Frühling/Plan.pdf'])
    expect(paths(['pdf', 'notes'])).toEqual([])
    expect(paths(['txt'])).toEqual(['notes.txt'])
  })

  test('words are found like a look at each path finds them', () => {
    const parts = ['aa', 'ab', 'ba', 'bb', 'aab']
    const pick = (at: number, times: number): string => parts[Math.floor(at / parts.length ** times) % 5] ?? ''
    const all = Array.from({ length: 400 }, (_, at) => file(`${pick(at, 0)}${pick(at, 1)}/${pick(at, 2)}-${at}`))
    const index = new ShareIndex(all)
    for (const words of [['aab'], ['aaa', 'bab'], ['baa', '-12'], ['bbb', 'aab', '399']]) {
      const expected = all.filter(({ path }) => words.every((word) => path.includes(word)))
      expect(index.find(words, 1_000)).toEqual(expected)
    }
  })

  test('hits are cut to what one frame holds', () => {
    const hit = (path: string) => ({ path, sizeBytes: 1, modifiedAtMs: 1, file: id })
    const many = foundOf(Array.from({ length: 60 }, (_, at) => hit(`a${at}`)))
    expect([many.hits.length, many.hasMore]).toEqual([50, true])
    const long = foundOf(Array.from({ length: 40 }, () => hit('n'.repeat(700))))
    expect(long.hasMore).toBe(true)
    expect(shareFrames.encode({ type: 'hits', ...long }).byteLength).toBeLessThanOrEqual(16 * 1024)
  })
})
