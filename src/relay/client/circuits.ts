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
import { transportSymbol, UnsupportedProtocolError } from '@libp2p/interface'
import type { Connection, DialTransportOptions, Transport } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { FrameStream, IdleConnections, onClosed, toError } from '../../wire/index.ts'
import { circuitAddress, circuitRoute } from '../circuit-address.ts'
import { hopFrames, type HopFrame, type RelayStatus, type Reservation } from '../relay-frames.ts'
import { CircuitConnection } from './circuit-connection.ts'
import { type CircuitComponents, CircuitListener } from './circuit-listener.ts'
import { MAX_TAKEN_CIRCUITS } from './taken-circuits.ts'

/** A relayed connection that carries nothing for so long is closed by the side that dialled it: places at a relay are few. */
const IDLE_RELAYED_MS = 60_000

/** A reservation takes two round trips on a connection; a relay that has none to give answers as soon. */
export const RESERVE_TIMEOUT_MS = 10_000

/**
 * Reservations at directories that are held at a time: two are in use, and some were until a moment ago. Relays that the
 * user named are beyond it.
 */
const MAX_RESERVATIONS = 4

/** A relay that is not reserved can't be used: it would have to be dialled first. */
export class RelayNotInUseError extends Error {
  override readonly name = 'RelayNotInUseError'
  readonly relay: string

  constructor(relay: string) {
    super(`${relay} is not a relay in use`)
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

export interface CircuitsInit {
  /** Whether the connection carries something that it is needed for. */
  readonly isUsed: (connection: Connection) => boolean
  /** Whether the user has chosen the peer, or converses with it: its circuits stay while those of strangers give way. */
  readonly isChosen?: (peer: string) => boolean
  /** Circuits that are taken of one relay at a time. */
  readonly maxTaken?: number
  readonly idleAfterMs?: number
  readonly now?: () => number
}

/** Where a relay answers STUN. */
interface StunPlace {
  readonly directory: string
  readonly reachedAt: Multiaddr
  readonly stun: NonNullable<Reservation['stun']>
}

export class Circuits {
  readonly #init: CircuitsInit
  /** The relays that are reserved, each by the connection on which it was. */
  readonly #reserved = new Map<string, Connection>()
  /** Of these, the ones that the user named. */
  readonly #named = new Set<string>()
  /** What those that answer STUN have said with the reservation. */
  readonly #stun = new WeakMap<Connection, NonNullable<Reservation['stun']>>()
  /** Connections that have a reservation, or whose other end is no relay. */
  readonly #asked = new WeakSet<Connection>()
  /** Connections whose end is listened for: each is reserved as often as its relay refuses in between. */
  readonly #heeded = new WeakSet<Connection>()
  /** Relays that are asked for a first reservation now. */
  readonly #asking = new Set<Connection>()
  /** Connections that this side has dialled. */
  readonly #dialled: IdleConnections

  constructor(init: CircuitsInit) {
    this.#init = init
    const { isUsed, idleAfterMs = IDLE_RELAYED_MS, now } = init
    this.#dialled = new IdleConnections({ isUsed, afterMs: idleAfterMs, ...(now === undefined ? {} : { now }) })
  }

  /** Where a node listens that takes circuits: at whatever relays it reserves. */
  readonly listenAddress = '/p2p-circuit'

  /** For `createLibp2p({ transports: [circuits.transport] })`. */
  readonly transport = (components: CircuitComponents): Transport => ({
    [transportSymbol]: true,
    [Symbol.toStringTag]: '@parley/circuits',
    dial: async (address, options) => this.#dial(components, address, options),
    createListener: ({ upgrader }) =>
      new CircuitListener({
        components,
        upgrader,
        reservedAt: (relay) => this.#reserved.get(relay),
        isChosen: this.#init.isChosen ?? (() => false),
        maxTaken: this.#init.maxTaken ?? MAX_TAKEN_CIRCUITS
      }),
    dialFilter: (addresses) => addresses.filter((address) => circuitRoute(address)?.peer !== undefined),
    listenFilter: (addresses) => addresses.filter((address) => address.toString() === this.listenAddress)
  })

  /** The relays through which peers can be dialled now: peer IDs. */
  get relays(): ReadonlySet<string> {
    return new Set(this.#reserved.keys())
  }

  /** Of these, the ones that the user named: any peer may be behind them. */
  get named(): ReadonlySet<string> {
    return this.#named
  }

  /** The relays that answer STUN, and where they were reached. */
  stunPlaces(): readonly StunPlace[] {
    return [...this.#reserved].flatMap(([directory, connection]) => {
      const stun = this.#stun.get(connection)
      return stun === undefined ? [] : [{ directory, reachedAt: connection.remoteAddr, stun }]
    })
  }

  /**
   * Reserves the directory at the other end: this peer is reached through it until the connection closes or the relay is released.
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
      await askToReserve(connection, options.signal)
    } catch (error) {
      if (error instanceof UnsupportedProtocolError) return false
      this.#asked.delete(connection)
      throw error
    } finally {
      this.#asking.delete(connection)
    }
    return this.#keep(relay, connection)
  }

  /**
   * Reserves a relay that the user named, or renews its reservation: it stays in use until its connection closes.
   *
   * @returns what the relay grants
   * @throws {RelayRefusedError}
   * @throws {UnsupportedProtocolError} when the other end is no relay
   * @throws {DeadlineError} when there is no answer in time
   */
  async reserveNamed(connection: Connection, options: { readonly signal: AbortSignal }): Promise<Reservation> {
    const relay = connection.remotePeer.toString()
    const reservation = await askToReserve(connection, options.signal).catch((error: unknown) => {
      // It has said no: what it granted before does not hold any more.
      if (error instanceof RelayRefusedError) this.#lost(relay, connection)
      throw error
    })
    if (this.#reserved.get(relay) !== connection && !this.#keep(relay, connection)) throw new RelayNotInUseError(relay)
    this.#named.add(relay)
    if (reservation.stun === undefined) this.#stun.delete(connection)
    else this.#stun.set(connection, reservation.stun)
    return reservation
  }

  /**
   * The relay is not in use any more: its offers are refused, and its connection may be asked again later. One that the
   * user named stays.
   */
  release(relay: string): void {
    const connection = this.#reserved.get(relay)
    if (connection === undefined || this.#named.has(relay)) return
    this.#asked.delete(connection)
    this.#reserved.delete(relay)
  }

  #mayAsk(relay: string, connection: Connection): boolean {
    const ofDirectories = this.#reserved.size - this.#named.size + this.#asking.size
    return !this.#asked.has(connection) && (this.#reserved.has(relay) || ofDirectories < MAX_RESERVATIONS)
  }

  /** @returns false when the connection has closed meanwhile */
  #keep(relay: string, connection: Connection): boolean {
    if (connection.status !== 'open') return false
    if (!this.#heeded.has(connection)) onClosed(connection, () => this.#lost(relay, connection))
    this.#heeded.add(connection)
    const replaced = this.#reserved.get(relay)
    // It may be the one that stays: then it is asked again.
    if (replaced !== undefined) this.#asked.delete(replaced)
    this.#asked.add(connection)
    this.#reserved.set(relay, connection)
    return true
  }

  #lost(relay: string, connection: Connection): void {
    if (this.#reserved.get(relay) !== connection) return
    this.#reserved.delete(relay)
    this.#named.delete(relay)
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
      this.#dialled.watch(dialled)
      return dialled
    } catch (error) {
      circuit.abort(toError(error))
      throw error
    }
  }
}

/** Asks a relay on a stream of its own. The stream is aborted when there is no answer. */
async function ask(
  connection: Connection,
  request: HopFrame,
  signal: AbortSignal
): Promise<{ readonly stream: FrameStream<HopFrame>; readonly answer: HopFrame }> {
  const stream = await FrameStream.open(connection, hopFrames, { signal })
  try {
    await stream.write(request)
    return { stream, answer: await stream.read() }
  } catch (error) {
    stream.abort(error)
    throw error
  }
}

/** @throws {RelayRefusedError} */
async function askToReserve(connection: Connection, signal: AbortSignal): Promise<Reservation> {
  const { stream, answer } = await ask(connection, { type: 'reserve' }, signal)
  await stream.close()
  if (answer.type !== 'reserved') throw refusal(answer)
  return answer.reservation
}

function refusal(answer: HopFrame): RelayRefusedError {
  return new RelayRefusedError(answer.type === 'status' ? answer.status : 'unexpected-message')
}
