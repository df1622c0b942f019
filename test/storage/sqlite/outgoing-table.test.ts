import { StatementSync } from 'node:sqlite'
import { afterEach, expect, test, vi } from 'vitest'
import { MemoryStore } from '../../../src/storage/index.ts'
import type { OutboxEntry } from '../../../src/storage/index.ts'

/** More than what is remembered of messages that were just stored. */
const manyTexts = Array.from({ length: 80 }, (_, index) => ({ text: `${index}`.repeat(40_000), sentAtMs: index }))

afterEach(() => void vi.restoreAllMocks())

/** @returns how many rows are looked for to mark these as delivered */
async function lookUps(store: MemoryStore, peer: string, entries: readonly OutboxEntry[]): Promise<number> {
  const get = vi.spyOn(StatementSync.prototype, 'get')
  const ids = entries.map(({ message }) => message.id)
  expect(await store.setDelivery(peer, ids, 'delivered')).toHaveLength(ids.length)
  const { length } = get.mock.calls
  get.mockRestore()
  return length
}

test('receipts need no look at their messages, however many more wait behind them', async () => {
  const store = new MemoryStore()
  const stored = await store.addAllOutgoing('anna', manyTexts)
  expect(await lookUps(store, 'anna', stored.slice(0, 10))).toBe(0)
  // Some of these are remembered, and the others are read.
  expect(await store.unreceipted('anna', { limit: 256 })).toEqual(stored.slice(10))
  expect(await store.unreceipted('anna', { limit: 60, after: stored[11]?.position ?? 0 })).toEqual(stored.slice(12, 72))
  // What was left out is read before it is sent, which makes it known again.
  expect(await lookUps(store, 'anna', stored.slice(10, -10))).toBeGreaterThan(0)
  const read = await store.unreceipted('anna', { limit: 256 })
  expect(read.map(({ message }) => message.id)).toEqual(stored.slice(-10).map(({ message }) => message.id))
  expect(await lookUps(store, 'anna', read)).toBe(0)
  await store.close()
})

test('messages that wait for a peer that is away take no room of those to another', async () => {
  const store = new MemoryStore()
  await store.addAllOutgoing('away', manyTexts)
  const stored = await store.addAllOutgoing('anna', manyTexts.slice(0, 10))
  expect(await lookUps(store, 'anna', stored)).toBe(0)
  await store.close()
})
