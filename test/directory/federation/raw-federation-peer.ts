// A federation peer that says what a test tells it to, on the stream between directories
// and in gossip, and keeps what it hears.
import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { until } from '../../eventually.ts'
import { FEDERATION_PROTOCOL } from '../../../src/directory/federation/peers/federation-streams.ts'
import { decodeFederationFrame, encodeFederationFrame } from '../../../src/directory/federation-frames.ts'
import type { FederationFrame } from '../../../src/directory/federation-frames.ts'
import { GossipMesh } from '../../../src/directory/federation/gossip/gossip-mesh.ts'
import { FrameQueue, runFrames } from '../../../src/wire/index.ts'
import { node } from '../nodes.ts'
import { network } from './federated.ts'

type MeshService = { readonly mesh: GossipMesh; start(): Promise<void>; stop(): Promise<void> }

/** It begins with nothing: not even Hello. */
export async function joinAsFederationPeer(
  address: string,
  options: { readonly privateKey?: PrivateKey; readonly from?: string } = {}
) {
  const libp2p = await node<{ gossip: MeshService }>(
    {
      gossip: (components: GossipSubComponents) => {
        const mesh = new GossipMesh(components, network)
        return { mesh, start: () => mesh.start({ validate: async () => 'ignore' }), stop: () => mesh.stop() }
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
  }
  const send = (frame: FederationFrame): boolean => outgoing.offer(frame)
  /** Waits for so many Hellos more: what it has sent by now has been dealt with, and others have heard of it. */
  const hellos = async (more: number): Promise<void> => {
    const count = (): number => heard.filter(({ type }) => type === 'hello').length
    const enough = count() + more
    await until(() => count() >= enough, `${more} Hellos`)
  }
  return { libp2p, mesh, connection, heard, ended, send, gossip, hellos }
}

export const hello: Extract<FederationFrame, { type: 'hello' }> = {
  type: 'hello',
  network,
  digests: [],
  federationPeers: []
}
