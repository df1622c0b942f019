/**
 * What the published chat examples do when Parley leaves them: they stay through EXIT and
 * what comes after it, and those that can outlive the end of a stream outlive QUIT and
 * `parley send`. docs/spec/chat-1.0.0.md says which those are.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { exitCodes } from '../../src/node/settings.ts'
import { JsonParley } from '../fault/json-parley.ts'
import { ForeignSide } from './foreign-side.ts'
import { goPeer, js2Peer, jsPeer, pyPeer, type Implementation } from './implementations.ts'

/** A published chat example. */
export interface Example {
  readonly name: string
  readonly implementation: Implementation
  /** What makes the peer end as the example does. */
  readonly options: readonly string[]
  /** Whether the program goes on when the other side closes its half of the stream, and then the connection. */
  readonly outlivesEnd: boolean
}

export const examples: readonly Example[] = [
  { name: 'chat of go-libp2p', implementation: goPeer, options: ['--example', 'chat'], outlivesEnd: true },
  {
    name: 'chat-with-mdns of go-libp2p, on /chat/1.1.0',
    implementation: goPeer,
    options: ['--example', 'mdns'],
    outlivesEnd: false
  },
  {
    name: 'chat-with-rendezvous of go-libp2p, on /chat/1.1.0',
    implementation: goPeer,
    options: ['--example', 'rendezvous'],
    outlivesEnd: false
  },
  { name: 'chat of js-libp2p 2.x', implementation: js2Peer, options: [], outlivesEnd: true },
  { name: 'chat of js-libp2p 3.x', implementation: jsPeer, options: ['--as-example'], outlivesEnd: false },
  { name: 'chat of py-libp2p', implementation: pyPeer, options: ['--as-example'], outlivesEnd: false }
]

const afterExit = Array.from({ length: 10 }, (_, index) => `after EXIT ${index}`)
const sent = ['sent one', 'sent two', 'sent three']

/** The whole of a conversation whose screen is left, opened again, and quit. */
export async function leave(example: Example, dials: 'peer' | 'parley'): Promise<void> {
  const { peer, parley, id } = await meet(example, dials)
  const what = `${example.name}, ${dials} dials`
  try {
    await parley.do({ do: 'exit', peer: id })
    for (const text of afterExit) await peer.send(text)
    assert.deepEqual(await parley.untilTexts(id, 1 + afterExit.length), ['hello', ...afterExit], what)
    await parley.do({ do: 'chat', peer: id })
    await parley.do({ do: 'send', peer: id, text: 'again' })
    assert.deepEqual(await peer.received(2), ['hello yourself', 'again'], what)
    assert.deepEqual(peer.streams, { opened: 1, closed: 0 }, `${what}: all on one stream`)

    await parley.do({ do: 'send', peer: id, text: 'last words' })
    await parley.quit()
    await peer.sawEnd()
    assert.deepEqual(await peer.received(3), ['hello yourself', 'again', 'last words'], what)
    const exitCode = await peer.stop()
    assert.equal(exitCode === 0, example.outlivesEnd, `${what}: it ended with ${exitCode}`)
  } finally {
    await Promise.all([peer.stop(), parley.stop()])
  }
}

/** Texts of `parley send`, a process and a connection each, to a program that outlives them. */
export async function sendThrice(example: Example): Promise<void> {
  const peer = newPeer(example)
  const home = await mkdtemp(join(tmpdir(), 'parley-test-'))
  try {
    const address = await peer.listen()
    for (const [index, text] of sent.entries()) {
      const parley = await JsonParley.spawn({ args: ['send', address, text], home })
      const outcome = await parley.until('outcome', () => parley.events.find(({ event }) => event === 'sent'))
      await parley.stop()
      assert.equal(outcome['exitCode'], exitCodes.unconfirmed, JSON.stringify(outcome))
      assert.deepEqual(await peer.received(index + 1), sent.slice(0, index + 1), example.name)
    }
    assert.equal(await peer.stop(), 0, `${example.name} goes on`)
  } finally {
    await peer.stop()
    await rm(home, { recursive: true, force: true })
  }
}

function newPeer({ implementation, options }: Example): ForeignSide {
  return new ForeignSide(implementation, 'ed25519', options)
}

/** The peer says hello first, and is answered. */
async function meet(
  example: Example,
  dials: 'peer' | 'parley'
): Promise<{ readonly peer: ForeignSide; readonly parley: JsonParley; readonly id: string }> {
  const peer = newPeer(example)
  const parley = await JsonParley.start({ args: ['--accept', 'all'] })
  try {
    let id: string
    if (dials === 'peer') {
      await peer.dial(await parley.address())
      const open = (): string | undefined => {
        const state = parley.events.find((one) => one.event === 'conversation' && one['state'] === 'open')
        return state === undefined ? undefined : String(state['peer'])
      }
      id = await parley.until('conversation', open)
      await parley.do({ do: 'chat', peer: id })
    } else {
      id = String((await parley.do({ do: 'chat', peer: await peer.listen() }))['peer'])
      await parley.untilConversation(id, 'open')
    }
    await peer.send('hello')
    await parley.untilTexts(id, 1)
    await parley.do({ do: 'send', peer: id, text: 'hello yourself' })
    await peer.received(1)
    return { peer, parley, id }
  } catch (error) {
    await Promise.all([peer.stop(), parley.stop()])
    throw error
  }
}
