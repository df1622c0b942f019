import { beforeEach, expect, test } from 'vitest'
import type { ChatMessage } from '../../src/chat-protocol/index.ts'
import type { RequestView } from '../../src/node/chat-events.ts'
import { MAX_HELD_PER_STRANGER } from '../../src/node/constants.ts'
import { Reception } from '../../src/node/reception.ts'
import { MemoryMessageStore, PeerBook, type IncomingMessage } from '../../src/storage/index.ts'

const peer = '12D3KooWAnnaaaaaH4L3HXmXLpZ9nxqTRLNDDCYpzPGPaJcJDQFP'
let store: MemoryMessageStore
let book: PeerBook
let told: IncomingMessage[]
let requests: RequestView[]
let reception: Reception

beforeEach(() => {
  store = new MemoryMessageStore()
  book = PeerBook.inMemory()
  told = []
  requests = []
  reception = new Reception({
    store,
    book,
    policy: 'ask',
    isLan: () => false,
    isOnScreen: () => false,
    onShown: () => undefined,
    nameOf: () => 'anna',
    events: { message: (one) => told.push(one), request: (view) => requests.push(view) },
    now: () => 1
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
