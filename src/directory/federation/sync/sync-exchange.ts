// What federation peers say to each other on their streams: Hello with digests,
// asking for what is missing, answering in pages. Knows which query is open at which
// peer; neither streams nor gossip.
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { TokenBucket } from '../../../wire/index.ts'
import { MAX_TOMBSTONES, PresenceProtocolError, MAX_ADDRESSES } from '../../../presence/index.ts'
import type { ReadableRoster } from '../../../presence/index.ts'
import {
  MAX_FEDERATION_PEERS,
  packUpdates,
  packWithdrawals,
  MAX_FEDERATION_FRAME_BYTES
} from '../../federation-frames.ts'
import type { FederationFrame, WireDigest, WireUpdate, WireFederationPeer } from '../../federation-frames.ts'
import type { FederationState, Wanted } from '../state/federation-state.ts'
import { DirectoryQueries } from './directory-queries.ts'
import type { FederationSession, FederationStep, OpenTask } from './federation-step.ts'
import type { GossipIntake, Taken } from './gossip-intake.ts'
import type { PeerScoring } from './peer-scoring.ts'
import type { StatementPublisher } from './statement-publisher.ts'

/** Queries of one federation peer: about every directory at once, and then as many as honest losses of gossip can cause. */
export const ASK_RATE = { burst: 130, perSecond: 5 } as const

/** Directories that one federation peer tells of and nobody has before: all that may be joined at once, then three a minute. */
const TELL_RATE = { burst: 32, perSecond: 0.05 } as const

type Frame<T extends FederationFrame['type']> = Extract<FederationFrame, { type: T }>

/** The other directories that are known, as far as the exchange asks and tells of them. */
export interface KnownPeers {
  /** Whether the operator named a directory. */
  isNamed(peer: string): boolean
  /** Whether a directory is dialled already whenever it is away. */
  isKnown(peer: string): boolean
  /** Whether what a directory says of its peers counts here. */
  admits(peer: string): boolean
  addressesOf(peer: string): readonly Multiaddr[]
}

interface SyncExchangeInit {
  readonly step: FederationStep
  readonly self: PeerId
  readonly network: string
  readonly state: FederationState
  readonly intake: GossipIntake
  readonly roster: { readRoster(): Pick<ReadableRoster, 'withdrawals'> }
  readonly publisher: StatementPublisher
  readonly peers: KnownPeers
  /** A peer that asks more than it may is not answered, and gets a strike. */
  readonly scoring: PeerScoring
  readonly addresses: { getAddresses(): readonly Multiaddr[] }
  /** Of the addresses that a federation peer tells, those that may be dialled on its word; it is connected from `teller`. */
  dialable(addresses: readonly Multiaddr[], teller: Multiaddr): readonly Multiaddr[]
}

/** What one federation peer may ask, and how many directories it may tell of that are new. */
interface Rates {
  readonly ask: TokenBucket
  readonly tell: TokenBucket
}

export class SyncExchange {
  readonly #init: SyncExchangeInit
  /** The session with each directory that is joined. */
  readonly #sessions = new Map<string, FederationSession>()
  readonly #queries = new DirectoryQueries<FederationSession>()
  /** Withdrawals that still may come from a federation peer that was asked for them. */
  readonly #withdrawalsLeft = new WeakMap<FederationSession, number>()
  readonly #rates = new WeakMap<FederationSession, Rates>()
  readonly #greeted = new WeakSet<FederationSession>()
  #turn = 0

  constructor(init: SyncExchangeInit) {
    this.#init = init
  }

  /** A directory is joined, or goes on over another session. */
  joined(session: FederationSession): void {
    this.#sessions.set(session.peer.toString(), session)
  }

  left(peer: string): void {
    this.#sessions.delete(peer)
  }

  hello(): Frame<'hello'> {
    const { self, network, state, step, publisher, peers } = this.#init
    const sessions = [...this.#sessions.values()]
    const { nowMs } = step
    const joined = new Set([self, ...sessions.map(({ peer }) => peer)].map(String))
    // If there is no room for all, directories that are not joined come last.
    const held = state.digests(nowMs).toSorted((a, b) => +joined.has(b.directory) - +joined.has(a.directory))
    const digests = held.map(({ heartbeat, ...digest }): WireDigest => {
      const own = digest.directory === self.toString() ? publisher.lastHeartbeat() : undefined
      const envelope = own?.envelope ?? heartbeat?.envelope
      return {
        ...digest,
        directory: state.author(digest.directory) ?? peerIdFromString(digest.directory),
        ...(envelope === undefined ? {} : { heartbeat: envelope }),
        heardAgoMs: own?.agoMs ?? digest.heardAgoMs
      }
    })
    // A Hello holds no more of them than there are places for strangers: those that the operator knows go first.
    const others = sessions
      .map(({ peer }) => ({ peer, addresses: peers.addressesOf(peer.toString()) }))
      .toSorted((a, b) => +peers.isNamed(b.peer.toString()) - +peers.isNamed(a.peer.toString()))
    const federationPeers = [{ peer: self, addresses: this.#ownAddresses() }, ...others].slice(0, MAX_FEDERATION_PEERS)
    return fitted({ type: 'hello', network, digests, federationPeers })
  }

  /** Whether the frame was asked for: an answer may be as long as it must. */
  isAwaited(session: FederationSession, frame: FederationFrame): boolean {
    if (frame.type === 'page-withdrawals') return this.#withdrawalsLeft.has(session)
    return frame.type === 'page' && this.#queries.of(frame.directory.toString(), session) !== undefined
  }

  /** @throws PresenceProtocolError when the federation peer does what it must not */
  *onFrame(session: FederationSession, frame: FederationFrame): OpenTask<Taken | undefined> {
    switch (frame.type) {
      case 'hello':
        return yield* this.#onHello(session, frame)
      case 'ask':
        return this.#onAsk(session, frame)
      case 'ask-withdrawals':
        return this.#onAskWithdrawals(session)
      case 'page':
        return yield* this.#onPage(session, frame)
      case 'page-withdrawals':
        return yield* this.#onWithdrawals(session, frame)
      case 'refuse':
        return undefined // its session has ended with it
    }
  }

  /** A frame did not go out: what it asks may be asked of another. */
  unsent(session: FederationSession, frame: FederationFrame): void {
    const query = frame.type === 'ask' ? this.#queries.of(frame.directory.toString(), session) : undefined
    if (query !== undefined) this.#queries.ended(query)
  }

  /** Asks for what is missing. To be called a few times a second. */
  askForMissing(): void {
    const { state, step } = this.#init
    const { nowMs } = step
    this.#queries.review(
      [...this.#sessions.values()],
      nowMs,
      (directory, session) => session.peer.toString() === directory
    )
    for (const wanted of state.behind(nowMs)) this.#ask(wanted, this.#whomToAsk(wanted.directory))
  }

  *#onHello(session: FederationSession, hello: Frame<'hello'>): OpenTask<Taken> {
    const { step, self, intake, state, peers } = this.#init
    const told = session.peer
    for (const { peer, addresses } of hello.federationPeers) {
      // Each that is new is dialled: without a limit a peer could have us dial the whole world.
      if (peer.equals(self) || (!peers.isKnown(peer.toString()) && !this.#mayTell(session))) continue
      const dialable = this.#init.dialable(addresses, session.remoteAddr)
      step.emit({ kind: 'learn', peer, addresses: dialable, whose: peer.equals(told) ? 'own' : 'told' })
    }
    const known = new Map(state.digests(step.nowMs).map((digest) => [digest.directory, digest.heartbeat?.envelope]))
    let forged = 0
    const digests = hello.digests.filter(({ directory }) => peers.admits(directory.toString()))
    for (const { directory, heartbeat, heardAgoMs } of digests) {
      const held = known.get(directory.toString())
      if (heartbeat === undefined || (held !== undefined && Buffer.compare(held, heartbeat) === 0)) continue
      forged += (yield* intake.heartbeat(heartbeat, heardAgoMs, state.holderOf(told.toString()))).forged
    }
    const isFirst = !this.#greeted.has(session)
    this.#greeted.add(session)
    // Gossip brings what is new of others. A replayed statement of an earlier life is new to others only, and each of them
    // passes it on once: when that is lost, a later Hello alone shows why its author's heartbeats count for nothing. The
    // author may hear of it by us alone.
    const isNewLife = ({ directory, epoch }: WireDigest): boolean =>
      epoch > (state.epochOf(directory.toString()) ?? epoch)
    const compared = isFirst ? digests : digests.filter((one) => one.directory.equals(self) || isNewLife(one))
    // What a federation peer states itself is asked of no other.
    const sorted = compared.toSorted((a, b) => Number(b.directory.equals(told)) - Number(a.directory.equals(told)))
    for (const digest of sorted) {
      const wanted = state.missing({ ...digest, directory: digest.directory.toString() })
      // A claim costs nothing: who repeats it is to prove it, and no other is asked again and again.
      const itself = isFirst ? this.#itself(digest.directory.toString()) : undefined
      if (wanted !== undefined) this.#ask(wanted, itself ?? session)
    }
    if (isFirst) {
      this.#withdrawalsLeft.set(session, MAX_TOMBSTONES)
      step.emit({ kind: 'send', session, frame: { type: 'ask-withdrawals' } })
    }
    return { isNews: false, forged, counters: [] }
  }

  #onAsk(session: FederationSession, ask: Frame<'ask'>): undefined {
    if (!this.#mayAsk(session)) return
    const { step, state } = this.#init
    const directory = ask.directory.toString()
    const frames = function* (): Generator<FederationFrame> {
      const epoch = state.epochOf(directory)
      const said = epoch === undefined ? {} : { epoch }
      const held = state.after(directory, ask.epoch, ask.afterCounter, step.nowMs)
      for (const updates of packUpdates(toWire(held))) {
        yield { type: 'page', directory: ask.directory, ...said, updates, last: false }
      }
      yield { type: 'page', directory: ask.directory, ...said, updates: [], last: true }
    }
    step.emit({ kind: 'answer', session, asked: directory, frames })
  }

  #onAskWithdrawals(session: FederationSession): undefined {
    if (!this.#mayAsk(session)) return
    const envelopes = [...this.#init.roster.readRoster().withdrawals()].map(({ envelope }) => envelope)
    const frames = function* (): Generator<FederationFrame> {
      for (const withdrawals of packWithdrawals(envelopes)) yield { type: 'page-withdrawals', withdrawals, last: false }
      yield { type: 'page-withdrawals', withdrawals: [], last: true }
    }
    this.#init.step.emit({ kind: 'answer', session, asked: '', frames })
  }

  *#onPage(session: FederationSession, page: Frame<'page'>): OpenTask<Taken | undefined> {
    const directory = page.directory.toString()
    const query = this.#queries.of(directory, session)
    if (query === undefined) return undefined
    const { step, state, intake } = this.#init
    // A page that brings nothing counts too: an answer has an end.
    if (!this.#queries.answered(query, Math.max(1, page.updates.length), step.nowMs)) {
      throw new PresenceProtocolError('an answer has more statements than a directory may make')
    }
    const via = state.holderOf(session.peer.toString())
    const taken = yield* intake.updates(page.updates, { of: directory, via, isAwaited: true })
    for (const counter of taken.counters) query.counters.add(counter)
    this.#queries.answered(query, 0, step.nowMs)
    if (!page.last) return taken
    this.#queries.ended(query)
    if (query.wanted.afterCounter === 0n && page.epoch !== undefined) {
      step.apply(state.settle(directory, page.epoch, query.counters, step.nowMs))
    }
    return taken
  }

  *#onWithdrawals(session: FederationSession, page: Frame<'page-withdrawals'>): OpenTask<Taken> {
    const left = (this.#withdrawalsLeft.get(session) ?? 0) - page.withdrawals.length
    if (left < 0) throw new PresenceProtocolError('a directory tells of more withdrawals than it may remember')
    this.#withdrawalsLeft.set(session, left)
    const { state, intake } = this.#init
    return yield* intake.withdrawals(page.withdrawals, {
      via: state.holderOf(session.peer.toString()),
      isAwaited: true
    })
  }

  #ask(wanted: Wanted, session: FederationSession | undefined): void {
    const { directory, epoch, afterCounter } = wanted
    if (session === undefined) return
    // A query at another directory gives way to one at the directory itself.
    if (this.#queries.isUnderWay(directory, session, this.#itself(directory) === session)) return
    const { step } = this.#init
    this.#queries.asked(wanted, session, step.nowMs)
    const frame: Frame<'ask'> = { type: 'ask', directory: peerIdFromString(directory), epoch, afterCounter }
    step.emit({ kind: 'send', session, frame })
  }

  /** The directory itself, when it is a federation peer; else the others in turn. */
  #whomToAsk(directory: string): FederationSession | undefined {
    const sessions = [...this.#sessions.values()]
    this.#turn++
    return this.#itself(directory) ?? sessions[this.#turn % Math.max(1, sessions.length)]
  }

  #itself(directory: string): FederationSession | undefined {
    return this.#sessions.get(directory)
  }

  #mayAsk(session: FederationSession): boolean {
    const mayAsk = this.#rateOf(session).ask.takeOne(this.#init.step.nowMs) === 0
    if (!mayAsk) this.#init.scoring.strike(session.peer)
    return mayAsk
  }

  #ownAddresses(): readonly Multiaddr[] {
    const addresses = this.#init.addresses.getAddresses()
    return addresses.slice(0, MAX_ADDRESSES).map((address) => address.decapsulateCode(CODE_P2P))
  }

  #mayTell(session: FederationSession): boolean {
    return this.#rateOf(session).tell.takeOne(this.#init.step.nowMs) === 0
  }

  #rateOf(session: FederationSession): Rates {
    const { nowMs } = this.#init.step
    const rates = this.#rates.get(session) ?? {
      ask: new TokenBucket(ASK_RATE, nowMs),
      tell: new TokenBucket(TELL_RATE, nowMs)
    }
    this.#rates.set(session, rates)
    return rates
  }
}

function* toWire(held: ReturnType<FederationState['after']>): Generator<WireUpdate> {
  for (const { statement, record, forMs } of held) {
    yield { statement: statement.envelope, ...(record === undefined ? {} : { record: record.envelope }), forMs }
  }
}

/** What the addresses of one federation peer may take of a Hello: sixteen of the usual length fit several times over. */
const HELLO_PEER_BYTES = 1024

/** A Hello is filled up to here: all federation peers and the digests of all of them fit, and most others that are known. */
const HELLO_BYTES = MAX_FEDERATION_FRAME_BYTES - 1024

/** @returns the Hello with what comes first in either list; the rest is left out */
function fitted<T extends Extract<FederationFrame, { type: 'hello' }>>(hello: T): T {
  const federationPeers = hello.federationPeers.map(withShortAddresses)
  const left = HELLO_BYTES - federationPeers.reduce((sum, federationPeer) => sum + peerBytes(federationPeer), 0)
  return {
    ...hello,
    federationPeers,
    digests: hello.digests.slice(0, countThatFit(hello.digests.map(digestBytes), left))
  }
}

function withShortAddresses(federationPeer: WireFederationPeer): WireFederationPeer {
  const sizes = federationPeer.addresses.map(({ bytes }) => bytes.byteLength + 4)
  return { ...federationPeer, addresses: federationPeer.addresses.slice(0, countThatFit(sizes, HELLO_PEER_BYTES)) }
}

function countThatFit(sizes: readonly number[], roomBytes: number): number {
  let bytes = 0
  const end = sizes.findIndex((size) => (bytes += size) > roomBytes)
  return end === -1 ? sizes.length : end
}

function peerBytes({ addresses }: WireFederationPeer): number {
  return addresses.reduce((sum, { bytes }) => sum + bytes.byteLength + 4, 64)
}

/** A peer ID, a digest and numbers beside the heartbeat. */
function digestBytes({ heartbeat }: WireDigest): number {
  return 160 + (heartbeat?.byteLength ?? 0)
}
