import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FileBook } from '../../../src/node/files/file-book.ts'

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'parley-book-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

const file = 'ab'.repeat(32)
const received = (peer: string, name = 'a') => ({ peer, file, name, sizeBytes: 1 })
const sent = (peer: string, path: string) => ({ peer, file, name: 'a', sizeBytes: 1, path, changedAtNs: '1' })

test('what was offered in both directions is there again, under its numbers', async () => {
  const at = await folder()
  const book = await FileBook.open(at)
  await book.addReceived([received('bob', 'one'), received('bob', 'two')])
  await book.addSent([sent('bob', '/a')])
  await book.change(2, { state: 'wanted', part: '/p' })
  const again = await FileBook.open(at)
  expect(again.received.map(({ number, name, state }) => [number, name, state])).toEqual([
    [1, 'one', 'offered'],
    [2, 'two', 'wanted']
  ])
  expect(again.sent).toEqual(book.sent)
  expect((await again.addSent([sent('carl', '/b')]))[0]?.number).toBe(4)
  expect((await stat(join(at, 'files.json'))).mode & 0o777).toBe(0o600)
})

test('a file that was offered twice is the one that was offered last', async () => {
  const book = await FileBook.open('')
  await book.addSent([sent('bob', '/old'), sent('bob', '/new')])
  expect(book.sentTo('bob', file)?.path).toBe('/new')
  await book.removeSent([2])
  expect(book.sentTo('bob', file)?.path).toBe('/old')
  expect(book.sentTo('carl', file)).toBeUndefined()
})

test('a peer that floods takes no other’s place, and nothing that is wanted goes', async () => {
  const book = await FileBook.open('')
  await book.addReceived([received('bob'), received('mallory', 'wanted')])
  await book.change(2, { state: 'wanted' })
  for (let times = 0; times < 40; times++) {
    await book.addReceived(Array.from({ length: 32 }, () => received('mallory')))
  }
  expect(book.received).toHaveLength(1_000)
  expect(book.received.slice(0, 2).map(({ peer, state }) => [peer, state])).toEqual([
    ['bob', 'offered'],
    ['mallory', 'wanted']
  ])
})

test('what changes while a write is under way is written by one more, and is there when its change resolves', async () => {
  const at = await folder()
  const book = await FileBook.open(at)
  await Promise.all(Array.from({ length: 50 }, async (_, index) => book.addReceived([received('bob', `${index}`)])))
  expect((await FileBook.open(at)).received).toHaveLength(50)
  // A failure is reported, and does not end the writing.
  await rm(at, { recursive: true })
  await expect(book.addReceived([received('bob')])).rejects.toThrow('ENOENT')
})

test('a file that can’t be read is an empty book, and entries that are none are left out', async () => {
  const at = await folder()
  await writeFile(join(at, 'files.json'), '{"next": 5, "received": [null, {"number": 1}], "sent": 7}')
  expect((await FileBook.open(at)).received).toEqual([])
  await writeFile(join(at, 'files.json'), '{"next": 5, "received": [null, {"number": 1}], "sent": []}')
  const book = await FileBook.open(at)
  expect(book.received).toEqual([])
  expect((await book.addReceived([received('bob')]))[0]?.number).toBe(5)
  expect(JSON.parse(await readFile(join(at, 'files.json'), 'utf8'))).toMatchObject({ next: 6 })
})

test('files that are wanted at once stay, however many others are remembered', async () => {
  const book = await FileBook.open('')
  await book.addReceived(Array.from({ length: 900 }, (_, at) => received('carl', `offered ${at}`)))
  const wanted = Array.from({ length: 1_000 }, (_, at) => received('bob', `wanted ${at}`))
  await book.addReceived(wanted, 'wanted')
  expect(book.received.filter(({ state }) => state === 'wanted')).toHaveLength(1_000)
})
