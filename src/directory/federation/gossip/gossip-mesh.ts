// Gossip between the directories of one network: gossipsub, set up for few
// directories behind any addresses, and its one topic. The validation decides
// whether a message goes on.
import { gossipsub, StrictNoSign, TopicValidatorResult } from '@libp2p/gossipsub'
import type { GossipSub, GossipSubComponents, Message } from '@libp2p/gossipsub'
import { start, stop } from '@libp2p/interface'
import type { Connection, PeerId } from '@libp2p/interface'
import { GossipRegistrar } from './gossip-registrar.ts'
import { MAX_GOSSIP_BYTES } from '../../federation-frames.ts'
import type { GossipVerdict } from '../sync/federation-step.ts'

/** What directories tell all others is under this topic; the network's name follows. */
const PRESENCE_TOPIC = '/chat/presence/1.0.0'

/** A gossip message and the frame of gossipsub around it. */
const MAX_RPC_BYTES = MAX_GOSSIP_BYTES + 4 * 1024

/** Bytes that may wait for a federation peer that reads too slowly, before gossip with it starts anew: a second of a stampede. */
const GOSSIP_QUEUE_BYTES = 4 * 1024 * 1024

/** Few directories: nearly all of them are each other's neighbours, up to the most that may be connected. */
const GOSSIP_DEGREE = { D: 8, Dlo: 6, Dhi: 16, Dscore: 4, Dout: 2 } as const

/** A federation peer that gossip has not reached for so long gets new streams. */
const REGOSSIP_MS = 2_000

interface GossipValidation {
  /** Asked once for each message that was not seen before, with the federation peer that passed it on. */
  validate(from: PeerId, bytes: Uint8Array): Promise<GossipVerdict>
}

export class GossipMesh {
  readonly #registrar: GossipRegistrar
  readonly #gossip: GossipSub
  readonly #topic: string
  /** Since when what we publish does not go to a federation peer. */
  readonly #unreachedSinceMs = new Map<string, number>()

  constructor(components: GossipSubComponents, network: string) {
    const { privateKey, peerId, peerStore, connectionManager, logger } = components
    this.#registrar = new GossipRegistrar(components.registrar, logger.forComponent('parley:gossip'))
    this.#topic = `${PRESENCE_TOPIC}/${network}`
    this.#gossip = gossipsub({
      // Each statement proves itself: a signature of the messenger would add nothing.
      globalSignaturePolicy: StrictNoSign,
      fallbackToFloodsub: false,
      allowedTopics: [this.#topic],
      floodPublish: true,
      batchPublish: true,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      ...GOSSIP_DEGREE,
      // Nothing is announced to be fetched later: what is missed is found by the digests, and asked for at a federation peer.
      Dlazy: 0,
      gossipFactor: 0,
      tagMeshPeers: false,
      maxInboundDataLength: MAX_RPC_BYTES,
      maxOutboundBufferSize: GOSSIP_QUEUE_BYTES,
      // Directories of one household or one test share an address; the default would silence them.
      scoreParams: { IPColocationFactorWeight: 0 },
      debugName: 'parley:gossip'
    })({ privateKey, peerId, peerStore, connectionManager, logger, registrar: this.#registrar })
  }

  async start(validation: GossipValidation): Promise<void> {
    this.#gossip.topicValidators.set(this.#topic, (from, message) => validated(validation, from, message))
    await start(this.#gossip)
    this.#gossip.subscribe(this.#topic)
  }

  async stop(): Promise<void> {
    await stop(this.#gossip)
  }

  /** A directory that may become a federation peer: its gossip is kept until it has. */
  expect(peer: PeerId): void {
    this.#registrar.expect(peer)
  }

  /** Gossips with the directory at the other end, by this connection. */
  join(connection: Connection): void {
    this.#registrar.letIn(connection)
  }

  leave(peer: PeerId): void {
    this.#unreachedSinceMs.delete(peer.toString())
    this.#registrar.turnAway(peer)
  }

  /** Whether what we publish goes to this federation peer. */
  reaches(peer: PeerId): boolean {
    return this.#registrar.hasStream(peer)
  }

  /** Gives new streams to federation peers that gossip has not reached for a while. To be called a few times a second. */
  mend(federationPeers: readonly Connection[], nowMs: number): void {
    for (const connection of federationPeers) {
      const peer = connection.remotePeer
      const id = peer.toString()
      const sinceMs = this.#unreachedSinceMs.get(id) ?? nowMs
      if (this.reaches(peer)) this.#unreachedSinceMs.delete(id)
      else if (nowMs - sinceMs < REGOSSIP_MS) this.#unreachedSinceMs.set(id, sinceMs)
      else {
        this.leave(peer)
        this.join(connection)
      }
    }
  }

  async publish(bytes: Uint8Array): Promise<void> {
    await this.#gossip.publish(this.#topic, bytes)
  }
}

async function validated(validation: GossipValidation, from: PeerId, message: Message): Promise<TopicValidatorResult> {
  if (message.data.byteLength > MAX_GOSSIP_BYTES) return TopicValidatorResult.Reject
  switch (await validation.validate(from, message.data)) {
    case 'accept':
      return TopicValidatorResult.Accept
    case 'ignore':
      return TopicValidatorResult.Ignore
    case 'reject':
      return TopicValidatorResult.Reject
  }
}
