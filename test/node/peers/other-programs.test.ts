// Another chat program, here a bare libp2p node, as the user of a ChatNode sees it.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import type { ChatNode, RosterRow } from '../../../src/node/index.ts'
import { Network } from '../network.ts'

/** It dials and serves no protocol, like the examples of other projects. */
async function caller(
  node: ChatNode
): Promise<{ id: string; stream: Stream; stop(): Promise<void>; call(): Promise<Stream> }> {
  const libp2p = await createLibp2p({
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
  const call = async (): Promise<Stream> => {
    const stream = await libp2p.dialProtocol(multiaddr(node.self.addresses()[0]), '/chat/1.0.0')
    await lpStream(stream).write(Buffer.from('hello\n'))
    return stream
  }
  return { id: String(libp2p.peerId), stream: await call(), call, stop: async () => libp2p.stop() }
}

test('another program has a row on the roster while its conversation is open, once it is a contact', async () => {
  await using network = await Network.create()
  const node = await network.peer('anna')
  const told: string[] = []
  node.events.addEventListener('roster', ({ detail: { joined, left } }) => {
    told.push(...joined.map(({ peer }) => `joined ${peer}`), ...left.map(({ peer }) => `left ${peer}`))
  })
  const foreign = await caller(node)
  const { id } = foreign
  try {
    await eventually(async () => expect(await node.messaging.requests()).toHaveLength(1))
    expect(node.peers.roster()).toEqual([])

    await node.messaging.accept(id)
    const row: Partial<RosterRow> = { peer: id, dialect: 'framed-text', path: 'lan', contact: true, sources: [] }
    expect(node.peers.roster()).toMatchObject([row])
    await node.messaging.open(id)
    await node.messaging.leave(id)
    expect(node.messaging.state(id)).toMatchObject({ name: 'open', dialect: 'framed-text' })
    expect(node.peers.roster()).toMatchObject([row])
    expect(told).toEqual([`joined ${id}`])

    await foreign.stream.close()
    await eventually(() => expect(node.messaging.state(id).name).toBe('closed'))
    await eventually(() => expect(told).toEqual([`joined ${id}`, `left ${id}`]))
    expect(node.peers.roster()).toEqual([])
    expect(node.peers.path(id).kind).toBe('lan')

    // It can't be dialled back, but it is a chat program.
    await node.messaging.open(id)
    await eventually(() =>
      expect(node.messaging.state(id)).toMatchObject({
        name: 'waiting',
        why: expect.stringMatching(/must connect again/)
      })
    )
    await foreign.call()
    await eventually(() => expect(node.messaging.state(id).name).toBe('open'))
    await eventually(() => expect(node.peers.roster()).toMatchObject([row]))
  } finally {
    await foreign.stop()
  }
})
