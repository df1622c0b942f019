import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChatMessage } from '../../../src/chat-protocol/index.ts'
import {
  FairIntake,
  INTAKE_SHARE_BYTES,
  MAX_HOLD_MS,
  MESSAGE_COST_BYTES,
  OTHERS_WRITE_MS
} from '../../../src/node/messaging/reception.ts'
import type { NewsReader } from '../../../src/node/api/chat-api.ts'
import { NewsReaders } from '../../../src/node/messaging/news-readers.ts'
import { MemoryStore } from '../../../src/storage/index.ts'

const accepted = { state: 'accepted', lan: false, storedAtMs: 0 } as const
const page = { limit: 1_000 }
let store: MemoryStore
let readers: NewsReaders
let face: NewsReader
let nowMs: number
let intake: FairIntake
let count: number

beforeEach(() => {
  vi.useFakeTimers()
  store = new MemoryStore()
  readers = new NewsReaders()
  face = readers.open(store)
  nowMs = 1_000_000
  count = 0
  intake = new FairIntake({ readers, now: () => nowMs })
})

afterEach(() => {
  vi.useRealTimers()
})

/** So many that a share holds four of them. */
function long(many: number): readonly ChatMessage[] {
  const text = 'x'.repeat(INTAKE_SHARE_BYTES / 4 - MESSAGE_COST_BYTES)
  return Array.from({ length: many }, () => ({ ...short(), text }))
}

function short(): ChatMessage {
  const seq = ++count
  return { id: seq.toString(16).padStart(32, '0'), log: 'a'.repeat(16), seq, sentAtMs: 0, text: 'short' }
}

async function put(peer: string, messages: readonly ChatMessage[]): Promise<void> {
  await store.addIncoming(peer, messages, accepted)
  intake.stored(peer, messages, store.storedUpTo)
}

/** Admits and stores one piece; @returns how many messages it had */
async function take(peer: string, messages: readonly ChatMessage[]): Promise<number> {
  const piece = await intake.admit(peer, messages)
  await put(peer, piece)
  return piece.length
}

/** @returns whether it has settled when everything that can go on without time or a reader has */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.then(() => (settled = true))
  await vi.advanceTimersByTimeAsync(0)
  return settled
}

test('a peer that writes alone is never held back', async () => {
  expect(await take('flood', long(100))).toBe(100)
  expect(await take('flood', long(100))).toBe(100)
})

test('while another peer writes, one has a share on its way to a face, and goes on when the face has taken it', async () => {
  await take('friend', [short()])
  expect(await take('flood', long(100))).toBe(4)
  const next = take('flood', long(100))
  expect(await isSettled(next)).toBe(false)
  // The friend's own messages are few: they wait for nothing.
  expect(await take('friend', [short()])).toBe(1)
  await face.next(page)
  expect(await isSettled(next)).toBe(false)
  // Asking again says that those before are written.
  await face.next(page)
  expect(await next).toBe(4)
})

test('the share ends when the others have been silent for a while', async () => {
  await take('friend', [short()])
  nowMs += OTHERS_WRITE_MS
  expect(await take('flood', long(100))).toBe(100)
})

test('a message that is longer than the share is admitted', async () => {
  await take('friend', [short()])
  expect(await take('flood', [{ ...short(), text: 'x'.repeat(2 * INTAKE_SHARE_BYTES) }, short()])).toBe(1)
})

test('a face that stands still is waited for once, until it moves', async () => {
  await face.next(page)
  await take('friend', [short()])
  await take('flood', long(4))
  const held = take('flood', long(4))
  expect(await isSettled(held)).toBe(false)
  await vi.advanceTimersByTimeAsync(MAX_HOLD_MS)
  await held
  for (let round = 0; round < 5; round++) expect(await take('flood', long(4))).toBe(4)
  await face.next(page)
  const heldAgain = take('flood', long(4))
  expect(await isSettled(heldAgain)).toBe(false)
  face.close()
  await heldAgain
})

test('without a face nothing is waited for', async () => {
  face.close()
  await take('friend', [short()])
  for (let round = 0; round < 5; round++) expect(await take('flood', long(100))).toBe(4)
})
