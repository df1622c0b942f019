// Gossip between the directories of one network: gossipsub, set up for few and
// fellow directories behind any addresses, and its one topic. What a message
// says, and whether it goes on, is decided by whoever is asked.
import { gossipsub, StrictNoSign, TopicValidatorResult } from '@libp2p/gossipsub'
import type { GossipSub, GossipSubComponents, Message } from '@libp2p/gossipsub'
import { start, stop } from '@libp2p/interface'
import type { Connection, PeerId } from '@libp2p/interface'
import {
  GOSSIP_DEGREE,
  GOSSIP_QUEUE_BYTES,
  MAX_GOSSIP_BYTES,
  MAX_RPC_BYTES,
  PRESENCE_TOPIC,
  REGOSSIP_MS
} from './constants.ts'
import { GossipRegistrar } from './gossip-registrar.ts'

/** What becomes of a message: it goes on, it ends here, or it must never have been sent. */
export type GossipVerdict = 'accept' | 'ignore' | 'reject'

export interface GossipMeshInit {
  readonly network: string
  /** Asked once for each message that was not seen before, with the fellow that passed it on. */
  judge(from: PeerId, bytes: Uint8Array): Promise<GossipVerdict>
}

export class GossipMesh {
  readonly #registrar: GossipRegistrar
  readonly #gossip: GossipSub
  readonly #topic: string
  readonly #judge: GossipMeshInit['judge']
  /** Since when what we publish does not go to a fellow. */
  readonly #unreachedSinceMs = new Map<string, number>()

  constructor(components: GossipSubComponents, init: GossipMeshInit) {
    const { privateKey, peerId, peerStore, connectionManager, logger } = components
    this.#registrar = new GossipRegistrar(components.registrar, logger.forComponent('parley:gossip'))
    this.#topic = `${PRESENCE_TOPIC}/${init.network}`
    this.#judge = (from, bytes) => init.judge(from, bytes)
    this.#gossip = gossipsub({
      // What is told proves itself: a signature of the messenger would say nothing more.
      globalSignaturePolicy: StrictNoSign,
      fallbackToFloodsub: false,
      allowedTopics: [this.#topic],
      floodPublish: true,
      batchPublish: true,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      ...GOSSIP_DEGREE,
      // Nothing is announced to be fetched later: what is missed is found by the digests, and asked for at a fellow.
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

  async start(): Promise<void> {
    this.#gossip.topicValidators.set(this.#topic, (from, message) => this.#validate(from, message))
    await start(this.#gossip)
    this.#gossip.subscribe(this.#topic)
  }

  async stop(): Promise<void> {
    await stop(this.#gossip)
  }

  /** A directory that may become a fellow: its gossip is kept until it has. */
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

  /** Whether what we publish goes to this fellow. */
  reaches(peer: PeerId): boolean {
    return this.#registrar.hasStream(peer)
  }

  /** Gives new streams to those whom gossip has not reached for a while. To be called a few times a second. */
  mend(fellows: readonly Connection[], nowMs: number): void {
    for (const connection of fellows) {
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

  async #validate(from: PeerId, message: Message): Promise<TopicValidatorResult> {
    if (message.data.byteLength > MAX_GOSSIP_BYTES) return TopicValidatorResult.Reject
    switch (await this.#judge(from, message.data)) {
      case 'accept':
        return TopicValidatorResult.Accept
      case 'ignore':
        return TopicValidatorResult.Ignore
      case 'reject':
        return TopicValidatorResult.Reject
    }
  }
}
