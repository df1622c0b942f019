// The port of a directory where one of a peer was meant: nobody to talk to, and
// nothing that stays.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DirectoryPeerError } from '../../src/node/errors.ts'
import { exitCodes } from '../../src/node/exit-codes.ts'
import type { ChatNode, DirectoryNode, Notice } from '../../src/node/index.ts'
import { names, Network, placeOf } from './network.ts'

const soon = { timeout: 8_000, interval: 20 }
let network: Network
let directory: DirectoryNode

beforeEach(async () => {
  network = await Network.create()
  directory = await network.directory()
})

afterEach(async () => network[Symbol.asyncDispose]())

function noticesOf(node: ChatNode): Notice[] {
  const notices: Notice[] = []
  node.addEventListener('notice', ({ detail }) => notices.push(detail))
  return notices
}

describe('a directory that is named as a peer', () => {
  test.each([
    ['by its address', (): string => placeOf(directory), {}],
    ['by a multiaddr with its ID, when who answers is asked', withId, { refuseChangedKey: true }]
  ])('%s is refused, and nothing of it is remembered', async (_, words, options) => {
    const anna = await network.peer('anna')
    const notices = noticesOf(anna)
    const refused = anna.resolve([words()], options)
    await expect(refused).rejects.toThrow(DirectoryPeerError)
    await expect(refused).rejects.toMatchObject({ exitCode: exitCodes.peerNotFound })
    await expect(refused).rejects.toThrow(`${placeOf(directory)} is a directory, and nobody to talk to`)
    expect(anna.contacts()).toEqual([])
    expect(notices).toEqual([])
    expect(anna.state(directory.peerId)).toEqual({ name: 'closed' })
  })

  test('and is the one in use is refused by its address and its ID, and stays in use', async () => {
    const anna = await network.peer('anna', { directory: [placeOf(directory)] })
    await vi.waitFor(() => expect(anna.directories()).toMatchObject([{ state: 'connected' }]), soon)
    for (const words of [placeOf(directory), withId(), directory.peerId]) {
      await expect(anna.resolve([words])).rejects.toThrow(DirectoryPeerError)
    }
    const bert = await network.peer('bert', { directory: [placeOf(directory)] })
    await vi.waitFor(() => expect([names(anna), names(bert)]).toEqual([['bert'], ['anna']]), soon)
    expect(anna.directories()).toMatchObject([{ state: 'connected' }])
  })

  test('and was taken for a contact is none when it was tried, and what waited for it has failed', async () => {
    const anna = await network.peer('anna')
    const notices = noticesOf(anna)
    const { peer } = await anna.resolve([withId()]) // who has the ID is not asked before it is tried
    await anna.open(peer)
    const message = await anna.send(peer, 'hello')
    const settled = await anna.settled(message, { signal: AbortSignal.timeout(8_000) })
    expect(settled).toMatchObject({ state: 'failed', reason: expect.stringContaining('is a directory') })
    await vi.waitFor(() => {
      expect(anna.state(peer)).toEqual({ name: 'closed' })
      expect(anna.contacts()).toEqual([])
    }, soon)
    expect(notices[0]?.text).toMatch(/^the conversation with \S+ ends: \S+ is a directory, and nobody to talk to: /u)
  })
})

function withId(): string {
  return `/ip4/127.0.0.1/tcp/${directory.port}/p2p/${directory.peerId}`
}
