import { DatabaseSync } from 'node:sqlite'
import { beforeEach, expect, test } from 'vitest'
import { CommitQueue } from '../../src/storage/commit-queue.ts'
import { StorageFullError } from '../../src/storage/errors.ts'

let database: DatabaseSync
let syncs: { resolve: () => void; reject: (error: Error) => void }[]
let queue: CommitQueue

beforeEach(() => {
  database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE word (text TEXT NOT NULL)')
  syncs = []
  queue = new CommitQueue({
    database,
    sync: async () => new Promise<void>((resolve, reject) => syncs.push({ resolve, reject })),
    failure: (error) => error
  })
})

const write = async (text: string | null): Promise<string | null> =>
  queue.write(() => {
    database.prepare('INSERT INTO word VALUES (?)').run(text)
    return text
  })
const words = (): unknown[] =>
  database
    .prepare('SELECT text FROM word')
    .all()
    .map(({ text }) => text)
const nextTurn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Notes when a promise has settled, without waiting for it. */
function watch(promise: Promise<unknown>): { state: string } {
  const seen = { state: 'waiting' }
  promise.then(
    () => (seen.state = 'resolved'),
    () => (seen.state = 'rejected')
  )
  return seen
}

test('a write is told as done only after its sync', async () => {
  const seen = watch(write('one'))
  await nextTurn()
  expect(words()).toEqual(['one'])
  expect(seen.state).toBe('waiting')
  syncs[0]?.resolve()
  await nextTurn()
  expect(seen.state).toBe('resolved')
})

test('all writes of one turn share one transaction and one sync', async () => {
  const all = Promise.all(['one', 'two', 'three'].map(write))
  await nextTurn()
  expect(syncs).toHaveLength(1)
  syncs[0]?.resolve()
  expect(await all).toEqual(['one', 'two', 'three'])
})

test('what is asked while the disk is busy shares the next sync', async () => {
  const first = write('one')
  await nextTurn()
  const others = watch(Promise.all([write('two'), write('three')]))
  await nextTurn()
  syncs[0]?.resolve()
  await first
  await nextTurn()
  expect(syncs).toHaveLength(2)
  expect(others.state).toBe('waiting')
  syncs[1]?.resolve()
  await nextTurn()
  expect(others.state).toBe('resolved')
})

test('a reading sees the writes before it, and is told only when they are on the disk', async () => {
  void write('one')
  const behind = watch(queue.read(words))
  await nextTurn()
  const after = watch(queue.read(words))
  await nextTurn()
  expect([behind.state, after.state]).toEqual(['waiting', 'waiting'])
  syncs[0]?.resolve()
  await nextTurn()
  expect([behind.state, after.state]).toEqual(['resolved', 'resolved'])
  expect(await queue.read(words)).toEqual(['one'])
})

test('a write that fails takes nothing with it', async () => {
  const all = Promise.allSettled([write('one'), write(null), write('two')])
  // What stood behind the failure is taken up in the turn after it.
  await nextTurn()
  await nextTurn()
  syncs[0]?.resolve()
  expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(words()).toEqual(['one', 'two'])
})

test('on a disk that is full what was asked to be written is refused, and what was asked to be read is not', async () => {
  const full = new StorageFullError('history.db')
  const onFullDisk = new CommitQueue({ database, sync: async () => undefined, failure: () => full })
  const fails = (): never => {
    throw new Error('the disk takes nothing')
  }
  const asked = [onFullDisk.write(fails), onFullDisk.read(words), onFullDisk.write(fails), onFullDisk.read(words)]
  const [first, second, third, fourth] = await Promise.allSettled(asked)
  expect([first, third]).toEqual([
    { status: 'rejected', reason: full },
    { status: 'rejected', reason: full }
  ])
  expect([second, fourth]).toEqual([
    { status: 'fulfilled', value: [] },
    { status: 'fulfilled', value: [] }
  ])
})

test('after a sync that failed nothing is taken any more, because the disk can’t be believed', async () => {
  const error = new Error('the disk is broken')
  const first = watch(write('one'))
  await nextTurn()
  const second = watch(write('two'))
  syncs[0]?.reject(error)
  await nextTurn()
  expect([first.state, second.state]).toEqual(['rejected', 'rejected'])
  await expect(write('three')).rejects.toBe(error)
  await expect(queue.read(words)).rejects.toBe(error)
  expect(words()).toEqual(['one'])
})

test('ending settles what was taken and refuses the rest', async () => {
  const taken = write('one')
  const ended = queue.end(new Error('closed'))
  syncs[0]?.resolve()
  await ended
  expect(await taken).toBe('one')
  await expect(write('two')).rejects.toThrow('closed')
})
