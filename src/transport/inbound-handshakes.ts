/**
 * The edge of the handshake queue: sockets that were accepted are held until
 * their remote has sent something and it is their turn, and are ended when they
 * give way. Behind a trusted proxy it reads first whose connection it is. Knows
 * bytes and addresses, and no identity.
 */

import type { MultiaddrConnection, Upgrader } from '@libp2p/interface'
import { AbstractMultiaddrConnection, ipPortToMultiaddr } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { AwakeClock } from '../lib/index.ts'
import { addressClassOf, ipOf, MAX_EARLY_BYTES } from '../wire/index.ts'
import { aroundUpgrade } from './tuning/around-upgrade.ts'
import { HandshakeQueue, type HandshakeLimits } from './handshake-queue.ts'
import { readProxyHeader } from './proxy-header.ts'
import { AcceptedWebSocket } from './websocket/websocket-connection.ts'

/** The connection gave way to others. */
export class GaveWayError extends Error {
  override readonly name = 'GaveWayError'
}

/** Its remote did not do in time what comes next, or sent what can't come. */
class HandshakeRefusedError extends Error {
  override readonly name = 'HandshakeRefusedError'
}

/** How often handshakes that wait are looked at: a fraction of every limit of theirs. */
const HANDSHAKE_TICK_MS = 100

export interface InboundHandshakesInit {
  readonly limits: HandshakeLimits
  /** Whether a PROXY header from this IP address is expected and counts. */
  readonly isTrustedProxy: (address: string) => boolean
  /** A connection from a trusted proxy began without its header, and was ended. */
  readonly onHeaderMissing: (address: Multiaddr) => void
  /** A pending connection of this class gave way. */
  readonly onGaveWay: (addressClass: string) => void
  readonly now: () => number
}

interface Arrival {
  readonly connection: MultiaddrConnection
  readonly turn: PromiseWithResolvers<void>
  /** By the address that a trusted proxy told, once it has. */
  addressClass: string
  isRunning: boolean
  /** Incoming bytes are no longer looked at. */
  stopListening: () => void
}

type Take = AbstractMultiaddrConnection['onData']

export class InboundHandshakes {
  readonly #init: InboundHandshakesInit
  readonly #queue: HandshakeQueue<Arrival>
  /** A dialer is not to blame for what was not read while this process stood still. */
  readonly #clock: AwakeClock
  #timer: ReturnType<typeof setInterval> | undefined
  /** A handshake begins at the end of this turn of the event loop. */
  #willBegin = false

  constructor(init: InboundHandshakesInit) {
    this.#init = init
    this.#clock = new AwakeClock(init.now, HANDSHAKE_TICK_MS)
    this.#queue = new HandshakeQueue(init.limits, this.#clock.nowMs())
  }

  get size(): number {
    return this.#queue.size
  }

  /** An upgrader for listeners: it upgrades each connection when it is its turn. */
  queueing(upgrader: Upgrader): Upgrader {
    return aroundUpgrade(upgrader, 'upgradeInbound', async (connection, _options, upgrade) => {
      const arrival = this.#arrive(connection)
      try {
        await arrival.turn.promise
        return await upgrade()
      } finally {
        arrival.stopListening()
        this.#leave(arrival)
      }
    })
  }

  #arrive(connection: MultiaddrConnection): Arrival {
    const addressClass = addressClassOf(connection.remoteAddr)
    const arrival: Arrival = {
      connection,
      turn: Promise.withResolvers(),
      addressClass,
      isRunning: false,
      stopListening: () => undefined
    }
    connection.addEventListener('close', () => {
      arrival.turn.reject(new HandshakeRefusedError('the connection closed before its handshake'))
      this.#leave(arrival)
    })
    if (this.#timer === undefined) {
      this.#clock.resume()
      this.#timer = setInterval(() => this.#tick(), HANDSHAKE_TICK_MS)
    }
    const evicted = this.#queue.arrive(arrival, addressClass, this.#clock.nowMs())
    if (connection instanceof AbstractMultiaddrConnection) this.#listen(arrival, connection)
    else this.#received(arrival)
    if (evicted !== undefined) this.#giveWay(evicted)
    return arrival
  }

  #leave(arrival: Arrival): void {
    if (!this.#queue.leave(arrival)) return
    if (this.#queue.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    this.#begin()
  }

  /** Looks at what comes until the handshake is over, and hands it on. */
  #listen(arrival: Arrival, connection: AbstractMultiaddrConnection): void {
    const take: Take = connection.onData.bind(connection)
    let earlyBytes = 0
    const onData: Take = (data) => {
      // Others look at it first, and may end the connection for what they see.
      take(data)
      earlyBytes += data.byteLength
      // Nothing was answered yet: an honest dialer has sent its first message and waits.
      if (!arrival.isRunning && earlyBytes > MAX_EARLY_BYTES) {
        connection.abort(new HandshakeRefusedError(`more than ${MAX_EARLY_BYTES} bytes came before the handshake`))
      } else this.#received(arrival)
    }
    arrival.stopListening = () => {
      if (connection.onData === onData) connection.onData = take
    }
    if (connection instanceof AcceptedWebSocket) {
      // Its proxy tells in the opening handshake whose it is.
      connection.onClientKnown = () => this.#reassign(arrival)
      connection.onData = onData
      return
    }
    const address = ipOf(connection.remoteAddr)
    const isProxy = address !== undefined && this.#init.isTrustedProxy(address)
    connection.onData = isProxy ? this.#readHeader(arrival, connection, onData) : onData
  }

  /** Takes the PROXY header off, and hands on what follows it. */
  #readHeader(arrival: Arrival, connection: AbstractMultiaddrConnection, onData: Take): Take {
    let received: Uint8Array = new Uint8Array()
    return (data) => {
      received = Buffer.concat([received, data.subarray()])
      const header = readProxyHeader(received)
      if (header.is === 'incomplete') return
      if (header.is === 'invalid') {
        connection.abort(new HandshakeRefusedError('a connection from a trusted proxy began without a PROXY header'))
        this.#init.onHeaderMissing(connection.remoteAddr)
        return
      }
      if (header.source !== undefined) {
        connection.remoteAddr = ipPortToMultiaddr(header.source.address, header.source.port)
        this.#reassign(arrival)
      }
      connection.onData = onData
      const rest = received.subarray(header.byteLength)
      if (rest.byteLength > 0) onData(rest)
    }
  }

  /** A trusted proxy has told whose connection it is. */
  #reassign(arrival: Arrival): void {
    arrival.addressClass = addressClassOf(arrival.connection.remoteAddr)
    this.#queue.reassign(arrival, arrival.addressClass)
  }

  #received(arrival: Arrival): void {
    this.#queue.received(arrival, this.#clock.nowMs())
    this.#begin()
  }

  /**
   * Begins the handshake in turn: one in each turn of the event loop, so that messages are read in between, and at its
   * end, when it is known which connections have closed meanwhile. A dialer that gave up costs nothing then.
   */
  #begin(): void {
    if (this.#willBegin || !this.#queue.isWaiting) return
    this.#willBegin = true
    setImmediate(() => {
      this.#willBegin = false
      const turn = this.#queue.next(this.#clock.nowMs())
      if (turn === undefined) return
      if (turn.ends !== undefined) this.#giveWay(turn.ends)
      turn.begins.isRunning = true
      turn.begins.turn.resolve()
      this.#begin()
    })
  }

  #giveWay(arrival: Arrival): void {
    this.#init.onGaveWay(arrival.addressClass)
    end(arrival, new GaveWayError('too many handshakes are pending, most of them from this address'))
  }

  #tick(): void {
    this.#clock.look()
    for (const { item, phase } of this.#queue.takeOverdue(this.#clock.nowMs())) {
      if (phase === 'waiting') this.#giveWay(item)
      else end(item, new HandshakeRefusedError('nothing was received after the connection was accepted'))
    }
    this.#begin()
  }
}

/** Ends the wait for a turn, as a close does, also where the connection was closed already. */
function end({ connection, turn }: Arrival, error: Error): void {
  turn.reject(error)
  connection.abort(error)
}
