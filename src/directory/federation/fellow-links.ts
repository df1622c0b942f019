// The streams between this directory and its fellows: serves and opens them,
// lets in who says Hello for our network, keeps one stream for each fellow and
// notices who is silent. Knows no statements and dials nobody.
import type { Connection, Logger, PeerId, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { addressClassOf, Shares, toError, withDeadline } from '../../wire/index.ts'
import {
  CROSSING_MS,
  FEDERATION_PROTOCOL,
  FELLOW_BAN_MS,
  FELLOW_DIAL_TIMEOUT_MS,
  FELLOW_REFUSED_RETRY_MS,
  FELLOW_SILENCE_MS,
  HELLO_MS,
  MAX_CANDIDATES,
  PULSE_MS
} from './constants.ts'
import { DISMISS_TIMEOUT_MS, MAX_NETWORK_CHARS } from '../constants.ts'
import { PresenceProtocolError } from '../errors.ts'
import type { FederationFrame } from './federation-frames.ts'
import { FellowRefusedError, NoFellowError, OtherNetworkFellowError } from './fellow-errors.ts'
import type { FellowRefusal } from './fellow-errors.ts'
import { placeFor } from './fellow-places.ts'
import type { PlaceVerdict, Stranger } from './fellow-places.ts'
import { SyncSession } from './sync-session.ts'

export type HelloFrame = Extract<FederationFrame, { type: 'hello' }>

export interface FellowLinksInit {
  readonly self: PeerId
  readonly network: string
  readonly now: () => number
  readonly log: Logger
  /** What we say of ourselves and of whom we know, now. */
  hello(): HelloFrame
  /** Whether it has a place of its own: the operator named it. */
  isNamed(peer: string): boolean
  /** Whether others than named ones may join. */
  readonly admitsOthers: boolean
  isBanned(peer: string): boolean
  connectionsTo(peer: PeerId): readonly Connection[]
  /** It may become a fellow: its gossip may come before its Hello. */
  onExpected(peer: PeerId): void
  /** It is a fellow from now on, or goes on over another connection. */
  onLinked(session: SyncSession, isNew: boolean): void
  /** It is none any more, or has not become one. */
  onUnlinked(peer: PeerId, wasFellow: boolean): void
  /** A frame of a fellow. Awaited before the next is read. */
  onFrame(session: SyncSession, frame: FederationFrame, sizeBytes: number): Promise<void>
  onOtherNetwork(peer: PeerId, network: string): void
  /** It says Hello without end. */
  onFlood(peer: PeerId): void
  /** A directory was not let in. */
  onTurnedAway(peer: PeerId, connection: Connection, reason: FellowRefusal): void
  /** A fellow had to give its place to another, which is a fellow from now on. */
  onEvicted(evicted: Eviction): void
}

/** Which place was given to whom. */
export interface Eviction {
  readonly peer: PeerId
  readonly remoteAddr: Multiaddr
  /** The address prefix that has given a place, and how many it had. */
  readonly holder: string
  readonly held: number
  readonly to: PeerId
}

interface Link {
  readonly peer: PeerId
  readonly sessions: Set<SyncSession>
  kept: SyncSession | undefined
}

export class FellowLinks {
  readonly #init: FellowLinksInit
  readonly #links = new Map<string, Link>()
  readonly #tasks = new Set<Promise<void>>()
  #pulsedAtMs = 0
  #helloAtMs = -Infinity

  constructor(init: FellowLinksInit) {
    this.#init = init
  }

  /** The kept session with each fellow. */
  sessions(): SyncSession[] {
    return [...this.#links.values()].flatMap(({ kept }) => (kept === undefined ? [] : [kept]))
  }

  /** The kept session with this fellow. */
  session(peer: string): SyncSession | undefined {
    return this.#links.get(peer)?.kept
  }

  /** A stream to the peer is open, whether it is a fellow already or not. */
  isUnderWay(peer: string): boolean {
    return this.#links.has(peer)
  }

  /**
   * Opens a stream and stays with it.
   *
   * Resolves when it has ended, after the peer was a fellow by it.
   *
   * @throws NoFellowError, OtherNetworkFellowError, FellowRefusedError
   */
  async open(connection: Connection, signal: AbortSignal): Promise<void> {
    let stream: Stream
    try {
      stream = await withDeadline('negotiate', FELLOW_DIAL_TIMEOUT_MS, signal, (inTime) =>
        connection.newStream(FEDERATION_PROTOCOL, { signal: inTime })
      )
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') throw new NoFellowError({ cause: error })
      // A connection on which no stream can be opened in time is not worth keeping for the next try.
      if (!signal.aborted) connection.abort(toError(error))
      throw error
    }
    const session = await this.#serve(stream, connection, 'us', signal)
    if (session.refusedBy !== undefined) throw session.refusedBy
    if (!session.isGreeted) throw new FellowRefusedError()
  }

  /** A stream that a directory opened to us. */
  accept(stream: Stream, connection: Connection, signal: AbortSignal): void {
    const peer = connection.remotePeer
    const isKnown = this.#links.get(peer.toString())?.kept !== undefined
    if (this.#init.isBanned(peer.toString()) || (!isKnown && !this.#isCandidate(connection))) {
      stream.abort(new FellowRefusedError())
      return
    }
    const served = this.#serve(stream, connection, 'them', signal).then(
      () => undefined,
      (error: unknown) => this.#init.log('the stream of %p ended - %e', connection.remotePeer, error)
    )
    this.#tasks.add(served)
    void served.finally(() => this.#tasks.delete(served))
  }

  /** Looks who is silent, and says Hello again when it is time. Called every PULSE_MS. */
  pulse(): void {
    const nowMs = this.#init.now()
    // If this process itself stood still, whoever spoke meanwhile is still to be heard.
    const stoodStillMs = Math.max(0, nowMs - this.#pulsedAtMs - 4 * PULSE_MS)
    const isFirst = this.#pulsedAtMs === 0
    this.#pulsedAtMs = nowMs
    for (const { peer, sessions } of this.#links.values()) {
      for (const session of sessions) {
        if (!isFirst && stoodStillMs > 0) session.heardAtMs = Math.min(nowMs, session.heardAtMs + stoodStillMs)
        // While it has to wait for us it can't be heard.
        if (session.isHandling || nowMs - session.heardAtMs < FELLOW_SILENCE_MS) continue
        this.#cut(peer, new Error(`nothing came from this fellow for ${nowMs - session.heardAtMs} ms`))
        break
      }
    }
    if (nowMs - this.#helloAtMs < HELLO_MS) return
    this.#helloAtMs = nowMs
    const kept = this.sessions()
    if (kept.length === 0) return
    const hello = this.#init.hello()
    for (const session of kept) session.send(hello)
  }

  /** How many fellows there are that were not named. */
  get strangers(): number {
    return this.sessions().filter(({ connection }) => !this.#init.isNamed(connection.remotePeer.toString())).length
  }

  /** Tells a fellow that it floods, and ends everything with it, its connections included. */
  ban(peer: PeerId): void {
    const error = new Error('this directory floods, or passes on forgeries')
    const sessions = [...(this.#links.get(peer.toString())?.sessions ?? [])]
    for (const session of sessions) session.dismiss('flooding', FELLOW_BAN_MS)
    // It may read that, if it reads at all.
    setTimeout(() => this.#cut(peer, error), DISMISS_TIMEOUT_MS).unref()
  }

  /** Says goodbye to all by ending the streams, and waits until they have ended. */
  async stop(): Promise<void> {
    for (const { sessions } of this.#links.values()) for (const session of sessions) session.end()
    await Promise.allSettled(this.#tasks)
  }

  async #serve(
    stream: Stream,
    connection: Connection,
    openedBy: 'us' | 'them',
    signal: AbortSignal
  ): Promise<SyncSession> {
    const session = new SyncSession(stream, connection, openedBy, this.#init.now())
    const link = this.#linkOf(connection.remotePeer)
    link.sessions.add(session)
    this.#init.onExpected(connection.remotePeer)
    const refusal = openedBy === 'them' ? this.#refusalOf(link, connection) : undefined
    // A Hello would make us a fellow over there.
    if (refusal === undefined) session.send(this.#init.hello())
    else this.#turnAway(session, refusal)
    try {
      await session.run({
        signal,
        now: this.#init.now,
        onFlood: () => this.#init.onFlood(connection.remotePeer),
        onFrame: (frame, sizeBytes) => this.#onFrame(link, session, frame, sizeBytes)
      })
    } finally {
      this.#onEnd(link, session)
    }
    return session
  }

  async #onFrame(link: Link, session: SyncSession, frame: FederationFrame, sizeBytes: number): Promise<void> {
    if (session.isDismissed) return
    if (frame.type === 'refuse') {
      session.refusedBy = new FellowRefusedError(frame.reason, frame.retryAfterMs)
      session.end()
      return
    }
    if (!session.isGreeted) {
      if (frame.type !== 'hello') throw new PresenceProtocolError('a directory began with something else than Hello')
      this.#greet(link, session, frame)
      if (session.isDismissed) return
    }
    await this.#init.onFrame(session, frame, sizeBytes)
  }

  #greet(link: Link, session: SyncSession, hello: HelloFrame): void {
    const { network } = this.#init
    if (hello.network !== network) {
      const theirs = Array.from(hello.network).slice(0, MAX_NETWORK_CHARS).join('')
      this.#init.onOtherNetwork(link.peer, theirs)
      throw new OtherNetworkFellowError(network, theirs)
    }
    if (link.kept === undefined) {
      const refusal = this.#makePlace(link, session.connection)
      if (refusal !== undefined) {
        this.#turnAway(session, refusal)
        return
      }
    }
    const before = link.kept
    session.greetedAtMs = this.#init.now()
    if (before !== undefined && session.openedAtMs - (before.greetedAtMs ?? 0) > CROSSING_MS) {
      // It would not have opened another if it still had the first.
      this.#replace(before, session)
      link.sessions.delete(before)
    }
    const kept = this.#best(link)
    if (kept === undefined || kept === before) {
      this.#retire(link, session)
      return
    }
    link.kept = kept
    // The others hear of it with the next pulse, and dial it.
    if (before === undefined) this.#helloAtMs = -Infinity
    this.#init.onLinked(kept, before === undefined)
    for (const surplus of link.sessions) if (surplus !== kept && surplus.isGreeted) this.#retire(link, surplus)
  }

  /** Not at once: until the other side has the Hello of the one that is kept, this is all that it has. */
  #retire(link: Link, surplus: SyncSession): void {
    const timer = setTimeout(() => {
      if (link.kept !== surplus) surplus.end()
    }, CROSSING_MS)
    timer.unref()
  }

  #replace(before: SyncSession, after: SyncSession): void {
    const error = new Error('the fellow has opened another stream')
    before.abort(error)
    if (before.connection !== after.connection) before.connection.abort(error)
  }

  /** Of streams that crossed both sides keep the one that the smaller peer ID opened. */
  #best(link: Link): SyncSession | undefined {
    const isSmaller = this.#init.self.toString() < link.peer.toString()
    const greeted = [...link.sessions].filter(({ isGreeted, isDismissed }) => isGreeted && !isDismissed)
    return greeted.findLast(({ openedBy }) => openedBy === (isSmaller ? 'us' : 'them')) ?? greeted.at(-1)
  }

  #onEnd(link: Link, session: SyncSession): void {
    link.sessions.delete(session)
    const wasKept = link.kept === session
    if (wasKept) {
      link.kept = this.#best(link)
      if (link.kept !== undefined) this.#init.onLinked(link.kept, false)
    }
    // One that was replaced may end when its link is long over, and another has taken its place.
    if (this.#links.get(link.peer.toString()) !== link) return
    if (link.sessions.size === 0) this.#links.delete(link.peer.toString())
    if (link.kept !== undefined || (!wasKept && link.sessions.size > 0)) return
    this.#init.onUnlinked(link.peer, wasKept)
    if (link.sessions.size > 0) this.#init.onExpected(link.peer)
  }

  /** @returns why a directory can't join now; undefined when it can, perhaps in the place of another */
  #refusalOf({ peer, kept }: Link, connection: Connection): FellowRefusal | undefined {
    if (kept !== undefined || this.#init.isNamed(peer.toString())) return undefined
    if (!this.#init.admitsOthers) return 'named-only'
    return this.#placeFor(connection).is === 'taken' ? 'places-taken' : undefined
  }

  /** Makes another give its place, where that must be. @returns why there is none */
  #makePlace(link: Link, connection: Connection): FellowRefusal | undefined {
    const refusal = this.#refusalOf(link, connection)
    if (refusal !== undefined || this.#init.isNamed(link.peer.toString())) return refusal
    const place = this.#placeFor(connection)
    if (place.is !== 'given') return undefined
    const giving = this.#links.get(place.by.peer)
    const kept = giving?.kept
    if (giving === undefined || kept === undefined) return undefined
    giving.kept = undefined
    kept.dismiss('place-given', FELLOW_REFUSED_RETRY_MS)
    this.#init.onUnlinked(giving.peer, true)
    const { remoteAddr } = kept.connection
    const { held, by } = place
    this.#init.onEvicted({ peer: giving.peer, remoteAddr, holder: by.holder, held, to: link.peer })
    return undefined
  }

  #placeFor(connection: Connection): PlaceVerdict {
    const strangers = [...this.#links.values()].flatMap(({ peer, kept }): Stranger[] => {
      const id = peer.toString()
      if (kept === undefined || this.#init.isNamed(id)) return []
      return [
        { peer: id, holder: addressClassOf(kept.connection.remoteAddr), sinceMs: kept.greetedAtMs ?? kept.openedAtMs }
      ]
    })
    return placeFor({ holder: addressClassOf(connection.remoteAddr) }, strangers, this.#init.now())
  }

  #turnAway(session: SyncSession, reason: FellowRefusal): void {
    session.dismiss(reason, FELLOW_REFUSED_RETRY_MS)
    this.#init.onTurnedAway(session.connection.remotePeer, session.connection, reason)
  }

  /** Whether one more may come whose Hello is awaited. Of many the oldest of the address prefix with the most goes. */
  #isCandidate(connection: Connection): boolean {
    const candidates = new Shares<SyncSession>({ capacity: MAX_CANDIDATES })
    for (const { kept, sessions } of this.#links.values()) {
      if (kept !== undefined) continue
      for (const session of sessions) {
        if (session.openedBy === 'them') candidates.add(session, addressClassOf(session.connection.remoteAddr))
      }
    }
    if (!candidates.isFull || this.#init.isNamed(connection.remotePeer.toString())) return true
    const largest = candidates.largestHolder() ?? ''
    if (candidates.countOf(addressClassOf(connection.remoteAddr)) + 1 >= candidates.countOf(largest)) return false
    candidates.oldestOf(largest)?.abort(new FellowRefusedError())
    return true
  }

  #cut(peer: PeerId, error: Error): void {
    for (const session of this.#links.get(peer.toString())?.sessions ?? []) session.abort(error)
    for (const connection of this.#init.connectionsTo(peer)) connection.abort(error)
  }

  #linkOf(peer: PeerId): Link {
    const id = peer.toString()
    const link = this.#links.get(id) ?? { peer, sessions: new Set(), kept: undefined }
    this.#links.set(id, link)
    return link
  }
}
