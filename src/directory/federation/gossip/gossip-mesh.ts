// Gossip between the directories of one network: gossipsub, set up for few
// directories behind any addresses, its one topic, and the registrar through which
// it sees federation peers alone. The validation decides whether a message goes on.
import { gossipsub, StrictNoSign, TopicValidatorResult } from '@libp2p/gossipsub'
import type { GossipSub, GossipSubComponents, Message } from '@libp2p/gossipsub'
import { start, stop } from '@libp2p/interface'
import type {
  Connection,
  Logger,
  PeerId,
  Stream,
  StreamHandler,
  StreamHandlerOptions,
  Topology
} from '@libp2p/interface'
import type { Registrar } from '@libp2p/interface-internal'
import { toError, withDeadline } from '../../../wire/index.ts'
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

/** Gossip's own streams, one while another is replaced, for each of its versions. */
const MAX_GOSSIP_STREAMS_PER_CONNECTION = 4

/** Gossip of a directory whose Hello is still on its way. */
const MAX_PARKED_STREAMS = 4

/** Gossipsub opens its streams one after the other. */
const GOSSIP_NEGOTIATION_TIMEOUT_MS = 3_000

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

interface Guest {
  readonly peer: PeerId
  readonly connection: Connection
}

interface Parked {
  readonly stream: Stream
  readonly connection: Connection
}

/**
 * The registrar that gossipsub is given instead of libp2p's own: its peers are only those directories that were let in,
 * each with the one connection that was chosen, and it gets no stream from any other peer. Knows no topic.
 */
class GossipRegistrar implements Registrar {
  readonly #registrar: Registrar
  readonly #log: Logger
  readonly #handlers = new Map<string, StreamHandler>()
  readonly #topologies = new Map<string, Topology>()
  readonly #guests = new Map<string, Guest>()
  /** Streams of directories that are about to be let in: each side learns of it at its own moment. */
  readonly #parked = new Map<string, Parked[]>()

  constructor(registrar: Registrar, log: Logger) {
    this.#registrar = registrar
    this.#log = log
  }

  /** Its streams are kept for a moment, until it is let in or turned away. */
  expect(peer: PeerId): void {
    const id = peer.toString()
    if (!this.#guests.has(id) && !this.#parked.has(id)) this.#parked.set(id, [])
  }

  /** From now on gossipsub has this peer, by this connection. Another connection replaces the one before. */
  letIn(connection: Connection): void {
    const peer = connection.remotePeer
    const id = peer.toString()
    const before = this.#guests.get(id)
    if (before?.connection === connection) return
    if (before !== undefined) this.#disconnect(peer)
    this.#guests.set(id, { peer, connection })
    const inHaste = impatient(connection)
    this.#tell((topology) => topology.onConnect?.(peer, inHaste))
    const parked = this.#parked.get(id) ?? []
    this.#parked.delete(id)
    for (const { stream, connection: via } of parked) this.#handle(stream, via)
  }

  /** Gossipsub loses this peer, and its streams are refused. */
  turnAway(peer: PeerId): void {
    const id = peer.toString()
    for (const { stream } of this.#parked.get(id) ?? []) stream.abort(new Error('not a federation peer'))
    this.#parked.delete(id)
    if (this.#guests.delete(id)) this.#disconnect(peer)
  }

  /** Whether our own stream to the peer stands: gossipsub opens it once and never again. */
  hasStream(peer: PeerId): boolean {
    const guest = this.#guests.get(peer.toString())
    return (
      guest?.connection.streams.some(
        ({ direction, protocol, status }) =>
          direction === 'outbound' && status === 'open' && this.#handlers.has(protocol)
      ) === true
    )
  }

  async handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void> {
    this.#handlers.set(protocol, handler)
    await this.#registrar.handle(protocol, (stream, connection) => this.#onStream(stream, connection), {
      ...options,
      maxInboundStreams: MAX_GOSSIP_STREAMS_PER_CONNECTION,
      runOnLimitedConnection: false
    })
  }

  async unhandle(protocol: string): Promise<void> {
    this.#handlers.delete(protocol)
    await this.#registrar.unhandle(protocol)
  }

  async register(protocol: string, topology: Topology): Promise<string> {
    this.#topologies.set(protocol, topology)
    return protocol
  }

  unregister(id: string): void {
    this.#topologies.delete(id)
  }

  getTopologies(protocol: string): Topology[] {
    const topology = this.#topologies.get(protocol)
    return topology === undefined ? [] : [topology]
  }

  getProtocols: Registrar['getProtocols'] = () => this.#registrar.getProtocols()
  getHandler: Registrar['getHandler'] = (protocol) => this.#registrar.getHandler(protocol)
  use: Registrar['use'] = (protocol, middleware) => this.#registrar.use(protocol, middleware)
  unuse: Registrar['unuse'] = (protocol) => this.#registrar.unuse(protocol)
  getMiddleware: Registrar['getMiddleware'] = (protocol) => this.#registrar.getMiddleware(protocol)

  #onStream(stream: Stream, connection: Connection): void {
    const id = connection.remotePeer.toString()
    if (this.#guests.has(id)) {
      this.#handle(stream, connection)
      return
    }
    const parked = this.#parked.get(id)
    if (parked !== undefined && parked.length < MAX_PARKED_STREAMS) parked.push({ stream, connection })
    else stream.abort(new Error('gossip is between federation peers'))
  }

  #handle(stream: Stream, connection: Connection): void {
    if (stream.status !== 'open') return
    Promise.resolve(this.#handlers.get(stream.protocol)?.(stream, connection)).catch((error: unknown) =>
      stream.abort(toError(error))
    )
  }

  #disconnect(peer: PeerId): void {
    this.#tell((topology) => topology.onDisconnect?.(peer))
  }

  /** Gossipsub registers one topology for each of its versions, and is notified once. */
  #tell(what: (topology: Topology) => void | Promise<void>): void {
    for (const topology of new Set(this.#topologies.values())) {
      Promise.resolve(what(topology)).catch((error: unknown) => this.#log.error('gossipsub - %e', toError(error)))
    }
  }
}

/** Gossipsub opens its streams one after the other: none of them may keep the others waiting for long. */
function impatient(connection: Connection): Connection {
  const newStream: Connection['newStream'] = (protocols, options) =>
    withDeadline('negotiate', GOSSIP_NEGOTIATION_TIMEOUT_MS, options?.signal, (signal) =>
      connection.newStream(protocols, { ...options, signal })
    )
  return new Proxy(connection, {
    get: (target, property) => {
      if (property === 'newStream') return newStream
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === 'function' ? value.bind(target) : value
    }
  })
}
