// The port of a directory in place of a peer's: it is refused, and nothing of it is
// remembered.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import { eventualMs } from '../../patience.ts'
import { DirectoryPeerError } from '../../../src/node/api/errors.ts'
import { exitCodes } from '../../../src/node/api/exit-codes.ts'
import type { ChatNode, Notice } from '../../../src/node/index.ts'
import type { DirectoryNode } from '../../../src/node/server/index.ts'
import { names, Network, placeOf } from '../network.ts'

let network: Network
let directory: DirectoryNode

beforeEach(async () => {
  network = await Network.create()
  directory = await network.directory()
})

afterEach(async () => network[Symbol.asyncDispose]())

function noticesOf(node: ChatNode): Notice[] {
  const notices: Notice[] = []
  node.events.addEventListener('notice', ({ detail }) => notices.push(detail))
  return notices
}

describe('a directory that is named as a peer', () => {
  test.each([
    ['by its address', (): string => placeOf(directory), {}],
    ['by a multiaddr with its ID, when who answers is asked', withId, { refuseChangedKey: true }]
  ])('%s is refused, and nothing of it is remembered', async (_, words, options) => {
    const anna = await network.peer('anna')
    const notices = noticesOf(anna)
    const refused = anna.peers.resolve([words()], options)
    await expect(refused).rejects.toThrow(DirectoryPeerError)
    await expect(refused).rejects.toMatchObject({ exitCode: exitCodes.peerNotFound })
    await expect(refused).rejects.toThrow(`${placeOf(directory)} is a directory, not a person`)
    expect(anna.peers.contacts()).toEqual([])
    expect(notices).toEqual([])
    expect(anna.messaging.state(directory.peerId)).toEqual({ name: 'closed' })
  })

  test('is refused by address and ID if it is in use, and stays in use', async () => {
    const anna = await network.peer('anna', { directory: [placeOf(directory)] })
    await eventually(() => expect(anna.directories.views()).toMatchObject([{ state: 'connected' }]))
    for (const words of [placeOf(directory), withId(), directory.peerId]) {
      await expect(anna.peers.resolve([words])).rejects.toThrow(DirectoryPeerError)
    }
    const bert = await network.peer('bert', { directory: [placeOf(directory)] })
    await eventually(() => expect([names(anna), names(bert)]).toEqual([['bert'], ['anna']]))
    expect(anna.directories.views()).toMatchObject([{ state: 'connected' }])
  })

  test('is no contact any more once it was tried, and what waited for it has failed', async () => {
    const anna = await network.peer('anna')
    const notices = noticesOf(anna)
    const { peer } = await anna.peers.resolve([withId()]) // the ID alone does not show what has it
    await anna.messaging.open(peer)
    const message = await anna.messaging.send(peer, 'hello')
    const settled = await anna.messaging.settled(message, { signal: AbortSignal.timeout(eventualMs) })
    expect(settled).toMatchObject({ state: 'failed', reason: expect.stringContaining('is a directory') })
    await eventually(() => {
      expect(anna.messaging.state(peer)).toEqual({ name: 'closed' })
      expect(anna.peers.contacts()).toEqual([])
    })
    expect(notices[0]?.text).toMatch(/^the conversation with \S+ ends: \S+ is a directory, not a person: /u)
  })
})

function withId(): string {
  return `/ip4/127.0.0.1/tcp/${directory.port}/p2p/${directory.peerId}`
}
