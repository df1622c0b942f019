// A fellow that says what a test tells it to, on the stream between directories
// and in gossip, and keeps what it hears.
import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { FEDERATION_PROTOCOL } from '../../../src/directory/federation/constants.ts'
import { decodeFederationFrame, encodeFederationFrame } from '../../../src/directory/federation/federation-frames.ts'
import type { FederationFrame } from '../../../src/directory/federation/federation-frames.ts'
import { GossipMesh } from '../../../src/directory/federation/gossip-mesh.ts'
import { FrameQueue, runFrames } from '../../../src/wire/index.ts'
import { node, until } from '../nodes.ts'
import { network } from './federated.ts'

type MeshService = { readonly mesh: GossipMesh; start(): Promise<void>; stop(): Promise<void> }

/** It begins with nothing: not even Hello. */
export async function fellowOf(
  address: string,
  options: { readonly privateKey?: PrivateKey; readonly from?: string } = {}
) {
  const libp2p = await node<{ gossip: MeshService }>(
    {
      gossip: (components: GossipSubComponents) => {
        const mesh = new GossipMesh(components, { network, judge: async () => 'ignore' })
        return { mesh, start: () => mesh.start(), stop: () => mesh.stop() }
      }
    },
    options
  )
  const { mesh } = libp2p.services.gossip
  const connection = await libp2p.dial(multiaddr(address))
  mesh.expect(connection.remotePeer)
  const stream = await connection.newStream(FEDERATION_PROTOCOL)
  const heard: FederationFrame[] = []
  const outgoing = new FrameQueue<FederationFrame>({ maxBytes: 1 << 20, sizeOf: () => 1_000 })
  const ended = runFrames<FederationFrame, FederationFrame>({
    stream,
    codec: { decode: decodeFederationFrame, encode: encodeFederationFrame },
    outgoing,
    maxFrameBytes: 64 * 1024,
    onFrames: async (frames) => {
      heard.push(...frames)
    }
  }).catch((error: unknown) => error)
  const gossip = async (): Promise<void> => {
    mesh.join(connection)
    await until(() => mesh.reaches(connection.remotePeer), 'gossip')
    // Until both know what the other listens to.
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const send = (frame: FederationFrame): boolean => outgoing.offer(frame)
  return { libp2p, mesh, connection, heard, ended, send, gossip }
}

export const hello: Extract<FederationFrame, { type: 'hello' }> = { type: 'hello', network, digests: [], fellows: [] }
