// Takes the circuits that relays offer, and no others: only a relay that this peer has
// reserved may offer one, on the connection with the reservation. It has no address to
// announce: who may use a relay knows it already.
import { TypedEventEmitter } from '@libp2p/interface'
import type {
  ComponentLogger,
  Connection,
  CreateListenerOptions,
  Listener,
  ListenerEvents,
  Stream
} from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { shortId } from '../../lib/index.ts'
import {
  classBehindRelay,
  FrameStream,
  lossOf,
  onClosed,
  ServedStreams,
  stateAddressClass,
  type StreamRegistrar
} from '../../wire/index.ts'
import { circuitAddress } from '../circuit-address.ts'
import { MAX_CIRCUITS_TO_TARGET, STOP_PROTOCOL, stopFrames } from '../relay-frames.ts'
import { CircuitConnection } from './circuit-connection.ts'
import { TakenCircuits } from './taken-circuits.ts'

/** A circuit came from a node that was not chosen as a relay. */
class UninvitedCircuitError extends Error {
  override readonly name = 'UninvitedCircuitError'

  constructor() {
    super('a node that is not a relay in use offered a circuit')
  }
}

/** A stranger's circuit gave way to another. */
class CircuitGaveWayError extends Error {
  override readonly name = 'CircuitGaveWayError'

  constructor() {
    super('the circuit gave way: there are too many through this relay')
  }
}

/** What libp2p gives to a transport, as far as this one needs it. */
export interface CircuitComponents {
  readonly logger: ComponentLogger
  readonly registrar: StreamRegistrar
}

export interface CircuitListenerInit {
  readonly components: CircuitComponents
  readonly upgrader: CreateListenerOptions['upgrader']
  /** The connection with the reservation at a relay. */
  readonly reservedAt: (relay: string) => Connection | undefined
  readonly isChosen: (peer: string) => boolean
  /** Circuits that are taken of one relay at a time. */
  readonly maxTaken: number
}

export class CircuitListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #init: CircuitListenerInit
  /** The streams of the circuits that were taken, of each relay. */
  readonly #taken = new Map<string, TakenCircuits<Stream>>()
  readonly #streams: ServedStreams

  constructor(init: CircuitListenerInit) {
    super()
    this.#init = init
    const { registrar, logger } = init.components
    this.#streams = new ServedStreams({
      registrar,
      protocol: STOP_PROTOCOL,
      log: logger.forComponent('parley:circuit'),
      maxPerConnection: MAX_CIRCUITS_TO_TARGET,
      serve: async (stream, connection, signal) => this.#serve(stream, connection, signal)
    })
  }

  async listen(): Promise<void> {
    await this.#streams.start()
    this.safeDispatchEvent('listening')
  }

  async close(): Promise<void> {
    await this.#streams.stop(new Error('the node was stopped'))
    this.safeDispatchEvent('close')
  }

  getAddrs(): Multiaddr[] {
    return []
  }

  updateAnnounceAddrs(): void {
    // It has none.
  }

  async #serve(stream: Stream, connection: Connection, signal: AbortSignal): Promise<void> {
    const { components, upgrader, reservedAt } = this.#init
    const relay = connection.remotePeer.toString()
    if (reservedAt(relay) !== connection) throw new UninvitedCircuitError()
    const offered = new FrameStream(stream, stopFrames, signal)
    const offer = await offered.read()
    if (offer.type !== 'connect') {
      await offered.end({ type: 'status', status: 'unexpected-message' })
      return
    }
    const loss = lossOf(stream, 'negotiate')
    if (loss !== undefined) throw loss
    const peer = offer.peer.toString()
    const source = classBehindRelay(offer.source, shortId(relay))
    if (!this.#hasPlace(stream, relay, { peer, source })) {
      await offered.end({ type: 'status', status: 'resource-limit-exceeded' })
      return
    }
    await offered.write({ type: 'status', status: 'ok' })
    // Noise holds the peer to it: a relay can't pass off one peer as another.
    const remoteAddr = circuitAddress(relay, peer)
    stateAddressClass(remoteAddr, source)
    const log = components.logger.forComponent('parley:circuit')
    const circuit = new CircuitConnection({ stream: offered.release(), remoteAddr, direction: 'inbound', log })
    await upgrader.upgradeInbound(circuit, { signal })
  }

  #hasPlace(stream: Stream, relay: string, of: { readonly peer: string; readonly source: string }): boolean {
    const { isChosen, maxTaken: capacity } = this.#init
    const taken = this.#taken.get(relay) ?? new TakenCircuits<Stream>({ capacity, isChosen })
    const admission = taken.open(stream, of)
    if (!admission.isTaken) return false
    this.#taken.set(relay, taken)
    onClosed(stream, () => {
      taken.close(stream)
      if (taken.size === 0) this.#taken.delete(relay)
    })
    admission.givesWay?.abort(new CircuitGaveWayError())
    return true
  }
}
