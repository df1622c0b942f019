import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { SqliteStore, StorageDamagedError } from '../../../src/storage/index.ts'
import type { HistoryEntry } from '../../../src/storage/index.ts'

const pageBytes = 4096
/** So few that the log is not written back into the file. */
const inLog = 24
const peers = Array.from({ length: 4 }, (_, n) => `12D3KooWPeerNumber${n}ofTheTest`)
const accepted = { state: 'accepted', lan: false, storedAtMs: 1 } as const
let template: string
let whole: Map<string, HistoryEntry>
let folder: string
let file: string

const keyOf = ({ message }: HistoryEntry) => `${message.peer} ${message.direction} ${message.id}`

async function readAll(store: SqliteStore): Promise<Map<string, HistoryEntry>> {
  const all = new Map<string, HistoryEntry>()
  for await (const batch of store.export()) for (const entry of batch) all.set(keyOf(entry), entry)
  return all
}

async function fill(store: SqliteStore, count: number, from = 0): Promise<void> {
  for (let n = from; n < from + count; n++) {
    const peer = peers[n % peers.length] ?? ''
    const text = `message ${n} ${n % 50 === 0 ? 'a long text '.repeat(800) : 'of the history'}`
    if (n % 3 === 0) await store.addOutgoing({ peer, text, sentAtMs: n })
    else await store.addIncoming(peer, [{ id: `id${n}`, log: 'log', seq: n, sentAtMs: n, text }], accepted)
  }
}

beforeAll(async () => {
  template = mkdtempSync(join(tmpdir(), 'parley-template-'))
  const store = await SqliteStore.open(join(template, 'history.db'))
  await fill(store, 300)
  await store.search('history', { limit: 1 })
  whole = await readAll(store)
  await store.close()
})

afterAll(() => rmSync(template, { recursive: true }))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-damage-'))
  file = join(folder, 'history.db')
})

afterEach(() => rmSync(folder, { recursive: true }))

function copyTemplate(): Buffer {
  for (const name of readdirSync(folder)) rmSync(join(folder, name))
  copyFileSync(join(template, 'history.db'), file)
  return readFileSync(file)
}

/** Opens, reads and searches like a program that is restarted until nothing fails. */
async function useUntilWhole(): Promise<{ store: SqliteStore; starts: number; lost: number }> {
  let lost = 0
  for (let starts = 1; ; starts++) {
    expect(starts).toBeLessThan(5)
    const { store, mended } = await SqliteStore.openOrMend(file)
    for (const conversation of mended?.conversations ?? []) lost += conversation.lost
    try {
      await readAll(store)
      for (const peer of peers) {
        await store.history(peer, { limit: 1_000 })
        await store.search('history', { peer, limit: 1_000 })
        await store.unreceipted(peer, { limit: 1_000 })
        await store.ownPosition(peer)
      }
      const error = await store.check()
      if (error === undefined) return { store, starts, lost }
    } catch (error) {
      expect(error).toBeInstanceOf(StorageDamagedError)
    }
    await store.close()
  }
}

test('whichever page is overwritten, everything outside it is kept, losses are counted, and no crash loop follows', async () => {
  const pageCount = copyTemplate().length / pageBytes
  let pagesWithLosses = 0
  for (let page = 0; page < pageCount; page++) {
    const bytes = copyTemplate()
    const lostTexts = [...whole.values()].filter(({ message }) => {
      const at = bytes.indexOf(message.text.slice(0, 200))
      return at >= 0 && Math.floor(at / pageBytes) === page
    })
    for (let at = page * pageBytes; at < (page + 1) * pageBytes; at++) bytes[at] = (bytes[at] ?? 0) ^ 0x5a
    writeFileSync(file, bytes)
    const { store, lost } = await useUntilWhole()
    const left = await readAll(store)
    for (const [key, entry] of left) expect(entry).toEqual(whole.get(key))
    expect(whole.size - left.size, `page ${page + 1}`).toBe(lost)
    // A long text has several pages; only messages with a part in the page are lost.
    expect(lost, `page ${page + 1}`).toBeLessThanOrEqual(Math.max(lostTexts.length, 1))
    if (lost > 0) pagesWithLosses++
    const { text } = await store.addOutgoing({ peer: peers[0] ?? '', text: 'life goes on', sentAtMs: 0 })
    expect((await store.search('"life goes on"', { limit: 9 })).map(({ message }) => message.text)).toEqual([text])
    await store.close()
  }
  expect(pagesWithLosses).toBeGreaterThan(3)
})

test('a flipped bit in a text is noticed, reported with its conversation, and costs only that message', async () => {
  const bytes = copyTemplate()
  const at = bytes.indexOf('message 121 of')
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(file, bytes)
  const store = await SqliteStore.open(file)
  const peer = peers[121 % peers.length] ?? ''
  const told = await store.check()
  expect(told).toBeInstanceOf(StorageDamagedError)
  expect(told?.conversations).toEqual([{ peer, readable: 74, lost: 1 }])
  expect(told?.message).toContain(`1 of 75 messages with ${peer}`)
  await expect(store.history(peer, { limit: 100 })).rejects.toThrow(StorageDamagedError)
  expect(await store.history(peers[0] ?? '', { limit: 100 })).toHaveLength(75)
  await store.close()
  await expect(SqliteStore.open(file)).rejects.toMatchObject({ conversations: [{ peer, readable: 74, lost: 1 }] })
  const mended = await SqliteStore.openOrMend(file, { now: () => 0 })
  expect(mended.mended).toEqual({
    damagedFile: `${file}.damaged-1970-01-01T00-00-00.000Z`,
    messages: 299,
    conversations: [{ peer, readable: 74, lost: 1 }],
    missingBytes: 0
  })
  expect(readFileSync(mended.mended?.damagedFile ?? '').equals(bytes)).toBe(true)
  expect(
    (await mended.store.addIncoming(peer, [{ id: 'id121', log: 'log', seq: 121, sentAtMs: 0, text: '' }], accepted))[0]
      ?.known
  ).toBe(true)
  await mended.store.close()
})

test('damage found by a read is reported once, and mended at the next start', async () => {
  const bytes = copyTemplate()
  const at = bytes.indexOf('message 20 of')
  bytes[at] = 0
  writeFileSync(file, bytes)
  const told: StorageDamagedError[] = []
  const store = await SqliteStore.open(file, { onDamage: (error) => void told.push(error) })
  for (let n = 0; n < 3; n++) await store.history(peers[0] ?? '', { limit: 100 }).catch(() => undefined)
  expect(told).toHaveLength(1)
  await store.addOutgoing({ peer: peers[1] ?? '', text: 'others are not disturbed', sentAtMs: 0 })
  await store.close()
  const { store: again, mended } = await SqliteStore.openOrMend(file)
  expect(mended?.conversations).toEqual([{ peer: peers[0], readable: 74, lost: 1 }])
  expect(mended?.messages).toBe(300)
  expect(await again.history(peers[0] ?? '', { limit: 100 })).toHaveLength(74)
  await again.close()
})

test('a search ends although the index has lost its position', async () => {
  copyTemplate()
  const database = new DatabaseSync(file)
  database.exec('DELETE FROM indexed')
  database.close()
  const store = await SqliteStore.open(file)
  await expect(store.search('history', { limit: 5 })).resolves.toBeInstanceOf(Array)
  await store.close()
})

test('the next opening finishes a mending that was interrupted at its last step', async () => {
  const bytes = copyTemplate()
  writeFileSync(`${file}.mended`, bytes)
  writeFileSync(`${file}.damaged`, '')
  writeFileSync(file, 'the damaged one')
  writeFileSync(`${file}-wal`, 'its log')
  const store = await SqliteStore.open(file)
  expect((await readAll(store)).size).toBe(300)
  await store.close()
  expect(readdirSync(folder)).toEqual(['history.db'])
})

const isPeer = (text: string): boolean => peers.includes(text)

/** Overwrites the peer at each place of the file, one copy after the other. */
function* withoutOnePeer(peer: string, other: string): Generator<number> {
  const bytes = copyTemplate()
  for (let at = bytes.indexOf(peer); at >= 0; at = bytes.indexOf(peer, at + 1)) {
    copyTemplate()
    const damaged = Buffer.from(bytes)
    damaged.write(other, at)
    writeFileSync(file, damaged)
    yield at
  }
}

test('a peer that one copy of it names no more is taken from the other: the row has one, the index another', async () => {
  let places = 0
  for (const at of withoutOnePeer(peers[1] ?? '', '12D3KooWPeer!umber1ofTheTest')) {
    places++
    const { store, mended } = await SqliteStore.openOrMend(file, { isPeer })
    expect(mended, `at ${at}`).toMatchObject({ messages: 300, conversations: [] })
    expect(await readAll(store)).toEqual(whole)
    await store.close()
    expect((await SqliteStore.openOrMend(file, { isPeer })).mended).toBeUndefined()
  }
  expect(places).toBe(2)
})

test('a row and an index that name two peers are damage, although each could be one', async () => {
  for (const _ of withoutOnePeer(peers[1] ?? '', '12D3KooWPeerNumber9ofTheTest')) {
    await expect(SqliteStore.open(file)).rejects.toThrow(StorageDamagedError)
    const { store } = await SqliteStore.openOrMend(file)
    expect((await readAll(store)).size).toBe(300)
    await store.close()
  }
})

test.each([
  ['a conversation', `UPDATE conversation SET peer = 'nobody' WHERE peer = '${peers[1]}'`, 75],
  ['a request that was evicted', "INSERT INTO evicted (peer, id) VALUES ('nobody', 'id1')", 0]
])('%s of no peer is damage: the rest is kept, and the losses are counted', async (_what, change, lost) => {
  copyTemplate()
  const database = new DatabaseSync(file)
  database.exec(change)
  database.close()
  const store = await SqliteStore.open(file)
  await store.close()
  await expect(SqliteStore.open(file, { isPeer })).rejects.toThrow(StorageDamagedError)
  const { store: again, mended } = await SqliteStore.openOrMend(file, { isPeer })
  const conversations = lost === 0 ? [] : [{ peer: 'unknown', readable: 0, lost }]
  expect(mended).toMatchObject({ messages: 300 - lost, conversations })
  expect((await readAll(again)).size).toBe(300 - lost)
  expect(await again.check()).toBeUndefined()
  await again.close()
})

test('a row that stops naming a peer while the store is in use is found by the check, and mended at the next start', async () => {
  copyTemplate()
  const gone: string[] = []
  const isStillPeer = (text: string): boolean => isPeer(text) && !gone.includes(text)
  const store = await SqliteStore.open(file, { isPeer: isStillPeer })
  expect(await store.check()).toBeUndefined()
  gone.push(peers[1] ?? '')
  expect(await store.check()).toBeInstanceOf(StorageDamagedError)
  await store.close()
  const { store: again, mended } = await SqliteStore.openOrMend(file, { isPeer: isStillPeer })
  expect(mended?.messages).toBe(225)
  await again.close()
})

test('a file that is no history is put aside, and a new one begins', async () => {
  writeFileSync(file, 'no database '.repeat(1_000))
  await expect(SqliteStore.open(file)).rejects.toThrow(StorageDamagedError)
  const { store, mended } = await SqliteStore.openOrMend(file)
  expect(mended).toMatchObject({ messages: 0, conversations: [] })
  await store.close()
})

test('an empty file is damage: it is kept, and the amount lost is reported as unknown', async () => {
  writeFileSync(file, '')
  await expect(SqliteStore.open(file)).rejects.toThrow(StorageDamagedError)
  expect(readFileSync(file)).toHaveLength(0)
  const { store, mended } = await SqliteStore.openOrMend(file, { now: () => 0 })
  const damagedFile = `${file}.damaged-1970-01-01T00-00-00.000Z`
  expect(mended).toEqual({ damagedFile, messages: 0, conversations: [], missingBytes: undefined })
  await fill(store, 3)
  await store.close()
  expect(readFileSync(damagedFile)).toHaveLength(0)
  const { store: again, mended: not } = await SqliteStore.openOrMend(file)
  expect(not).toBeUndefined()
  expect((await readAll(again)).size).toBe(3)
  await again.close()
})

test('a file cut within its first page has lost an unknown amount too', async () => {
  copyTemplate()
  truncateSync(file, 50)
  const { store, mended } = await SqliteStore.openOrMend(file)
  expect(mended).toMatchObject({ messages: 0, missingBytes: undefined })
  await store.close()
})

test('a file that was not whole when the program was killed is made anew: no crash leaves an empty history', async () => {
  writeFileSync(`${file}.new`, 'half of a')
  const { store, mended } = await SqliteStore.openOrMend(file)
  expect(mended).toBeUndefined()
  await store.close()
  expect(readdirSync(folder)).toEqual(['history.db'])
})

/** A history whose last messages are only in the log, as kill -9 leaves it. */
async function copyWithLog(): Promise<void> {
  copyTemplate()
  const store = await SqliteStore.open(file)
  await fill(store, inLog, 300)
  const aside = join(folder, 'aside')
  copyFileSync(file, aside)
  copyFileSync(`${file}-wal`, `${aside}-wal`)
  await store.close()
  copyFileSync(aside, file)
  copyFileSync(`${aside}-wal`, `${file}-wal`)
}

test('a file shorter than its log expects is damaged, wherever it ends: the first opening mends it', async () => {
  // As in a copy of files in use: the file is older than its log.
  await copyWithLog()
  const [bytes, log] = [readFileSync(file), readFileSync(`${file}-wal`)]
  let mendings = 0
  for (let length = bytes.length - pageBytes / 2; length > pageBytes; length -= 2.5 * pageBytes) {
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    writeFileSync(file, bytes.subarray(0, length))
    writeFileSync(`${file}-wal`, log)
    const { store, starts } = await useUntilWhole()
    for (const [key, entry] of await readAll(store)) if (whole.has(key)) expect(entry).toEqual(whole.get(key))
    if (starts > 1) mendings++
    await store.close()
  }
  expect(mendings).toBeGreaterThan(0)
})

test.each([
  ['an empty file', () => writeFileSync(file, '')],
  ['a missing file', () => rmSync(file)]
])('beside %s the log is not deleted: what it holds is salvaged', async (_what, lose) => {
  await copyWithLog()
  const log = readFileSync(`${file}-wal`)
  lose()
  const { store, mended } = await SqliteStore.openOrMend(file)
  expect(mended?.missingBytes).toBeGreaterThan(0)
  const all = await readAll(store)
  expect(all.size).toBeGreaterThanOrEqual(inLog)
  for (const [key, entry] of whole) expect(all.get(key) ?? entry).toEqual(entry)
  expect(readFileSync(`${mended?.damagedFile}-wal`).equals(log)).toBe(true)
  await store.close()
})

test('without its log a history has what had reached the file', async () => {
  await copyWithLog()
  rmSync(`${file}-wal`)
  const store = await SqliteStore.open(file)
  expect(await store.check()).toBeUndefined()
  expect((await readAll(store)).size).toBe(300)
  await store.close()
})

test('with a log cut anywhere, the history is that of an earlier moment', async () => {
  for (const part of [0.001, 0.2, 0.5, 0.77, 0.999]) {
    await copyWithLog()
    const log = `${file}-wal`
    truncateSync(log, Math.floor(readFileSync(log).length * part))
    const store = await SqliteStore.open(file)
    expect(await store.check()).toBeUndefined()
    const all = await readAll(store)
    expect(all.size).toBeGreaterThanOrEqual(300)
    expect(all.size).toBeLessThan(300 + inLog)
    for (const [key, entry] of whole) expect(all.get(key)).toEqual(entry)
    await store.close()
  }
})

test('messages that are only in the log are salvaged too', async () => {
  await copyWithLog()
  const bytes = readFileSync(file)
  bytes.fill(0x5a, 0, pageBytes)
  writeFileSync(file, bytes)
  const wal = readFileSync(`${file}-wal`)
  const { store } = await SqliteStore.openOrMend(file)
  const all = await readAll(store)
  expect(wal.length).toBeGreaterThan(0)
  expect(all.size).toBe(300 + inLog)
  await store.close()
})

test.each([
  ['of an unknown form', "UPDATE search_config SET v = 0 WHERE k = 'version'"],
  ['that is missing', 'DROP TABLE search_config']
])('a search index %s is damage like any other: nothing else is lost', async (_what, change) => {
  copyTemplate()
  // SQLite protects the tables of a search index from statements that name them.
  const database = new DatabaseSync(file, { defensive: false })
  database.exec(change)
  database.close()
  const { store, lost } = await useUntilWhole()
  expect(lost).toBe(0)
  expect((await readAll(store)).size).toBe(whole.size)
  expect((await store.search('history', { limit: 5 })).length).toBe(5)
  await store.close()
})
