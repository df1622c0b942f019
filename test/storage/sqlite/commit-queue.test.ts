import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { CommitQueue, RECOVERY_AGAIN_MS } from '../../../src/storage/sqlite/commit-queue.ts'
import { StorageFullError, StorageUnconfirmedError } from '../../../src/storage/storage-failure.ts'

let database: DatabaseSync
let syncs: { resolve: () => void; reject: (error: Error) => void }[]
/** What the sync after a failed one does. */
let syncAnew: () => Promise<void>
let queue: CommitQueue

beforeEach(() => {
  database = new DatabaseSync(':memory:')
  database.exec('CREATE TABLE word (text TEXT NOT NULL)')
  syncs = []
  syncAnew = async () => Promise.reject(new Error('nobody asked for it'))
  queue = new CommitQueue({
    database,
    sync: async () => new Promise<void>((resolve, reject) => syncs.push({ resolve, reject })),
    syncAnew: async () => syncAnew(),
    failure: (error) => error,
    syncFailure: (error) => error
  })
})

afterEach(() => {
  vi.useRealTimers()
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
/** On a busy machine a transaction is cut, and goes on in the next turn. */
const syncBegins = async (count = 1): Promise<void> => {
  while (syncs.length < count) await nextTurn()
}

/** Reports whether a promise has settled, without waiting for it. */
function watch(promise: Promise<unknown>): { state: string } {
  const seen = { state: 'waiting' }
  promise.then(
    () => (seen.state = 'resolved'),
    () => (seen.state = 'rejected')
  )
  return seen
}

test('a write resolves only after its sync', async () => {
  const seen = watch(write('one'))
  await syncBegins()
  expect(words()).toEqual(['one'])
  expect(seen.state).toBe('waiting')
  syncs[0]?.resolve()
  await nextTurn()
  expect(seen.state).toBe('resolved')
})

test('all writes of one turn share one transaction and one sync', async () => {
  const all = Promise.all(['one', 'two', 'three'].map(write))
  await syncBegins()
  expect(syncs).toHaveLength(1)
  syncs[0]?.resolve()
  expect(await all).toEqual(['one', 'two', 'three'])
})

test('writes during a sync share the next one', async () => {
  const first = write('one')
  await syncBegins()
  const others = watch(Promise.all([write('two'), write('three')]))
  await nextTurn()
  syncs[0]?.resolve()
  await first
  await syncBegins(2)
  expect(syncs).toHaveLength(2)
  expect(others.state).toBe('waiting')
  syncs[1]?.resolve()
  await nextTurn()
  expect(others.state).toBe('resolved')
})

test('a read sees the writes before it, and resolves only when they are on the disk', async () => {
  void write('one')
  const behind = watch(queue.read(words))
  await nextTurn()
  const after = watch(queue.read(words))
  await syncBegins()
  expect([behind.state, after.state]).toEqual(['waiting', 'waiting'])
  syncs[0]?.resolve()
  await nextTurn()
  expect([behind.state, after.state]).toEqual(['resolved', 'resolved'])
  expect(await queue.read(words)).toEqual(['one'])
})

test('a failing write fails no other', async () => {
  const all = Promise.allSettled([write('one'), write(null), write('two')])
  await syncBegins()
  syncs[0]?.resolve()
  expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(words()).toEqual(['one', 'two'])
})

test('a full disk refuses writes and no reads', async () => {
  const full = new StorageFullError('history.db')
  const onFullDisk = new CommitQueue({
    database,
    sync: async () => undefined,
    syncAnew: async () => undefined,
    failure: () => full,
    syncFailure: () => full
  })
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

test('after a failed sync nothing is accepted any more, because the disk can’t be trusted', async () => {
  const error = new Error('the disk is broken')
  const first = watch(write('one'))
  await syncBegins()
  const second = watch(write('two'))
  syncs[0]?.reject(error)
  await nextTurn()
  expect([first.state, second.state]).toEqual(['rejected', 'rejected'])
  await expect(write('three')).rejects.toBe(error)
  await expect(queue.read(words)).rejects.toBe(error)
  expect(words()).toEqual(['one'])
})

test('after a sync that found no room the next calls try the disk again, and storing goes on when it has room', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const noRoom = new StorageUnconfirmedError('history.db', new Error('ENOSPC'), 'disk')
  let tries = 0
  let hasRoom = false
  syncAnew = async () => {
    tries++
    if (!hasRoom) throw noRoom
  }
  const first = watch(write('one'))
  await syncBegins()
  syncs[0]?.reject(noRoom)
  await nextTurn()
  expect(first.state).toBe('rejected')
  await expect(write('two')).rejects.toBe(noRoom)
  expect(tries).toBe(0)

  vi.advanceTimersByTime(RECOVERY_AGAIN_MS)
  const outcomes = await Promise.allSettled([write('three'), queue.read(words), write('four')])
  expect(outcomes).toEqual([0, 1, 2].map(() => ({ status: 'rejected', reason: noRoom })))
  expect(tries).toBe(1)

  hasRoom = true
  vi.advanceTimersByTime(RECOVERY_AGAIN_MS)
  const after = watch(write('five'))
  await syncBegins(2)
  syncs[1]?.resolve()
  await nextTurn()
  expect(after.state).toBe('resolved')
  // Commits from before the disk was full are confirmed too: they were never promised, and are there.
  expect(await queue.read(words)).toEqual(['one', 'five'])
  expect(tries).toBe(2)
})

test('when a full disk has lost commits, the queue ends for good', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const noRoom = new StorageUnconfirmedError('history.db', new Error('ENOSPC'), 'disk')
  const lost = new Error('a part of the log is lost')
  syncAnew = async () => Promise.reject(lost)
  const first = watch(write('one'))
  await syncBegins()
  syncs[0]?.reject(noRoom)
  await nextTurn()
  expect(first.state).toBe('rejected')
  for (let tries = 0; tries < 2; tries++) {
    vi.advanceTimersByTime(RECOVERY_AGAIN_MS)
    await expect(write('two')).rejects.toBe(lost)
  }
})

test('ending settles accepted jobs and refuses later ones', async () => {
  const taken = write('one')
  const ended = queue.end(new Error('closed'))
  syncs[0]?.resolve()
  await ended
  expect(await taken).toBe('one')
  await expect(write('two')).rejects.toThrow('closed')
})
