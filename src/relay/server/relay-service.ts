/**
 * The relay of a directory, as a libp2p service: peers that are announced here may
 * reserve it, and reach each other through it by circuits. It speaks circuit relay
 * v2, and sees who talks with whom, when and how much; what they say is sealed by
 * Noise from end to end. It knows no roster: it asks who is announced.
 *
 * @example
 * const init = { bytesPerSecond: 4 << 20, limits: circuitLimits(256) }
 * createLibp2p({ services: { relay: relay({ ...init, isAnnounced: (peer) => directory.isAnnounced(peer) }) } })
 */
import { createHmac } from 'node:crypto'
import type { ComponentLogger, Connection, Libp2pEvents, PeerId, PrivateKey, Stream } from '@libp2p/interface'
import type { TypedEventTarget } from 'main-event'
import {
  addressClassOf,
  FrameStream,
  RateLimiter,
  ServedStreams,
  steadyNow,
  withDeadline,
  type Rate,
  type StreamRegistrar
} from '../../wire/index.ts'
import {
  BadRelayFrameError,
  HOP_PROTOCOL,
  hopFrames,
  MAX_CIRCUITS_TO_TARGET,
  SOURCE_TAG_BYTES,
  stopFrames,
  unlimitedReservation,
  type HopFrame,
  type RelayStatus,
  type Reservation,
  type StopFrame
} from '../relay-frames.ts'
import { CircuitPlaces, MAX_CIRCUITS_OF_DIALER, type CircuitLimits } from './circuit-places.ts'
import { RelayPace } from './relay-pace.ts'
import { splice } from './splice.ts'

/** A circuit that carries nothing for so long is closed. Parley's own are never silent: their ends ping each other. */
const IDLE_CIRCUIT_MS = 60_000

/**
 * The whole offer of a circuit, from opening the stream to the target's answer: shorter than the dialer's own deadline
 * `RELAY_ANSWER_TIMEOUT_MS`, so that the dialer hears why.
 */
const CIRCUIT_OFFER_TIMEOUT_MS = 3_000

/** Circuits that one peer asks for: after a change of the network it looks for all its peers at once. */
const CONNECT_RATE_OF_DIALER: Rate = { burst: MAX_CIRCUITS_OF_DIALER, perSecond: 1 }

/** Circuits to one peer, from all dialers together: for each the relay opens a stream, and Yamux bounds these. */
const CONNECT_RATE_TO_TARGET: Rate = { burst: 32, perSecond: 4 }

/** Circuits to one peer from one address class: no one address uses up what there is for all. */
const CONNECT_RATE_TO_TARGET_OF_CLASS: Rate = { burst: 16, perSecond: 2 }

/** Peers whose requests are counted; of targets, pairs with an address class. */
const MAX_COUNTED_PEERS = 4_096

/** Hop streams of one connection: its circuits, and a few that are refused meanwhile. */
const MAX_HOP_STREAMS = MAX_CIRCUITS_OF_DIALER + 8

export interface RelayMetrics {
  /** What became of a request. */
  requested(outcome: RequestOutcome): void
  relayed(bytes: number): void
}

type RequestOutcome = 'reserved' | 'connected' | Exclude<RelayStatus, 'ok'>

const noMetrics: RelayMetrics = { requested: () => undefined, relayed: () => undefined }

export interface RelayInit {
  /**
   * Whether the peer is announced at this directory, by a connection that is open. Without it there is no roster, and a
   * reservation is what announces a peer: each peer with one reaches all others with one.
   */
  readonly isAnnounced?: (peer: string) => boolean
  /** Bytes a second that are passed on in all; Infinity for no limit. */
  readonly bytesPerSecond: number
  readonly limits: CircuitLimits
  /** The UDP ports on which this node answers STUN, for those who reserve it; a directory tells its clients itself. */
  readonly stun?: () => Reservation['stun']
  readonly idleAfterMs?: number
  readonly metrics?: RelayMetrics
  readonly now?: () => number
}

/** What libp2p gives to a service, as far as this one needs it. */
export interface RelayComponents {
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly registrar: StreamRegistrar
}

/** What a relay carries now. */
export interface RelayFigures {
  readonly reservations: number
  readonly circuits: number
  readonly maxCircuits: number
}

export function relay(init: RelayInit): (components: RelayComponents) => RelayService {
  return (components) => new RelayService(components, init)
}

/** A circuit that is being made, or is open. */
interface Circuit {
  readonly life: AbortController
  lastAtMs: number
}

/** Why a request was refused. */
class RelayRefusal extends Error {
  override readonly name = 'RelayRefusal'
  readonly status: Exclude<RelayStatus, 'ok'>

  constructor(status: Exclude<RelayStatus, 'ok'>, options?: ErrorOptions) {
    super(`the relay refused: ${status}`, options)
    this.status = status
  }
}

export class RelayService {
  readonly [Symbol.toStringTag] = '@parley/relay'
  readonly #components: RelayComponents
  readonly #init: RelayInit
  readonly #limits: CircuitLimits
  readonly #idleAfterMs: number
  readonly #metrics: RelayMetrics
  readonly #now: () => number
  /** The connection over which each peer has made its reservation. */
  readonly #reservations = new Map<string, Connection>()
  readonly #circuits = new Set<Circuit>()
  readonly #places: CircuitPlaces<Circuit>
  readonly #dialers: RateLimiter
  readonly #targets: RateLimiter
  readonly #targetsOfClass: RateLimiter
  readonly #streams: ServedStreams
  #life: { readonly pace: RelayPace; readonly sweep: NodeJS.Timeout } | undefined

  constructor(components: RelayComponents, init: RelayInit) {
    this.#components = components
    this.#init = init
    this.#limits = init.limits
    this.#idleAfterMs = init.idleAfterMs ?? IDLE_CIRCUIT_MS
    this.#metrics = init.metrics ?? noMetrics
    this.#now = init.now ?? steadyNow
    this.#streams = new ServedStreams({
      registrar: components.registrar,
      protocol: HOP_PROTOCOL,
      log: components.logger.forComponent('parley:relay'),
      maxPerConnection: MAX_HOP_STREAMS,
      serve: async (stream, connection, signal) => this.#serve(stream, connection, signal)
    })
    this.#places = new CircuitPlaces(this.#limits)
    this.#dialers = new RateLimiter(CONNECT_RATE_OF_DIALER, MAX_COUNTED_PEERS)
    this.#targets = new RateLimiter(CONNECT_RATE_TO_TARGET, MAX_COUNTED_PEERS)
    this.#targetsOfClass = new RateLimiter(CONNECT_RATE_TO_TARGET_OF_CLASS, MAX_COUNTED_PEERS)
  }

  figures(): RelayFigures {
    return {
      reservations: this.#reservations.size,
      circuits: this.#places.size,
      maxCircuits: this.#limits.maxCircuits
    }
  }

  async start(): Promise<void> {
    if (this.#life !== undefined) return
    const sweep = setInterval(() => this.#endIdle(), this.#idleAfterMs / 4)
    sweep.unref()
    const pace = new RelayPace(this.#init.bytesPerSecond, this.#now)
    this.#life = { pace, sweep }
    this.#components.events.addEventListener('connection:close', this.#onClose)
    await this.#streams.start()
  }

  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    this.#components.events.removeEventListener('connection:close', this.#onClose)
    clearInterval(life.sweep)
    const stopped = new Error('the relay was stopped')
    const ended = this.#streams.stop(stopped)
    for (const circuit of this.#circuits) circuit.life.abort(stopped)
    life.pace.stop()
    await ended
    this.#reservations.clear()
  }

  readonly #onClose = ({ detail: connection }: CustomEvent<Connection>): void => {
    const peer = connection.remotePeer.toString()
    if (this.#reservations.get(peer) === connection) this.#reservations.delete(peer)
  }

  async #serve(stream: Stream, connection: Connection, signal: AbortSignal): Promise<void> {
    const pace = this.#life?.pace
    if (pace === undefined) return
    const hop = new FrameStream(stream, hopFrames, signal)
    try {
      const request = await readRequest(hop)
      switch (request.type) {
        case 'reserve':
          await this.#reserve(hop, connection)
          return
        case 'connect':
          await this.#connect(hop, connection, request.peer, pace)
          return
        case 'reserved':
        case 'status':
          throw new RelayRefusal('unexpected-message')
      }
    } catch (error) {
      if (!(error instanceof RelayRefusal)) throw error
      this.#metrics.requested(error.status)
      await hop.end({ type: 'status', status: error.status })
      // Answered all the same, and counted against the remote.
      if (error.status === 'malformed-message') throw error.cause
    }
  }

  async #reserve(hop: FrameStream<HopFrame>, connection: Connection): Promise<void> {
    const peer = connection.remotePeer.toString()
    if (this.#init.isAnnounced?.(peer) === false) throw new RelayRefusal('permission-denied')
    this.#reservations.set(peer, connection)
    // It may have closed while its request was read.
    if (connection.status !== 'open') this.#reservations.delete(peer)
    this.#metrics.requested('reserved')
    const stun = this.#init.stun?.()
    const reservation = stun === undefined ? unlimitedReservation : { ...unlimitedReservation, stun }
    await hop.end({ type: 'reserved', reservation })
  }

  async #connect(hop: FrameStream<HopFrame>, from: Connection, target: PeerId, pace: RelayPace): Promise<void> {
    const to = this.#reservationOf(from, target)
    const circuit: Circuit = { life: new AbortController(), lastAtMs: this.#now() }
    const ends = { dialer: from.remotePeer.toString(), target: target.toString() }
    const admission = this.#places.open(circuit, { ...ends, addressClass: addressClassOf(from.remoteAddr) })
    if (admission.is === 'refused') throw new RelayRefusal('resource-limit-exceeded')
    admission.givesWay?.life.abort(new Error('the relay is full: this circuit made room for another'))
    this.#circuits.add(circuit)
    try {
      const stop = await this.#join(hop, { from, to, circuit })
      this.#metrics.requested('connected')
      await splice({
        ends: [
          { stream: hop.release(), peer: ends.dialer, addressClass: addressClassOf(from.remoteAddr) },
          { stream: stop.release(), peer: ends.target, addressClass: addressClassOf(to.remoteAddr) }
        ],
        pace,
        signal: circuit.life.signal,
        onBytes: (bytes) => {
          circuit.lastAtMs = this.#now()
          this.#metrics.relayed(bytes)
        }
      })
    } finally {
      this.#circuits.delete(circuit)
      this.#places.close(circuit)
    }
  }

  /**
   * The connection to the target, where both may use this relay.
   *
   * @throws {RelayRefusal}
   */
  #reservationOf(from: Connection, target: PeerId): Connection {
    const [dialer, id, nowMs] = [from.remotePeer.toString(), target.toString(), this.#now()]
    if (!this.#isAnnounced(dialer) || dialer === id) throw new RelayRefusal('permission-denied')
    if (this.#dialers.of(dialer, nowMs).takeOne(nowMs) > 0) throw new RelayRefusal('resource-limit-exceeded')
    const reserved = this.#reservations.get(id)
    if (reserved === undefined || !this.#isAnnounced(id)) throw new RelayRefusal('no-reservation')
    const ofClass = this.#targetsOfClass.of(`${id} ${addressClassOf(from.remoteAddr)}`, nowMs)
    if (ofClass.takeOne(nowMs) > 0) throw new RelayRefusal('resource-limit-exceeded')
    if (this.#targets.of(id, nowMs).takeOne(nowMs) > 0) throw new RelayRefusal('resource-limit-exceeded')
    return reserved
  }

  #isAnnounced(peer: string): boolean {
    return this.#init.isAnnounced?.(peer) ?? this.#reservations.has(peer)
  }

  /**
   * Offers the circuit to its target, and tells the dialer that it is open. When the dialer leaves meanwhile, the
   * stream to the target is aborted.
   *
   * @throws {RelayRefusal} when the target can't be asked, or does not take it in time
   */
  async #join(
    hop: FrameStream<HopFrame>,
    { from, to, circuit: { life } }: { readonly from: Connection; readonly to: Connection; readonly circuit: Circuit }
  ): Promise<FrameStream<StopFrame>> {
    const unlisten = hop.onClose(() => life.abort(new Error('the dialer left')))
    let stop: FrameStream<StopFrame> | undefined
    try {
      stop = await withDeadline('negotiate', CIRCUIT_OFFER_TIMEOUT_MS, life.signal, async (signal) =>
        offer(to, { type: 'connect', peer: from.remotePeer, source: this.#sourceOf(from, to) }, signal)
      ).catch((cause: unknown) => {
        throw new RelayRefusal('connection-failed', { cause })
      })
      await hop.write({ type: 'status', status: 'ok' })
      return stop
    } catch (error) {
      stop?.abort(error)
      throw error
    } finally {
      unlisten()
    }
  }

  /**
   * The dialer's network as its target may know it: enough to count the dialers from there, and nothing about where it is.
   * Keyed, as there are few IPv4 addresses; with the target in it, so that no two targets can compare theirs.
   */
  #sourceOf(from: Connection, to: Connection): string {
    const keyed = createHmac('sha256', this.#components.privateKey.raw)
    keyed.update(`parley relay source\0${to.remotePeer.toString()}\0${addressClassOf(from.remoteAddr)}`)
    return keyed.digest().subarray(0, SOURCE_TAG_BYTES).toString('hex')
  }

  #endIdle(): void {
    const nowMs = this.#now()
    for (const { life, lastAtMs } of this.#circuits) {
      if (nowMs - lastAtMs >= this.#idleAfterMs) life.abort(new Error('the circuit was idle for too long'))
    }
  }
}

/** Offers a circuit on a stream of its own, which is aborted unless the target takes it. */
async function offer(
  to: Connection,
  request: Extract<StopFrame, { type: 'connect' }>,
  signal: AbortSignal
): Promise<FrameStream<StopFrame>> {
  const stop = await FrameStream.open(to, stopFrames, { signal, maxOutboundStreams: MAX_CIRCUITS_TO_TARGET })
  try {
    await stop.write(request)
    const answer = await stop.read()
    if (answer.type === 'status' && answer.status === 'ok') return stop
    throw new BadRelayFrameError(`the target answered ${answer.type === 'status' ? answer.status : answer.type}`)
  } catch (error) {
    stop.abort(error)
    throw error
  }
}

/** @throws {RelayRefusal} */
async function readRequest(hop: FrameStream<HopFrame>): Promise<HopFrame> {
  try {
    return await hop.read()
  } catch (error) {
    throw error instanceof BadRelayFrameError ? new RelayRefusal('malformed-message', { cause: error }) : error
  }
}
