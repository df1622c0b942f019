// The directory: takes signed records over /chat/directory/1.0.0, holds them
// with their attachments under leases, and pushes the roster to its watchers.
// It can neither make nor change a record. Knows no terminal and no web page;
// other directories' attachments may stand in its roster beside its own.
import { EventEmitter } from 'node:events'
import type { ComponentLogger, Connection, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ServedStreams, steadyNow, type StreamRegistrar } from '../../wire/index.ts'
import { AnnounceAdmission } from './announce-admission.ts'
import { DIRECTORY_PROTOCOL, DISMISS_TIMEOUT_MS, MAX_ATTACHED_PEERS, isAcceptableWatch } from '../directory-frames.ts'
import { RETRY_BOUNDS_MS } from '../redial-delay.ts'
import { DeadlineTimer } from '../../lib/index.ts'
import type { ClientFrame, WatchRange } from '../directory-frames.ts'
import type { DirectoryStun } from '../directory-stun.ts'
import { DirectorySession, SessionRates, type DirectoryMetrics } from './directory-session.ts'
import { Lookups } from './lookups.ts'
import type { DirectoryProofs } from './lookups.ts'
import { ownChange } from '../own-attachment.ts'
import type { RosterChange, RosterEntry, VerifiedRecord, ReadableRoster } from '../../presence/index.ts'
import { RosterPush } from './roster-push.ts'
import { GRACE_MS, LEASE_MS, Roster } from '../../presence/index.ts'
import { looksTheSame } from './sorted-roster.ts'
import { welcomeFrame } from './welcome-frame.ts'

/**
 * Updates after the first are gathered for this long: below what a person sees as delay, also when
 * peers come and go all the time.
 */
const COALESCE_MS = 50

/** Streams of all clients together: one each to announce and to look, for every attached peer. */
const MAX_DIRECTORY_STREAMS = 20_000

/** Directory streams that one connection may have open: its own, a query, and one more of each while replaced. */
const MAX_DIRECTORY_STREAMS_PER_CONNECTION = 4

/** How often the operator may be notified that a directory is full. */
const FULL_NOTICE_MS = 60_000

/** When to come back to a full directory. */
const FULL_RETRY_MS = 30_000

/** A directory that goes down is asked again after this: a restart takes no longer. */
const RETURN_AFTER_MS = 2_000

/** … and later by so many clients a second: an accept costs several milliseconds, and there is other work to do. */
const RETURNS_PER_SECOND = 100

interface DirectoryInit {
  readonly network: string
  readonly leaseMs?: number
  /** How long the attachment of a lost connection is kept. */
  readonly graceMs?: number
  readonly coalesceMs?: number
  readonly maxPeers?: number
  /** Whose share the peers of another directory count for, where watchers can't get all. */
  readonly holderOf?: (directory: string) => string
  /** What proves this directory's answers to a client that audits them; a directory that stands alone has none. */
  readonly proofs?: DirectoryProofs
  /** Where it answers STUN, as a client at this address is told; undefined where it does not. */
  readonly stun?: (client: Multiaddr) => DirectoryStun | undefined
  /** Where clients reach it by WebSocket: a multiaddr without a peer ID; undefined where they don't. */
  readonly webSocket?: string
  /** Counts what happens. */
  readonly metrics?: DirectoryMetrics
  readonly now?: () => number
  readonly random?: () => number
}

/** What libp2p gives to a service, as far as this one needs it. */
interface DirectoryComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly registrar: StreamRegistrar
}

interface DirectoryEvents {
  /** A peer has registered here. */
  ready: [{ readonly peer: PeerId; readonly record: VerifiedRecord; readonly remoteAddr: Multiaddr }]
  /** A peer has left: its signed withdrawal came. */
  left: [{ readonly peer: PeerId; readonly record: VerifiedRecord }]
  /** A peer's connection is lost and its grace over, or its lease ran out. */
  lost: [{ readonly peer: PeerId; readonly record: VerifiedRecord }]
  /** The directory is full. `refused`: newcomers refused since the last such event. */
  full: [{ readonly limit: number; readonly refused: number }]
  /** Whatever changed about the roster, the moments of a lost connection included. */
  change: [readonly RosterChange[]]
}

/** A libp2p service: `createLibp2p({ services: { directory: directory({ network }) } })`. */
export function directory(init: DirectoryInit): (components: DirectoryComponents) => DirectoryService {
  return (components) => new DirectoryService(components, init)
}

export class DirectoryService extends EventEmitter<DirectoryEvents> {
  readonly [Symbol.toStringTag] = '@parley/directory'
  readonly #network: string
  readonly #leaseMs: number
  readonly #graceMs: number
  /** Tombstones outlive two leases, of whatever length. */
  readonly #tombstoneMs: number
  readonly #maxPeers: number
  readonly #now: () => number
  readonly #random: () => number
  readonly #metrics: DirectoryInit['metrics']
  readonly #stun: DirectoryInit['stun']
  readonly #webSocket: string | undefined
  readonly #self: string
  readonly #roster: Roster
  readonly #sweep: DeadlineTimer
  readonly #push: RosterPush
  readonly #admission: AnnounceAdmission
  readonly #lookups: Lookups
  readonly #rates = new WeakMap<Connection, SessionRates>()
  readonly #streams: ServedStreams
  readonly #sessions = new Set<DirectorySession>()
  /** Which session a peer's attachment stands on: the one that announced last. */
  readonly #owners = new Map<string, DirectorySession>()
  #refusedAsFull = 0
  #toldFullAtMs = -Infinity
  /** Clients are told to leave, and what waits for them. */
  #goingDown: Promise<void> | undefined

  constructor(components: DirectoryComponents, init: DirectoryInit) {
    super()
    this.#network = init.network
    this.#leaseMs = init.leaseMs ?? LEASE_MS
    this.#graceMs = init.graceMs ?? GRACE_MS
    this.#maxPeers = init.maxPeers ?? MAX_ATTACHED_PEERS
    this.#now = init.now ?? steadyNow
    this.#random = init.random ?? Math.random
    this.#metrics = init.metrics
    this.#stun = init.stun
    this.#webSocket = init.webSocket
    const log = components.logger.forComponent('parley:directory')
    this.#streams = new ServedStreams({
      registrar: components.registrar,
      protocol: DIRECTORY_PROTOCOL,
      log,
      maxPerConnection: MAX_DIRECTORY_STREAMS_PER_CONNECTION,
      serve: async (stream, connection, signal) => this.#serve(stream, connection, signal)
    })
    this.#self = components.peerId.toString()
    this.#tombstoneMs = 2 * this.#leaseMs
    // What other directories have attached is bounded where it is held: by the federation.
    this.#roster = new Roster({ own: this.#self, maxPeers: Infinity, tombstoneMs: this.#tombstoneMs })
    this.#sweep = new DeadlineTimer(this.#now, () => {
      this.#report(this.#roster.expire(this.#now()))
      return this.#roster.nextDeadline()
    })
    this.#admission = new AnnounceAdmission({
      roster: this.#roster,
      network: init.network,
      now: this.#now,
      log
    })
    this.#lookups = new Lookups({ roster: this.#roster, proofs: init.proofs, now: this.#now })
    this.#push = new RosterPush({
      roster: this.#roster,
      own: this.#self,
      holderOf: init.holderOf,
      now: this.#now,
      coalesceMs: init.coalesceMs ?? COALESCE_MS,
      onPushed: (changes, watchers, delayMs) => this.#metrics?.pushed(changes, watchers, delayMs)
    })
  }

  get network(): string {
    return this.#network
  }

  /** Peers on the roster that watchers of the whole do not get, because too many are other directories'. */
  get untold(): number {
    return this.#push.untold
  }

  /** @returns the peers on the network now, in no order */
  roster(): readonly RosterEntry[] {
    return this.#roster.entries()
  }

  /** How many peers are announced here. */
  get announced(): number {
    return this.#owners.size
  }

  /** Whether the peer is announced here, by a stream that is open. */
  isAnnounced(peer: string): boolean {
    return this.#owners.has(peer)
  }

  /** @returns the roster as it is now and becomes */
  readRoster(): ReadableRoster {
    return this.#roster
  }

  /**
   * Puts what other directories say into the roster; watchers get what changes by it.
   *
   * @param apply does it, and returns the changes
   */
  merge(apply: (roster: Roster, nowMs: number) => readonly RosterChange[]): void {
    const changes = apply(this.#roster, this.#now())
    if (this.#streams.signal !== undefined) this.#sweep.dueAt(this.#roster.nextDeadline())
    this.#report(changes)
  }

  async start(): Promise<void> {
    if (this.#streams.signal !== undefined) return
    this.#goingDown = undefined
    await this.#streams.start()
    // Peers that were attached before a stop may be on their way back.
    this.#report(this.#roster.lostSource(this.#self, this.#now(), this.#graceMs))
    this.#sweep.dueAt(this.#roster.nextDeadline())
  }

  /**
   * Tells all clients that the directory goes down and when each is to come back, spread so that they don't come all
   * at once, and waits for a moment until they have left. libp2p calls it before it closes connections.
   */
  async beforeStop(): Promise<void> {
    if (this.#streams.signal === undefined) return
    this.#goingDown ??= this.#dismissAll()
    await this.#goingDown
  }

  async #dismissAll(): Promise<void> {
    await this.#streams.withdraw()
    const spreadMs = (this.#sessions.size / RETURNS_PER_SECOND) * 1_000
    for (const session of this.#sessions) session.dismiss(Math.round(RETURN_AFTER_MS + this.#random() * spreadMs))
    const enough = Promise.withResolvers<void>()
    const timer = setTimeout(enough.resolve, DISMISS_TIMEOUT_MS)
    await Promise.race([this.#streams.settled(), enough.promise])
    clearTimeout(timer)
  }

  async stop(): Promise<void> {
    const ended = this.#streams.stop(new Error('the directory was stopped'))
    this.#sweep.stop()
    this.#push.stop()
    await ended
    this.#owners.clear()
  }

  async #serve(stream: Stream, connection: Connection, signal: AbortSignal): Promise<void> {
    const rates = this.#rates.get(connection) ?? new SessionRates(this.#now())
    this.#rates.set(connection, rates)
    const session = new DirectorySession(stream, connection, rates, this.#metrics)
    const hasRoom = this.#sessions.size < MAX_DIRECTORY_STREAMS
    if (hasRoom) this.#welcome(session)
    else {
      session.refuse('full', FULL_RETRY_MS)
      session.end()
    }
    this.#sessions.add(session)
    try {
      await session.run(signal, async (frame) => (hasRoom ? this.#onFrame(session, frame, signal) : undefined))
    } finally {
      this.#onEnd(session)
    }
  }

  async #onFrame(session: DirectorySession, frame: ClientFrame, signal: AbortSignal): Promise<void> {
    if (this.#goingDown !== undefined) return
    switch (frame.type) {
      case 'announce':
      case 'withdraw':
        return this.#onRecord(session, frame.type, frame.envelope, signal)
      case 'watch':
        return this.#onWatch(session, frame, signal)
      case 'lookup':
        return this.#lookups.answer(session, frame.peer)
    }
  }

  async #onRecord(
    session: DirectorySession,
    type: 'announce' | 'withdraw',
    envelope: Uint8Array,
    signal: AbortSignal
  ): Promise<void> {
    const record = await this.#admission.admit(session, type, envelope, signal)
    if (record === undefined) return
    const peer = record.record.peer.toString()
    if (type === 'withdraw') {
      this.#owners.delete(peer)
      const withdrawn = this.#roster.withdraw(record, this.#now())
      session.accepted()
      this.#metrics?.announced('withdrawn')
      this.#sweep.dueAt(this.#now() + this.#tombstoneMs)
      if (withdrawn.outcome !== 'full') this.#report(withdrawn.changes)
      return
    }
    this.#attach(session, peer, record)
  }

  #attach(session: DirectorySession, peer: string, record: VerifiedRecord): void {
    if (!this.#owners.has(peer) && this.#owners.size >= this.#maxPeers) {
      session.refuse('full', FULL_RETRY_MS)
      this.#tellFull()
      return
    }
    const announced = this.#roster.announce(record, {
      source: this.#self,
      nowMs: this.#now(),
      leaseMs: this.#leaseMs
    })
    if (announced.outcome === 'full') {
      session.refuse('full', FULL_RETRY_MS)
      return
    }
    this.#owners.set(peer, session)
    this.#sweep.dueAt(this.#now() + this.#leaseMs)
    session.accepted()
    this.#metrics?.announced('accepted')
    this.#welcome(session, record.record.seq)
    this.#report(announced.changes)
  }

  async #onWatch(session: DirectorySession, range: WatchRange, signal: AbortSignal): Promise<void> {
    const waitMs = session.rates.watch.takeOne(this.#now())
    if (waitMs > 0) {
      session.refuse('too-fast', waitMs)
      return
    }
    if (!isAcceptableWatch(range)) {
      session.refuse('bad-watch', RETRY_BOUNDS_MS.max)
      return
    }
    if (!this.#push.hasRoomFor(session, range)) {
      session.refuse('too-many-watchers', FULL_RETRY_MS)
      return
    }
    session.accepted()
    await this.#push.watch(session, range, signal)
  }

  #onEnd(session: DirectorySession): void {
    this.#sessions.delete(session)
    this.#push.unwatch(session)
    const peer = session.connection.remotePeer.toString()
    if (this.#owners.get(peer) !== session) return
    this.#owners.delete(peer)
    if (this.#streams.signal === undefined || this.#goingDown !== undefined) return
    this.#sweep.dueAt(this.#now() + this.#graceMs)
    this.#report(this.#roster.lost(peer, this.#self, this.#now(), this.#graceMs))
  }

  #tellFull(): void {
    this.#refusedAsFull++
    const nowMs = this.#now()
    if (nowMs - this.#toldFullAtMs < FULL_NOTICE_MS) return
    this.#toldFullAtMs = nowMs
    this.emit('full', { limit: this.#maxPeers, refused: this.#refusedAsFull })
    this.#refusedAsFull = 0
  }

  #welcome(session: DirectorySession, acceptedSeq?: bigint): void {
    const own = { network: this.#network, leaseMs: this.#leaseMs, random: this.#random, webSocket: this.#webSocket }
    session.send(welcomeFrame({ ...own, acceptedSeq, stun: this.#stun?.(session.connection.remoteAddr) }))
  }

  #report(changes: readonly RosterChange[]): void {
    if (changes.length === 0) return
    this.#push.changed(changes.flatMap((change) => (isVisible(change) ? [peerOf(change)] : [])))
    for (const change of changes) this.#tell(change)
    this.emit('change', changes)
  }

  /** Emits what happens to peers that are attached here: other directories emit what happens to theirs. */
  #tell(change: RosterChange): void {
    const own = ownChange(change, this.#self)
    if (own === undefined) return
    const { record } = own
    const { peer } = record.record
    if (own.kind === 'ended') {
      const how = own.withdrawal === undefined ? 'lost' : 'left'
      this.emit(how, { peer, record })
    } else if (own.kind === 'attached') {
      const remoteAddr = this.#owners.get(peer.toString())?.connection.remoteAddr
      if (remoteAddr !== undefined) this.emit('ready', { peer, record, remoteAddr })
    }
  }
}

/** A connection that is lost and comes back within its grace is no change to watchers. */
function isVisible(change: RosterChange): boolean {
  return change.kind !== 'changed' || !looksTheSame(change.was, change.entry)
}

function peerOf(change: RosterChange): string {
  return change.kind === 'gone' ? change.was.peer : change.entry.peer
}
