import { beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import { SessionClosedError, type ChatMessage, type ChatSession } from '../../../src/chat-protocol/index.ts'
import {
  OUTBOX_AT_HAND_LENGTH,
  OUTBOX_AT_HAND_MESSAGES,
  Outbox,
  STORE_RETRY_MS
} from '../../../src/node/messaging/outbox.ts'
import { MemoryStore, StorageFullError } from '../../../src/storage/index.ts'
import type { NewOutgoing, OutgoingMessage } from '../../../src/storage/index.ts'

const peer = 'somebody'
let store: MemoryStore
let outbox: Outbox
let delivered: OutgoingMessage[]
let faults: unknown[]

beforeEach(() => {
  store = new MemoryStore()
  delivered = []
  faults = []
  outbox = new Outbox({
    store,
    now: () => 7,
    onDelivery: (messages) => delivered.push(...messages),
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
  // The smallest part of a session that an outbox uses.
  return { chat: chat as unknown as ChatSession, sent }
}

function newText(text: string): NewOutgoing {
  return { text, sentAtMs: 0 }
}

async function write(...texts: string[]): Promise<OutgoingMessage[]> {
  return Promise.all(texts.map(async (text) => store.addOutgoing({ peer, text, sentAtMs: 0 })))
}

test('what waits goes out in order when a session opens, and what comes later follows', async () => {
  await write('one', 'two')
  const { chat, sent } = session('parley')
  outbox.attach(chat)
  await eventually(() => expect(sent).toEqual(['one', 'two']))
  await write('three')
  outbox.wake(peer)
  await eventually(() => expect(sent).toEqual(['one', 'two', 'three']))
  await outbox.stop()
})

test('what was stored a moment ago goes out without being read again, and in its place', async () => {
  await write('one')
  const { chat, sent } = session('parley')
  outbox.attach(chat)
  await eventually(() => expect(sent).toEqual(['one']))
  const read = vi.spyOn(store, 'unreceipted')
  outbox.stored(peer, await store.addAllOutgoing(peer, [newText('two'), newText('three')]))
  await eventually(() => expect(sent).toEqual(['one', 'two', 'three']))
  expect(read.mock.calls.every(([, { after }]) => after === 1 || after === 3)).toBe(true)
  // Nobody told of the fourth: it is found before the fifth.
  await write('four')
  outbox.stored(peer, await store.addAllOutgoing(peer, [newText('five')]))
  await eventually(() => expect(sent).toEqual(['one', 'two', 'three', 'four', 'five']))
  await outbox.stop()
})

test('what is cancelled while a slow session keeps it waiting is not sent', async () => {
  await write('one')
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('parley', async () => slow.promise)
  outbox.attach(chat)
  await eventually(() => expect(sent).toEqual(['one']))
  const entries = await store.addAllOutgoing(peer, [newText('two'), newText('three')])
  outbox.stored(peer, entries)
  await store.cancel(peer, [entries[0]?.message.id ?? ''])
  outbox.reread(peer)
  slow.resolve()
  await eventually(() => expect(sent).toEqual(['one', 'three']))
  await outbox.stop()
})

test('to a plain peer nothing goes out twice, though the outbox is told of it after it has read it', async () => {
  await write('one', 'two')
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('lines', async () => (sent.at(-1) === 'two' ? slow.promise : undefined))
  const [, two] = await store.unreceipted(peer, { limit: 2 })
  outbox.attach(chat)
  await eventually(() => expect(sent).toEqual(['one', 'two']))
  outbox.stored(peer, two === undefined ? [] : [two])
  outbox.stored(peer, await store.addAllOutgoing(peer, [newText('three')]))
  slow.resolve()
  await eventually(() => expect(delivered).toHaveLength(3))
  expect(sent).toEqual(['one', 'two', 'three'])
  await outbox.stop()
})

test('what is cancelled while a plain peer takes the message before it is not sent', async () => {
  const [, two] = await write('one', 'two', 'three')
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('lines', async () => slow.promise)
  outbox.attach(chat)
  await eventually(() => expect(sent).toEqual(['one']))
  await store.cancel(peer, [two?.id ?? ''])
  outbox.reread(peer)
  slow.resolve()
  await eventually(() => expect(sent).toEqual(['one', 'three']))
  await outbox.stop()
})

test('of very long messages no more than a few are kept at hand, and all go out once', async () => {
  await write('0')
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('parley', async () => slow.promise)
  outbox.attach(chat)
  await eventually(() => expect(sent).toHaveLength(1))
  const long = 'x'.repeat(OUTBOX_AT_HAND_LENGTH / 4)
  for (let n = 1; n <= 9; n++) outbox.stored(peer, await store.addAllOutgoing(peer, [newText(`${n}${long}`)]))
  slow.resolve()
  await eventually(() => expect(sent).toHaveLength(10))
  expect(sent.map((text) => text[0])).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  await outbox.stop()
})

test('of very short messages no more than some thousands are kept at hand, and all go out in order', async () => {
  await write('0')
  const slow = Promise.withResolvers<void>()
  const { chat, sent } = session('parley', async () => slow.promise)
  const send = vi.spyOn(chat, 'send')
  outbox.attach(chat)
  await eventually(() => expect(sent).toHaveLength(1))
  const count = OUTBOX_AT_HAND_MESSAGES + 1_000
  for (let n = 1; n < count; n += 100) {
    const texts = Array.from({ length: Math.min(100, count - n) }, (_, index) => newText(String(n + index)))
    outbox.stored(peer, await store.addAllOutgoing(peer, texts))
  }
  slow.resolve()
  await eventually(() => expect(sent).toHaveLength(count))
  expect(sent).toEqual(Array.from({ length: count }, (_, n) => String(n)))
  const atOnce = send.mock.calls.map(([messages]) => messages.length)
  expect(Math.max(...atOnce)).toBeLessThanOrEqual(OUTBOX_AT_HAND_MESSAGES)
  await outbox.stop()
})

test('a new session is given again what has no final receipt, with its id, and nothing else', async () => {
  const [one, two, three] = await write('one', 'two', 'three')
  const first = session('parley')
  outbox.attach(first.chat)
  await eventually(() => expect(first.sent).toHaveLength(3))
  await outbox.receipts(peer, [one?.id ?? ''], 'stored')
  await outbox.receipts(peer, [two?.id ?? ''], 'held')
  const second = session('parley')
  outbox.attach(second.chat)
  await eventually(() => expect(second.sent).toEqual(['two', 'three']))
  expect(delivered.map(({ id, state }) => [id, state])).toEqual([
    [one?.id, 'delivered'],
    [two?.id, 'held']
  ])
  expect((await store.unreceipted(peer, { limit: 9 })).map(({ message }) => message.id)).toEqual([two?.id, three?.id])
  await outbox.stop()
})

test('how far the log is sent is noted before a session gets it', async () => {
  const [one, two] = await write('one', 'two')
  const noted: unknown[] = []
  const { chat } = session('parley', async () => void noted.push((await store.ownPosition(peer))?.sentSeq))
  outbox.attach(chat)
  await eventually(() => expect(noted).toEqual([2]))
  expect([one?.seq, two?.seq]).toEqual([1, 2])
  await outbox.stop()
})

test('nothing is sent before it is noted, or before the disk has refused to', async () => {
  await write('one')
  const noted = Promise.withResolvers<void>()
  const note = vi.spyOn(store, 'noteSent').mockReturnValueOnce(noted.promise)
  const { chat, sent } = session('parley')
  outbox.attach(chat)
  await eventually(() => expect(note).toHaveBeenCalledOnce())
  await new Promise(setImmediate)
  expect(sent).toEqual([])
  noted.reject(new StorageFullError('/', new Error('full')))
  await eventually(() => expect(sent).toEqual(['one']))
  await outbox.stop()
})

test('a plain dialect leaves a message unconfirmed, never delivered, and does not send it again', async () => {
  await write('one')
  const first = session('lines')
  outbox.attach(first.chat)
  await eventually(() => expect(delivered.map(({ state }) => state)).toEqual(['unconfirmed']))
  const second = session('lines')
  outbox.attach(second.chat)
  await outbox.stop()
  expect(second.sent).toEqual([])
})

test('a session that ends while it sends is no fault: the message stays pending', async () => {
  await write('one')
  const lost = session('parley', async () => {
    throw new SessionClosedError()
  })
  outbox.attach(lost.chat)
  await eventually(() => expect(lost.sent).toEqual(['one']))
  await outbox.stop()
  expect(faults).toEqual([])
  expect(await store.peersWithPending()).toEqual([peer])
})

test('what the other side refuses for now is sent again after the time it named', async () => {
  vi.useFakeTimers()
  try {
    await write('one')
    const { chat, sent } = session('parley')
    outbox.attach(chat)
    await vi.advanceTimersByTimeAsync(0)
    outbox.postpone(peer, 5_000)
    await vi.advanceTimersByTimeAsync(4_999)
    expect(sent).toEqual(['one'])
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toEqual(['one', 'one'])
    await outbox.stop()
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
  outbox.attach(lost.chat)
  await eventually(() => expect(lost.sent).toEqual(['one', 'two']))
  const next = session('lines')
  outbox.attach(next.chat)
  await eventually(() => expect(next.sent).toEqual(['two']))
  await outbox.stop()
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
    outbox.attach(chat)
    await vi.advanceTimersByTimeAsync(STORE_RETRY_MS - 1)
    expect([sent, faults.length]).toEqual([[], 1])
    store.unreceipted = read
    await vi.advanceTimersByTimeAsync(1)
    expect(sent).toEqual(['one'])
    await outbox.stop()
  } finally {
    vi.useRealTimers()
  }
})

test('while nothing at all is taken over there nothing more is sent, and then everything again, in order', async () => {
  vi.useFakeTimers()
  try {
    await write('one')
    const { chat, sent } = session('parley')
    outbox.attach(chat)
    await eventually(() => expect(sent).toEqual(['one']))
    outbox.postpone(peer, 10_000, { isOfAll: true })
    await write('two')
    outbox.wake(peer)
    await vi.advanceTimersByTimeAsync(9_000)
    expect(sent).toEqual(['one'])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(sent).toEqual(['one', 'one', 'two'])
    await outbox.stop()
  } finally {
    vi.useRealTimers()
  }
})
