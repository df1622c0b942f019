/** Relays of other programs end a connection after 128 KiB each way: what waits on both sides must get through all the same. */
import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { sized, sizedMessage } from '../../src/chat-protocol/frame-codec.ts'
import type { SizedMessage } from '../../src/chat-protocol/frame-codec.ts'
import type { OutgoingFrame } from '../../src/chat-protocol/frames.ts'
import { SessionLogic } from '../../src/chat-protocol/session.ts'
import type { SessionEffect } from '../../src/chat-protocol/session.ts'

const ALLOWED_BYTES = 128 * 1024
/** What the handshake and the Hellos take of it. */
const OPENING_BYTES = 8 * 1024

/** One peer: its messages without a receipt go out again at the beginning of each connection. */
class Side {
  readonly #logic: SessionLogic
  readonly waiting: Map<string, SizedMessage>
  readonly received = new Set<string>()
  /** Written and not arrived. */
  queue: OutgoingFrame[] = []

  constructor(opener: 'us' | 'them', messages: readonly SizedMessage[]) {
    this.#logic = new SessionLogic(opener)
    this.waiting = new Map(messages.map((message) => [message.frame.message.id, message]))
  }

  connect(id: number, openedBy: 'us' | 'them'): void {
    this.queue = []
    this.#do(this.#logic.step({ kind: 'ready', stream: { id, openedBy, dialect: 'parley' } }, 0))
    this.#do(this.#logic.step({ kind: 'send', batch: id, messages: [...this.waiting.values()] }, 0))
  }

  disconnect(id: number): void {
    this.#do(this.#logic.step({ kind: 'ended', id, why: new Error('the relay has ended it') }, 0))
  }

  take(frame: OutgoingFrame): void {
    if (frame.kind === 'message') {
      this.received.add(frame.message.id)
      this.queue.push({ kind: 'receipt', state: 'stored', ids: [frame.message.id], ranges: [] })
    } else if (frame.kind === 'receipt') this.#do(this.#logic.step(frame, 0))
  }

  #do(effects: readonly SessionEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'receipted') for (const id of effect.ids) this.waiting.delete(id)
      if (effect.kind !== 'write') continue
      this.queue.push(...effect.messages.map(({ frame }) => frame))
      this.#do(this.#logic.step({ kind: 'written', write: effect.write }, 0))
    }
  }
}

test.each([300, 1_000, 60_000])('messages of %i bytes that both sides have waiting all get through', (textBytes) => {
  const [here, there] = [new Side('us', waitingMessages(textBytes)), new Side('them', waitingMessages(textBytes))]
  const perConnection = ALLOWED_BYTES / 4
  const most = Math.ceil((2 * TOTAL_BYTES) / perConnection)
  let connections = 0
  while (here.waiting.size + there.waiting.size > 0) {
    expect(++connections, `${here.waiting.size} and ${there.waiting.size} wait`).toBeLessThanOrEqual(most)
    here.connect(connections, 'us')
    there.connect(connections, 'them')
    const left = new Map([here, there].map((side) => [side, ALLOWED_BYTES - OPENING_BYTES]))
    carry: while (here.queue.length + there.queue.length > 0) {
      // All that one side has written is carried before anything of the other: the worst that a relay can do.
      for (const [from, to] of [
        [here, there],
        [there, here]
      ] as const) {
        for (const frame of from.queue.splice(0)) {
          left.set(from, (left.get(from) ?? 0) - sized(frame).sizeBytes)
          if ((left.get(from) ?? 0) < 0) break carry
          to.take(frame)
        }
      }
    }
    here.disconnect(connections)
    there.disconnect(connections)
  }
  expect([here.received.size, there.received.size]).toEqual([there.received.size, here.received.size])
})

/** Of each side: several times what one connection carries. */
const TOTAL_BYTES = 4 * ALLOWED_BYTES

function waitingMessages(textBytes: number): readonly SizedMessage[] {
  const log = randomBytes(8).toString('hex')
  return Array.from({ length: Math.floor(TOTAL_BYTES / textBytes) }, (_, at) =>
    sizedMessage({ id: randomBytes(16).toString('hex'), log, seq: at + 1, sentAtMs: 0, text: 'x'.repeat(textBytes) })
  )
}
