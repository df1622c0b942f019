// No file of an open history holds deleted text.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteStore } from '../../../src/storage/index.ts'
import { fillVersion1 } from '../version-1.ts'

const word = 'pomegranate'
const messages = 2_000
let folder: string
let store: SqliteStore

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-erasure-'))
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

/** How often each file holds any of these texts. */
function filesWith(...texts: readonly string[]): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const name of readdirSync(folder)) {
    const bytes = readFileSync(join(folder, name)).toString('latin1')
    const count = texts.reduce((sum, text) => sum + bytes.split(text).length - 1, 0)
    if (count > 0) found[name] = count
  }
  return found
}

async function write(peer: string, storedAtMs: number): Promise<void> {
  const texts = Array.from({ length: messages }, (_, n) => ({
    id: `${peer} ${n}`,
    log: 'log',
    seq: n + 1,
    sentAtMs: n,
    text: `${word} ${peer} ${n}`
  }))
  for (let from = 0; from < messages; from += 200) {
    await store.addIncoming(peer, texts.slice(from, from + 200), { state: 'accepted', lan: false, storedAtMs })
  }
  // A search waits for the index.
  expect(await store.search(word, { peer, limit: 1 })).toHaveLength(1)
}

test('text is in no file of the history once its conversation is forgotten', async () => {
  store = await SqliteStore.open(join(folder, 'history.db'))
  await write('anna', 0)
  expect(filesWith(word)).not.toEqual({})
  expect(await store.forget('anna')).toBe(messages)
  expect(filesWith(word)).toEqual({})
})

test('text is in no file of the history once its retention has ended', async () => {
  store = await SqliteStore.open(join(folder, 'history.db'))
  await write('anna', 1_000)
  expect(await store.deleteOlderThan(2_000)).toBe(messages)
  expect(filesWith(word)).toEqual({})
})

test('no file of the history holds a cleared request', async () => {
  store = await SqliteStore.open(join(folder, 'history.db'))
  const request = { id: 'one', log: 'log', seq: 1, sentAtMs: 1, text: `let me in, ${word}` }
  await store.addIncoming('stranger', [request], { state: 'held', lan: false, origin: '203.0.113.7', storedAtMs: 0 })
  await store.evictHeld(['stranger'])
  await store.eraseDeleted()
  expect(filesWith(word)).toEqual({})
})

test('forgetting deletes backups of migrations and copies of damaged files, and no other file', async () => {
  const file = join(folder, 'history.db')
  fillVersion1(file)
  store = await SqliteStore.open(file)
  writeFileSync(`${file}.damaged-2026-11-22T10-00-00.000Z`, 'an old answer')
  writeFileSync(join(folder, 'notes.txt'), 'an old answer')
  expect(Object.keys(filesWith('an old answer'))).toContain('history.db.v1.backup')
  await store.forget('somebody')
  expect(filesWith('an old answer', 'an old caf')).toEqual({ 'notes.txt': 1 })
})
