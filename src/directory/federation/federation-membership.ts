// What a directory does about others that join, leave, or are not let in: gossip with
// them, dialling, and the events that an operator reads. Decides none of it.
import type { EventEmitter } from 'node:events'
import type { Logger, PeerId, PeerStore } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { LruSet } from '../../lib/index.ts'
import { toError, TokenBucket } from '../../wire/index.ts'
import type { FederationRefusal, FederationRefusedError } from '../federation-frames.ts'
import type { GossipMesh } from './gossip/gossip-mesh.ts'
import type { DialListener, FederationPeerDialer } from './peers/federation-peer-dialer.ts'
import type { FederationStreams } from './peers/federation-streams.ts'
import type { DirectoryStanding } from './state/federation-state.ts'
import type { Eviction, FederationNotice, FederationSession } from './sync/federation-step.ts'

/** The value of a connection with a federation peer when libp2p has too many: above every client's. */
const FEDERATION_TAG_VALUE = 100

/** Directories that were reported to the operator; the oldest is forgotten first. */
const MAX_NOTICED = 256

/** Notices about directories that were not joined: an attacker may come with ever new keys. */
const JOIN_NOTICE_RATE = { burst: 10, perSecond: 0.1 } as const

const TAG = 'parley-federation'

export interface FederationEvents {
  /**
   * A directory is joined with this one: what either knows, the other knows. It listens at `addresses`: where it was
   * dialled, else by its own word, since the port of a connection that it opened does not listen.
   */
  joined: [{ readonly peer: PeerId; readonly remoteAddr: Multiaddr; readonly addresses: readonly Multiaddr[] }]
  /** It is connected no more; it is dialled again. */
  /** It has ended in order. */
  left: [{ readonly peer: PeerId }]
  lost: [{ readonly peer: PeerId }]
  /** A directory of another network wanted to join, or was to be joined. Emitted once for each. */
  'other-network': [{ readonly peer: PeerId; readonly network: string }]
  /** One that was named has not been reached for a while, or is no directory; it is tried again. Emitted once for each. */
  unreached: [{ readonly address: Multiaddr; readonly error: Error }]
  /** A directory of this network wanted to join and was not let in. Emitted once for each. */
  'turned-away': [{ readonly peer: PeerId; readonly remoteAddr: Multiaddr; readonly reason: FederationRefusal }]
  /** A federation peer that was not named had to give its place to another. */
  evicted: [Eviction]
  /** A directory does not join with this one, or does not any more, and says why; it is tried again. Emitted once for each. */
  refused: [{ readonly peer: string; readonly error: FederationRefusedError }]
  /** A federation peer was cut off and is refused for a while: it floods, or passes on forgeries. */
  banned: [{ readonly peer: PeerId; readonly forMs: number }]
  /** There is no room for all peers of a directory. Emitted once, until there was room again. */
  'left-out': [DirectoryStanding]
}

interface FederationMembershipInit {
  readonly events: EventEmitter<FederationEvents>
  readonly dialer: FederationPeerDialer
  readonly mesh: GossipMesh
  readonly streams: Pick<FederationStreams, 'connectionOf'>
  readonly peerStore: Pick<PeerStore, 'merge'>
  readonly now: () => number
  readonly log: Logger
}

export class FederationMembership implements DialListener {
  readonly #init: FederationMembershipInit
  readonly #noticed = new LruSet<string>(MAX_NOTICED)
  readonly #notices: TokenBucket
  readonly #evictions: TokenBucket
  /** Directories that were not let in, gave their place to another, or were cut, since the start. */
  readonly tally = { turnedAway: 0, evicted: 0, cut: 0 }
  #isRunning = false

  constructor(init: FederationMembershipInit) {
    this.#init = init
    this.#notices = new TokenBucket(JOIN_NOTICE_RATE, init.now())
    this.#evictions = new TokenBucket(JOIN_NOTICE_RATE, init.now())
  }

  start(): void {
    this.#isRunning = true
  }

  /** Nothing is lost any more. */
  stop(): void {
    this.#isRunning = false
  }

  onNotice(notice: FederationNotice): void {
    const { events, mesh, log } = this.#init
    switch (notice.kind) {
      case 'expected':
        mesh.expect(notice.peer)
        return
      case 'linked':
        this.#onLinked(notice.session, notice.isNew)
        return
      case 'unlinked':
        this.#onUnlinked(notice)
        return
      case 'other-network':
        if (this.#isNews(notice.peer)) events.emit('other-network', { peer: notice.peer, network: notice.network })
        return
      case 'turned-away': {
        const { session, reason } = notice
        const { peer, remoteAddr } = session
        this.tally.turnedAway++
        if (this.#isNews(peer)) events.emit('turned-away', { peer, remoteAddr, reason })
        return
      }
      case 'evicted':
        this.tally.evicted++
        if (this.#evictions.takeOne(this.#init.now()) === 0) events.emit('evicted', notice.eviction)
        return
      case 'banned':
        this.tally.cut++
        events.emit('banned', { peer: notice.peer, forMs: notice.forMs })
        return
      case 'left-out':
        events.emit('left-out', notice.standing)
        return
      case 'no-gossip':
        log('gossip from %p is none - %e', notice.from, notice.error)
    }
  }

  onUnreached(address: Multiaddr, error: Error): void {
    this.#init.events.emit('unreached', { address, error })
  }

  onRefused(peer: string, error: FederationRefusedError): void {
    this.#init.events.emit('refused', { peer, error })
  }

  #onLinked(session: FederationSession, isNew: boolean): void {
    const { dialer, events, mesh, streams } = this.#init
    const { peer, remoteAddr } = session
    const connection = streams.connectionOf(session)
    if (connection !== undefined) mesh.join(connection)
    if (!isNew) return
    dialer.linked(peer.toString())
    this.#tag(peer, { value: FEDERATION_TAG_VALUE })
    const addresses = connection?.direction === 'outbound' ? [remoteAddr] : session.addresses
    events.emit('joined', { peer, remoteAddr, addresses })
  }

  #onUnlinked({ peer, wasJoined, hasLeft }: Extract<FederationNotice, { kind: 'unlinked' }>): void {
    const { dialer, events, mesh } = this.#init
    mesh.leave(peer)
    dialer.lost(peer.toString())
    if (!wasJoined) return
    this.#tag(peer, undefined)
    if (this.#isRunning) events.emit(hasLeft ? 'left' : 'lost', { peer })
  }

  /** @returns whether to report this directory to the operator: each once, and never so many that they flood a terminal */
  #isNews(peer: PeerId): boolean {
    const id = peer.toString()
    if (this.#noticed.has(id) || this.#notices.takeOne(this.#init.now()) > 0) return false
    this.#noticed.add(id)
    return true
  }

  #tag(peer: PeerId, tag: { readonly value: number } | undefined): void {
    this.#init.peerStore
      .merge(peer, { tags: { [TAG]: tag } })
      .catch((error: unknown) => this.#init.log('%p was not marked as a federation peer - %e', peer, toError(error)))
  }
}
