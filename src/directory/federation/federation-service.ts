// Joins this directory with its fellows into one roster: tells them what is
// attached here, puts what they have attached into the roster, and is joined
// again after whatever parted them. Neither serves clients nor finds addresses.
import { EventEmitter, setMaxListeners } from 'node:events'
import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection, Logger, PeerId, StreamHandler } from '@libp2p/interface'
import { CODE_P2P } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { addressClassOf, steadyNow, toError, TokenBucket, withDeadline } from '../../wire/index.ts'
import { MAX_ADDRESSES, WITHDRAW_TIMEOUT_MS } from '../constants.ts'
import type { DirectoryService } from '../directory-service.ts'
import { ownChange } from '../own-attachment.ts'
import type { RosterChange } from '../roster.ts'
import {
  FEDERATION_PROTOCOL,
  FELLOW_BAN_MS,
  FELLOW_TAG_VALUE,
  HEARTBEAT_MS,
  MAX_FEDERATION_STREAMS_PER_CONNECTION,
  MAX_FELLOWS,
  NOTICE_RATE,
  PULSE_MS
} from './constants.ts'
import type { FederationFrame } from './federation-frames.ts'
import { FederationState } from './federation-state.ts'
import type { DirectoryStanding, FederationLimits } from './federation-state.ts'
import { FellowDialer } from './fellow-dialer.ts'
import type { FellowDialing } from './fellow-dialer.ts'
import type { FellowRefusal, FellowRefusedError } from './fellow-errors.ts'
import { FellowLinks } from './fellow-links.ts'
import type { Eviction } from './fellow-links.ts'
import { FellowStrangers } from './fellow-strangers.ts'
import { GossipIntake } from './gossip-intake.ts'
import { GossipJudge } from './gossip-judge.ts'
import { GossipMesh } from './gossip-mesh.ts'
import type { GossipVerdict } from './gossip-mesh.ts'
import { GossipOwn } from './gossip-own.ts'
import { OwnRoster } from './own-roster.ts'
import { SignatureBudget } from './signature-budget.ts'
import { StateExpiry } from './state-expiry.ts'
import type { VerifiedStatement } from './statement.ts'
import { SyncExchange } from './sync-exchange.ts'
import type { SyncSession } from './sync-session.ts'

export interface FederationInit extends FellowDialing {
  readonly network: string
  /** Fellows that were named: they are dialled for ever. */
  readonly join: readonly Multiaddr[]
  /** Whether unnamed directories may join, and are dialled when others name them. Default true. */
  readonly admitsOthers?: boolean
  /** Of the addresses that a directory tells, those at which another may be dialled on its word; it is connected from `teller`. */
  readonly dialable?: (addresses: readonly Multiaddr[], teller: Multiaddr) => readonly Multiaddr[]
  readonly limits?: Partial<FederationLimits>
  readonly now?: () => number
  readonly random?: () => number
}

/** What libp2p gives to a service, as far as this one needs it. `directory` is the service before it. */
export interface FederationComponents extends GossipSubComponents {
  readonly addressManager: { getAddresses(): Multiaddr[] }
  readonly directory: DirectoryService
}

export interface FederationEvents {
  /** A directory is joined with this one: what either knows, the other knows. */
  joined: [{ readonly peer: PeerId; readonly remoteAddr: Multiaddr }]
  /** It is connected no more; it is dialled again. */
  lost: [{ readonly peer: PeerId }]
  /** A directory of another network wanted to join, or was to be joined. Told once of each. */
  'other-network': [{ readonly peer: PeerId; readonly network: string }]
  /** One that was named has not been reached for a while, or is no directory; it is tried again. Told once of each. */
  unreached: [{ readonly address: Multiaddr; readonly error: Error }]
  /** A directory of this network wanted to join and was not let in. Told once of each. */
  'turned-away': [{ readonly peer: PeerId; readonly remoteAddr: Multiaddr; readonly reason: FellowRefusal }]
  /** A fellow that was not named had to give its place to another. */
  evicted: [Eviction]
  /** A directory does not join with this one, or does not any more, and says why; it is tried again. Told once of each. */
  refused: [{ readonly peer: string; readonly error: FellowRefusedError }]
  /** A fellow was cut off and is refused for a while: it floods, or passes on forgeries. */
  banned: [{ readonly peer: PeerId; readonly forMs: number }]
  /** There is no room for all peers of a directory. Emitted once, until there was room again. */
  'left-out': [DirectoryStanding]
}

const TAG = 'parley-fellow'

/** A libp2p service: `createLibp2p({ services: { directory: directory({ … }), federation: federation({ … }) } })`. */
export function federation(init: FederationInit): (components: FederationComponents) => FederationService {
  return (components) => new FederationService(components, init)
}

export class FederationService extends EventEmitter<FederationEvents> {
  readonly [Symbol.toStringTag] = '@parley/federation'
  readonly #components: FederationComponents
  readonly #directory: DirectoryService
  readonly #self: string
  readonly #roster: OwnRoster
  readonly #now: () => number
  readonly #log: Logger
  readonly #state: FederationState
  readonly #mesh: GossipMesh
  readonly #own: GossipOwn
  readonly #intake: GossipIntake
  readonly #exchange: SyncExchange
  readonly #links: FellowLinks
  readonly #dialer: FellowDialer
  readonly #judge: GossipJudge
  readonly #expiry: StateExpiry
  readonly #strangers: FellowStrangers
  /** The rate of notices about evictions. */
  readonly #evictions: TokenBucket
  /** Directories that the operator was notified about, because some of their peers are left out. */
  #leftOut = new Set<string>()
  /** Directories that were not let in, gave their place to another, or were cut, since the start. */
  readonly tally = { turnedAway: 0, evicted: 0, cut: 0 }
  #timers: NodeJS.Timeout[] = []
  #life: AbortController | undefined

  constructor(components: FederationComponents, init: FederationInit) {
    super()
    const { peerId, privateKey, connectionManager, logger } = components
    const { network } = init
    this.#components = components
    this.#directory = components.directory
    this.#self = peerId.toString()
    this.#roster = new OwnRoster(this.#self, components.directory)
    this.#now = init.now ?? steadyNow
    this.#log = logger.forComponent('parley:federation')
    this.#strangers = new FellowStrangers(this.#now())
    this.#evictions = new TokenBucket(NOTICE_RATE, this.#now())
    const admitsOthers = init.admitsOthers ?? true
    const admits = (peer: string): boolean => admitsOthers || peer === this.#self || this.#dialer.isNamed(peer)
    const state = new FederationState({
      self: this.#self,
      epoch: BigInt(Date.now()),
      isNamed: (peer) => this.#dialer.isNamed(peer),
      ...(init.limits === undefined ? {} : { limits: init.limits })
    })
    this.#state = state
    this.#mesh = new GossipMesh(components, { network, judge: (from, bytes) => this.#onGossip(from, bytes) })
    this.#own = new GossipOwn({
      state,
      network,
      privateKey,
      now: this.#now,
      log: this.#log,
      publish: (bytes) => this.#mesh.publish(bytes),
      attached: () => this.#roster.attached()
    })
    this.#intake = new GossipIntake({
      state,
      network,
      roster: this.#directory,
      signatures: new SignatureBudget({ now: this.#now, isNamed: (holder) => this.#dialer.isNamed(holder) }),
      now: this.#now,
      admits,
      onUsurped: (epoch) => this.#own.raise(epoch),
      onChange: () => this.#expiry.changed()
    })
    this.#judge = new GossipJudge({
      intake: this.#intake,
      now: this.#now,
      log: this.#log,
      holderOf: (peer) => state.holderOf(peer.toString()),
      cut: (peer) => {
        this.#links.ban(peer)
        this.tally.cut++
        this.emit('banned', { peer, forMs: FELLOW_BAN_MS })
      }
    })
    this.#exchange = new SyncExchange({
      self: peerId,
      network,
      state,
      intake: this.#intake,
      now: this.#now,
      ownHeartbeat: (nowMs) => this.#own.lastHeartbeat(nowMs),
      ownAddresses: () => this.#ownAddresses(),
      addressesOf: (peer) => this.#dialer.addressesOf(peer),
      withdrawals: () => this.#roster.withdrawals(),
      sessions: () => this.#links.sessions(),
      holderOf: (peer) => state.holderOf(peer.toString()),
      admits,
      isNamed: (peer) => this.#dialer.isNamed(peer),
      isKnown: (peer) => this.#dialer.isKnown(peer.toString()),
      dialable: init.dialable ?? ((addresses) => addresses),
      learn: (peer, addresses, whose) => this.#dialer.learn(peer.toString(), addresses, whose)
    })
    this.#links = new FellowLinks({
      self: peerId,
      network,
      now: this.#now,
      log: this.#log,
      hello: () => this.#exchange.hello(),
      isNamed: (peer) => this.#dialer.isNamed(peer),
      admitsOthers,
      isBanned: (peer) => this.#judge.isBanned(peer),
      connectionsTo: (peer) => connectionManager.getConnections(peer),
      onExpected: (peer) => this.#mesh.expect(peer),
      onLinked: (session, isNew) => this.#onLinked(session, isNew),
      onUnlinked: (peer, wasFellow) => this.#onUnlinked(peer, wasFellow),
      onFrame: (session, frame, sizeBytes) => this.#onFrame(session, frame, sizeBytes),
      onOtherNetwork: (peer, theirs) => this.#onOtherNetwork(peer, theirs),
      onFlood: (peer) => this.#judge.ban(peer),
      onTurnedAway: (peer, { remoteAddr }, reason) => {
        this.tally.turnedAway++
        if (this.#strangers.isNews(peer.toString(), this.#now())) this.emit('turned-away', { peer, remoteAddr, reason })
      },
      onEvicted: (eviction) => {
        this.tally.evicted++
        if (this.#evictions.takeOne(this.#now()) === 0) this.emit('evicted', eviction)
      }
    })
    this.#dialer = new FellowDialer({
      self: this.#self,
      named: init.join,
      now: this.#now,
      random: init.random ?? Math.random,
      log: this.#log,
      dial: (address, options) => init.dial(address, options),
      connect: (peer, options) => init.connect(peer, options),
      isUnderWay: (peer) => this.#links.isUnderWay(peer),
      hasRoom: () => this.#links.strangers < MAX_FELLOWS,
      admitsOthers,
      isBanned: (peer) => this.#judge.isBanned(peer),
      onUnreached: (address, error) => void this.emit('unreached', { address, error }),
      onRefused: (peer, error) => void this.emit('refused', { peer, error }),
      open: (connection, signal) => this.#links.open(connection, signal)
    })
    this.#expiry = new StateExpiry({ state, now: this.#now, apply: (effects) => this.#intake.apply(effects) })
  }

  /** The directories that are joined with this one now. */
  fellows(): readonly PeerId[] {
    return this.#links.sessions().map(({ connection }) => connection.remotePeer)
  }

  /** Every directory of which something is known, this one first. */
  directories(): readonly DirectoryStanding[] {
    return this.#state.directories(this.#now())
  }

  /** All that directories have said of a peer. */
  statementsOf(peer: string): readonly VerifiedStatement[] {
    return this.#state.statementsOf(peer)
  }

  /**
   * All that directories have said of a peer, for a client that doubts. Where this one holds no word of its own about
   * a peer that it does not have, it seals one: its last may be forgotten here, and shown by a directory that lies.
   */
  async proofsOf(peer: PeerId): Promise<readonly VerifiedStatement[]> {
    const id = peer.toString()
    const held = this.statementsOf(id)
    const hasOwn = held.some(({ statement }) => statement.directory.toString() === this.#self)
    if (hasOwn || this.#roster.has(id) || this.#life === undefined) return held
    const denial = await this.#own.deny(peer)
    return denial === undefined || this.#roster.has(id) ? this.statementsOf(id) : [denial, ...held]
  }

  /** Whose share the peers of a directory count for: its own, where the operator named it, else its address prefix. */
  holderOf(directory: string): string {
    return this.#state.holderOf(directory)
  }

  /** The epoch of this directory's own statements. */
  get epoch(): bigint {
    return this.#state.epoch
  }

  /** Where a fellow may be reached, by what fellows and the LAN have told. */
  addressesOf(peer: string): readonly Multiaddr[] {
    return this.#dialer.addressesOf(peer)
  }

  /** Whether the operator named the directory, as far as its peer ID is known. */
  isNamed(peer: string): boolean {
    return this.#dialer.isNamed(peer)
  }

  /** The LAN shows a directory of this network. */
  sighted(peer: string, addresses: readonly Multiaddr[]): void {
    this.#dialer.learn(peer, addresses)
  }

  async start(): Promise<void> {
    if (this.#life !== undefined) return
    const life = new AbortController()
    setMaxListeners(Infinity, life.signal)
    this.#life = life
    // What others had attached before a stop is asked for anew.
    this.#intake.apply(this.#state.expire(Number.MAX_SAFE_INTEGER))
    await this.#mesh.start()
    // What is attached already is said first, so that the first heartbeat covers it.
    this.#directory.on('change', this.#onChange)
    this.#own.noteAll()
    await this.#own.settled()
    await this.#own.beat()
    this.#expiry.start()
    await this.#components.registrar.handle(FEDERATION_PROTOCOL, this.#onStream, {
      maxInboundStreams: MAX_FEDERATION_STREAMS_PER_CONNECTION,
      runOnLimitedConnection: false
    })
    this.#timers = [
      setInterval(() => void this.#own.beat(), HEARTBEAT_MS),
      setInterval(() => this.#tellLeftOut(), HEARTBEAT_MS),
      setInterval(() => this.#pulse(life.signal), PULSE_MS)
    ]
    this.#dialer.start()
  }

  /** Ends the streams with all fellows, by which they know at once. What they had attached is off the roster. */
  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    this.#directory.off('change', this.#onChange)
    for (const timer of this.#timers) clearInterval(timer)
    this.#expiry.stop()
    await this.#components.registrar.unhandle(FEDERATION_PROTOCOL)
    const dialer = this.#dialer.stop()
    await withDeadline('close', WITHDRAW_TIMEOUT_MS, undefined, () => this.#links.stop()).catch((error: unknown) =>
      this.#log('not every fellow was told - %e', toError(error))
    )
    life.abort(new Error('the directory was stopped'))
    await dialer
    await this.#own.settled()
    await this.#mesh.stop()
    for (const { directory } of this.#state.directories(this.#now())) this.#state.connectionLost(directory, this.#now())
  }

  readonly #onStream: StreamHandler = (stream, connection: Connection) => {
    const signal = this.#life?.signal
    if (signal === undefined) stream.abort(new Error('the directory was stopped'))
    else this.#links.accept(stream, connection, signal)
  }

  readonly #onChange = (changes: readonly RosterChange[]): void => {
    for (const change of changes) {
      const own = ownChange(change, this.#self)
      if (own !== undefined) this.#own.note(own)
    }
  }

  #onLinked(session: SyncSession, isNew: boolean): void {
    const { connection } = session
    const { remotePeer: peer, remoteAddr } = connection
    this.#mesh.join(connection)
    if (!isNew) return
    this.#dialer.linked(peer.toString())
    this.#intake.apply(this.#state.connected(peer.toString(), this.#now(), addressClassOf(remoteAddr)))
    this.#tag(peer, { value: FELLOW_TAG_VALUE })
    this.emit('joined', { peer, remoteAddr })
  }

  #onUnlinked(peer: PeerId, wasFellow: boolean): void {
    const id = peer.toString()
    this.#mesh.leave(peer)
    this.#dialer.lost(id)
    if (!wasFellow) return
    this.#judge.forget(id)
    this.#state.connectionLost(id, this.#now())
    this.#expiry.changed()
    this.#tag(peer, undefined)
    if (this.#life !== undefined) this.emit('lost', { peer })
  }

  async #onFrame(session: SyncSession, frame: FederationFrame, sizeBytes: number): Promise<void> {
    const signal = this.#life?.signal
    if (signal === undefined) return
    const from = session.connection.remotePeer
    if (!this.#exchange.isAwaited(session, frame) && !this.#judge.mayPass(from, sizeBytes)) return
    const taken = await this.#exchange.onFrame(session, frame, signal)
    if (taken !== undefined) this.#judge.hold(from, taken)
  }

  async #onGossip(from: PeerId, bytes: Uint8Array): Promise<GossipVerdict> {
    const signal = this.#life?.signal
    return signal === undefined ? 'ignore' : this.#judge.judge(from, bytes, signal)
  }

  #onOtherNetwork(peer: PeerId, network: string): void {
    if (this.#strangers.isNews(peer.toString(), this.#now())) this.emit('other-network', { peer, network })
  }

  #tellLeftOut(): void {
    const short = this.directories().filter(({ leftOut }) => leftOut > 0)
    for (const standing of short) if (!this.#leftOut.has(standing.directory)) this.emit('left-out', standing)
    this.#leftOut = new Set(short.map(({ directory }) => directory))
  }

  #pulse(signal: AbortSignal): void {
    if (signal.aborted) return
    this.#expiry.changed() // own statements run out too
    this.#links.pulse()
    this.#exchange.askForMissing()
    this.#mesh.mend(
      this.#links.sessions().map(({ connection }) => connection),
      this.#now()
    )
  }

  #ownAddresses(): Multiaddr[] {
    const addresses = this.#components.addressManager.getAddresses()
    return addresses.slice(0, MAX_ADDRESSES).map((address) => address.decapsulateCode(CODE_P2P))
  }

  #tag(peer: PeerId, tag: { readonly value: number } | undefined): void {
    this.#components.peerStore
      .merge(peer, { tags: { [TAG]: tag } })
      .catch((error: unknown) => this.#log('%p was not marked as a fellow - %e', peer, toError(error)))
  }
}
