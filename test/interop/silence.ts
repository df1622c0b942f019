/**
 * Connections on which nothing is said for a while, between Parley and each foreign
 * implementation: Parley cuts a link that does not answer its pings, which are those of
 * the muxer, so a side that is merely silent has to answer them. All are silent at once.
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'

import { ForeignSide } from './foreign-side.ts'
import type { Implementation } from './implementations.ts'
import { ParleySide } from './parley-side.ts'

// More than twice the time after which a link is cut that does not answer (LINK_PING).
const silenceMs = 15_000

/** One message each way, silence, and one more each way, over the same stream, whichever side has dialled. */
export async function staySilent(implementation: Implementation): Promise<void> {
  const outcomes = await Promise.allSettled([
    silentConversation(implementation, 'peer'),
    silentConversation(implementation, 'parley')
  ])
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

async function silentConversation(implementation: Implementation, dials: 'peer' | 'parley'): Promise<void> {
  const peer = new ForeignSide(implementation, 'ed25519')
  const parley = new ParleySide()
  const where = `${peer.name} and Parley, ${dials} dials`
  try {
    if (dials === 'peer') await peer.dial(await parley.listen())
    else await parley.dial(await peer.listen())
    await peer.send('before')
    await parley.received(1)
    await parley.send('before')
    await peer.received(1)
    const before = parley.conversationStates()

    await delay(silenceMs)

    assert.deepEqual(peer.streams, { opened: 1, closed: 0 }, `${where}: the stream of before the silence is still open`)
    assert.deepEqual(parley.conversationStates(), before, `${where}: Parley noticed nothing in the silence`)
    await peer.send('after')
    await parley.send('after')
    assert.deepEqual(await parley.received(2), ['before', 'after'], where)
    assert.deepEqual(await peer.received(2), ['before', 'after'], where)
    const rttMs = await parley.roundTripMs()
    assert.ok(typeof rttMs === 'number' && rttMs < silenceMs, `${where}: pings are answered, not ${String(rttMs)}`)
  } finally {
    await Promise.all([peer.stop(), parley.stop()])
  }
}
