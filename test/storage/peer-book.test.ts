import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PeerBook, PeerBookDamagedError } from '../../src/storage/index.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-book-'))
  file = join(folder, 'book.json')
})

afterEach(async () => {
  await rm(folder, { recursive: true })
})

test('where a directory is reached by WebSocket is kept beside its address, until it says otherwise or is forgotten', async () => {
  const book = await PeerBook.open(file)
  await book.rememberDirectory('/dns/a.example/tcp/8000', '/dns/a.example/tcp/443/tls/ws')
  expect((await PeerBook.open(file)).webSocketOf('/dns/a.example/tcp/8000')).toBe('/dns/a.example/tcp/443/tls/ws')
  for (let i = 0; i < 16; i++)
    await book.rememberDirectory(`/ip4/11.22.33.44/tcp/${8000 + i}`, '/ip4/11.22.33.44/tcp/80/ws')
  expect(book.webSocketOf('/dns/a.example/tcp/8000')).toBeUndefined()
  await book.rememberDirectory('/ip4/11.22.33.44/tcp/8000')
  expect(book.webSocketOf('/ip4/11.22.33.44/tcp/8000')).toBeUndefined()
})

test('everything is there when the book is opened again, in a file for its owner alone', async () => {
  const book = await PeerBook.open(file)
  await book.accept('anna-id', 'anna', 5)
  await book.rememberAddress('anna-id', '/ip4/10.0.0.1/tcp/4')
  await book.block('mallory-id', 'mallory')
  await book.setPin('/ip4/10.0.0.1/tcp/4', 'anna-id')
  await book.setPort(4001)
  await book.rememberDirectory('/ip4/10.0.0.9/tcp/8000')
  const again = await PeerBook.open(file)
  expect(again.contacts()).toEqual([{ peer: 'anna-id', name: 'anna', sinceMs: 5, addresses: ['/ip4/10.0.0.1/tcp/4'] }])
  expect(again.isBlocked('mallory-id')).toBe(true)
  expect(again.pin('/ip4/10.0.0.1/tcp/4')).toBe('anna-id')
  expect(again.port).toBe(4001)
  expect(again.directories()).toEqual(['/ip4/10.0.0.9/tcp/8000'])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('a verified contact stays so after a restart and under a new name, until the verification is removed', async () => {
  const book = await PeerBook.open(file)
  await book.accept('anna-id', 'anna', 5)
  await book.rememberAddress('anna-id', '/ip4/10.0.0.1/tcp/4')
  await book.verify('anna-id', 'not used', 7)
  await book.verify('anna-id', 'not used', 9)
  await book.block('bert-id', 'bert')
  await book.verify('bert-id', 'bert', 8)
  const again = await PeerBook.open(file)
  await again.accept('anna-id', 'annie', 10)
  const anna = { peer: 'anna-id', name: 'annie', sinceMs: 5, addresses: ['/ip4/10.0.0.1/tcp/4'] }
  expect(again.contact('anna-id')).toEqual({ ...anna, verified: { sinceMs: 7 } })
  expect(again.contact('bert-id')).toMatchObject({ name: 'bert', sinceMs: 8, verified: { sinceMs: 8 } })
  expect(again.isBlocked('bert-id')).toBe(false)
  await again.unverify('anna-id')
  await again.unverify('nobody')
  expect((await PeerBook.open(file)).contact('anna-id')).toEqual(anna)
})

test('a book from before verification opens unchanged', async () => {
  const anna = { peer: 'anna-id', name: 'anna', sinceMs: 5, addresses: [] }
  await writeFile(
    file,
    JSON.stringify({ port: 4001, contacts: { 'anna-id': anna }, blocked: {}, ignored: {}, pins: {} })
  )
  expect((await PeerBook.open(file)).contacts()).toEqual([anna])
})

test('a copy of what is known of others has no file and changes nothing', async () => {
  const book = await PeerBook.open(file)
  await book.verify('anna-id', 'anna', 5)
  await book.setPort(4001)
  const copy = book.copyOfOthers()
  expect(copy.contact('anna-id')?.verified).toEqual({ sinceMs: 5 })
  expect(copy.port).toBeUndefined()
  await copy.unverify('anna-id')
  await copy.rememberAddress('anna-id', '/ip4/10.0.0.1/tcp/4')
  expect((await PeerBook.open(file)).contact('anna-id')).toMatchObject({ verified: { sinceMs: 5 }, addresses: [] })
})

test('changes made at the same time are all kept', async () => {
  const book = await PeerBook.open(file)
  await Promise.all(Array.from({ length: 20 }, async (_, i) => book.accept(`id${i}`, `name${i}`, i)))
  expect((await PeerBook.open(file)).contacts()).toHaveLength(20)
})

test('accepting a blocked or ignored peer ends that, and blocking ends a contact', async () => {
  const book = PeerBook.inMemory()
  await book.block('id', 'anna')
  await book.accept('id', 'anna', 1)
  expect(book.isBlocked('id')).toBe(false)
  await book.block('id', 'anna')
  expect(book.contact('id')).toBeUndefined()
})

test('a damaged file is named and left as it is', async () => {
  await writeFile(file, '{"contacts": ')
  await expect(PeerBook.open(file)).rejects.toThrow(PeerBookDamagedError)
  await expect(PeerBook.open(file)).rejects.toThrow(
    `${file} can't be read as a peer book (Unexpected end of JSON input): mend it`
  )
  expect(await readFile(file, 'utf8')).toBe('{"contacts": ')
})

test('peer IDs that are names of object members are ordinary keys', async () => {
  const book = await PeerBook.open(file)
  expect(book.isBlocked('constructor')).toBe(false)
  expect(book.pin('__proto__')).toBeUndefined()
})

test('a removed contact is gone for good, and other peers stay as they were', async () => {
  const book = await PeerBook.open(file)
  await book.accept('anna-id', 'anna', 5)
  await book.block('mallory-id', 'mallory')
  await book.remove('anna-id')
  await book.remove('mallory-id')
  const again = await PeerBook.open(file)
  expect(again.contacts()).toEqual([])
  expect(again.isBlocked('mallory-id')).toBe(true)
})

test('a peer that was met by a code is a contact, and stays what else it was', async () => {
  const book = await PeerBook.open(file)
  await book.accept('anna-id', 'anna', 5)
  await book.verify('anna-id', 'anna', 6)
  await book.meet('anna-id', 'somebody', 7)
  await book.ignore('bob-id', 'bob')
  await book.meet('bob-id', 'bob', 8)
  const again = await PeerBook.open(file)
  expect(again.contacts()).toEqual([
    { peer: 'anna-id', name: 'anna', sinceMs: 5, addresses: [], verified: { sinceMs: 6 }, metByCode: { sinceMs: 7 } },
    { peer: 'bob-id', name: 'bob', sinceMs: 8, addresses: [], metByCode: { sinceMs: 8 } }
  ])
  expect(again.isIgnored('bob-id')).toBe(false)
})

test.each([
  ['a contact without a name', { contacts: { 'anna-id': { peer: 'anna-id', sinceMs: 5, addresses: [] } } }],
  ['a contact with a number for an address', { contacts: { a: { peer: 'a', name: 'a', sinceMs: 5, addresses: [7] } } }],
  ['a contact met at no time', { contacts: { a: { peer: 'a', name: 'a', sinceMs: 5, addresses: [], metByCode: {} } } }],
  ['a contact under the ID of another', { contacts: { b: { peer: 'a', name: 'a', sinceMs: 5, addresses: [] } } }],
  ['a blocked peer that is no entry', { blocked: { a: true } }],
  ['a contact of no peer', { contacts: { '!': { peer: '!', name: 'a', sinceMs: 5, addresses: [] } } }],
  ['a blocked entry of no peer', { blocked: { '!': { peer: '!', name: 'a' } } }],
  ['an ignored entry of no peer', { ignored: { '!': { peer: '!', name: 'a' } } }],
  ['a key of no peer', { pins: { '/ip4/10.0.0.1/tcp/4': '!' } }],
  ['a key that is no text', { pins: { '/ip4/10.0.0.1/tcp/4': 7 } }]
])('%s damages the book, which stays as it is', async (_what, book) => {
  const text = JSON.stringify(book)
  await writeFile(file, text)
  const opened = PeerBook.open(file, (peer) => peer !== '!')
  await expect(opened).rejects.toBeInstanceOf(PeerBookDamagedError)
  expect(await readFile(file, 'utf8')).toBe(text)
})

test('a change that names no peer is refused, and the book can be opened again', async () => {
  const isPeer = (text: string): boolean => text !== 'bad'
  const book = await PeerBook.open(file, isPeer)
  await book.accept('anna-id', 'anna', 5)
  const changes = [
    async () => book.accept('bad', 'bad', 5),
    async () => book.verify('bad', 'bad', 5),
    async () => book.meet('bad', 'bad', 5),
    async () => book.block('bad', 'bad'),
    async () => book.ignore('bad', 'bad'),
    async () => book.setPin('/ip4/10.0.0.1/tcp/4', 'bad')
  ]
  for (const change of changes) await expect(change()).rejects.toThrow('bad is no peer ID')
  await book.setPort(4000)
  const again = await PeerBook.open(file, isPeer)
  expect(again.contacts()).toEqual(book.contacts())
  expect(again.contacts().map(({ peer }) => peer)).toEqual(['anna-id'])
  expect([again.blocked(), again.isIgnored('bad'), again.pin('/ip4/10.0.0.1/tcp/4')]).toEqual([[], false, undefined])
})
