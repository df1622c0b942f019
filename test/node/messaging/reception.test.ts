import { beforeEach, expect, test, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import type { ChatMessage } from '../../../src/chat-protocol/index.ts'
import type { RequestView } from '../../../src/node/api/chat-events.ts'
import { FULL_DISK_BACKOFF } from '../../../src/node/messaging/disk-room.ts'
import {
  INTAKE_SHARE_BYTES,
  MESSAGE_COST_BYTES,
  Reception,
  type ReceptionInit
} from '../../../src/node/messaging/reception.ts'
import {
  HELD_RESERVED_FOR_LAN,
  MAX_HELD_PER_STRANGER,
  MAX_HELD_TOTAL
} from '../../../src/node/messaging/request-room.ts'
import { REQUEST_TEXT_CHARACTERS } from '../../../src/node/messaging/requests.ts'
import { NewsReaders } from '../../../src/node/messaging/news-readers.ts'
import { MIN_RETRY_MS } from '../../../src/node/messaging/refusals.ts'
import { ROOM_NOTICE_AGAIN_MS } from '../../../src/node/messaging/room-notices.ts'
import type { RoomNews } from '../../../src/node/messaging/room-notices.ts'
import { MemoryStore, PeerBook, StorageFullError, type IncomingMessage } from '../../../src/storage/index.ts'

const peer = '12D3KooWAnnaaaaaH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'
const stranger = '12D3KooWBobbbbbbH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFQ'
const never = new AbortController().signal
let store: MemoryStore
let book: PeerBook
let told: IncomingMessage[]
let requests: RequestView[]
let news: RoomNews[]
let nowMs: number
let limitBytes: number
let isLow: boolean
let readers: NewsReaders
/** What peers that are around call themselves, and those that are away called themselves. */
let nicknames: Map<string, string>
let init: ReceptionInit
let reception: Reception

beforeEach(() => {
  store = new MemoryStore()
  book = PeerBook.inMemory()
  told = []
  requests = []
  news = []
  nowMs = 1
  limitBytes = Infinity
  isLow = false
  readers = new NewsReaders()
  nicknames = new Map()
  init = {
    store,
    book,
    policy: 'ask',
    readers,
    disk: {
      get limitBytes() {
        return limitBytes
      },
      get isLow() {
        return isLow
      },
      view: { quotaBytes: 1000, freeBytes: 5, floorBytes: 10 }
    },
    network: {
      isLan: () => false,
      originOf: (from) => (from.startsWith('flood') ? '203.0.113.7' : '198.51.100.4')
    },
    peers: {
      name: (from) => nicknames.get(from) ?? 'anna',
      nickname: (from) => nicknames.get(from),
      recall: (from, name) => nicknames.set(from, nicknames.get(from) ?? name)
    },
    screens: { isOnScreen: () => false, shown: () => undefined },
    events: { message: (one) => told.push(one), request: (view) => requests.push(view), room: (one) => news.push(one) },
    now: () => nowMs
  }
  reception = new Reception(init)
})

function message(n: number): ChatMessage {
  return { id: n.toString(16).padStart(32, '0'), log: 'a'.repeat(16), seq: n, sentAtMs: n, text: `text ${n}` }
}

function kinds(dispositions: readonly { kind: string }[]): string[] {
  return dispositions.map(({ kind }) => kind)
}

test("a contact's messages are stored, in order, and told once", async () => {
  await book.accept(peer, 'anna', 0)
  expect(kinds(await reception.receive(peer, [message(1), message(2)]))).toEqual(['stored', 'stored'])
  expect(kinds(await reception.receive(peer, [message(2), message(3)]))).toEqual(['stored', 'stored'])
  expect(told.map(({ text }) => text)).toEqual(['text 1', 'text 2', 'text 3'])
})

test("a stranger's messages are held up to the limit and refused beyond it", async () => {
  const many = Array.from({ length: MAX_HELD_PER_STRANGER + 2 }, (_, i) => message(i + 1))
  const answers = kinds(await reception.receive(peer, many))
  expect(answers.filter((kind) => kind === 'held')).toHaveLength(MAX_HELD_PER_STRANGER)
  expect(answers.slice(-2)).toEqual(['refused', 'refused'])
  expect(told).toEqual([])
  expect(requests.at(-1)).toMatchObject({ peer, count: MAX_HELD_PER_STRANGER })
})

test('a stranger that is accepted while its messages are being stored leaves no request behind', async () => {
  const add = store.addIncoming.bind(store)
  vi.spyOn(store, 'addIncoming').mockImplementationOnce(async (...args) => {
    await book.accept(peer, 'anna', 0)
    expect(await store.acceptHeld(peer)).toEqual([])
    return add(...args)
  })
  expect(kinds(await reception.receive(peer, [message(1), message(2)]))).toEqual(['stored', 'stored'])
  expect(told.map(({ text, state }) => [text, state])).toEqual([
    ['text 1', 'accepted'],
    ['text 2', 'accepted']
  ])
  expect(requests).toEqual([])
  expect(await reception.requests.list()).toEqual([])
})

test('batches of one stranger that come at the same time do not pass the limit together', async () => {
  const batches = [0, 10, 20, 30].map((from) => Array.from({ length: 10 }, (_, i) => message(from + i + 1)))
  const answers = (await Promise.all(batches.map(async (batch) => reception.receive(peer, batch)))).flat()
  expect(kinds(answers).filter((kind) => kind === 'held')).toHaveLength(MAX_HELD_PER_STRANGER)
})

test('a request that is deleted while what is held is counted leaves its places to the next one', async () => {
  const many = Array.from({ length: MAX_HELD_PER_STRANGER }, (_, i) => message(i + 1))
  await reception.receive(peer, many)
  reception.requests.forgetRoom()
  const count = store.heldMessages.bind(store)
  const cleared = Promise.withResolvers<void>()
  vi.spyOn(store, 'heldMessages').mockImplementationOnce(async () => {
    const held = await count()
    await cleared.promise
    return held
  })
  const looking = reception.requests.use()
  expect(await reception.requests.clear([peer])).toEqual({ strangers: 1, messages: MAX_HELD_PER_STRANGER })
  cleared.resolve()
  await looking
  expect(await reception.requests.use()).toMatchObject({ messages: 0, strangers: 0 })
  expect(kinds(await reception.receive(peer, [message(100)]))).toEqual(['held'])
})

test('what is held is receipted as held again when it comes again, even without room', async () => {
  const many = Array.from({ length: MAX_HELD_PER_STRANGER }, (_, i) => message(i + 1))
  await reception.receive(peer, many)
  expect(kinds(await reception.receive(peer, [message(1), message(99)]))).toEqual(['held', 'refused'])
})

test('what was accepted is receipted as stored when it comes again', async () => {
  await reception.receive(peer, [message(1)])
  await store.acceptHeld(peer)
  expect(kinds(await reception.receive(peer, [message(1)]))).toEqual(['stored'])
})

test('a request keeps the name of its sender over a restart, also where that was known only later', async () => {
  nicknames.set(peer, 'mallory')
  await reception.receive(peer, [message(1)])
  await reception.receive(stranger, [message(2)])
  await reception.requests.learnName(stranger)
  nicknames.set(stranger, 'eve')
  await reception.requests.learnName(stranger)
  await reception.requests.learnName('12D3KooWnobody')

  const restarted = async (): Promise<unknown> => {
    nicknames.clear()
    const next = new Reception(init)
    await next.requests.recallNames()
    const recalled = new Map(nicknames)
    nicknames.clear() // more peers have come and gone than are remembered
    expect(new Map((await next.requests.list()).map(({ peer: from, name }) => [from, name]))).toEqual(recalled)
    return Object.fromEntries(recalled)
  }
  expect(await restarted()).toEqual({ [peer]: 'mallory', [stranger]: 'eve' })
})

test('a name that is not known when a version begins to keep it is kept when its peer is around again', async () => {
  await reception.receive(peer, [message(1)])
  const next = new Reception(init)
  await next.requests.recallNames()
  expect(nicknames).toEqual(new Map())
  nicknames.set(peer, 'mallory')
  await next.requests.learnName(peer)
  expect(await store.held({ textLength: 0 })).toMatchObject([{ peer, senderName: 'mallory' }])
  nicknames.set(peer, 'another')
  await next.requests.learnName(peer)
  expect(await store.held({ textLength: 0 })).toMatchObject([{ peer, senderName: 'mallory' }])
})

test('an ignored stranger sees no difference, and is not shown', async () => {
  await book.ignore(peer, 'anna')
  expect(kinds(await reception.receive(peer, [message(1)]))).toEqual(['held'])
  expect(requests).toEqual([])
  expect(await reception.requests.list()).toEqual([])
})

test('an ignored stranger is not heard where strangers need not ask, either', async () => {
  const open = new Reception({ ...init, policy: 'all' })
  expect(kinds(await open.receive(peer, [message(1)]))).toEqual(['stored'])
  await book.ignore(peer, 'anna')
  expect(kinds(await open.receive(peer, [message(2)]))).toEqual(['held'])
  expect(told.map(({ text }) => text)).toEqual(['text 1'])
  expect(requests).toEqual([])
})

test('the same text of a plain dialect, sent twice, is two messages', async () => {
  await book.accept(peer, 'anna', 0)
  await reception.receiveText(peer, 'ping', never)
  await reception.receiveText(peer, 'ping', never)
  expect(told.map(({ text, seq }) => [text, seq])).toEqual([
    ['ping', 1],
    ['ping', 2]
  ])
})

/** Fills a stranger's room with texts; the next one waits. */
async function fillWithTexts(): Promise<void> {
  for (let n = 1; n <= MAX_HELD_PER_STRANGER; n++)
    expect(await reception.receiveText(peer, `text ${n}`, never)).toBe(true)
}

test("a stranger's text beyond the room waits until the stranger is accepted, in its order", async () => {
  await fillWithTexts()
  const waiting = reception.receiveText(peer, 'one more', never)
  await eventually(() => expect(news).toEqual([{ is: 'waiting', peer }]))
  await book.accept(peer, 'anna', 0)
  await store.acceptHeld(peer)
  reception.requests.forgetRoom()
  expect(await waiting).toBe(true)
  expect((await store.history(peer, { limit: 100 })).at(-1)).toMatchObject({ text: 'one more' })
})

test('it waits until the request is deleted, too', async () => {
  await fillWithTexts()
  const waiting = reception.receiveText(peer, 'one more', never)
  await eventually(() => expect(news).toHaveLength(1))
  await reception.requests.clear([peer])
  expect(await waiting).toBe(true)
  expect(requests.at(-1)).toMatchObject({ count: 1, lastText: 'one more' })
})

test('when the stranger has gone it is not kept, and that is told, but not of one whom nobody wants to hear', async () => {
  await fillWithTexts()
  expect(await reception.receiveText(peer, 'one more', AbortSignal.abort())).toBe(false)
  reception.unkept(peer, { why: 'no-room', texts: 3 })
  expect(news).toEqual([
    { is: 'waiting', peer },
    { is: 'unkept', peer, what: { why: 'no-room', texts: 3 }, untold: 0 }
  ])
  await book.block(peer, 'anna')
  reception.unkept(peer, { why: 'too-long', sizeBytes: 70_000 })
  expect(await reception.receiveText(peer, 'one more', never)).toBe(false)
  expect(news).toHaveLength(2)
})

const roomForElsewhere = MAX_HELD_TOTAL - HELD_RESERVED_FOR_LAN

/** As many free keys as fill the room of those from elsewhere, each with all that one stranger may leave. */
async function flood(keys = roomForElsewhere / MAX_HELD_PER_STRANGER): Promise<void> {
  const all = Array.from({ length: MAX_HELD_PER_STRANGER }, (_, n) => message(n + 1))
  for (let key = 0; key < keys; key++) await reception.receive(`flood ${key}`, all)
}

test('a stranger gets in when a flood of keys has filled the room, and the oldest of the flood gives way', async () => {
  await flood()
  expect(kinds(await reception.receive(peer, [message(1)]))).toEqual(['held'])
  const waiting = (await reception.requests.list()).map((request) => request.peer)
  expect(waiting).toContain(peer)
  expect(waiting).not.toContain('flood 0')
  expect(waiting).toContain('flood 1')
})

test('an evicted sender is refused once, and a message that it sends again is held like new', async () => {
  await flood()
  await reception.receive(peer, [message(1)])
  expect(await reception.receive('flood 0', [message(1), message(2)])).toMatchObject([
    { kind: 'refused', reason: 'evicted' },
    { kind: 'refused', reason: 'evicted' }
  ])
  expect(kinds(await reception.receive('flood 0', [message(1)]))).toEqual(['held'])
})

test('what was evicted is taken when its sender has been accepted since', async () => {
  await flood()
  await reception.receive(peer, [message(1)])
  await book.accept('flood 0', 'flood', 0)
  await store.acceptHeld('flood 0')
  expect(kinds(await reception.receive('flood 0', [message(1)]))).toEqual(['stored'])
})

test('a notice about a room that is nearly full says who fills it, once in a while', async () => {
  await flood()
  await reception.receive(peer, [message(1)])
  const crowded = news.filter(({ is }) => is === 'crowded')
  expect(crowded).toMatchObject([{ use: { limit: MAX_HELD_TOTAL, largest: { origin: '203.0.113.7' } } }])
  nowMs += ROOM_NOTICE_AGAIN_MS
  await reception.receive(peer, [message(2)])
  expect(news.filter(({ is }) => is === 'crowded')).toHaveLength(2)
})

test('clearing deletes what waits, of ignored strangers too, and says how much', async () => {
  await reception.receive(peer, [message(1), message(2)])
  await reception.receive('flood 1', [message(1)])
  await book.ignore(peer, 'anna')
  expect(await reception.requests.clear()).toEqual({ strangers: 2, messages: 3 })
  expect(await store.held({ textLength: 9 })).toEqual([])
  expect((await reception.requests.use()).messages).toBe(0)
  expect(await reception.receive(peer, [message(1)])).toMatchObject([{ reason: 'evicted' }])
})

test('requests without an answer from before a time are deleted, with a notice', async () => {
  await reception.receive(peer, [message(1)])
  const storedAtMs = nowMs
  nowMs += 1
  await reception.receive('flood 1', [message(1)])
  await reception.requests.expire(storedAtMs)
  expect((await reception.requests.list()).map((request) => request.peer)).toEqual([peer, 'flood 1'].toReversed())
  await reception.requests.expire(storedAtMs + 1)
  expect((await reception.requests.list()).map((request) => request.peer)).toEqual(['flood 1'])
  expect(news).toEqual([{ is: 'expired', strangers: 1 }])
})

test('what a peer left that was blocked by an earlier version is deleted without a word', async () => {
  await reception.receive(peer, [message(1)])
  await book.block(peer, 'anna')
  await reception.requests.expire(-Infinity)
  expect(await store.held({ textLength: 9 })).toEqual([])
  expect(news).toEqual([])
})

test('a contact over its quota is refused, with one notice; what is stored is receipted again', async () => {
  await book.accept(peer, 'anna', 0)
  limitBytes = 1
  expect(await reception.receive(peer, [message(1), message(2)])).toMatchObject([
    { kind: 'stored' },
    { kind: 'refused', reason: 'quota' }
  ])
  expect(kinds(await reception.receive(peer, [message(1), message(3)]))).toEqual(['stored', 'refused'])
  expect(told.map(({ text }) => text)).toEqual(['text 1'])
  expect(news).toEqual([{ is: 'over quota', peer, quotaBytes: 1000 }])
  await store.forget(peer)
  expect(kinds(await reception.receive(peer, [message(3)]))).toEqual(['stored'])
})

test('that nothing more is stored is told after the messages that were, of a contact and of a stranger', async () => {
  const order: string[] = []
  reception = new Reception({
    ...init,
    events: {
      message: ({ text }) => order.push(text),
      request: ({ lastText }) => order.push(`request: ${lastText}`),
      room: (one) => order.push(one.is)
    }
  })
  limitBytes = 1
  await reception.receive(stranger, [message(1), message(2)])
  await book.accept(peer, 'anna', 0)
  await reception.receive(peer, [message(3), message(4)])
  expect(order).toEqual(['request: text 1', 'over quota', 'text 3', 'over quota'])
})

test('on a disk that is nearly full no messages are taken, with one notice', async () => {
  await book.accept(peer, 'anna', 0)
  limitBytes = 0
  isLow = true
  expect(await reception.receive(peer, [message(1)])).toMatchObject([{ reason: 'quota' }])
  expect(await reception.receive('flood 1', [message(1)])).toMatchObject([{ reason: 'quota' }])
  expect(news).toEqual([{ is: 'disk low', freeBytes: 5, floorBytes: 10 }])
  limitBytes = Infinity
  isLow = false
  expect(kinds(await reception.receive('flood 1', [message(1)]))).toEqual(['held'])
})

test('a disk that is full is answered with ever longer waits, one for all that comes meanwhile, and one notice', async () => {
  await book.accept(peer, 'anna', 0)
  const full = vi.spyOn(store, 'addIncoming').mockRejectedValue(new StorageFullError('history.db'))
  const waits: number[] = []
  for (let tries = 0; tries < 4; tries++) {
    const answers = [...(await reception.receive(peer, [message(1), message(2)]))]
    answers.push(...(await reception.receive('flood 1', [message(1)])))
    const [first, ...others] = answers.map((fate) => (fate.kind === 'refused' ? fate : undefined))
    expect(first).toMatchObject({ reason: 'quota' })
    for (const other of others) expect(other).toEqual(first)
    waits.push(first?.retryAfterMs ?? 0)
    nowMs += waits.at(-1) ?? 0
  }
  const { firstMs } = FULL_DISK_BACKOFF
  for (const [index, wait] of waits.entries()) expect(wait).toBeGreaterThanOrEqual((firstMs / 2) * 2 ** index)
  expect(news).toEqual([{ is: 'disk full', why: expect.stringContaining('history.db is full') }])

  full.mockRestore()
  // What was under way meanwhile waits with what was refused, or it would stand before it.
  nowMs -= 1
  expect(kinds(await reception.receive(peer, [message(2)]))).toEqual(['refused'])
  nowMs += MIN_RETRY_MS
  expect(kinds(await reception.receive(peer, [message(1), message(2)]))).toEqual(['stored', 'stored'])
  vi.spyOn(store, 'addIncoming').mockRejectedValue(new StorageFullError('history.db'))
  nowMs += firstMs
  const [again] = await reception.receive(peer, [message(3)])
  expect(again?.kind === 'refused' && again.retryAfterMs).toBeLessThanOrEqual(firstMs)
})

test('a long request is listed by its beginning', async () => {
  const long = { ...message(1), text: 'é'.repeat(30_000) }
  await reception.receive(peer, [long])
  const beginning = 'é'.repeat(REQUEST_TEXT_CHARACTERS)
  expect(requests.map(({ lastText }) => lastText)).toEqual([beginning])
  expect((await reception.requests.list()).map(({ lastText }) => lastText)).toEqual([beginning])
})

test('while another contact writes, a flood of one is stored and told a share at a time', async () => {
  await book.accept(peer, 'anna', 0)
  await book.accept('bob', 'bob', 0)
  const sizes: number[] = []
  const face = readers.open(store)
  const add = store.addIncoming.bind(store)
  vi.spyOn(store, 'addIncoming').mockImplementation(async (from, messages, arrival) => {
    sizes.push(messages.length)
    return add(from, messages, arrival)
  })
  const text = 'x'.repeat(INTAKE_SHARE_BYTES / 2 - MESSAGE_COST_BYTES)
  const long = (from: number) => Array.from({ length: 6 }, (_, index) => ({ ...message(from + index), text }))
  await reception.receive(peer, long(10))
  expect(sizes).toEqual([6])
  await face.next({ limit: 99 })
  await reception.receive('bob', [message(1)])
  const receiving = reception.receive(peer, long(20))
  for (let turn = 0; turn < 3; turn++) {
    await face.next({ limit: 99 })
    await face.next({ limit: 99 })
  }
  expect(kinds(await receiving)).toEqual(Array.from({ length: 6 }, () => 'stored'))
  expect(sizes).toEqual([6, 1, 2, 2, 2])
  face.close()
})
