/**
 * Who may connect when many want to: composes the queue of handshakes and the
 * places for open connections, and tells of the episodes in which connections
 * have to give way. One guard serves one host, and its limits take the place of
 * libp2p's, which refuse newcomers. It knows no protocol; what a peer means to
 * this node it asks.
 *
 * @example
 * const guard = new ConnectionGuard({ limits: chatLimits, standings, onPressure })
 * createLibp2p({ transports: [guard.transport(tcp())], services: { places: guard.places() }, ... })
 */

import type { Connection, Libp2pEvents, Transport } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { TypedEventTarget } from 'main-event'
import {
  addressClassOf,
  DIRECTORY_HANDSHAKE_RATE,
  DIRECTORY_MAX_CONNECTIONS,
  DIRECTORY_MAX_PENDING_CONNECTIONS,
  FIRST_BYTES_TIMEOUT_MS,
  HANDSHAKE_RATE,
  IDLE_CONNECTION_MS,
  MAX_CONNECTIONS,
  MAX_CONNECTIONS_OF_PEER,
  MAX_HANDSHAKE_WAIT_MS,
  MAX_PENDING_CONNECTIONS,
  MAX_RUNNING_HANDSHAKES,
  NEIGHBOUR_PART,
  STALLED_HANDSHAKE_MS,
  steadyNow,
  STRANGER_PART
} from '../wire/index.ts'
import { ConnectionPlaces, type Evicted, type PlacesLimits } from './connection-places.ts'
import type { PlaceView, Standing } from './connection-places.ts'
import type { HandshakeLimits } from './handshake-queue.ts'
import { GaveWayError, InboundHandshakes } from './inbound-handshakes.ts'

/** How often the end of such an episode is checked. */
const PRESSURE_TICK_MS = 1_000

/** Address classes with the most connections that `parley status` names. */
const SHOWN_HOLDERS = 3

export interface GuardLimits {
  readonly places: PlacesLimits
  readonly handshakes: HandshakeLimits
}

/** Those of a peer that chats. */
export const chatLimits: GuardLimits = {
  places: {
    maxConnections: MAX_CONNECTIONS,
    maxOfPeer: MAX_CONNECTIONS_OF_PEER,
    neighbourPart: NEIGHBOUR_PART,
    strangerPart: STRANGER_PART,
    idleAfterMs: IDLE_CONNECTION_MS
  },
  handshakes: {
    maxPending: MAX_PENDING_CONNECTIONS,
    maxRunning: MAX_RUNNING_HANDSHAKES,
    rate: HANDSHAKE_RATE,
    firstBytesMs: FIRST_BYTES_TIMEOUT_MS,
    maxWaitMs: MAX_HANDSHAKE_WAIT_MS,
    stalledAfterMs: STALLED_HANDSHAKE_MS
  }
}

export const directoryLimits: GuardLimits = {
  places: { ...chatLimits.places, maxConnections: DIRECTORY_MAX_CONNECTIONS },
  handshakes: {
    ...chatLimits.handshakes,
    maxPending: DIRECTORY_MAX_PENDING_CONNECTIONS,
    rate: DIRECTORY_HANDSHAKE_RATE
  }
}

/** An address class and how many connections it has. */
interface Holder {
  readonly from: string
  readonly connections: number
}

/** The connections as they are now. */
export interface ConnectionFigures {
  readonly open: number
  readonly maxOpen: number
  /** Connections in the handshake, or before it. */
  readonly pending: number
  readonly maxPending: number
  /** The address classes with the most open connections, the largest first. */
  readonly holders: readonly Holder[]
  /** Connections that gave way to others, since the start. */
  readonly gaveWay: number
}

export type Pressure =
  /** Connections have begun to give way, first one of the class that `from` names. */
  ({ readonly is: 'began'; readonly from: string } & ConnectionFigures) | ({ readonly is: 'ended' } & PressureEnd)

export interface ConnectionGuardInit {
  readonly limits: GuardLimits
  /** Called each time that connections have to give way, so that shared look-ups happen once. */
  readonly standings: () => (connection: Connection) => Standing
  readonly onPressure: (pressure: Pressure) => void
  /** Whether a PROXY header from this IP address is expected and counts. */
  readonly isTrustedProxy?: (address: string) => boolean
  /** A connection from a trusted proxy began without its header, and was ended. */
  readonly onHeaderMissing?: (address: Multiaddr) => void
}

interface Components {
  readonly events: TypedEventTarget<Libp2pEvents>
}

export class ConnectionGuard {
  readonly #init: ConnectionGuardInit
  readonly #handshakes: InboundHandshakes
  readonly #places: ConnectionPlaces<Connection>
  readonly #episodes = new PressureEpisodes()
  #gaveWay = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(init: ConnectionGuardInit) {
    this.#init = init
    this.#places = new ConnectionPlaces(init.limits.places)
    this.#handshakes = new InboundHandshakes({
      limits: init.limits.handshakes,
      isTrustedProxy: init.isTrustedProxy ?? (() => false),
      onHeaderMissing: (address) => init.onHeaderMissing?.(address),
      onGaveWay: (from) => this.#noteGaveWay(from),
      now: steadyNow
    })
  }

  /** A transport whose listeners queue the handshakes. */
  transport<C>(transportOf: (components: C) => Transport): (components: C) => Transport {
    return (components) => {
      const transport = transportOf(components)
      const createListener = transport.createListener.bind(transport)
      transport.createListener = (init) =>
        createListener({ ...init, upgrader: this.#handshakes.queueing(init.upgrader) })
      return transport
    }
  }

  /** A libp2p service that counts the open connections of every transport and direction. */
  places(): (components: Components) => { readonly [Symbol.toStringTag]: string; start(): void; stop(): void } {
    return ({ events }) => {
      events.addEventListener('connection:open', ({ detail }) => this.#onOpen(detail))
      events.addEventListener('connection:close', ({ detail }) => this.#places.close(detail))
      return {
        [Symbol.toStringTag]: '@parley/connection-places',
        start: () => undefined,
        stop: () => clearInterval(this.#timer)
      }
    }
  }

  figures(): ConnectionFigures {
    const { places, handshakes } = this.#init.limits
    return {
      open: this.#places.size,
      maxOpen: places.maxConnections,
      pending: this.#handshakes.size,
      maxPending: handshakes.maxPending,
      holders: this.#places
        .holders()
        .slice(0, SHOWN_HOLDERS)
        .map(({ holder, count }) => ({ from: holder, connections: count })),
      gaveWay: this.#gaveWay
    }
  }

  #onOpen(connection: Connection): void {
    if (connection.status !== 'open') return
    const of = { peer: connection.remotePeer.toString(), addressClass: addressClassOf(connection.remoteAddr) }
    let standingOf: ReturnType<ConnectionGuardInit['standings']> | undefined
    const look = (item: Connection): PlaceView => {
      standingOf ??= this.#init.standings()
      return { standing: standingOf(item), isUsed: item.streams.length > 0 }
    }
    for (const evicted of this.#places.open(connection, of, look, steadyNow())) this.#end(evicted)
  }

  #end({ item, addressClass, why }: Evicted<Connection>): void {
    this.#noteGaveWay(addressClass)
    const text = why === 'surplus' ? 'its peer has several others' : 'there are too many'
    // The others that listen for a connection hear first that it opened.
    queueMicrotask(() => item.abort(new GaveWayError(`the connection gave way: ${text}`)))
  }

  #noteGaveWay(from: string): void {
    this.#gaveWay++
    if (!this.#episodes.gaveWay(from, steadyNow())) return
    this.#timer = setInterval(() => this.#tick(), PRESSURE_TICK_MS)
    this.#timer.unref()
    this.#init.onPressure({ is: 'began', from, ...this.figures() })
  }

  #tick(): void {
    const end = this.#episodes.takeEnd(steadyNow())
    if (end === undefined) return
    clearInterval(this.#timer)
    this.#init.onPressure({ is: 'ended', ...end })
  }
}

/** An episode of too many connections is over when none has given way for so long: at most two lines a minute. */
export const PRESSURE_QUIET_MS = 30_000

/** Address classes that are counted in one episode; of an attack from more, the first ones are as good as any. */
export const MAX_PRESSURE_CLASSES = 1_024

export interface PressureEnd {
  /** The address class with most of the connections that gave way. */
  readonly from: string
  /** The connections that gave way, of all classes and of this one. */
  readonly ended: number
  readonly endedFrom: number
  /** From the first of them to the last. */
  readonly lastedMs: number
}

/**
 * Episodes of too many connections: when they begin and end, and which address classes had a part in them. Each is
 * reported twice, however many connections gave way. Pure.
 */
export class PressureEpisodes {
  #episode:
    | { readonly beganAtMs: number; lastAtMs: number; ended: number; readonly byClass: Map<string, number> }
    | undefined

  get isOpen(): boolean {
    return this.#episode !== undefined
  }

  /** A connection of the class gave way. @returns whether an episode begins with it */
  gaveWay(addressClass: string, nowMs: number): boolean {
    const begins = this.#episode === undefined
    const episode = (this.#episode ??= { beganAtMs: nowMs, lastAtMs: nowMs, ended: 0, byClass: new Map() })
    const { byClass } = episode
    episode.lastAtMs = nowMs
    episode.ended++
    if (byClass.has(addressClass) || byClass.size < MAX_PRESSURE_CLASSES) {
      byClass.set(addressClass, (byClass.get(addressClass) ?? 0) + 1)
    }
    return begins
  }

  /** Ends the episode when it has been quiet for long enough. */
  takeEnd(nowMs: number): PressureEnd | undefined {
    const episode = this.#episode
    if (episode === undefined || nowMs - episode.lastAtMs < PRESSURE_QUIET_MS) return undefined
    this.#episode = undefined
    const { beganAtMs, lastAtMs, ended, byClass } = episode
    let [from, endedFrom] = ['', 0]
    for (const [addressClass, count] of byClass) if (count > endedFrom) [from, endedFrom] = [addressClass, count]
    return { from, ended, endedFrom, lastedMs: lastAtMs - beganAtMs }
  }
}
