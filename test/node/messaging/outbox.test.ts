import { beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import { SessionClosedError, type ChatMessage, type ChatSession } from '../../../src/chat-protocol/index.ts'
import { Deliveries } from '../../../src/node/messaging/deliveries.ts'
import { OUTBOX_AT_HAND_LENGTH, OUTBOX_AT_HAND_MESSAGES, STORE_RETRY_MS } from '../../../src/node/messaging/outbox.ts'
import { MemoryStore, StorageFullError } from '../../../src/storage/index.ts'
import type { OutgoingMessage } from '../../../src/storage/index.ts'

const peer = 'somebody'
let store: MemoryStore
let deliveries: Deliveries
let delivered: OutgoingMessage[]
let faults: unknown[]

beforeEach(() => {
  store = new MemoryStore()
  delivered = []
  faults = []
  deliveries = new Deliveries({
    store,
    now: () => 7,
    onDelivery: (message) => delivered.push(message),
    onProgress: () => undefined,
    onUnanswered: () => undefined,
    onFault: (_peer, error) => faults.push(error)
  })
})

/** A session that takes everything at once and notes it. */
function session(dialect: ChatSession['dialect'], send?: () => Promise<void>): { chat: ChatSession; sent: string[] } {
  const sent: string[] = []
  const chat = {
    peer: { toString: () => peer },
    dialect,
    send: async (messages: readonly ChatMessage[]) => {
      sent.push(...messages.map(({ text }) => text))
      await send?.()
    }
  }
  // The smallest part of a session that deliveries use.
  return { chat: chat as unknown as ChatSession, sent }
}

/** Stores texts, of which the deliveries do not hear. */
async function write(...texts: string[]): Promise<OutgoingMessage[]> {
  return Promise.all(texts.map(async (text) => store.addOutgoing({ peer, text, sentAtMs: 0 })))
}

test('what waits goes out in order when a session opens, and what comes later follows', async () => {
  await write('one', 'two')
  const { chat, sent } = session('parley')
  deliveries.attach(chat)
  await eventually(() => expect(sent).toEqual(['one', 'two']))
  await deliveries.add(peer, [{ text: 'three' }])
  await eventually(() => expect(sent).toEqual(['one', 'two', 'three']))
  await deliveries.stop()
})

test('what was stored a moment ago goes out without being read again, and in its place', async () => {
  await write('one')
  const { chat, sent } = session('parley')
  deliveries.attach(chat)
  await eventually(() => expect(sent).toEqual(['one']))
  const read = vi.spyOn(store, 'unreceipted')
  await deliveries.add(peer, [{ text: 'two' }, { text: 'three' }])
  await eventually(() => expect(sent).toEqual(['one', 'two', 'three']))
  expect(read.mock.calls.every(([, { after }]) => after === 1 || after === 3)).toBe(true)
  // Nobody told of the fourth: it is found before the fifth.
  await write('four')
  await deliveries.add(peer, [{ text: 'five' }])
  await eventually(() => expect(sent).toEqual(['one', 'two', 'three', 'four', 'five']))
  await deliveries.stop()
})

test('what is cancelled while a slow session keeps it waiting is not sent', async () => {
  await write('one')
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('parley', async () => slow.promise)
  deliveries.attach(chat)
  await eventually(() => expect(sent).toEqual(['one']))
  const [two] = await deliveries.add(peer, [{ text: 'two' }, { text: 'three' }])
  await deliveries.cancel(peer, [two?.id ?? ''])
  slow.resolve()
  await eventually(() => expect(sent).toEqual(['one', 'three']))
  await deliveries.stop()
})

test('to a plain peer nothing goes out twice, though the outbox is told of it after it has read it', async () => {
  await write('one')
  const told = Promise.withResolvers<void>()
  const addAll = store.addAllOutgoing.bind(store)
  vi.spyOn(store, 'addAllOutgoing').mockImplementationOnce(async (...texts) => {
    const entries = await addAll(...texts)
    await told.promise
    return entries
  })
  const adding = deliveries.add(peer, [{ text: 'two' }])
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('lines', async () => (sent.at(-1) === 'two' ? slow.promise : undefined))
  deliveries.attach(chat)
  await eventually(() => expect(sent).toEqual(['one', 'two']))
  told.resolve()
  await adding
  await deliveries.add(peer, [{ text: 'three' }])
  slow.resolve()
  await eventually(() => expect(delivered).toHaveLength(3))
  expect(sent).toEqual(['one', 'two', 'three'])
  await deliveries.stop()
})

test('what is cancelled while a plain peer takes the message before it is not sent', async () => {
  const [, two] = await write('one', 'two', 'three')
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('lines', async () => slow.promise)
  deliveries.attach(chat)
  await eventually(() => expect(sent).toEqual(['one']))
  await deliveries.cancel(peer, [two?.id ?? ''])
  slow.resolve()
  await eventually(() => expect(sent).toEqual(['one', 'three']))
  await deliveries.stop()
})

test('of very long messages no more than a few are kept at hand, and all go out once', async () => {
  await write('0')
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('parley', async () => slow.promise)
  deliveries.attach(chat)
  await eventually(() => expect(sent).toHaveLength(1))
  const long = 'x'.repeat(OUTBOX_AT_HAND_LENGTH / 4)
  for (let n = 1; n <= 9; n++) await deliveries.add(peer, [{ text: `${n}${long}` }])
  slow.resolve()
  await eventually(() => expect(sent).toHaveLength(10))
  expect(sent.map((text) => text[0])).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  await deliveries.stop()
})

test('of very short messages no more than some thousands are kept at hand, and all go out in order', async () => {
  await write('0')
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('parley', async () => slow.promise)
  const send = vi.spyOn(chat, 'send')
  deliveries.attach(chat)
  await eventually(() => expect(sent).toHaveLength(1))
  const count = OUTBOX_AT_HAND_MESSAGES + 1_000
  for (let n = 1; n < count; n += 100) {
    const texts = Array.from({ length: Math.min(100, count - n) }, (_, index) => ({ text: String(n + index) }))
    await deliveries.add(peer, texts)
  }
  slow.resolve()
  await eventually(() => expect(sent).toHaveLength(count))
  expect(sent).toEqual(Array.from({ length: count }, (_, n) => String(n)))
  const atOnce = send.mock.calls.map(([messages]) => messages.length)
  expect(Math.max(...atOnce)).toBeLessThanOrEqual(OUTBOX_AT_HAND_MESSAGES)
  await deliveries.stop()
})

test('a new session is given again what has no final receipt, with its id, and nothing else', async () => {
  const [one, two, three] = await write('one', 'two', 'three')
  const first = session('parley')
  deliveries.attach(first.chat)
  await eventually(() => expect(first.sent).toHaveLength(3))
  await deliveries.receipts(peer, [one?.id ?? ''], 'stored')
  await deliveries.receipts(peer, [two?.id ?? ''], 'held')
  const second = session('parley')
  deliveries.attach(second.chat)
  await eventually(() => expect(second.sent).toEqual(['two', 'three']))
  expect(delivered.map(({ id, state }) => [id, state])).toEqual([
    [one?.id, 'delivered'],
    [two?.id, 'held']
  ])
  expect((await store.unreceipted(peer, { limit: 9 })).map(({ message }) => message.id)).toEqual([two?.id, three?.id])
  await deliveries.stop()
})

test('how far the log is sent is noted before a session gets it', async () => {
  const [one, two] = await write('one', 'two')
  const noted: unknown[] = []
  const { chat } = session('parley', async () => void noted.push((await store.ownPosition(peer))?.sentSeq))
  deliveries.attach(chat)
  await eventually(() => expect(noted).toEqual([2]))
  expect([one?.seq, two?.seq]).toEqual([1, 2])
  await deliveries.stop()
})

test('nothing is sent before it is noted, or before the disk has refused to', async () => {
  await write('one')
  const noted = Promise.withResolvers<void>()
  const note = vi.spyOn(store, 'noteSent').mockReturnValueOnce(noted.promise)
  const { chat, sent } = session('parley')
  deliveries.attach(chat)
  await eventually(() => expect(note).toHaveBeenCalledOnce())
  await new Promise(setImmediate)
  expect(sent).toEqual([])
  noted.reject(new StorageFullError('/', new Error('full')))
  await eventually(() => expect(sent).toEqual(['one']))
  await deliveries.stop()
})

test('a plain dialect leaves a message unconfirmed, never delivered, and does not send it again', async () => {
  await write('one')
  const first = session('lines')
  deliveries.attach(first.chat)
  await eventually(() => expect(delivered.map(({ state }) => state)).toEqual(['unconfirmed']))
  const second = session('lines')
  deliveries.attach(second.chat)
  await deliveries.stop()
  expect(second.sent).toEqual([])
})

test('a session that ends while it sends is no fault: the message stays pending', async () => {
  await write('one')
  const lost = session('parley', async () => {
    throw new SessionClosedError()
  })
  deliveries.attach(lost.chat)
  await eventually(() => expect(lost.sent).toEqual(['one']))
  await deliveries.stop()
  expect(faults).toEqual([])
  expect(await store.peersWithPending()).toEqual([peer])
})

test('what the other side refuses for now is sent again after the time it named', async () => {
  vi.useFakeTimers()
  try {
    await write('one')
    const { chat, sent } = session('parley')
    deliveries.attach(chat)
    await vi.advanceTimersByTimeAsync(0)
    await deliveries.refused(peer, { reason: 'rate', retryAfterMs: 5_000, ids: [] })
    await vi.advanceTimersByTimeAsync(4_999)
    expect(sent).toEqual(['one'])
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toEqual(['one', 'one'])
    await deliveries.stop()
  } finally {
    vi.useRealTimers()
  }
})

test('a plain dialect that ends between two messages is not given the first one again', async () => {
  await write('one', 'two')
  let sends = 0
  const lost = session('lines', async () => {
    if (++sends === 2) throw new SessionClosedError()
  })
  deliveries.attach(lost.chat)
  await eventually(() => expect(lost.sent).toEqual(['one', 'two']))
  const next = session('lines')
  deliveries.attach(next.chat)
  await eventually(() => expect(next.sent).toEqual(['two']))
  await deliveries.stop()
  expect(faults).toEqual([])
})

test('a store that fails for a while is asked again, and nothing is forgotten', async () => {
  vi.useFakeTimers()
  try {
    await write('one')
    const read = store.unreceipted.bind(store)
    store.unreceipted = async () => {
      throw new StorageFullError('history.db')
    }
    const { chat, sent } = session('parley')
    deliveries.attach(chat)
    await vi.advanceTimersByTimeAsync(STORE_RETRY_MS - 1)
    expect([sent, faults.length]).toEqual([[], 1])
    store.unreceipted = read
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toEqual(['one'])
    await deliveries.stop()
  } finally {
    vi.useRealTimers()
  }
})

test('while nothing at all is taken over there nothing more is sent, and then everything again, in order', async () => {
  vi.useFakeTimers()
  try {
    await write('one')
    const { chat, sent } = session('parley')
    deliveries.attach(chat)
    await eventually(() => expect(sent).toEqual(['one']))
    await deliveries.refused(peer, { reason: 'quota', retryAfterMs: 10_000, ids: [] })
    await deliveries.add(peer, [{ text: 'two' }])
    await vi.advanceTimersByTimeAsync(9_000)
    expect(sent).toEqual(['one'])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(sent).toEqual(['one', 'one', 'two'])
    await deliveries.stop()
  } finally {
    vi.useRealTimers()
  }
})
