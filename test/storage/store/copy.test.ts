/** Copies of a history in use, and the check of one from another machine. */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  checkForeignHistory,
  SqliteStore,
  StorageDamagedError,
  StorageTooNewError
} from '../../../src/storage/index.ts'

let folder: string
let store: SqliteStore
const file = (): string => join(folder, 'history.db')
const copy = (): string => join(folder, 'copy')

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parley-copy-'))
  store = await SqliteStore.open(file())
})
afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const arrival = { state: 'accepted', lan: false, storedAtMs: 1 } as const
const batch = (from: number, count: number, text = 'x'.repeat(500)) =>
  Array.from({ length: count }, (_, n) => ({
    id: (from + n).toString(16).padStart(32, '0'),
    log: '0123456789abcdef',
    seq: from + n,
    sentAtMs: 1,
    text: `${from + n} ${text}`
  }))

/** How many messages a closed file has, and whether it is whole. */
async function lookAt(path: string): Promise<{ count: number; gaps: number; damage: unknown }> {
  const opened = await SqliteStore.open(path)
  const seqs: number[] = []
  for await (const entries of opened.export()) seqs.push(...entries.map(({ message }) => message.seq))
  const damage = await opened.check()
  await opened.close()
  return { count: seqs.length, gaps: seqs.filter((seq, n) => seq !== n).length, damage }
}

test('a copy made while messages arrive is whole, and holds all that was stored before it began', async () => {
  await store.addIncoming('peer', batch(0, 2000), arrival)
  let stored = 2000
  const over = new AbortController()
  const writing = (async () => {
    while (!over.signal.aborted) {
      await store.addIncoming('peer', batch(stored, 20), arrival)
      stored += 20
    }
  })()
  const before = stored
  const steps: number[] = []
  await store.copyTo(copy(), { onProgress: ({ doneBytes }) => steps.push(doneBytes) })
  over.abort()
  await writing
  expect(steps.length).toBeGreaterThan(3)
  expect(statSync(copy()).mode & 0o777).toBe(0o600)
  const { count, gaps, damage } = await lookAt(copy())
  expect({ gaps, damage }).toEqual({ gaps: 0, damage: undefined })
  expect(count).toBeGreaterThanOrEqual(before)
  expect(count % 20).toBe(0)
})

test('an aborted copy leaves nothing behind', async () => {
  await store.addIncoming('peer', batch(0, 2000), arrival)
  const over = new AbortController()
  const copying = store.copyTo(copy(), { signal: over.signal, onProgress: () => over.abort(new Error('enough')) })
  await expect(copying).rejects.toThrow('enough')
  expect(readdirSync(folder).filter((name) => name.startsWith('copy'))).toEqual([])
  await store.addIncoming('peer', batch(2000, 1), arrival)
})

test('closing ends a running copy', async () => {
  await store.addIncoming('peer', batch(0, 2000), arrival)
  const copying = store.copyTo(copy())
  const ended = expect(copying).rejects.toThrow()
  await store.close()
  await ended
  expect(existsSync(copy())).toBe(false)
})

test('an existing file is not overwritten', async () => {
  await store.copyTo(copy())
  await expect(store.copyTo(copy())).rejects.toThrow()
})

test('with new logs to all peers no number stands for two messages', async () => {
  await store.addOutgoing({ peer: 'anna', text: 'sent', sentAtMs: 1 })
  const pending = await store.addOutgoing({ peer: 'bert', text: 'pending', sentAtMs: 1 })
  const [annaBefore, bertBefore] = [await store.ownPosition('anna'), await store.ownPosition('bert')]
  await store.startNewLogs()
  const [anna, bert] = [await store.ownPosition('anna'), await store.ownPosition('bert')]
  expect(anna?.log).not.toBe(annaBefore?.log)
  expect(bert?.log).not.toBe(bertBefore?.log)
  const again = await store.outgoing('bert', pending.id)
  expect(again).toMatchObject({ id: pending.id, log: bert?.log, seq: 1 })
})

describe('a history from another machine', () => {
  const changed = async (sql: string): Promise<void> => {
    await store.close()
    const database = new DatabaseSync(file())
    database.exec(sql)
    database.close()
  }

  test('is accepted when its schema is that of this program', async () => {
    await store.addIncoming('peer', batch(0, 10), arrival)
    await store.close()
    expect(() => checkForeignHistory(file())).not.toThrow()
  })

  test.each([
    ['a trigger', `CREATE TRIGGER t AFTER INSERT ON message BEGIN DELETE FROM message; END`],
    ['a view', 'CREATE VIEW v AS SELECT * FROM message'],
    ['another table', 'CREATE TABLE more (a)'],
    ['another index', 'CREATE INDEX more ON message(text)'],
    ['an extra column', 'ALTER TABLE message ADD COLUMN more INTEGER DEFAULT 1'],
    ['a virtual table in place of one of FTS5', `CREATE VIRTUAL TABLE search_content USING fts5(a)`],
    ['a missing table', 'DROP TABLE indexed'],
    ['another mark', 'PRAGMA application_id = 1']
  ])('with %s is refused', async (_what, sql) => {
    await changed(sql)
    expect(() => checkForeignHistory(file())).toThrow(StorageDamagedError)
  })

  test('of a later version is refused as such', async () => {
    await changed('PRAGMA user_version = 99')
    expect(() => checkForeignHistory(file())).toThrow(StorageTooNewError)
  })
})
