// What tests of files begin with: two contacts, and an offer that has arrived.
import { expect } from 'vitest'
import type { ChatNode } from '../../../src/node/index.ts'
import { eventually } from '../../eventually.ts'
import { Network, placeOf } from '../network.ts'

/** Two contacts who can reach each other. */
export async function contacts() {
  const network = await Network.create()
  const [anna, bob] = [await network.peer('anna'), await network.peer('bob', { accept: 'all' })]
  const { peer } = await anna.peers.resolve([placeOf(bob)])
  await anna.messaging.open(peer)
  await bob.messaging.open(anna.self.peerId)
  return { network, anna, bob, [Symbol.asyncDispose]: async () => network[Symbol.asyncDispose]() }
}

/** The number of the last file that was offered to the node. */
export async function offered(node: ChatNode): Promise<number> {
  return eventually(async () => {
    const last = (await node.files.list()).findLast(({ direction }) => direction === 'in')
    expect(last?.state).toBe('offered')
    return last?.number ?? 0
  })
}
