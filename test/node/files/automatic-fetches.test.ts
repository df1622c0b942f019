/** What is fetched without a question: up to a size, and only so much in a day. */
import { expect, test } from 'vitest'
import { ASK_FOR_FILES, NO_FILES } from '../../../src/node/config/setting-specs.ts'
import { AutomaticFetches } from '../../../src/node/files/automatic-fetches.ts'
import { FileBook, type ReceivedFile } from '../../../src/node/files/file-book.ts'

const MIB = 2 ** 20
const DAY_MS = 24 * 60 * 60 * 1000

const offer = (sizeBytes: number): ReceivedFile => ({
  number: 1,
  peer: 'anna',
  file: 'ab'.repeat(32),
  name: 'a',
  sizeBytes,
  state: 'offered'
})

test('the setting says what is done with an offer; a folder counts with all that is in it', async () => {
  const book = await FileBook.open('')
  expect(await new AutomaticFetches(NO_FILES, book).answer(offer(1), 0)).toBe('never')
  expect(await new AutomaticFetches(ASK_FOR_FILES, book).answer(offer(0), 0)).toBe('ask')
  const upToOne = new AutomaticFetches(MIB, book)
  expect(await upToOne.answer(offer(MIB), 0)).toBe('fetch')
  expect(await upToOne.answer(offer(MIB + 1), 0)).toBe('ask')
  expect(await upToOne.answer({ ...offer(100), folder: { files: 2, sizeBytes: MIB } }, 0)).toBe('ask')
})

test('in a day it is no more than ten such files, after a restart too, and however small each is', async () => {
  const book = await FileBook.open('')
  const answers = async (sizeBytes: number, count: number, nowMs: number) => {
    let fetched = 0
    for (let n = 0; n < count; n++) {
      if ((await new AutomaticFetches(MIB, book).answer(offer(sizeBytes), nowMs)) === 'fetch') fetched++
    }
    return fetched
  }
  expect(await answers(MIB, 20, DAY_MS)).toBe(10)
  expect(await answers(1, 10, 2 * DAY_MS - 1)).toBe(0)
  expect(await answers(0, 1_000, 2 * DAY_MS)).toBe(160)
  // A clock that was set back does not stop it for years.
  expect(await answers(MIB, 20, 0)).toBe(10)
})
