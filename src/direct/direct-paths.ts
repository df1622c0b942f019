/**
 * Direct paths as a peer uses them: it asks a contact over a relayed connection for a
 * path through the routers, or answers one that asks, and makes a connection of it. A
 * libp2p transport among transports: what goes over UDP is encrypted and bounded as a
 * TCP connection is. When a path is wanted is decided elsewhere.
 *
 * @example
 * const direct = new DirectPaths({ isContact, relayed, stunServers, stun, isOnLink, ownAddresses, isUsed })
 * createLibp2p({ transports: [tcp(), direct.transport], addresses: { listen: [direct.listenAddress] } })
 * const connection = await direct.punch(peer, { signal })
 */
import { transportSymbol, UnsupportedProtocolError } from '@libp2p/interface'
import type { ComponentLogger, Connection, DialTransportOptions, PeerId, Transport, Upgrader } from '@libp2p/interface'
import type { ConnectionManager, TransportManager } from '@libp2p/interface-internal'
import { CODE_P2P_CIRCUIT, multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { isIPv4 } from 'node:net'
import { LruMap } from '../lib/index.ts'
import {
  FrameStream,
  IdleConnections,
  orAborted,
  RateLimiter,
  ServedStreams,
  steadyNow,
  toError,
  type Rate,
  type StreamRegistrar
} from '../wire/index.ts'
import { Attempt, type Stun, type UdxPath } from './attempt.ts'
import { reachable } from './candidates.ts'
import { NoDirectPathError } from './direct-errors.ts'
import { DirectListener } from './direct-listener.ts'
import { BadDirectFrameError, DIRECT_PROTOCOL, directFrames, type DirectFrame, type Offer } from './direct-frames.ts'
import type { PunchRole } from './punch.ts'
import type { SendDatagram, StunServer } from './stun/index.ts'
import { UdxConnection } from './udx-connection.ts'
import { loadUdx, type Udx, type UdxStream } from './udx-library.ts'

/** From the first word to a connection: two frames, {@link PUNCH_MS}, and a handshake over a slow line. */
const MEETING_TIMEOUT_MS = 20_000

/** Attempts at a time: each may have {@link SPREAD_SOCKETS} open for a few seconds, and a peer has few conversations. */
const MAX_MEETINGS = 4

/** How often one contact may ask: after each change of its network, and with the back-off of its search. */
const OFFER_RATE: Rate = { burst: 8, perSecond: 0.2 }

/** Guesses cost both routers a thousand mappings: a pair that they did not help is not helped by them soon. */
const GUESS_AGAIN_MS = 60_000

/**
 * A path that carries nothing for so long is closed by the side that has asked for it: its packets keep both machines
 * awake, and a new one is made in a moment.
 */
const IDLE_DIRECT_MS = 60_000

/** Peers whose attempts are remembered; all of them are contacts. */
const MAX_REMEMBERED_PEERS = 256

/** A peer asks once at a time, and may ask again before the last stream has closed. */
const MAX_INBOUND_OFFERS = 2

export interface DirectInit {
  /** Nobody else learns where this machine is. */
  readonly isContact: (peer: string) => boolean
  /** A connection to the peer that leads through a relay. */
  readonly relayed: (peer: string) => Connection | undefined
  /** Where the directories in use say how they see a socket. */
  readonly stunServers: () => readonly StunServer[]
  readonly stun: (send: SendDatagram) => Stun
  /** Whether an interface of this machine is in the network of the address. */
  readonly isOnLink: (ip: string) => boolean
  /** The addresses of this machine's interfaces, without loopback. */
  readonly ownAddresses: () => readonly string[]
  /** The address that the node listens on; undefined for all. */
  readonly host?: string | undefined
  /** Whether the connection carries something that it is needed for. */
  readonly isUsed: (connection: Connection) => boolean
  readonly idleAfterMs?: number
  /** For tests: which candidates are probed, and how UDX is loaded. */
  readonly reachable?: typeof reachable
  readonly load?: () => Udx | undefined
  readonly now?: () => number
}

/** What libp2p gives to a transport, as far as this one needs it. */
export interface DirectComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly transportManager: Pick<TransportManager, 'dial'>
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly registrar: StreamRegistrar
}

/** While the node runs. */
interface Life {
  readonly components: DirectComponents
  readonly upgrader: Upgrader
  /** On which peers ask. */
  readonly asked: ServedStreams
}

/** An attempt with one peer, by whichever side began it. */
interface Meeting {
  readonly role: PunchRole
  readonly end: AbortController
  readonly connection: Promise<Connection>
}

export class DirectPaths {
  readonly #init: DirectInit
  readonly #now: () => number
  readonly #meetings = new Map<string, Meeting>()
  /** Those of meetings, and those that still confirm a path to the other side. */
  readonly #attempts = new Set<Attempt>()
  readonly #asks = new RateLimiter(OFFER_RATE, MAX_REMEMBERED_PEERS)
  readonly #guessedAtMs = new LruMap<string, number>(MAX_REMEMBERED_PEERS)
  /** Paths that were found and are dialled at once, by their address. */
  readonly #found = new Map<string, UdxPath>()
  readonly #streams = new Set<UdxStream>()
  /** Connections that this side has asked for. */
  readonly #made: IdleConnections
  #udx: { readonly library: Udx | undefined } | undefined
  #life: Life | undefined

  constructor(init: DirectInit) {
    this.#init = init
    this.#now = init.now ?? steadyNow
    const { isUsed, idleAfterMs = IDLE_DIRECT_MS } = init
    this.#made = new IdleConnections({ isUsed, afterMs: idleAfterMs, now: this.#now })
  }

  /** Where a node listens that answers: at no address of its own, on relayed connections. */
  readonly listenAddress = '/udp/0'

  /** For `createLibp2p({ transports: [direct.transport] })`. */
  readonly transport = (components: DirectComponents): Transport => ({
    [transportSymbol]: true,
    [Symbol.toStringTag]: '@parley/direct',
    dial: async (address, options) => this.#dial(components, address, options),
    createListener: ({ upgrader }) =>
      new DirectListener(
        async () => this.#open(components, upgrader),
        async () => this.#close()
      ),
    dialFilter: (addresses) => addresses.filter((address) => this.#found.has(address.toString())),
    listenFilter: (addresses) => addresses.filter((address) => address.toString() === this.listenAddress)
  })

  /**
   * Makes a direct path to the peer beside the relayed connection. Concurrent calls share one attempt, also with one that
   * the peer has asked for.
   *
   * @throws {NoDirectPathError}
   * @throws {NoWayThroughError} when the routers let nothing through
   * @throws {DeadlineError} when the other side is silent
   * @throws a `TimeoutError` after {@link MEETING_TIMEOUT_MS}
   * @throws the signal's reason; the attempt goes on to its own end
   */
  async punch(peer: string, { signal }: { readonly signal: AbortSignal }): Promise<Connection> {
    const running = this.#meetings.get(peer)
    if (running !== undefined) return orAborted(running.connection, signal)
    const life = this.#life
    if (!this.#init.isContact(peer)) throw new NoDirectPathError('stranger')
    if (life === undefined || this.#meetings.size >= MAX_MEETINGS) throw new NoDirectPathError('not-now')
    const relayed = this.#init.relayed(peer)
    if (relayed === undefined) throw new NoDirectPathError('not-relayed')
    const udx = this.#loaded()
    if (udx === undefined) throw new NoDirectPathError('no-library')
    const asked = this.#begin(peer, 'asking', async (within) =>
      this.#tried(life, udx, 'asking', async (attempt) => this.#ask(life, relayed, attempt, within))
    )
    return orAborted(asked, signal)
  }

  async #open(components: DirectComponents, upgrader: Upgrader): Promise<void> {
    const asked = new ServedStreams({
      registrar: components.registrar,
      protocol: DIRECT_PROTOCOL,
      log: components.logger.forComponent('parley:direct'),
      maxPerConnection: MAX_INBOUND_OFFERS,
      onLimitedConnections: true,
      serve: async (stream, connection, signal) =>
        this.#asked(life, connection, (within = signal) => new FrameStream(stream, directFrames, within))
    })
    const life: Life = { components, upgrader, asked }
    this.#life = life
    await asked.start()
  }

  async #close(): Promise<void> {
    const life = this.#life
    this.#life = undefined
    const ended = life?.asked.stop(new NoDirectPathError('not-now'))
    const meetings = [...this.#meetings.values()]
    for (const { end } of meetings) end.abort(new NoDirectPathError('not-now'))
    await Promise.allSettled(meetings.map(async ({ connection }) => connection))
    for (const attempt of this.#attempts) attempt.end()
    for (const stream of this.#streams) stream.destroy()
    await ended
  }

  /** Once, and no sooner than a path is wanted. */
  #loaded(): Udx | undefined {
    this.#udx ??= { library: (this.#init.load ?? loadUdx)() }
    return this.#udx.library
  }

  /** With an attempt of its own, of which nothing is left unless this succeeds. */
  async #tried<T>({ components }: Life, udx: Udx, role: PunchRole, run: (attempt: Attempt) => Promise<T>): Promise<T> {
    const { host, stun } = this.#init
    const ownAddresses = this.#init.ownAddresses()
    const onEnd = (): void => void this.#attempts.delete(attempt)
    const attempt = new Attempt({ udx, host, self: components.peerId, role, ownAddresses, stun, onEnd })
    this.#attempts.add(attempt)
    try {
      return await run(attempt)
    } catch (error) {
      attempt.abandon()
      throw error
    }
  }

  /** @returns the connection; where the other side's question has taken this one's place, that which it leads to */
  async #begin(peer: string, role: PunchRole, run: (signal: AbortSignal) => Promise<Connection>): Promise<Connection> {
    const end = new AbortController()
    const timer = setTimeout(
      () =>
        end.abort(new DOMException(`there was no direct path after ${MEETING_TIMEOUT_MS / 1_000} s`, 'TimeoutError')),
      MEETING_TIMEOUT_MS
    )
    const { promise: connection, resolve, reject } = Promise.withResolvers<Connection>()
    const meeting: Meeting = { role, end, connection }
    this.#meetings.set(peer, meeting)
    try {
      resolve(await run(end.signal))
    } catch (error) {
      const other = this.#meetings.get(peer)
      if (other === undefined || other === meeting) reject(error)
      else resolve(other.connection)
    } finally {
      // Its signal must not abort any more: libp2p would end the connection.
      clearTimeout(timer)
      if (this.#meetings.get(peer) === meeting) this.#meetings.delete(peer)
    }
    return connection
  }

  async #ask(life: Life, relayed: Connection, attempt: Attempt, signal: AbortSignal): Promise<Connection> {
    const opening = askedOn(relayed, signal)
    const looking = attempt.offer(this.#init.stunServers(), signal)
    looking.catch(() => undefined)
    const offers = await opening
    try {
      // A refusal comes before this side has looked where it is seen, and ends the attempt: the other side may ask itself next.
      const answered = answerOn(offers)
      await offers.write(await Promise.race([looking, answered.then(async () => looking)]))
      const theirs = await answered
      void offers.close()
      const { remotePeer } = relayed
      const path = await this.#path(attempt, theirs, remotePeer, signal)
      const address = addressOf(path, remotePeer)
      this.#found.set(address.toString(), path)
      try {
        return await life.components.transportManager.dial(address, { signal })
      } finally {
        this.#found.delete(address.toString())
      }
    } catch (error) {
      offers.abort(error)
      throw error
    }
  }

  /** @param offersOf the stream, whose waits end with the signal; by default with this life */
  async #asked(
    life: Life,
    relayed: Connection,
    offersOf: (signal?: AbortSignal) => FrameStream<DirectFrame>
  ): Promise<void> {
    const peer = relayed.remotePeer.toString()
    const refuse = async (reason: 'busy' | 'not-now'): Promise<void> => {
      await offersOf().end({ type: 'refuse', reason })
    }
    const mayAsk = this.#init.isContact(peer) && isRelayed(relayed.remoteAddr)
    if (!mayAsk || this.#asks.of(peer, this.#now()).takeOne(this.#now()) > 0) return refuse('not-now')
    const running = this.#meetings.get(peer)
    const isOutrun = running?.role === 'asking' && peer < life.components.peerId.toString()
    if (running !== undefined && !isOutrun) return refuse('busy')
    const udx = running === undefined && this.#meetings.size >= MAX_MEETINGS ? undefined : this.#loaded()
    if (udx === undefined) return refuse('not-now')
    const answered = this.#begin(peer, 'answering', async (signal) =>
      this.#tried(life, udx, 'answering', async (attempt) =>
        this.#answer(life, relayed.remotePeer, attempt, offersOf(signal), signal)
      )
    )
    running?.end.abort(new NoDirectPathError('asked-at-once'))
    await answered
  }

  async #answer(
    life: Life,
    peer: PeerId,
    attempt: Attempt,
    offers: FrameStream<DirectFrame>,
    signal: AbortSignal
  ): Promise<Connection> {
    const { components, upgrader } = life
    const looking = attempt.offer(this.#init.stunServers(), signal)
    looking.catch(() => undefined)
    const theirs = await offers.read()
    if (theirs.type === 'refuse') throw new BadDirectFrameError('expected an offer, but the peer sent a refusal')
    await offers.write(await looking)
    void offers.close()
    const path = await this.#path(attempt, theirs, peer, signal)
    const remoteAddr = addressOf(path, peer)
    await upgrader.upgradeInbound(this.#connection(components, path, { remoteAddr, direction: 'inbound' }), { signal })
    const connections = components.connectionManager.getConnections(peer)
    const made = connections.find((one) => one.status === 'open' && one.remoteAddr.equals(remoteAddr))
    if (made === undefined) throw new Error('the direct path was lost as soon as it was made')
    return made
  }

  async #path(attempt: Attempt, theirs: Offer, peer: PeerId, signal: AbortSignal): Promise<UdxPath> {
    const judge = this.#init.reachable ?? reachable
    const own = attempt.sightings
    const places = await judge(theirs, { peer, own, isOnLink: this.#init.isOnLink })
    const path = await orAborted(
      attempt.path(theirs, places, () => this.#mayGuess(peer.toString())),
      signal
    )
    this.#streams.add(path.stream)
    path.stream.on('close', () => this.#streams.delete(path.stream))
    return path
  }

  #mayGuess(peer: string): boolean {
    const nowMs = this.#now()
    if (nowMs - (this.#guessedAtMs.get(peer) ?? -Infinity) < GUESS_AGAIN_MS) return false
    this.#guessedAtMs.set(peer, nowMs)
    return true
  }

  async #dial(components: DirectComponents, address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const path = this.#found.get(address.toString())
    if (path === undefined) throw new NoDirectPathError('not-relayed')
    this.#found.delete(address.toString())
    const connection = this.#connection(components, path, { remoteAddr: address, direction: 'outbound' })
    try {
      const made = await options.upgrader.upgradeOutbound(connection, { signal: options.signal })
      this.#made.watch(made)
      return made
    } catch (error) {
      connection.abort(toError(error))
      throw error
    }
  }

  #connection(
    { logger }: DirectComponents,
    { stream }: UdxPath,
    of: { readonly remoteAddr: Multiaddr; readonly direction: 'inbound' | 'outbound' }
  ): UdxConnection {
    return new UdxConnection({ ...of, stream, log: logger.forComponent('parley:direct') })
  }
}

/** @throws {NoDirectPathError} where the other side makes none: its user keeps conversations relayed, or it is of an earlier version */
async function askedOn(relayed: Connection, signal: AbortSignal): Promise<FrameStream<DirectFrame>> {
  try {
    return await FrameStream.open(relayed, directFrames, { signal, runOnLimitedConnection: true })
  } catch (error) {
    throw error instanceof UnsupportedProtocolError ? new NoDirectPathError('refused') : error
  }
}

/** @throws {NoDirectPathError} when the other side refuses */
async function answerOn(offers: FrameStream<DirectFrame>): Promise<Offer> {
  const answer = await offers.read()
  if (answer.type === 'offer') return answer
  throw new NoDirectPathError(answer.reason === 'busy' ? 'asked-at-once' : 'refused')
}

function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some(({ code }) => code === CODE_P2P_CIRCUIT)
}

function addressOf({ to }: UdxPath, peer: PeerId): Multiaddr {
  return multiaddr(`/${isIPv4(to.host) ? 'ip4' : 'ip6'}/${to.host}/udp/${to.port}/p2p/${peer.toString()}`)
}
