// What the messages of a history promise while the disk is busy: each sync is
// held up until the test lets it end.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CommitQueue } from '../../../src/storage/sqlite/commit-queue.ts'
import { openHistoryFile } from '../../../src/storage/sqlite/history-file.ts'
import { SqliteMessages } from '../../../src/storage/store/sqlite-messages.ts'

const peer = 'somebody'
const accepted = { state: 'accepted', lan: false, storedAtMs: 0 } as const
const everything = { after: 0, limit: 9 }
let folder: string
let database: DatabaseSync
let syncs: (() => void)[]
let messages: OpenMessages

class OpenMessages extends SqliteMessages {
  async eraseDeleted(): Promise<void> {}

  async close(): Promise<void> {
    this.stopIndexing()
    database.close()
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'parley-messages-'))
  database = openHistoryFile(join(folder, 'history.db'))
  syncs = []
  const queue = new CommitQueue({
    database,
    sync: async () => new Promise<void>((resolve) => syncs.push(resolve)),
    syncAnew: async () => Promise.reject(new Error('no sync has failed')),
    failure: (error) => error,
    syncFailure: (error) => error
  })
  messages = new OpenMessages({ database, queue, now: () => 0, indexing: 'in the background' })
})

afterEach(async () => {
  await messages.close()
  rmSync(folder, { recursive: true })
})

const nextTurn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Lets the write go as far as the disk, and leaves its sync to the test. */
async function untilSyncing<T>(write: Promise<T>): Promise<{ readonly stored: Promise<T>; readonly sync: () => void }> {
  await nextTurn()
  const [sync] = syncs.splice(0)
  if (sync === undefined) throw new Error('nothing is being synced')
  return { stored: write, sync }
}

const add = async (n: number) =>
  untilSyncing(
    messages.addIncoming(peer, [{ id: `id${n}`, log: 'log', seq: n, sentAtMs: n, text: `text ${n}` }], accepted)
  )

async function addStored(n: number): Promise<void> {
  const { stored, sync } = await add(n)
  sync()
  await stored
}

const texts = ({ entries }: Awaited<ReturnType<SqliteMessages['news']>>) => entries.map(({ message }) => message.text)

test('news on the disk is reported while later messages are on their way there', async () => {
  await addStored(1)
  const second = await add(2)
  const news = await messages.news(everything)
  expect([texts(news), news.next]).toEqual([['text 1'], 1])
  second.sync()
  await second.stored
  expect(texts(await messages.news({ ...everything, after: news.next }))).toEqual(['text 2'])
})

test('a message is news only when it is on the disk', async () => {
  await addStored(1)
  const second = await add(2)
  let told: readonly string[] | undefined
  const news = messages.news({ ...everything, after: 1 }).then((found) => (told = texts(found)))
  await nextTurn()
  expect([told, messages.storedUpTo]).toEqual([undefined, 1])
  second.sync()
  await news
  expect([told, messages.storedUpTo]).toEqual([['text 2'], 2])
})

test('a message is not told in a state that is not on the disk', async () => {
  const adding = await untilSyncing(messages.addOutgoing({ peer, text: 'hello', sentAtMs: 1 }))
  adding.sync()
  const { id } = await adding.stored
  const delivering = await untilSyncing(messages.setDelivery(peer, [id], 'delivered'))
  let told: string | undefined
  const news = messages.news(everything).then(({ entries }) => (told = entries[0]?.message.state))
  await nextTurn()
  expect(told).toBeUndefined()
  delivering.sync()
  await delivering.stored
  await news
  expect(told).toBe('delivered')
})
