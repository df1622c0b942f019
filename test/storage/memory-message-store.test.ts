import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryMessageStore } from '../../src/storage/index.ts'

const peer = 'somebody'
const incoming = (n: number) => ({ id: `id${n}`, log: 'log', seq: n, sentAtMs: n, text: `text ${n}` })
const accepted = { state: 'accepted', lan: false, storedAtMs: 0 } as const

test('own messages are numbered one after the other in one log for each peer', async () => {
  const store = new MemoryMessageStore()
  const one = await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
  const two = await store.addOutgoing({ peer, text: 'two', sentAtMs: 0 })
  const other = await store.addOutgoing({ peer: 'another', text: 'three', sentAtMs: 0 })
  expect([one.seq, two.seq, other.seq]).toEqual([1, 2, 1])
  expect(two.log).toBe(one.log)
  expect(other.log).not.toBe(one.log)
  expect(await store.ownPosition(peer)).toEqual({ log: one.log, seq: 2 })
})

test('a new log begins at one and leaves what was written as it is', async () => {
  const store = new MemoryMessageStore()
  const one = await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
  await store.startNewLog(peer)
  const two = await store.addOutgoing({ peer, text: 'two', sentAtMs: 0 })
  expect(two.seq).toBe(1)
  expect(two.log).not.toBe(one.log)
  expect((await store.unreceipted(peer, { limit: 9 })).map(({ message }) => message.text)).toEqual(['one', 'two'])
})

test('however often and in whatever batches messages come, each is in the history once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.integer({ min: 0, max: 20 }))), async (batches) => {
      const store = new MemoryMessageStore()
      for (const batch of batches) await store.addIncoming(peer, batch.map(incoming), accepted)
      const expected = [...new Set(batches.flat())].map((n) => `text ${n}`)
      const history = await store.history(peer, { limit: 1_000 })
      expect(history.map(({ text }) => text)).toEqual(expected)
    })
  )
})

test('a state never goes back from delivered, and a failed message can be tried again', async () => {
  const store = new MemoryMessageStore()
  const { id } = await store.addOutgoing({ peer, text: 'one', sentAtMs: 0 })
  await store.setDelivery(peer, [id], 'failed', 'too old')
  expect(await store.outgoing(peer, id)).toMatchObject({ state: 'failed', reason: 'too old' })
  await store.setDelivery(peer, [id], 'pending')
  expect(await store.outgoing(peer, id)).not.toHaveProperty('reason')
  await store.setDelivery(peer, [id], 'delivered')
  expect(await store.setDelivery(peer, [id], 'held')).toEqual([])
  expect(await store.outgoing(peer, id)).toMatchObject({ state: 'delivered' })
})

test('held messages are in no history until they are accepted', async () => {
  const store = new MemoryMessageStore()
  await store.addIncoming(peer, [incoming(1), incoming(2)], { state: 'held', lan: true, storedAtMs: 0 })
  expect(await store.history(peer, { limit: 9 })).toEqual([])
  expect(await store.heldCounts(peer)).toEqual({ fromPeer: 2, total: 2, lan: 2 })
  expect((await store.acceptHeld(peer)).map(({ text }) => text)).toEqual(['text 1', 'text 2'])
  expect(await store.history(peer, { limit: 1 })).toMatchObject([{ text: 'text 2', state: 'accepted' }])
  expect(await store.heldCounts(peer)).toEqual({ fromPeer: 0, total: 0, lan: 0 })
})
