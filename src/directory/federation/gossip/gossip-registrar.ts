// The registrar that gossipsub is given instead of libp2p's own: it sees as
// peers only those directories that were let in, each with the one connection
// that was chosen, and gets no stream from any other peer. Knows no topic.
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

/** Gossip's own streams, one while another is replaced, for each of its versions. */
const MAX_GOSSIP_STREAMS_PER_CONNECTION = 4

/** Gossip of a directory whose Hello is still on its way. */
const MAX_PARKED_STREAMS = 4

/** Gossipsub opens its streams one after the other. */
const GOSSIP_NEGOTIATION_TIMEOUT_MS = 3_000

interface Guest {
  readonly peer: PeerId
  readonly connection: Connection
}

interface Parked {
  readonly stream: Stream
  readonly connection: Connection
}

export class GossipRegistrar implements Registrar {
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
