/** What was offered is open only as long as the offer stands. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { FileBook } from '../../../src/node/files/file-book.ts'
import { OwnOffers } from '../../../src/node/files/own-offers.ts'
import { SentFolders } from '../../../src/node/files/sent-folders.ts'

async function offering() {
  const outer = await mkdtemp(join(tmpdir(), 'parley-offers-'))
  onTestFinished(() => rm(outer, { recursive: true, force: true }))
  const path = join(outer, 'notes.txt')
  await writeFile(path, 'notes')
  const [book, folders] = [await FileBook.open(''), await SentFolders.open('')]
  const blocked = new Set<string>()
  const own = new OwnOffers({
    book,
    folders,
    isBlocked: (peer) => blocked.has(peer),
    onChange: () => undefined
  })
  const openedBy = async (peer: string, file = '') => {
    const opened = await own.onOffer.open(peer, file)
    if (typeof opened === 'object') onTestFinished(() => opened.close())
    return typeof opened === 'object' ? opened : undefined
  }
  return { outer, path, book, blocked, own, openedBy }
}

test('a file that is withdrawn, or whose peer is blocked, is offered no longer to one that has it open', async () => {
  const { path, book, blocked, own, openedBy } = await offering()
  const [read] = await own.read([path])
  if (read === undefined) throw new Error('nothing was read')
  const [sent] = await book.addSent([{ ...read, peer: 'bob' }])
  const opened = await openedBy('bob', read.file)
  expect(opened?.isOffered?.()).toBe(true)
  blocked.add('bob')
  expect(opened?.isOffered?.()).toBe(false)
  blocked.clear()
  await book.removeSent([sent?.number ?? 0])
  expect(opened?.isOffered?.()).toBe(false)
})

test('a folder that is withdrawn is offered no longer, nor a file in it', async () => {
  const { outer, path, book, own, openedBy } = await offering()
  const [folder] = await own.read([outer])
  const [inside] = await own.read([path])
  const [sent] = await book.addSent(folder === undefined ? [] : [{ ...folder, peer: 'bob' }])
  const opened = [await openedBy('bob', folder?.file), await openedBy('bob', inside?.file)]
  expect(opened.map((one) => one?.isOffered?.())).toEqual([true, true])
  await book.removeSent([sent?.number ?? 0])
  expect(opened.map((one) => one?.isOffered?.())).toEqual([false, false])
})
