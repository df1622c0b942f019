import { expect, test, vi } from 'vitest'
import type { ChatMessage, ChatSession } from '../../src/chat-protocol/index.ts'
import { Deliveries } from '../../src/node/deliveries.ts'
import { MemoryMessageStore } from '../../src/storage/index.ts'

const peer = 'somebody'

test('what a slow session keeps waiting until it is given up is not sent', async () => {
  let nowMs = 1_000
  const store = new MemoryMessageStore({ now: () => nowMs })
  const deliveries = new Deliveries({
    store,
    now: () => nowMs,
    onDelivery: () => undefined,
    onProgress: () => undefined,
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
  await vi.waitFor(() => expect(sent).toEqual(['one']))
  await deliveries.add(peer, [{ text: 'two' }])
  nowMs = 3_000
  await deliveries.giveUp(2_000)
  await deliveries.add(peer, [{ text: 'three' }])
  slow.resolve()
  await vi.waitFor(() => expect(sent.at(-1)).toBe('three'))
  expect(sent).toEqual(['one', 'three'])
  await deliveries.stop()
})
