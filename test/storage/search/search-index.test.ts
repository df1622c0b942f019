// How much of the history is indexed at a time, and when. search.test.ts tests what a search finds.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ConversationTable } from '../../../src/storage/sqlite/conversation-table.ts'
import { SqliteStore } from '../../../src/storage/index.ts'
import {
  Indexer,
  INDEX_QUIET_MS,
  MAX_REST_MS,
  REST_FACTOR,
  SLICES_FOR_A_SEARCH
} from '../../../src/storage/search/indexer.ts'
import {
  MESSAGES_PER_INDEX_SLICE,
  SearchIndex,
  TEXT_BYTES_PER_INDEX_SLICE
} from '../../../src/storage/search/search-index.ts'
import { wordsOf } from '../../../src/storage/search/search-words.ts'
import { openHistoryFile, openHistoryInMemory } from '../../../src/storage/sqlite/history-file.ts'

const peer = 'a peer'
const folders: string[] = []
afterEach(() => {
  vi.useRealTimers()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

/** How many messages each slice indexes, of `count` messages with one text. */
async function slicesOf(count: number, text: string): Promise<readonly number[]> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-index-'))
  folders.push(folder)
  const file = join(folder, 'history.db')
  const store = await SqliteStore.open(file)
  await store.addAllOutgoing(
    peer,
    Array.from({ length: count }, () => ({ text, sentAtMs: 0 }))
  )
  await store.close()
  const database = openHistoryFile(file)
  try {
    database.exec('DELETE FROM search; UPDATE indexed SET up_to = 0')
    const index = new SearchIndex(database, new ConversationTable(database))
    const upTo = database.prepare('SELECT up_to FROM indexed')
    const reached = [0]
    while (index.remaining() > 0) {
      index.indexSlice()
      reached.push(Number(upTo.get()?.['up_to']))
    }
    return reached.slice(1).map((end, at) => end - (reached[at] ?? 0))
  } finally {
    database.close()
  }
}

test('a beginning is looked up again after a transaction with a search was rolled back', () => {
  const database = openHistoryInMemory()
  try {
    const index = new SearchIndex(database, new ConversationTable(database))
    database.exec(`INSERT INTO search (rowid, words, conversation) VALUES (1, 'see you tomorrow', 'c1')`)
    database.exec('BEGIN')
    index.find('tomo', { limit: 9 })
    database.exec('ROLLBACK')
    // The row of the message is missing: only the index is asked.
    expect(index.find('tomo', { limit: 9 })).toEqual([])
  } finally {
    database.close()
  }
})

describe('one transaction indexes', () => {
  test('many short messages', async () => {
    expect(await slicesOf(MESSAGES_PER_INDEX_SLICE + 7, 'hello')).toEqual([MESSAGES_PER_INDEX_SLICE, 7])
  })

  test('a few long messages, and in the end each', async () => {
    const text = 'word '.repeat(TEXT_BYTES_PER_INDEX_SLICE / 5 / 2 - 1)
    expect(await slicesOf(5, text)).toEqual([2, 2, 1])
    expect(await slicesOf(3, text.repeat(2))).toEqual([1, 1, 1])
  })
})

test('a text of many marks has the words of its letters, and hardly more characters than bytes', () => {
  expect(wordsOf(`Z${'\u0334\u0322\u0310'.repeat(10_000)}ebra`)).toEqual(['zebra'])
  expect(wordsOf('\ufdfa')).toHaveLength(4)
  const ligatures = '\ufdfa'.repeat(1_000)
  expect(wordsOf(ligatures).join(' ').length).toBeLessThanOrEqual(Buffer.byteLength(ligatures))
})

describe('the indexer', () => {
  const sliceMs = 10

  /** An index with this many slices left, each of ten milliseconds. */
  function indexOf(slices: number) {
    vi.useFakeTimers()
    let done = 0
    const index = {
      remaining: () => slices - done,
      indexSlice: () => {
        done += 1
        vi.advanceTimersByTime(sliceMs)
      }
    }
    const queue = { read: async <T>(run: () => T) => run(), write: async <T>(run: () => T) => run() }
    return { index, indexer: new Indexer(index, queue), done: () => done }
  }

  test('rests after each slice, so that new messages have most of the time', async () => {
    const { indexer, done } = indexOf(100)
    indexer.schedule()
    await vi.advanceTimersByTimeAsync(INDEX_QUIET_MS)
    expect(done()).toBe(1)
    await vi.advanceTimersByTimeAsync(REST_FACTOR * sliceMs - 1)
    expect(done()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(done()).toBe(2)
    indexer.stop()
  })

  test('does not rest while a search waits for it', async () => {
    const { indexer, done } = indexOf(100)
    indexer.schedule()
    await vi.advanceTimersByTimeAsync(INDEX_QUIET_MS)
    await indexer.catchUp()
    expect(done()).toBe(100)
  })

  test('asks for several slices at once while a search waits, so that they share a sync', async () => {
    const { index } = indexOf(10)
    const transactions: number[] = []
    // As the queue of a store on the disk: what was asked for in one turn is one transaction.
    const waiting: (() => void)[] = []
    const write = async <T>(run: () => T): Promise<T> =>
      new Promise((resolve) => {
        waiting.push(() => resolve(run()))
        if (waiting.length > 1) return
        queueMicrotask(() => {
          transactions.push(waiting.length)
          for (const go of waiting.splice(0)) go()
        })
      })
    await new Indexer(index, { read: async (run) => run(), write }).catchUp()
    expect(transactions).toEqual([SLICES_FOR_A_SEARCH, SLICES_FOR_A_SEARCH, SLICES_FOR_A_SEARCH])
    expect(index.remaining()).toBe(0)
  })

  test('never rests longer than a search may wait', async () => {
    const { indexer, done } = indexOf(2)
    indexer.schedule()
    await vi.advanceTimersByTimeAsync(INDEX_QUIET_MS + MAX_REST_MS)
    expect(done()).toBe(2)
  })
})
