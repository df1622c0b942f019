import { beforeEach, expect, test } from 'vitest'
import type { ChatMessage } from '../../src/chat-protocol/index.ts'
import type { RequestView } from '../../src/node/chat-events.ts'
import {
  HELD_RESERVED_FOR_LAN,
  MAX_HELD_PER_STRANGER,
  MAX_HELD_TOTAL,
  REQUEST_EXPIRY_MS,
  REQUEST_TEXT_CHARACTERS,
  ROOM_NOTICE_AGAIN_MS
} from '../../src/node/constants.ts'
import { Reception } from '../../src/node/reception.ts'
import type { RoomNews } from '../../src/node/room-notices.ts'
import { MemoryMessageStore, PeerBook, type IncomingMessage } from '../../src/storage/index.ts'

const peer = '12D3KooWAnnaaaaaH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'
let store: MemoryMessageStore
let book: PeerBook
let told: IncomingMessage[]
let requests: RequestView[]
let news: RoomNews[]
let nowMs: number
let limitBytes: number
let isLow: boolean
let reception: Reception

beforeEach(() => {
  store = new MemoryMessageStore()
  book = PeerBook.inMemory()
  told = []
  requests = []
  news = []
  nowMs = 1
  limitBytes = Infinity
  isLow = false
  reception = new Reception({
    store,
    book,
    policy: 'ask',
    disk: {
      get limitBytes() {
        return limitBytes
      },
      get isLow() {
        return isLow
      },
      view: { quotaBytes: 1000, freeBytes: 5, floorBytes: 10 }
    },
    isLan: () => false,
    originOf: (from) => (from.startsWith('flood') ? '203.0.113.7' : '198.51.100.4'),
    isOnScreen: () => false,
    onShown: () => undefined,
    nameOf: () => 'anna',
    events: { message: (one) => told.push(one), request: (view) => requests.push(view), room: (one) => news.push(one) },
    now: () => nowMs
  })
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

test('batches of one stranger that come at the same time do not pass the limit together', async () => {
  const batches = [0, 10, 20, 30].map((from) => Array.from({ length: 10 }, (_, i) => message(from + i + 1)))
  const answers = (await Promise.all(batches.map(async (batch) => reception.receive(peer, batch)))).flat()
  expect(kinds(answers).filter((kind) => kind === 'held')).toHaveLength(MAX_HELD_PER_STRANGER)
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

test('an ignored stranger sees no difference, and is not shown', async () => {
  await book.ignore(peer, 'anna')
  expect(kinds(await reception.receive(peer, [message(1)]))).toEqual(['held'])
  expect(requests).toEqual([])
  expect(await reception.requests()).toEqual([])
})

test('the same text of a plain dialect, sent twice, is two messages', async () => {
  await book.accept(peer, 'anna', 0)
  await reception.receiveText(peer, 'ping')
  await reception.receiveText(peer, 'ping')
  expect(told.map(({ text, seq }) => [text, seq])).toEqual([
    ['ping', 1],
    ['ping', 2]
  ])
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
  const waiting = (await reception.requests()).map((request) => request.peer)
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
  expect(await reception.clear()).toEqual({ strangers: 2, messages: 3 })
  expect(await store.held({ textLength: 9 })).toEqual([])
  expect((await reception.use()).messages).toBe(0)
  expect(await reception.receive(peer, [message(1)])).toMatchObject([{ reason: 'evicted' }])
})

test('a request without an answer is deleted after its time, with a notice', async () => {
  await reception.receive(peer, [message(1)])
  nowMs += REQUEST_EXPIRY_MS
  await reception.receive('flood 1', [message(1)])
  await reception.expire()
  expect((await reception.requests()).map((request) => request.peer)).toEqual([peer, 'flood 1'].toReversed())
  nowMs += 1
  await reception.expire()
  expect((await reception.requests()).map((request) => request.peer)).toEqual(['flood 1'])
  expect(news).toEqual([{ is: 'expired', strangers: 1 }])
})

test('what a peer left that was blocked by an earlier version is deleted without a word', async () => {
  await reception.receive(peer, [message(1)])
  await book.block(peer, 'anna')
  await reception.expire()
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

test('a long request is listed by its beginning', async () => {
  const long = { ...message(1), text: 'é'.repeat(30_000) }
  await reception.receive(peer, [long])
  const beginning = 'é'.repeat(REQUEST_TEXT_CHARACTERS)
  expect(requests.map(({ lastText }) => lastText)).toEqual([beginning])
  expect((await reception.requests()).map(({ lastText }) => lastText)).toEqual([beginning])
})
