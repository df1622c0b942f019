// Which streams there are between this directory and its federation peers: lets in
// directories that say Hello for our network, keeps one stream for each and notices
// silence. Pure. Knows no statements and dials nobody.
import type { PeerId } from '@libp2p/interface'
import { addressClassOf, elected, preferredOpener, Shares } from '../../../wire/index.ts'
import { DISMISS_TIMEOUT_MS, OtherNetworkError } from '../../directory-frames.ts'
import { MAX_NETWORK_CHARS, PresenceProtocolError } from '../../../presence/index.ts'
import type { FederationFrame, FederationRefusal } from '../../federation-frames.ts'
import { FederationRefusedError } from '../../federation-frames.ts'
import { placeFor } from './federation-peer-places.ts'
import type { PlaceVerdict, Stranger } from './federation-peer-places.ts'
import type { FederationSession, FederationStep } from './federation-step.ts'
import type { PeerScoring } from './peer-scoring.ts'

/** How often to look for missing statements, for silent directories, and whether gossip reaches all. */
export const PULSE_MS = 250

/** A directory that was refused a place, or has lost it, comes back after this: soon enough for its turn. */
const FEDERATION_REFUSED_RETRY_MS = 30_000

/** Two streams that were opened within this time have crossed; a later one tells that the other side lost the first. */
export const CROSSING_MS = 1_000

/** Directories whose Hello is awaited at one time, so that strangers that never say it take no more room. */
export const MAX_CANDIDATES = 32

/** Each federation peer says Hello again so often: by it what gossip missed is found, and silence is noticed. */
export const HELLO_MS = 1_500

/** A federation peer that has not said three Hellos is taken to be lost, whatever TCP says: within five seconds. */
const FEDERATION_SILENCE_MS = 4_500

type HelloFrame = Extract<FederationFrame, { type: 'hello' }>

interface FederationPeerLinksInit {
  readonly step: FederationStep
  readonly self: PeerId
  readonly network: string
  /** Whether others than named ones may join. */
  readonly admitsOthers: boolean
  /** Which directories have a place of their own: those that the operator named. */
  readonly peers: { isNamed(peer: string): boolean }
  readonly scoring: Pick<PeerScoring, 'isBanned'>
  readonly listener: FederationPeerListener
}

/** What follows from directories that join and leave. */
interface FederationPeerListener {
  /** @returns what we say now of ourselves and of those we know */
  hello(): HelloFrame
  /** It is a federation peer from now on, or goes on over another stream. */
  onLinked(session: FederationSession, isNew: boolean): void
  /** It is none any more, or has not become one. */
  onUnlinked(peer: PeerId, end: { readonly wasJoined: boolean; readonly hasLeft: boolean }): void
}

interface Link {
  readonly peer: PeerId
  readonly sessions: Set<FederationSession>
  kept: FederationSession | undefined
}

export class FederationPeerLinks {
  readonly #init: FederationPeerLinksInit
  readonly #links = new Map<string, Link>()
  /** When to cut the connections of a directory that was refused for flooding. */
  readonly #cuts = new Map<PeerId, number>()
  #pulsedAtMs = 0
  #helloAtMs = -Infinity

  constructor(init: FederationPeerLinksInit) {
    this.#init = init
  }

  /** The kept session with each federation peer. */
  sessions(): FederationSession[] {
    return [...this.#links.values()].flatMap(({ kept }) => (kept === undefined ? [] : [kept]))
  }

  /** The kept session with this federation peer. */
  session(peer: string): FederationSession | undefined {
    return this.#links.get(peer)?.kept
  }

  /** A stream to the peer is open, whether it is joined already or not. */
  isUnderWay(peer: string): boolean {
    return this.#links.has(peer)
  }

  /** A stream is open, whichever side opened it. */
  opened(session: FederationSession): void {
    const { scoring, listener, step } = this.#init
    const { peer, openedBy } = session
    if (openedBy === 'them' && (scoring.isBanned(peer.toString()) || !this.#mayCome(session))) {
      this.#abort(session, new FederationRefusedError())
      return
    }
    const link = this.#linkOf(peer)
    link.sessions.add(session)
    step.emit({ kind: 'expected', peer })
    const refusal = openedBy === 'them' ? this.#refusalOf(link, session) : undefined
    // A Hello would make us a federation peer over there.
    if (refusal === undefined) this.#send(session, listener.hello())
    else this.#turnAway(session, refusal)
  }

  /**
   * @returns whether the frame is of a federation peer, and means something
   * @throws PresenceProtocolError, OtherNetworkError when the stream must end
   */
  admits(session: FederationSession, frame: FederationFrame): boolean {
    const link = this.#links.get(session.peer.toString())
    if (session.isDismissed || link === undefined) return false
    if (frame.type === 'refuse') {
      session.refusedBy = new FederationRefusedError(frame.reason, frame.retryAfterMs)
      this.#end(session)
      return false
    }
    if (session.isGreeted) return true
    if (frame.type !== 'hello') throw new PresenceProtocolError('a directory began with something else than Hello')
    this.#greet(link, session, frame)
    return !session.isDismissed
  }

  /** Looks who is silent, and says Hello again when it is time. Called every PULSE_MS. */
  pulse(): void {
    const { nowMs } = this.#init.step
    // If this process itself stood still, what came meanwhile is still to be read.
    const stoodStillMs = Math.max(0, nowMs - this.#pulsedAtMs - 4 * PULSE_MS)
    const isFirst = this.#pulsedAtMs === 0
    this.#pulsedAtMs = nowMs
    for (const { peer, sessions } of this.#links.values()) {
      for (const session of sessions) {
        if (!isFirst && stoodStillMs > 0) session.heardAtMs = Math.min(nowMs, session.heardAtMs + stoodStillMs)
        // While it has to wait for us it can't be heard.
        if (session.isHandling || nowMs - session.heardAtMs < FEDERATION_SILENCE_MS) continue
        this.#cut(peer, new Error(`nothing came from this federation peer for ${nowMs - session.heardAtMs} ms`))
        break
      }
    }
    if (nowMs - this.#helloAtMs < HELLO_MS) return
    this.#helloAtMs = nowMs
    const kept = this.sessions()
    if (kept.length === 0) return
    const hello = this.#init.listener.hello()
    for (const session of kept) this.#send(session, hello)
  }

  /** @returns when `expire` next has something to do */
  nextDeadline(): number {
    let earliest = Infinity
    for (const atMs of this.#cuts.values()) earliest = Math.min(earliest, atMs)
    for (const { sessions } of this.#links.values()) {
      for (const { retireAtMs } of sessions) earliest = Math.min(earliest, retireAtMs)
    }
    return earliest
  }

  /** Ends surplus streams, and cuts the connections of refused directories when it is time. */
  expire(): void {
    const { nowMs } = this.#init.step
    for (const [peer, atMs] of this.#cuts) {
      if (atMs > nowMs) continue
      this.#cuts.delete(peer)
      this.#cut(peer, flooding())
    }
    for (const { kept, sessions } of this.#links.values()) {
      for (const session of sessions) {
        if (session.retireAtMs > nowMs) continue
        session.retireAtMs = Infinity
        if (session !== kept) this.#end(session)
      }
    }
  }

  /** How many federation peers the operator did not name. */
  get strangers(): number {
    return this.sessions().filter(({ peer }) => !this.#init.peers.isNamed(peer.toString())).length
  }

  /** Tells a federation peer that it floods, and ends everything with it, its connections included. */
  ban(peer: PeerId, forMs: number): void {
    const sessions = [...(this.#links.get(peer.toString())?.sessions ?? [])]
    for (const session of sessions) this.#dismiss(session, 'flooding', forMs)
    // It may read that, if it reads at all.
    this.#cuts.set(peer, this.#init.step.nowMs + DISMISS_TIMEOUT_MS)
  }

  /** Says goodbye to all by ending the streams. */
  stop(): void {
    for (const { sessions } of this.#links.values()) for (const session of sessions) this.#end(session)
  }

  #greet(link: Link, session: FederationSession, hello: HelloFrame): void {
    const { network } = this.#init
    if (hello.network !== network) {
      const theirs = Array.from(hello.network).slice(0, MAX_NETWORK_CHARS).join('')
      this.#init.step.emit({ kind: 'other-network', peer: link.peer, network: theirs })
      throw new OtherNetworkError(network, theirs)
    }
    if (link.kept === undefined) {
      const refusal = this.#makePlace(link, session)
      if (refusal !== undefined) {
        this.#turnAway(session, refusal)
        return
      }
    }
    const before = link.kept
    session.greetedAtMs = this.#init.step.nowMs
    session.addresses = hello.federationPeers.find(({ peer }) => peer.equals(session.peer))?.addresses ?? []
    if (before !== undefined && session.openedAtMs - (before.greetedAtMs ?? 0) > CROSSING_MS) {
      // It would not have opened another if it still had the first.
      this.#init.step.emit({ kind: 'replace', before, after: session })
      link.sessions.delete(before)
    }
    const kept = this.#best(link)
    if (kept === undefined || kept === before) {
      this.#retire(session)
      return
    }
    link.kept = kept
    // The others hear of it with the next pulse, and dial it.
    if (before === undefined) this.#helloAtMs = -Infinity
    this.#init.listener.onLinked(kept, before === undefined)
    for (const surplus of link.sessions) if (surplus !== kept && surplus.isGreeted) this.#retire(surplus)
  }

  /** Not at once: until the other side has the Hello of the one that is kept, this is all that it has. */
  #retire(surplus: FederationSession): void {
    surplus.retireAtMs = this.#init.step.nowMs + CROSSING_MS
  }

  /** Of streams that crossed both sides keep the one that the smaller peer ID opened. */
  #best(link: Link): FederationSession | undefined {
    const greeted = [...link.sessions].filter(({ isGreeted, isDismissed }) => isGreeted && !isDismissed)
    return elected(greeted.toReversed(), preferredOpener(this.#init.self, link.peer))
  }

  /** A stream has ended, on either side. */
  ended(session: FederationSession): void {
    const link = this.#links.get(session.peer.toString())
    // One that was replaced may end when its link is long over, and another has taken its place.
    if (link?.sessions.delete(session) !== true) return
    const wasKept = link.kept === session
    if (wasKept) {
      link.kept = this.#best(link)
      if (link.kept !== undefined) this.#init.listener.onLinked(link.kept, false)
    }
    if (link.sessions.size === 0) this.#links.delete(link.peer.toString())
    if (link.kept !== undefined || (!wasKept && link.sessions.size > 0)) return
    this.#init.listener.onUnlinked(link.peer, { wasJoined: wasKept, hasLeft: wasKept && session.wasClosed })
    if (link.sessions.size > 0) this.#init.step.emit({ kind: 'expected', peer: link.peer })
  }

  /** @returns why a directory can't join now; undefined when it can, perhaps in the place of another */
  #refusalOf({ peer, kept }: Link, session: FederationSession): FederationRefusal | undefined {
    if (kept !== undefined || this.#init.peers.isNamed(peer.toString())) return undefined
    if (!this.#init.admitsOthers) return 'named-only'
    return this.#placeFor(session).is === 'taken' ? 'places-taken' : undefined
  }

  /** Makes another give its place, where that must be. @returns why there is none */
  #makePlace(link: Link, session: FederationSession): FederationRefusal | undefined {
    const refusal = this.#refusalOf(link, session)
    if (refusal !== undefined || this.#init.peers.isNamed(link.peer.toString())) return refusal
    const place = this.#placeFor(session)
    if (place.is !== 'given') return undefined
    const giving = this.#links.get(place.by.peer)
    const kept = giving?.kept
    if (giving === undefined || kept === undefined) return undefined
    giving.kept = undefined
    this.#dismiss(kept, 'place-given', FEDERATION_REFUSED_RETRY_MS)
    this.#init.listener.onUnlinked(giving.peer, { wasJoined: true, hasLeft: false })
    const { remoteAddr } = kept
    const { held, by } = place
    const eviction = { peer: giving.peer, remoteAddr, holder: by.holder, held, to: link.peer }
    this.#init.step.emit({ kind: 'evicted', eviction })
    return undefined
  }

  #placeFor({ remoteAddr }: FederationSession): PlaceVerdict {
    const strangers = [...this.#links.values()].flatMap(({ peer, kept }): Stranger[] => {
      const id = peer.toString()
      if (kept === undefined || this.#init.peers.isNamed(id)) return []
      return [{ peer: id, holder: addressClassOf(kept.remoteAddr), sinceMs: kept.greetedAtMs ?? kept.openedAtMs }]
    })
    return placeFor({ holder: addressClassOf(remoteAddr) }, strangers, this.#init.step.nowMs)
  }

  #turnAway(session: FederationSession, reason: FederationRefusal): void {
    this.#dismiss(session, reason, FEDERATION_REFUSED_RETRY_MS)
    this.#init.step.emit({ kind: 'turned-away', session, reason })
  }

  /** Whether one more may come whose Hello is awaited. Of many the oldest of the address prefix with the most goes. */
  #mayCome({ peer, remoteAddr }: FederationSession): boolean {
    if (this.session(peer.toString()) !== undefined) return true
    const candidates = new Shares<FederationSession>({ capacity: MAX_CANDIDATES })
    for (const { kept, sessions } of this.#links.values()) {
      if (kept !== undefined) continue
      for (const session of sessions) {
        if (session.openedBy === 'them') candidates.add(session, addressClassOf(session.remoteAddr))
      }
    }
    if (!candidates.isFull || this.#init.peers.isNamed(peer.toString())) return true
    const largest = candidates.largestHolder() ?? ''
    if (candidates.countOf(addressClassOf(remoteAddr)) + 1 >= candidates.countOf(largest)) return false
    const oldest = candidates.oldestOf(largest)
    if (oldest !== undefined) this.#abort(oldest, new FederationRefusedError())
    return true
  }

  #send(session: FederationSession, frame: FederationFrame): void {
    this.#init.step.emit({ kind: 'send', session, frame })
  }

  /** Tells the other side that it is not joined, and when to come back. Its stream ends with that. */
  #dismiss(session: FederationSession, reason: FederationRefusal, retryAfterMs: number): void {
    session.isDismissed = true
    this.#send(session, { type: 'refuse', reason, retryAfterMs })
    this.#end(session)
  }

  #end(session: FederationSession): void {
    this.#init.step.emit({ kind: 'end', session })
  }

  #abort(session: FederationSession, error: Error): void {
    this.#init.step.emit({ kind: 'abort', session, error })
  }

  #cut(peer: PeerId, error: Error): void {
    for (const session of this.#links.get(peer.toString())?.sessions ?? []) this.#abort(session, error)
    this.#init.step.emit({ kind: 'cut', peer, error })
  }

  #linkOf(peer: PeerId): Link {
    const id = peer.toString()
    const link = this.#links.get(id) ?? { peer, sessions: new Set(), kept: undefined }
    this.#links.set(id, link)
    return link
  }
}

function flooding(): Error {
  return new Error('this directory floods, or passes on forgeries')
}
