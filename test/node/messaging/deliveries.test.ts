import { expect, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import type { ChatMessage, ChatSession } from '../../../src/chat-protocol/index.ts'
import { RETRIED_MESSAGES, Deliveries } from '../../../src/node/messaging/deliveries.ts'
import { MemoryStore } from '../../../src/storage/index.ts'

const peer = 'somebody'

test('what a slow session keeps waiting until it is given up is not sent', async () => {
  let nowMs = 1_000
  const store = new MemoryStore({ now: () => nowMs })
  const deliveries = new Deliveries({
    store,
    now: () => nowMs,
    onDelivery: () => undefined,
    onProgress: () => undefined,
    onUnanswered: () => undefined,
    onFault: (_peer, error) => {
      throw error
    }
  })
  const sent: string[] = []
  const slow = Promise.withResolvers<void>()
  // The smallest part of a session that is used here.
  const session = {
    peer: { toString: () => peer },
    dialect: 'parley',
    send: async (messages: readonly ChatMessage[]) => {
      sent.push(...messages.map(({ text }) => text))
      await slow.promise
    }
  } as unknown as ChatSession
  await deliveries.add(peer, [{ text: 'one' }])
  deliveries.attach(session)
  await eventually(() => expect(sent).toEqual(['one']))
  await deliveries.add(peer, [{ text: 'two' }])
  nowMs = 3_000
  await deliveries.giveUp(2_000)
  await deliveries.add(peer, [{ text: 'three' }])
  slow.resolve()
  await eventually(() => expect(sent.at(-1)).toBe('three'))
  expect(sent).toEqual(['one', 'three'])
  await deliveries.stop()
})

test('all that waits for a peer is cancelled, and not only its last messages', async () => {
  const store = new MemoryStore()
  const deliveries = new Deliveries({
    store,
    now: Date.now,
    onDelivery: () => undefined,
    onProgress: () => undefined,
    onUnanswered: () => undefined,
    onFault: (_peer, error) => {
      throw error
    }
  })
  const texts = Array.from({ length: RETRIED_MESSAGES + 1 }, (_, index) => ({ text: `message ${index}` }))
  await deliveries.add(peer, texts)
  await deliveries.cancelAll(peer)
  const [first] = await store.unreceipted(peer, { limit: 1 })
  expect(first?.message.state).not.toBe('pending')
  expect(await deliveries.cancel(peer)).toBe(0)
  await deliveries.stop()
})
