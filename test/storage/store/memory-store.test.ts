import { expect, test } from 'vitest'
import { MemoryStore, StorageClosedError } from '../../../src/storage/index.ts'

const peer = 'somebody'

test('a write that fails leaves nothing behind', async () => {
  const store = new MemoryStore()
  const id = 'ab'.repeat(16)
  const twice = ['one', 'two'].map((text) => ({ id, text, sentAtMs: 0 }))
  await expect(store.addAllOutgoing(peer, twice)).rejects.toThrow()
  expect(await store.history(peer, { limit: 9 })).toEqual([])
  expect(await store.ownPosition(peer)).toBeUndefined()
  await store.close()
})

test('a closed store refuses reads and writes, and closing it again is no error', async () => {
  const store = new MemoryStore()
  await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
  await store.close()
  await store.close()
  await expect(store.history(peer, { limit: 9 })).rejects.toThrow(StorageClosedError)
  await expect(store.addOutgoing({ peer, text: 'two', sentAtMs: 0 })).rejects.toThrow(StorageClosedError)
  await expect(store.forget(peer)).rejects.toThrow(StorageClosedError)
})

test('no store knows what another one holds', async () => {
  const [one, other] = [new MemoryStore(), new MemoryStore()]
  await one.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
  expect(await other.conversations()).toEqual([])
  await Promise.all([one.close(), other.close()])
})
