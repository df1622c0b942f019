// A directory's federation with others: one roster of them all. It drives the machine:
// streams, gossip, signatures and the clock go into steps, and what a step decides is
// done. Neither serves clients nor finds addresses.
import { EventEmitter, setMaxListeners } from 'node:events'
import type { GossipSubComponents } from '@libp2p/gossipsub'
import type { Connection, Logger, PeerId, StreamHandler } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { DeadlineTimer } from '../../lib/index.ts'
import { steadyNow, toError, withDeadline } from '../../wire/index.ts'
import { WITHDRAW_TIMEOUT_MS } from '../../presence/index.ts'
import type { RosterChange } from '../../presence/index.ts'
import type { DirectoryService } from '../server/directory-service.ts'
import { ownChange } from '../own-attachment.ts'
import { FederationMembership } from './federation-membership.ts'
import type { FederationEvents } from './federation-membership.ts'
import { Envelopes } from './gossip/envelopes.ts'
import { GossipMesh } from './gossip/gossip-mesh.ts'
import { FederationPeerDialer } from './peers/federation-peer-dialer.ts'
import type { FederationDialing } from './peers/federation-peer-dialer.ts'
import { FEDERATION_PROTOCOL, FederationStreams } from './peers/federation-streams.ts'
import type { DirectoryStanding } from './state/federation-state.ts'
import type { FederationLimits } from './state/known-directories.ts'
import { applyEffects } from './state/state-expiry.ts'
import type { VerifiedStatement } from '../statement.ts'
import { FederationMachine } from './sync/federation-machine.ts'
import { PULSE_MS } from './sync/federation-peer-links.ts'
import type {
  DenialRequest,
  FederationEffect,
  FederationEvent,
  GossipMessage,
  GossipVerdict,
  OpenRequest,
  SealRequest
} from './sync/federation-step.ts'

/** Streams of one federation peer's connection: one to keep, and others while it is replaced. */
const MAX_FEDERATION_STREAMS_PER_CONNECTION = 4

interface FederationInit extends FederationDialing {
  readonly network: string
  /** Federation peers that were named: they are dialled for ever. */
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
interface FederationComponents extends GossipSubComponents {
  readonly addressManager: { getAddresses(): Multiaddr[] }
  readonly directory: DirectoryService
}

/** A libp2p service: `createLibp2p({ services: { directory: directory({ … }), federation: federation({ … }) } })`. */
export function federation(init: FederationInit): (components: FederationComponents) => FederationService {
  return (components) => new FederationService(components, init)
}

export class FederationService extends EventEmitter<FederationEvents> {
  readonly [Symbol.toStringTag] = '@parley/federation'
  readonly #components: FederationComponents
  readonly #directory: DirectoryService
  readonly #self: string
  readonly #now: () => number
  readonly #log: Logger
  readonly #dialer: FederationPeerDialer
  readonly #envelopes: Envelopes
  readonly #machine: FederationMachine
  readonly #membership: FederationMembership
  readonly #mesh: GossipMesh
  readonly #streams: FederationStreams
  readonly #timer: DeadlineTimer
  readonly #events: FederationEvent[] = []
  #isStepping = false
  readonly #verdicts = new Map<GossipMessage, (verdict: GossipVerdict) => void>()
  readonly #denials = new Map<DenialRequest, (denial: VerifiedStatement | undefined) => void>()
  /** Statements that are being sealed, or wait for the end of the turn. */
  readonly #sealing = new Set<Promise<void>>()
  /** Own gossip that is going out: the next statements are sealed after it. */
  #publishing: Promise<void> = Promise.resolve()
  #ready = Promise.withResolvers<void>()
  #mending: NodeJS.Timeout | undefined
  #life: AbortController | undefined
  /** Of what is being opened: it goes on while the streams end. */
  #signal: AbortSignal | undefined

  constructor(components: FederationComponents, init: FederationInit) {
    super()
    const { addressManager, connectionManager, logger, peerId, peerStore, privateKey, directory: roster } = components
    const { network, admitsOthers = true, now = steadyNow } = init
    const log = logger.forComponent('parley:federation')
    const dialer = new FederationPeerDialer({
      self: peerId.toString(),
      named: init.join,
      admitsOthers,
      dialing: init,
      now,
      random: init.random ?? Math.random,
      log
    })
    const machine = new FederationMachine({
      self: peerId,
      network,
      epoch: BigInt(Date.now()),
      admitsOthers,
      ...(init.limits === undefined ? {} : { limits: init.limits }),
      peers: dialer,
      roster,
      addresses: addressManager,
      dialable: init.dialable ?? ((addresses) => addresses),
      nowMs: now()
    })
    const mesh = new GossipMesh(components, network)
    const step = (event: FederationEvent): void => this.#step(event)
    const streams = new FederationStreams({ now, log, connections: connectionManager, step })
    this.#components = components
    this.#directory = roster
    this.#self = peerId.toString()
    this.#now = now
    this.#log = log
    this.#dialer = dialer
    this.#envelopes = new Envelopes({ network, privateKey, roster, authors: machine.state, log })
    this.#machine = machine
    this.#membership = new FederationMembership({ events: this, dialer, mesh, streams, peerStore, now, log })
    this.#mesh = mesh
    this.#streams = streams
    this.#timer = new DeadlineTimer(now, () => {
      this.#step({ type: 'time' })
      return machine.nextDeadline()
    })
  }

  /** Directories that were not let in, gave their place to another, or were cut, since the start. */
  get tally(): FederationMembership['tally'] {
    return this.#membership.tally
  }

  /** The directories that are joined with this one now. */
  federationPeers(): readonly PeerId[] {
    return this.#machine.links.sessions().map(({ peer }) => peer)
  }

  /** Every known directory, this one first. */
  directories(): readonly DirectoryStanding[] {
    return this.#machine.state.directories(this.#now())
  }

  /** All that directories have said of a peer. */
  statementsOf(peer: string): readonly VerifiedStatement[] {
    return this.#machine.state.statementsOf(peer)
  }

  /**
   * All that directories have stated of a peer, for a client that audits. Where this one holds no statement of its own
   * about a peer that it does not have, it seals one: its last may be forgotten here, and shown by a directory that lies.
   */
  async proofsOf(peer: PeerId): Promise<readonly VerifiedStatement[]> {
    const { attached } = this.#machine
    const id = peer.toString()
    const held = this.statementsOf(id)
    const hasOwn = held.some(({ statement }) => statement.directory.toString() === this.#self)
    if (hasOwn || attached.has(id) || this.#life === undefined) return held
    const denial = await this.#denial(peer)
    return denial === undefined || attached.has(id) ? this.statementsOf(id) : [denial, ...held]
  }

  /** Whose share the peers of a directory count for: its own, where the operator named it, else its address prefix. */
  holderOf(directory: string): string {
    return this.#machine.state.holderOf(directory)
  }

  /** The epoch of this directory's own statements. */
  get epoch(): bigint {
    return this.#machine.state.epoch
  }

  /** Where a federation peer may be reached, by what federation peers and the LAN have told. */
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
    this.#signal = life.signal
    this.#membership.start()
    await this.#mesh.start({ validate: (from, bytes) => this.#validate(from, bytes) })
    this.#directory.on('change', this.#onChange)
    this.#ready = Promise.withResolvers()
    this.#step({ type: 'started' })
    await this.#ready.promise
    await this.#publishing
    await this.#components.registrar.handle(FEDERATION_PROTOCOL, this.#onStream, {
      maxInboundStreams: MAX_FEDERATION_STREAMS_PER_CONNECTION,
      runOnLimitedConnection: false
    })
    this.#mending = setInterval(() => this.#mend(), PULSE_MS)
    const { links, scoring } = this.#machine
    this.#dialer.start(
      {
        get strangers() {
          return links.strangers
        },
        isUnderWay: (peer) => links.isUnderWay(peer),
        isBanned: (peer) => scoring.isBanned(peer),
        open: (connection, signal) => this.#streams.open(connection, signal)
      },
      this.#membership
    )
  }

  /** The clients leave first, and federation peers hear of it. libp2p calls this before it closes connections. */
  async beforeStop(): Promise<void> {
    await this.#directory.beforeStop()
    await this.stop()
  }

  /** Ends the streams with all federation peers, by which they know at once. What they had attached is off the roster. */
  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    this.#membership.stop()
    this.#directory.off('change', this.#onChange)
    clearInterval(this.#mending)
    this.#timer.stop()
    await this.#components.registrar.unhandle(FEDERATION_PROTOCOL)
    this.#step({ type: 'stopping' })
    await withDeadline('close', WITHDRAW_TIMEOUT_MS, undefined, () => this.#streams.settled()).catch((error: unknown) =>
      this.#log('not every federation peer could be notified - %e', toError(error))
    )
    // A stream that it has opened is cut with it: what is not closed by now is lost.
    const dialer = this.#dialer.stop()
    life.abort(new Error('the directory was stopped'))
    this.#signal = undefined
    this.#step({ type: 'stopped' })
    await dialer
    while (this.#sealing.size > 0) await Promise.all(this.#sealing)
    await this.#publishing
    await this.#mesh.stop()
  }

  /** What follows may be more events: they are taken in their order, each after the effects of the one before. */
  #step(event: FederationEvent): void {
    this.#events.push(event)
    if (this.#isStepping) return
    this.#isStepping = true
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        for (const effect of this.#machine.step(next, this.#now())) this.#perform(effect)
      }
    } finally {
      this.#isStepping = false
    }
    if (this.#life !== undefined) this.#timer.dueAt(this.#machine.nextDeadline())
  }

  #perform(effect: FederationEffect): void {
    switch (effect.kind) {
      case 'roster':
        return this.#directory.merge((roster, nowMs) => applyEffects(roster, effect.effects, nowMs))
      case 'withdraw':
        return this.#directory.merge((roster, nowMs) => {
          const withdrawn = roster.withdraw(effect.record, nowMs)
          return withdrawn.outcome === 'full' ? [] : withdrawn.changes
        })
      case 'open':
        void this.#open(effect.request)
        return
      case 'turn':
        return this.#whileSealing(Promise.resolve().then(() => this.#step({ type: 'turn' })))
      case 'seal':
        return this.#whileSealing(this.#seal(effect.request))
      case 'seal-heartbeat': {
        const sealed = this.#envelopes.sealHeartbeat(effect.heartbeat)
        return this.#whileSealing(sealed.then((heartbeat) => this.#step({ type: 'heartbeat-sealed', heartbeat })))
      }
      case 'publish':
        return this.#publish(effect.bytes)
      case 'judge':
        this.#verdicts.get(effect.message)?.(effect.verdict)
        this.#verdicts.delete(effect.message)
        return
      case 'denied':
        this.#denials.get(effect.request)?.(effect.denial)
        this.#denials.delete(effect.request)
        return
      case 'ready':
        return this.#ready.resolve()
      case 'learn':
        return this.#dialer.learn(effect.peer.toString(), effect.addresses, effect.whose)
      case 'send':
      case 'answer':
      case 'read-on':
      case 'break':
      case 'end':
      case 'abort':
      case 'replace':
      case 'cut':
        return this.#streams.perform(effect)
      default:
        return this.#membership.onNotice(effect)
    }
  }

  async #open(request: OpenRequest): Promise<void> {
    const signal = this.#signal
    if (signal === undefined) return
    try {
      const opened = await this.#envelopes.open(request, signal)
      this.#step({ type: 'envelopes', request, opened })
    } catch (error) {
      this.#step({ type: 'envelopes-failed', request, error: toError(error) })
    }
  }

  async #seal(request: SealRequest): Promise<void> {
    await this.#publishing
    const statements = await this.#envelopes.seal(request)
    this.#step({ type: 'sealed', request, statements })
  }

  #whileSealing(work: Promise<void>): void {
    this.#sealing.add(work)
    void work.finally(() => this.#sealing.delete(work))
  }

  #publish(bytes: Uint8Array): void {
    const published = this.#mesh.publish(bytes).catch((error: unknown) => {
      // Directories that did not get it see by the next heartbeat that something is missing.
      this.#log('own gossip did not go out - %e', toError(error))
    })
    this.#publishing = Promise.all([this.#publishing, published]).then(() => undefined)
  }

  #validate(from: PeerId, bytes: Uint8Array): Promise<GossipVerdict> {
    const message = { from, bytes }
    const { promise, resolve } = Promise.withResolvers<GossipVerdict>()
    this.#verdicts.set(message, resolve)
    this.#step({ type: 'gossip', message })
    return promise
  }

  #denial(peer: PeerId): Promise<VerifiedStatement | undefined> {
    const request = { peer }
    const { promise, resolve } = Promise.withResolvers<VerifiedStatement | undefined>()
    this.#denials.set(request, resolve)
    this.#step({ type: 'denial', request })
    return promise
  }

  readonly #onStream: StreamHandler = (stream, connection: Connection) => {
    const signal = this.#life?.signal
    if (signal === undefined) stream.abort(new Error('the directory was stopped'))
    else this.#streams.accept(stream, connection, signal)
  }

  readonly #onChange = (changes: readonly RosterChange[]): void => {
    for (const change of changes) {
      const own = ownChange(change, this.#self)
      if (own !== undefined) this.#step({ type: 'changed', change: own })
    }
  }

  #mend(): void {
    const kept = this.#machine.links.sessions().map((session) => this.#streams.connectionOf(session))
    const connections = kept.filter((connection) => connection !== undefined)
    this.#mesh.mend(connections, this.#now())
  }
}
