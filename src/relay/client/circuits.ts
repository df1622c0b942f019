/**
 * Circuits as a peer uses them: it reserves relays that it chose, dials others through
 * them, and takes what they offer. A libp2p transport among transports: what a circuit
 * carries is encrypted and bounded as a TCP connection is. It does not know which
 * relays are chosen, nor when.
 *
 * @example
 * const circuits = new Circuits({ isUsed: ({ streams }) => streams.length > 0 })
 * createLibp2p({ transports: [tcp(), circuits.transport], addresses: { listen: [circuits.listenAddress] } })
 * await circuits.reserve(await libp2p.dial(relay), { signal })
 */
import { transportSymbol, TypedEventEmitter, UnsupportedProtocolError } from '@libp2p/interface'
import type {
  ComponentLogger,
  Connection,
  CreateListenerOptions,
  DialTransportOptions,
  Listener,
  ListenerEvents,
  PeerId,
  Stream,
  StreamHandler,
  StreamHandlerOptions,
  Transport
} from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { steadyNow, toError, withDeadline } from '../../wire/index.ts'
import { circuitAddress, circuitRoute } from '../circuit-address.ts'
import {
  decodeHop,
  decodeStop,
  encodeHop,
  encodeStop,
  HOP_PROTOCOL,
  MAX_CIRCUITS_TO_TARGET,
  RELAY_ANSWER_TIMEOUT_MS,
  STOP_PROTOCOL,
  type HopFrame,
  type RelayStatus
} from '../relay-frames.ts'
import { RelayStream } from '../relay-stream.ts'
import { CircuitConnection } from './circuit-connection.ts'

/** A relayed connection that carries nothing for so long is closed by the side that dialled it: places at a relay are few. */
const IDLE_RELAYED_MS = 60_000

/** Reservations that are held at a time: two directories are in use, and some were until a moment ago. */
const MAX_RESERVATIONS = 4

/** A relay that is not reserved can't be used: it would have to be dialled first. */
export class RelayNotInUseError extends Error {
  override readonly name = 'RelayNotInUseError'
  readonly relay: string

  constructor(relay: string) {
    super(`${relay} is not a directory in use that relays`)
    this.relay = relay
  }
}

/** The relay answered, and does not do what was asked. */
export class RelayRefusedError extends Error {
  override readonly name = 'RelayRefusedError'
  readonly status: RelayStatus

  constructor(status: RelayStatus) {
    super(`the relay answered: ${status}`)
    this.status = status
  }
}

/** A circuit came from a node that was not chosen as a relay. */
class UninvitedCircuitError extends Error {
  override readonly name = 'UninvitedCircuitError'

  constructor() {
    super('a circuit was offered by a node that this peer has no reservation with')
  }
}

/** What libp2p gives to a transport, as far as this one needs it. */
export interface CircuitComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly registrar: {
    handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
    unhandle(protocol: string): Promise<void>
  }
}

export interface CircuitsInit {
  /** Whether the connection carries something that it is needed for. */
  readonly isUsed: (connection: Connection) => boolean
  readonly idleAfterMs?: number
  readonly now?: () => number
}

export class Circuits {
  readonly #isUsed: (connection: Connection) => boolean
  readonly #idleAfterMs: number
  readonly #now: () => number
  /** The relays that are reserved, each by the connection on which it was. */
  readonly #reserved = new Map<string, Connection>()
  /** Connections that have a reservation, or whose other end is no relay. */
  readonly #asked = new WeakSet<Connection>()
  /** Relays that are asked for a first reservation now. */
  readonly #asking = new Set<Connection>()
  /** Connections that this side has dialled, and when each was last seen in use. */
  readonly #dialled = new Map<Connection, number>()
  #sweep: NodeJS.Timeout | undefined

  constructor({ isUsed, idleAfterMs = IDLE_RELAYED_MS, now = steadyNow }: CircuitsInit) {
    this.#isUsed = isUsed
    this.#idleAfterMs = idleAfterMs
    this.#now = now
  }

  /** Where a node listens that takes circuits: at whatever relays it reserves. */
  readonly listenAddress = '/p2p-circuit'

  /** For `createLibp2p({ transports: [circuits.transport] })`. */
  readonly transport = (components: CircuitComponents): Transport => ({
    [transportSymbol]: true,
    [Symbol.toStringTag]: '@parley/circuits',
    dial: async (address, options) => this.#dial(components, address, options),
    createListener: ({ upgrader }) => new CircuitListener({ components, upgrader, reserved: this.#reserved }),
    dialFilter: (addresses) => addresses.filter((address) => circuitRoute(address)?.peer !== undefined),
    listenFilter: (addresses) => addresses.filter((address) => address.toString() === this.listenAddress)
  })

  /** The relays through which peers can be dialled now: peer IDs. */
  get relays(): ReadonlySet<string> {
    return new Set(this.#reserved.keys())
  }

  /**
   * Reserves the relay at the other end: this peer is reached through it until the connection closes or the relay is released.
   *
   * @returns whether the reservation is new: not where the connection has one, nor where the other end is no relay
   * @throws {RelayRefusedError}
   * @throws {DeadlineError} when there is no answer in time
   */
  async reserve(connection: Connection, options: { readonly signal: AbortSignal }): Promise<boolean> {
    const relay = connection.remotePeer.toString()
    if (!this.#mayAsk(relay, connection)) return false
    this.#asked.add(connection)
    if (!this.#reserved.has(relay)) this.#asking.add(connection)
    try {
      const { stream, answer } = await ask(connection, { type: 'reserve' }, options.signal)
      await stream.close()
      if (answer.type !== 'reserved') throw refusal(answer)
    } catch (error) {
      if (error instanceof UnsupportedProtocolError) return false
      this.#asked.delete(connection)
      throw error
    } finally {
      this.#asking.delete(connection)
    }
    if (connection.status !== 'open') return false
    connection.addEventListener('close', () => this.#lost(relay, connection))
    const replaced = this.#reserved.get(relay)
    // It may be the one that stays: then it is asked again.
    if (replaced !== undefined) this.#asked.delete(replaced)
    this.#reserved.set(relay, connection)
    return true
  }

  /** The relay is not in use any more: its offers are refused, and its connection may be asked again later. */
  release(relay: string): void {
    const connection = this.#reserved.get(relay)
    if (connection === undefined) return
    this.#asked.delete(connection)
    this.#reserved.delete(relay)
  }

  #mayAsk(relay: string, connection: Connection): boolean {
    const hasRoom = this.#reserved.size + this.#asking.size < MAX_RESERVATIONS
    return !this.#asked.has(connection) && (this.#reserved.has(relay) || hasRoom)
  }

  #lost(relay: string, connection: Connection): void {
    if (this.#reserved.get(relay) !== connection) return
    this.#reserved.delete(relay)
  }

  async #dial(
    { logger }: CircuitComponents,
    address: Multiaddr,
    { signal, upgrader }: DialTransportOptions
  ): Promise<Connection> {
    const { relay = '', peer = '' } = circuitRoute(address) ?? {}
    const connection = this.#reserved.get(relay)
    if (connection === undefined) throw new RelayNotInUseError(relay)
    const { stream, answer } = await ask(connection, { type: 'connect', peer: peerIdFromString(peer) }, signal)
    if (answer.type !== 'status' || answer.status !== 'ok') {
      const error = refusal(answer)
      stream.abort(error)
      throw error
    }
    const circuit = new CircuitConnection({
      stream: stream.release(),
      remoteAddr: circuitAddress(relay, peer),
      direction: 'outbound',
      log: logger.forComponent('parley:circuit')
    })
    try {
      const dialled = await upgrader.upgradeOutbound(circuit, { signal })
      this.#watch(dialled)
      return dialled
    } catch (error) {
      circuit.abort(toError(error))
      throw error
    }
  }

  #watch(connection: Connection): void {
    this.#dialled.set(connection, this.#now())
    this.#sweep ??= setInterval(() => this.#closeIdle(), this.#idleAfterMs / 4).unref()
    connection.addEventListener('close', () => {
      this.#dialled.delete(connection)
      if (this.#dialled.size > 0) return
      clearInterval(this.#sweep)
      this.#sweep = undefined
    })
  }

  #closeIdle(): void {
    const nowMs = this.#now()
    for (const [connection, usedAtMs] of this.#dialled) {
      if (this.#isUsed(connection)) this.#dialled.set(connection, nowMs)
      else if (nowMs - usedAtMs >= this.#idleAfterMs) {
        connection.close().catch((error: unknown) => connection.abort(toError(error)))
      }
    }
  }
}

interface CircuitListenerInit extends CreateListenerOptions {
  readonly components: CircuitComponents
  readonly reserved: ReadonlyMap<string, Connection>
}

/** Takes the circuits that relays offer. It has no address to announce: who may use a relay knows it already. */
class CircuitListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #init: CircuitListenerInit
  #life: AbortController | undefined

  constructor(init: CircuitListenerInit) {
    super()
    this.#init = init
  }

  async listen(): Promise<void> {
    this.#life = new AbortController()
    await this.#init.components.registrar.handle(STOP_PROTOCOL, this.#onOffer, {
      maxInboundStreams: MAX_CIRCUITS_TO_TARGET
    })
    this.safeDispatchEvent('listening')
  }

  async close(): Promise<void> {
    this.#life?.abort(new Error('the node was stopped'))
    this.#life = undefined
    await this.#init.components.registrar.unhandle(STOP_PROTOCOL)
    this.safeDispatchEvent('close')
  }

  getAddrs(): Multiaddr[] {
    return []
  }

  updateAnnounceAddrs(): void {
    // Its addresses need nothing that is known later.
  }

  readonly #onOffer: StreamHandler = (stream, connection) => {
    const relay = connection.remotePeer.toString()
    if (this.#life === undefined || this.#init.reserved.get(relay) !== connection) {
      stream.abort(new UninvitedCircuitError())
      return
    }
    this.#take(stream, relay, this.#life.signal).catch((error: unknown) => {
      const { log } = connection
      log('a circuit was not taken - %e', toError(error))
      stream.abort(toError(error))
    })
  }

  async #take(stream: Stream, relay: string, signal: AbortSignal): Promise<void> {
    const { components, upgrader } = this.#init
    const offered = new RelayStream(stream, signal)
    const offer = decodeStop(await offered.read())
    if (offer.type !== 'connect') {
      await offered.end(encodeStop({ type: 'status', status: 'unexpected-message' }))
      return
    }
    await offered.write(encodeStop({ type: 'status', status: 'ok' }))
    const circuit = new CircuitConnection({
      stream: offered.release(),
      // Noise holds the peer to it: a relay can't pass off one peer as another.
      remoteAddr: circuitAddress(relay, offer.peer.toString()),
      direction: 'inbound',
      log: components.logger.forComponent('parley:circuit')
    })
    await upgrader.upgradeInbound(circuit, { signal })
  }
}

/** Asks a relay on a stream of its own. The stream is aborted when there is no answer. */
async function ask(
  connection: Connection,
  request: HopFrame,
  signal: AbortSignal
): Promise<{ readonly stream: RelayStream; readonly answer: HopFrame }> {
  const opened = await withDeadline('negotiate', RELAY_ANSWER_TIMEOUT_MS, signal, async (within) =>
    connection.newStream(HOP_PROTOCOL, { signal: within })
  )
  const stream = new RelayStream(opened, signal)
  try {
    await stream.write(encodeHop(request))
    return { stream, answer: decodeHop(await stream.read()) }
  } catch (error) {
    stream.abort(toError(error))
    throw error
  }
}

function refusal(answer: HopFrame): RelayRefusedError {
  return new RelayRefusedError(answer.type === 'status' ? answer.status : 'unexpected-message')
}
