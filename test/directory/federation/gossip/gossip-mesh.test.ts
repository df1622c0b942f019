// Gossip between directories, on real connections.
import { expect, test } from 'vitest'
import { until } from '../../../eventually.ts'
import type { GossipSubComponents } from '@libp2p/gossipsub'
import { multiaddr } from '@multiformats/multiaddr'
import type { Connection, Libp2p } from '@libp2p/interface'
import { GossipMesh } from '../../../../src/directory/federation/gossip/gossip-mesh.ts'
import type { GossipVerdict } from '../../../../src/directory/federation/sync/federation-step.ts'
import { node, portOf } from '../../nodes.ts'

interface Gossip {
  readonly mesh: GossipMesh
  readonly heard: string[]
  verdict: GossipVerdict
}

async function gossiper(): Promise<{ libp2p: Libp2p; gossip: Gossip }> {
  const libp2p = await node({
    gossip: (components: GossipSubComponents): Gossip & { start(): Promise<void>; stop(): Promise<void> } => {
      const heard: string[] = []
      const validate = async (_from: unknown, bytes: Uint8Array): Promise<GossipVerdict> => {
        heard.push(new TextDecoder().decode(bytes))
        return gossip.verdict
      }
      const gossip: Gossip & { start(): Promise<void>; stop(): Promise<void> } = {
        heard,
        verdict: 'accept',
        mesh: new GossipMesh(components, 'test'),
        start: () => gossip.mesh.start({ validate }),
        stop: () => gossip.mesh.stop()
      }
      return gossip
    }
  })
  return { libp2p, gossip: libp2p.services.gossip }
}

async function connect(a: Libp2p, b: Libp2p): Promise<[Connection, Connection]> {
  const ours = await a.dial(multiaddr(`/ip4/127.0.0.1/tcp/${portOf(b)}`))
  await until(() => b.getConnections(a.peerId).length > 0, 'a connection on both sides')
  const [theirs] = b.getConnections(a.peerId)
  if (theirs === undefined) throw new Error('no connection')
  return [ours, theirs]
}

function letIn(a: { gossip: Gossip }, b: { gossip: Gossip }, [ours, theirs]: [Connection, Connection]): void {
  a.gossip.mesh.expect(ours.remotePeer)
  b.gossip.mesh.expect(theirs.remotePeer)
  a.gossip.mesh.join(ours)
  b.gossip.mesh.join(theirs)
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const early = 'early '
const earlyTries = 200

/** Streams open, and each side tells what it wants to hear, when they do: what is said before that reaches nobody. */
async function heardFrom(speaker: { gossip: Gossip }, listener: { gossip: Gossip }): Promise<void> {
  const isHeard = (): boolean => listener.gossip.heard.some((text) => text.startsWith(early))
  for (let i = 0; !isHeard() && i < earlyTries; i++) {
    await speaker.gossip.mesh.publish(bytes(`${early}${i}`))
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

test('what one directory says reaches those behind its federation peer, and no further when that one ignores it', async () => {
  const [a, b, c] = [await gossiper(), await gossiper(), await gossiper()]
  letIn(a, b, await connect(a.libp2p, b.libp2p))
  letIn(b, c, await connect(b.libp2p, c.libp2p))
  await heardFrom(a, c)
  await a.gossip.mesh.publish(bytes('one'))
  await until(() => c.gossip.heard.includes('one'), 'the first message at the end of the line')
  b.gossip.verdict = 'ignore'
  await a.gossip.mesh.publish(bytes('two'))
  await until(() => b.gossip.heard.includes('two'), 'the second message in the middle')
  b.gossip.verdict = 'accept'
  await a.gossip.mesh.publish(bytes('three'))
  await until(() => c.gossip.heard.includes('three'), 'the third message at the end of the line')
  expect(c.gossip.heard.filter((text) => !text.startsWith(early))).toEqual(['one', 'three'])
})

test('nobody gets gossip in that is no federation peer', async () => {
  const [a, b] = [await gossiper(), await gossiper()]
  const [ours] = await connect(a.libp2p, b.libp2p)
  a.gossip.mesh.join(ours)
  await a.gossip.mesh.publish(bytes('let me in'))
  await until(() => !a.gossip.mesh.reaches(b.libp2p.peerId), 'the stream to be refused')
  expect(b.gossip.heard).toEqual([])
})

test('gossip of a directory that is let in a moment later is not lost', async () => {
  const [a, b] = [await gossiper(), await gossiper()]
  const [ours, theirs] = await connect(a.libp2p, b.libp2p)
  b.gossip.mesh.expect(theirs.remotePeer)
  a.gossip.mesh.join(ours)
  await until(() => a.gossip.mesh.reaches(b.libp2p.peerId), 'our stream')
  b.gossip.mesh.join(theirs)
  await until(() => b.gossip.mesh.reaches(a.libp2p.peerId), 'their stream')
  await heardFrom(a, b)
  expect(b.gossip.heard).not.toEqual([])
})

test('gossip goes on over a second connection when the first is replaced', async () => {
  const [a, b] = [await gossiper(), await gossiper()]
  const first = await connect(a.libp2p, b.libp2p)
  letIn(a, b, first)
  await until(() => a.gossip.mesh.reaches(b.libp2p.peerId), 'our stream')
  const ours = await a.libp2p.dial(multiaddr(`/ip4/127.0.0.1/tcp/${portOf(b.libp2p)}`), { force: true })
  await until(() => b.libp2p.getConnections(a.libp2p.peerId).length === 2, 'two connections')
  const theirs = b.libp2p.getConnections(a.libp2p.peerId).find((one) => one !== first[1])
  if (theirs === undefined) throw new Error('no second connection')
  letIn(a, b, [ours, theirs])
  await first[0].close()
  await until(() => a.gossip.mesh.reaches(b.libp2p.peerId) && b.gossip.mesh.reaches(a.libp2p.peerId), 'new streams')
  await heardFrom(a, b)
  await a.gossip.mesh.publish(bytes('still here'))
  await until(() => b.gossip.heard.includes('still here'), 'the message')
})
