// How a face ends with tens of thousands of messages that wait.
import { once } from 'node:events'
import { expect, test } from 'vitest'
import type { ConversationState, OutgoingMessage } from '../../../src/cli/chat-api/chat-api.ts'
import { untilSettled } from '../../../src/cli/chat-api/settling.ts'
import { FakeNode, outgoing } from '../fake-node.ts'

const absent = '12D3KooWabsent'
const present = '12D3KooWpresent'
const many = 44_000

/** Its messages to `absent` wait, and all others have arrived. It counts the questions, and who waits at once. */
class WaitedFor extends FakeNode {
  asked = 0
  looks = 0
  waitingNow = 0
  mostAtOnce = 0

  override state(peer: string): ConversationState {
    this.looks++
    return super.state(peer)
  }

  override async settled(message: OutgoingMessage, options?: { signal: AbortSignal }): Promise<OutgoingMessage> {
    this.asked++
    this.waitingNow++
    this.mostAtOnce = Math.max(this.mostAtOnce, this.waitingNow)
    if (message.peer === absent && options?.signal.aborted === false) await once(options.signal, 'abort')
    this.waitingNow--
    return message
  }
}

function messagesTo(peer: string, count: number): readonly OutgoingMessage[] {
  return Array.from({ length: count }, (_, n) => outgoing(`text ${n}`, 'pending', peer))
}

test('at QUIT a message to a peer that is away is not waited for, and one to a peer that is there is', async () => {
  const node = new WaitedFor()
  node.states.set(absent, { name: 'waiting', why: 'nothing answers', retryAtMs: 0 })
  const messages = [...messagesTo(absent, many), ...messagesTo(present, 2)]
  await untilSettled(node, messages, { signal: new AbortController().signal, isQuitting: true })
  expect(node.asked).toBe(2)
  // A look at a peer takes a tenth of a millisecond: it is not for each message.
  expect(node.looks).toBe(3)
})

test('after the end of input all are waited for, one after the other, until the time is over', async () => {
  const node = new WaitedFor()
  node.states.set(absent, { name: 'waiting', why: 'nothing answers', retryAtMs: 0 })
  const time = new AbortController()
  const messages = [...messagesTo(present, 2), ...messagesTo(absent, many)]
  const settled = untilSettled(node, messages, { signal: time.signal, isQuitting: false })
  await new Promise((resolve) => setImmediate(resolve))
  time.abort()
  await settled
  expect({ asked: node.asked, mostAtOnce: node.mostAtOnce }).toEqual({ asked: 3, mostAtOnce: 1 })
})
