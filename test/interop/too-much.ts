/**
 * A stranger on another implementation that writes more than Parley holds of a stranger,
 * and longer than Parley takes: the rest waits over there until the user has accepted it,
 * what is too long is named, and all else arrives.
 */
import assert from 'node:assert/strict'

import { MAX_HELD_PER_STRANGER } from '../../src/node/messaging/request-room.ts'
import { JsonParley } from '../fault/json-parley.ts'
import { ForeignSide } from './foreign-side.ts'
import type { Implementation } from './implementations.ts'

const before = Array.from({ length: 5 * MAX_HELD_PER_STRANGER }, (_, index) => `line ${index}`)
const tooLong = 'x'.repeat(70_000)
const after = ['the last one']

export async function writeTooMuch(implementation: Implementation): Promise<void> {
  const peer = new ForeignSide(implementation, 'ed25519')
  const parley = await JsonParley.start()
  try {
    await peer.dial(await parley.address())
    for (const text of [...before, tooLong, ...after]) await peer.send(text)
    const waiting = await parley.until('notice that more waits', () =>
      parley.events.find((one) => one.event === 'notice' && one['code'] === 'requests')
    )
    assert.match(String(waiting['text']), /until you accept it/)
    const { requests } = await parley.do({ do: 'requests' })
    assert.ok(Array.isArray(requests) && requests.length === 1, JSON.stringify(requests))
    const { peer: id, count } = requests[0]
    assert.equal(count, MAX_HELD_PER_STRANGER, peer.name)

    await parley.do({ do: 'accept', peer: id })
    const expected = [...before, ...after]
    await parley.untilTexts(id, expected.length - MAX_HELD_PER_STRANGER)
    const { messages } = await parley.do({ do: 'log', peer: id, limit: 1000 })
    assert.ok(Array.isArray(messages))
    assert.deepEqual(
      messages.map(({ text }) => text),
      expected,
      peer.name
    )
    const skipped = parley.events.filter((one) => one.event === 'notice' && one['code'] === 'unkept')
    assert.equal(skipped.length, 1, peer.name)
    assert.match(String(skipped[0]?.['text']), /7000[01] bytes .* 65536/)
    assert.deepEqual(peer.streams, { opened: 1, closed: 0 }, peer.name)
  } finally {
    await Promise.all([peer.stop(), parley.stop()])
  }
}
