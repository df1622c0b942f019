import { TypedEventEmitter, type Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import { turn } from '../../wire/turns.ts'
import type { ChatEvents, ChatService } from '../../../src/chat-protocol/index.ts'
import type { ConversationState } from '../../../src/node/api/chat-events.ts'
import { Conversations } from '../../../src/node/messaging/conversations.ts'
import { NewsReaders } from '../../../src/node/messaging/news-readers.ts'
import { DiskRoom } from '../../../src/node/messaging/disk-room.ts'
import { MemoryStore, PeerBook } from '../../../src/storage/index.ts'

const peer = 'somebody'
let book: PeerBook
let store: MemoryStore
let states: ConversationState['name'][]
let looks: number
/** What a relay carries to the peer. */
let relayed: Connection | undefined
let punches: number
let faults: unknown[]
let conversations: Conversations

beforeEach(() => {
  book = PeerBook.inMemory()
  store = new MemoryStore()
  states = []
  looks = punches = 0
  relayed = undefined
  faults = []
  conversations = new Conversations({
    store,
    book,
    policy: 'ask',
    tellSeen: false,
    network: {
      connect: async (): Promise<Connection> => {
        looks++
        throw new Error('nothing listens there')
      },
      connectBetter: async () => Promise.reject(new Error('nothing listens there')),
      punch: async () => {
        punches++
        throw new Error('no way through')
      },
      whyNotStrangers: 'a stranger',
      connection: () => relayed,
      unanswered: () => undefined,
      closeSuperseded: () => 0,
      isLan: () => false,
      originOf: () => '203.0.113.7',
      isDirectory: async () => false
    },
    peers: { name: (id) => id, nickname: () => undefined, recall: () => undefined },
    disk: new DiskRoom({ folder: '', quotaBytes: Infinity, minFreeBytes: 0, now: Date.now }),
    readers: new NewsReaders(),
    events: {
      message: () => undefined,
      accepted: () => undefined,
      request: () => undefined,
      room: () => undefined,
      delivery: () => undefined,
      refused: () => undefined,
      state: (_peer, { name }) => states.push(name),
      entered: () => undefined,
      typing: () => undefined,
      left: () => undefined,
      futile: () => undefined,
      fault: (_peer, error) => faults.push(error)
    },
    now: Date.now
  })
})

afterEach(async () => conversations.stop())

test('a peer that holds one message and has not been given the next is still looked for after EXIT', async () => {
  await conversations.open(peer)
  const [held] = await conversations.send(peer, [{ text: 'one' }, { text: 'two' }])
  await store.setDelivery(peer, [held?.id ?? ''], 'held')
  await conversations.leave(peer)
  const before = looks
  await eventually(() => expect(looks).toBeGreaterThan(before))
})

test('the way to a peer is looked for while the message is being stored', async () => {
  const { promise: disk, resolve: stored } = Promise.withResolvers<void>()
  const add = store.addAllOutgoing.bind(store)
  vi.spyOn(store, 'addAllOutgoing').mockImplementation(async (...args) => {
    await disk
    return add(...args)
  })
  const sending = conversations.send(peer, [{ text: 'one' }])
  await eventually(() => expect(looks).toBeGreaterThan(0))
  stored()
  await sending
  expect(conversations.state(peer).name).not.toBe('closed')
})

test('a peer to whom nothing could be stored is looked for no longer', async () => {
  vi.spyOn(store, 'addAllOutgoing').mockRejectedValue(new Error('no space left on device'))
  await expect(conversations.send(peer, [{ text: 'one' }])).rejects.toThrow('no space left')
  await eventually(() => expect(conversations.state(peer)).toEqual({ name: 'closed' }))
})

test('a blocked peer that was being looked for is shown as closed', async () => {
  await conversations.open(peer)
  await eventually(() => expect(states).toContain('waiting'))
  await conversations.block(peer)
  expect(conversations.state(peer)).toEqual({ name: 'closed' })
  expect(states.at(-1)).toBe('closed')
})

test('a wait for a message that is given up at once rejects once, and nothing is left unhandled', async () => {
  const unhandled = vi.fn()
  process.on('unhandledRejection', unhandled)
  try {
    const [message] = await conversations.send(peer, [{ text: 'one' }])
    if (message === undefined) throw new Error('nothing was stored')
    const enough = new AbortController()
    const settled = conversations.settled(message, { signal: enough.signal })
    enough.abort(new Error('enough'))
    await expect(settled).rejects.toThrow('enough')
    // Node reports what is unhandled before the next turn of its event loop.
    await turn()
    expect(unhandled).not.toHaveBeenCalled()
  } finally {
    process.off('unhandledRejection', unhandled)
  }
})

test('a direct path is looked for as soon as one side has chosen the other, in a conversation that a stranger opened', async () => {
  const stranger = peerIdFromString('12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2')
  relayed = {
    remoteAddr: multiaddr(`/p2p/${stranger.toString()}/p2p-circuit`),
    log: () => undefined
  } as unknown as Connection
  const session = {
    peer: stranger,
    dialect: 'parley',
    connection: relayed,
    send: async () => undefined,
    acknowledge: () => undefined,
    enter: () => undefined,
    bye: async () => undefined,
    close: async () => undefined
  }
  const chat = Object.assign(new TypedEventEmitter<ChatEvents>(), { ownConnection: () => relayed })
  // Without a reason to look at once, the first look would be followed by the next after a second at least.
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  conversations.start(chat as unknown as ChatService)
  chat.safeDispatchEvent('session:open', { detail: { session, resumed: false } })
  await vi.advanceTimersByTimeAsync(500)
  expect(punches).toBe(0)
  await conversations.send(stranger.toString(), [{ text: 'who are you?' }])
  await vi.advanceTimersByTimeAsync(450)
  expect(punches).toBe(1)
  chat.safeDispatchEvent('enter', { detail: { peer: stranger } })
  await vi.advanceTimersByTimeAsync(600)
  expect(punches).toBe(2)
})

test('the user hears why what came could not be stored, and the sender is not told that it was', async () => {
  const full = new Error('no space left on device')
  vi.spyOn(store, 'addIncoming').mockRejectedValue(full)
  const { onMessages } = conversations.protocol
  const sender = peerIdFromString('12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2')
  const message = { id: '00'.repeat(16), log: '00'.repeat(8), seq: 1, sentAtMs: 0, text: 'hello' }
  await expect(onMessages(sender, [message])).rejects.toBe(full)
  expect(faults).toEqual([full])
})

test('somebody who was never reached and to whom nothing was written is no contact after EXIT', async () => {
  await conversations.open(peer)
  expect(book.contact(peer)).toBeDefined()
  await conversations.leave(peer)
  expect(book.contacts()).toEqual([])

  await conversations.open(peer)
  await conversations.send(peer, [{ text: 'read this when you are back' }])
  await conversations.leave(peer)
  expect(book.contact(peer)).toBeDefined()
})

test('nor is one whose conversation is open at the end; one who was a contact before stays one', async () => {
  await book.accept('a friend', 'bert', 1)
  await conversations.open(peer)
  await conversations.open('a friend')
  await conversations.stop()
  expect(book.contacts().map(({ peer: id }) => id)).toEqual(['a friend'])
})
