import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SqliteStore, StorageClosedError, StorageTooNewError } from '../../../src/storage/index.ts'
import { maxEvictedIds } from '../../../src/storage/store/deletion.ts'
import { inSmallCache, openHistoryFile } from '../../../src/storage/sqlite/history-file.ts'
import { messageBytes } from '../../../src/storage/sqlite/schema.ts'
import { fillVersion1 } from '../version-1.ts'
import { fillVersion2 } from '../version-2.ts'

const peer = 'somebody'
const incoming = (n: number) => ({ id: `id${n}`, log: 'log', seq: n, sentAtMs: n, text: `text ${n}` })
const accepted = { state: 'accepted', lan: false, storedAtMs: 0 } as const
let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-sqlite-'))
  file = join(folder, 'history.db')
})

afterEach(() => rmSync(folder, { recursive: true }))

test('a history is unchanged when it is opened again', async () => {
  const store = await SqliteStore.open(file)
  const one = await store.addOutgoing({ peer, text: 'one', sentAtMs: 1 })
  const two = await store.addOutgoing({ peer, text: 'two', sentAtMs: 2 })
  await store.setDelivery(peer, [one.id], 'delivered')
  await store.addIncoming(peer, [incoming(1)], accepted)
  await store.addIncoming('stranger', [incoming(2)], { state: 'held', lan: true, origin: '203.0.113.7', storedAtMs: 0 })
  const look = async (opened: SqliteStore) => ({
    history: await opened.history(peer, { limit: 9 }),
    waiting: await opened.unreceipted(peer, { limit: 9 }),
    held: await opened.held({ textLength: 9 }),
    heldMessages: await opened.heldMessages(),
    use: (await opened.use({ limit: 9 })).peers,
    own: await opened.ownPosition(peer),
    theirs: await opened.heldPosition(peer),
    unread: await opened.unread(peer),
    found: await opened.search('text', { limit: 9 }),
    conversations: await opened.conversations()
  })
  const before = await look(store)
  await store.close()
  const again = await SqliteStore.open(file)
  expect(await look(again)).toEqual(before)
  expect(before.waiting.map(({ message }) => message)).toEqual([two])
  await again.close()
})

test('every file of a history is for its owner alone, and one remains when it is closed', async () => {
  const store = await SqliteStore.open(file)
  await store.addOutgoing({ peer, text: 'one', sentAtMs: 1 })
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
  await store.close()
  expect(readdirSync(folder)).toEqual(['history.db'])
})

test('forgotten text is no longer in the file, nor are its words in the search index', async () => {
  const store = await SqliteStore.open(file)
  await store.addIncoming(peer, [{ ...incoming(1), text: 'UNFORGETTABLE secret' }], accepted)
  await store.addIncoming('another', [{ ...incoming(1), text: 'remembered' }], accepted)
  expect(await store.search('unforgettable', { limit: 1 })).toHaveLength(1)
  await store.forget(peer)
  await store.close()
  const left = readFileSync(file).toString('latin1').toLowerCase()
  expect(left).not.toContain('unforgettable')
  expect(left).toContain('remembered')
})

test('calls before closing succeed, and later ones fail', async () => {
  const store = await SqliteStore.open(file)
  const asked = [1, 2, 3].map(async (n) => store.addIncoming(peer, [incoming(n)], accepted))
  await store.close()
  await store.close()
  expect((await Promise.all(asked)).flat()).toHaveLength(3)
  await expect(store.history(peer, { limit: 1 })).rejects.toThrow(StorageClosedError)
  await expect(store.check()).rejects.toThrow(StorageClosedError)
  await expect(store.addOutgoing({ peer, text: 'late', sentAtMs: 0 })).rejects.toThrow(StorageClosedError)
})

test('a peer’s numbers that no file can hold don’t make a history unreadable', async () => {
  const store = await SqliteStore.open(file)
  const wild = [2 ** 70, -1, 1.5, Number.NaN].map((n, index) => ({ ...incoming(index), sentAtMs: n, seq: n }))
  await store.addIncoming(peer, wild, accepted)
  const history = await store.history(peer, { limit: 9 })
  expect(history.map(({ sentAtMs }) => sentAtMs)).toEqual([Number.MAX_SAFE_INTEGER, 0, 1, 0])
  await store.close()
})

const earlier = [
  { version: 1, fill: fillVersion1 },
  { version: 2, fill: fillVersion2 }
]

test.each(earlier)(
  'a history of version $version is brought up to date once, after a copy of it was kept',
  async ({ version, fill }) => {
    fill(file)
    const store = await SqliteStore.open(file)
    const history = await store.history(peer, { limit: 9, includeHeld: true })
    expect(history.map(({ direction, text, state }) => [direction, text, state])).toEqual([
      ['out', 'an old café', 'pending'],
      ['in', 'an old answer', 'accepted']
    ])
    expect((await store.search('cafe', { limit: 9 })).map(({ message }) => message.text)).toEqual(['an old café'])
    expect((await store.addIncoming(peer, [incoming(7)], accepted))[0]?.known).toBe(true)
    expect(await store.ownPosition(peer)).toEqual({ log: 'aaaaaaaaaaaaaaaa', seq: 1, sentSeq: 1 })
    await store.close()
    const backup = `${file}.v${version}.backup`
    expect(statSync(backup).mode & 0o777).toBe(0o600)
    const kept = new DatabaseSync(backup)
    expect(kept.prepare('PRAGMA user_version').get()).toEqual({ user_version: version })
    expect(kept.prepare('SELECT count(*) AS messages FROM message').get()).toEqual({ messages: 2 })
    kept.close()
    rmSync(backup)
    await (await SqliteStore.open(file)).close()
    expect(existsSync(backup)).toBe(false)
  }
)

test.each(earlier)(
  'what waited in a history of version $version is too old by when it was written',
  async ({ fill }) => {
    fill(file)
    const store = await SqliteStore.open(file, { now: () => 100 })
    expect(await store.failPending({ waitingBeforeMs: 6, reason: 'too old', limit: 9 })).toEqual([])
    const [failed] = await store.failPending({ waitingBeforeMs: 7, reason: 'too old', limit: 9 })
    expect(failed).toMatchObject({ text: 'an old café', state: 'failed' })
    await store.retry(peer, [failed?.id ?? ''])
    expect(await store.failPending({ waitingBeforeMs: 100, reason: 'too old', limit: 9 })).toEqual([])
    await store.close()
  }
)

test('a history with old words is indexed again once, its newest messages first', async () => {
  const store = await SqliteStore.open(file)
  const texts = [
    'die Straße',
    ...Array.from({ length: 4_999 }, (_, n) => (n % 20 === 0 ? `gro\u00df ${n}` : `word ${n}`))
  ]
  await store.addAllOutgoing(
    peer,
    texts.map((text) => ({ text, sentAtMs: 0 }))
  )
  await store.search('word', { limit: 1 })
  await store.close()
  const before = new DatabaseSync(file)
  const replace = before.prepare('REPLACE INTO search (rowid, words, conversation) VALUES (?, ?, ?)')
  before.exec('BEGIN')
  for (const [index, text] of texts.entries()) {
    if (text.includes('ß')) replace.run(index + 1, text.toLowerCase(), 'c1')
  }
  before.exec(`COMMIT; ALTER TABLE conversation DROP COLUMN sender_name; ALTER TABLE message DROP COLUMN files;
    ALTER TABLE indexed DROP COLUMN old_words_up_to; PRAGMA user_version = 6`)
  before.close()
  const progress: number[] = []
  const search = async (words: string): Promise<readonly string[]> => {
    const migrated = await SqliteStore.open(file)
    const onIndexing = ({ done, total }: { readonly done: number; readonly total: number }): void => {
      progress.push(Math.round((done / total) * 100))
    }
    const hits = await migrated.search(words, { limit: 999, onIndexing })
    await migrated.close()
    return hits.map(({ message }) => message.text)
  }
  expect(await search('STRASSE')).toEqual(['die Straße'])
  expect(progress).toEqual([40, 80, 100])
  expect(await search('gross')).toHaveLength(250)
  expect(await search('groß')).toHaveLength(250)
  expect(progress).toEqual([40, 80, 100])
})

test('rows from before and after a new column are both salvaged from a damaged file', async () => {
  const longPeer = '12D3KooWPeerOfTheTest'
  fillVersion2(file)
  const before = new DatabaseSync(file)
  before.prepare('UPDATE conversation SET peer = ?').run(longPeer)
  before.close()
  const store = await SqliteStore.open(file, { now: () => 100 })
  const { id } = await store.addOutgoing({ peer: longPeer, text: 'new', sentAtMs: 1 })
  await store.cancel(longPeer, [id])
  await store.retry(longPeer, [id])
  const stranger = '12D3KooWStrangerOfTheTest'
  await store.addIncoming(stranger, [incoming(1)], { state: 'held', lan: false, storedAtMs: 0, senderName: 'mallory' })
  await store.close()
  writeFileSync(`${file}.damaged`, '')
  const bytes = readFileSync(file)
  bytes[bytes.indexOf('an old answer')] = 0x41
  writeFileSync(file, bytes)
  const { store: mended, mended: report } = await SqliteStore.openOrMend(file)
  expect(report).toMatchObject({ messages: 3, conversations: [{ peer: longPeer, readable: 2, lost: 1 }] })
  expect((await mended.history(longPeer, { limit: 9 })).map(({ text }) => text)).toEqual(['an old café', 'new'])
  const failed = await mended.failPending({ waitingBeforeMs: 100, reason: 'too old', limit: 9 })
  expect(failed.map(({ text }) => text)).toEqual(['an old café'])
  expect(await mended.held({ textLength: 0 })).toMatchObject([{ peer: stranger, senderName: 'mallory' }])
  await mended.close()
})

test('a migration that fails leaves the file at its old version', async () => {
  fillVersion1(file)
  const blocked = new DatabaseSync(file)
  blocked.exec('CREATE TABLE indexed (something)')
  blocked.close()
  await expect(SqliteStore.open(file)).rejects.toThrow('already exists')
  const after = new DatabaseSync(file)
  expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 })
  expect(after.prepare(`SELECT name FROM sqlite_schema WHERE name = 'search'`).get()).toBeUndefined()
  after.close()
})

test('a history of a later version is refused and not touched', async () => {
  await (await SqliteStore.open(file)).close()
  const later = new DatabaseSync(file)
  later.exec('PRAGMA user_version = 99')
  later.close()
  const before = readFileSync(file)
  const error: unknown = await SqliteStore.open(file).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(StorageTooNewError)
  expect(error).toMatchObject({ file, version: 99 })
  await expect(SqliteStore.openOrMend(file)).rejects.toThrow(StorageTooNewError)
  expect(readFileSync(file).equals(before)).toBe(true)
  expect(readdirSync(folder)).toEqual(['history.db'])
})

test('evicted ids are known after a restart, and a stranger without messages leaves no row', async () => {
  const held = { state: 'held', lan: false, storedAtMs: 0 } as const
  const store = await SqliteStore.open(file)
  await store.addIncoming('stranger', [incoming(1)], held)
  await store.addIncoming(peer, [incoming(1)], accepted)
  await store.evictHeld(['stranger'])
  await store.close()
  const raw = new DatabaseSync(file)
  expect(raw.prepare('SELECT peer FROM conversation').all()).toEqual([{ peer }])
  expect(raw.prepare('SELECT count(*) AS ids FROM seen').get()).toEqual({ ids: 1 })
  raw.close()
  const again = await SqliteStore.open(file)
  expect(await again.takeEvicted('stranger', ['id1'])).toEqual(new Set(['id1']))
  await again.close()
})

test('the newest evicted ids are kept', async () => {
  const store = await SqliteStore.open(file)
  const ids = Array.from({ length: maxEvictedIds + 5 }, (_, n) => incoming(n))
  await store.addIncoming('stranger', ids, { state: 'held', lan: false, storedAtMs: 0 })
  await store.evictHeld(['stranger'])
  const found = await store.takeEvicted(
    'stranger',
    ids.map(({ id }) => id)
  )
  expect(found.size).toBe(maxEvictedIds)
  expect(found.has('id4')).toBe(false)
  expect(found.has('id5')).toBe(true)
  await store.close()
})

test.each(earlier)(
  'of a history of version $version what a peer takes is counted, and where its requests came from is not known',
  async ({ fill }) => {
    fill(file)
    const before = new DatabaseSync(file)
    before.exec('UPDATE message SET state = 11 WHERE position = 2')
    before.close()
    const store = await SqliteStore.open(file)
    expect((await store.use({ limit: 9 })).peers).toEqual([{ peer, bytes: messageBytes({ text: 'an old answer' }) }])
    expect(await store.heldMessages()).toEqual([{ peer, lan: false }])
    expect((await store.held({ textLength: 0 })).map(({ senderName }) => senderName)).toEqual([undefined])
    await store.close()
  }
)

test('the log is written back in small parts: each stops the event loop for as long as the disk takes', async () => {
  const store = await SqliteStore.open(file)
  const text = 'x'.repeat(40_000)
  let largest = 0
  for (let n = 0; n < 100; n++) {
    await store.addOutgoing({ peer: 'anna', text, sentAtMs: n })
    largest = Math.max(largest, statSync(`${file}-wal`).size)
  }
  expect(largest).toBeGreaterThan(1024 * 1024)
  expect(largest).toBeLessThan(2 * 1024 * 1024)
  await store.close()
})

test('a pass over the whole file has a small page cache, and what comes after it the usual one', async () => {
  const database = openHistoryFile(file)
  const cacheSize = () => database.prepare('PRAGMA cache_size').get()?.['cache_size']
  const usual = cacheSize()
  await expect(inSmallCache(database, async () => cacheSize())).resolves.toBe(-512)
  expect(cacheSize()).toBe(usual)
  const damage = new Error('a page can not be read')
  await expect(inSmallCache(database, async () => Promise.reject(damage))).rejects.toBe(damage)
  expect(cacheSize()).toBe(usual)
  database.close()
})
