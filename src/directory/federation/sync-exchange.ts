// What fellows say to each other on their streams: Hello with digests, asking
// for what is missing, answering in pages. Knows which question is under way
// with whom; neither streams nor gossip.
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { TokenBucket } from '../../wire/index.ts'
import { MAX_TOMBSTONES } from '../constants.ts'
import { PresenceProtocolError } from '../errors.ts'
import type { VerifiedRecord } from '../presence-record.ts'
import { ASK_RATE, MAX_FELLOWS, TELL_RATE } from './constants.ts'
import type { FederationFrame, WireDigest, WireUpdate } from './federation-frames.ts'
import type { FederationState, HeldUpdate, Wanted } from './federation-state.ts'
import type { GossipIntake, Taken } from './gossip-intake.ts'
import { fitted } from './hello-room.ts'
import { packUpdates, packWithdrawals } from './packing.ts'
import { Questions } from './questions.ts'
import type { SyncSession } from './sync-session.ts'

type Frame<T extends FederationFrame['type']> = Extract<FederationFrame, { type: T }>

export interface SyncExchangeInit {
  readonly self: PeerId
  readonly network: string
  readonly state: FederationState
  readonly intake: GossipIntake
  readonly now: () => number
  ownHeartbeat(nowMs: number): { readonly envelope: Uint8Array; readonly agoMs: number } | undefined
  ownAddresses(): readonly Multiaddr[]
  addressesOf(peer: string): readonly Multiaddr[]
  withdrawals(): readonly VerifiedRecord[]
  /** The kept session with each fellow. */
  sessions(): readonly SyncSession[]
  /** The holder whose share a fellow counts for. */
  holderOf(peer: PeerId): string
  /** Whether what a directory says of its peers counts here. */
  admits(directory: string): boolean
  /** Whether the operator named a directory. */
  isNamed(directory: string): boolean
  /** Whether a directory is dialled already whenever it is away. */
  isKnown(peer: PeerId): boolean
  /** Of the addresses that a fellow tells, those that may be dialled on its word; it is connected from `teller`. */
  dialable(addresses: readonly Multiaddr[], teller: Multiaddr): readonly Multiaddr[]
  /** A fellow tells of a directory, itself or another. */
  learn(peer: PeerId, addresses: readonly Multiaddr[], whose: 'own' | 'told'): void
}

/** What one fellow may ask, and how many directories it may tell of that are new. */
interface Rates {
  readonly ask: TokenBucket
  readonly tell: TokenBucket
}

export class SyncExchange {
  readonly #init: SyncExchangeInit
  readonly #questions = new Questions<SyncSession>()
  /** Withdrawals that still may come from a fellow that was asked for them. */
  readonly #farewells = new WeakMap<SyncSession, number>()
  readonly #rates = new WeakMap<SyncSession, Rates>()
  readonly #greeted = new WeakSet<SyncSession>()
  #turn = 0

  constructor(init: SyncExchangeInit) {
    this.#init = init
  }

  hello(): Frame<'hello'> {
    const { self, network, state, now, ownHeartbeat, ownAddresses, addressesOf, sessions } = this.#init
    const nowMs = now()
    const joined = new Set([self, ...sessions().map(({ connection }) => connection.remotePeer)].map(String))
    // If there is no room for all, those that nobody is joined with are told of last.
    const held = state.digests(nowMs).toSorted((a, b) => +joined.has(b.directory) - +joined.has(a.directory))
    const digests = held.map(({ heartbeat, ...digest }): WireDigest => {
      const own = digest.directory === self.toString() ? ownHeartbeat(nowMs) : undefined
      const envelope = own?.envelope ?? heartbeat?.envelope
      return {
        ...digest,
        directory: peerIdFromString(digest.directory),
        ...(envelope === undefined ? {} : { heartbeat: envelope }),
        heardAgoMs: own?.agoMs ?? digest.heardAgoMs
      }
    })
    // A Hello holds no more of them than there are places for strangers: those that the operator knows go first.
    const others = sessions()
      .map(({ connection: { remotePeer: peer } }) => ({ peer, addresses: addressesOf(peer.toString()) }))
      .toSorted((a, b) => +this.#init.isNamed(b.peer.toString()) - +this.#init.isNamed(a.peer.toString()))
    const fellows = [{ peer: self, addresses: ownAddresses() }, ...others].slice(0, MAX_FELLOWS)
    return fitted({ type: 'hello', network, digests, fellows })
  }

  /** Whether the frame was asked for: an answer may be as long as it must. */
  isAwaited(session: SyncSession, frame: FederationFrame): boolean {
    if (frame.type === 'page-withdrawals') return this.#farewells.has(session)
    return frame.type === 'page' && this.#questions.of(frame.directory.toString(), session) !== undefined
  }

  /** @throws PresenceProtocolError when the fellow does what it must not */
  async onFrame(session: SyncSession, frame: FederationFrame, signal: AbortSignal): Promise<Taken | undefined> {
    switch (frame.type) {
      case 'hello':
        return this.#onHello(session, frame, signal)
      case 'ask':
        return this.#onAsk(session, frame)
      case 'ask-withdrawals':
        return this.#onAskWithdrawals(session)
      case 'page':
        return this.#onPage(session, frame, signal)
      case 'page-withdrawals':
        return this.#onFarewells(session, frame, signal)
      case 'refuse':
        return undefined // its session has ended with it
    }
  }

  /** Asks for what is missing. To be called a few times a second. */
  askForMissing(): void {
    const { state, now, sessions } = this.#init
    const nowMs = now()
    this.#questions.review(
      sessions(),
      nowMs,
      (directory, session) => session.connection.remotePeer.toString() === directory
    )
    for (const wanted of state.behind(nowMs)) this.#ask(wanted, this.#whomToAsk(wanted.directory))
  }

  async #onHello(session: SyncSession, hello: Frame<'hello'>, signal: AbortSignal): Promise<Taken> {
    const { self, intake, state, now } = this.#init
    const told = session.connection.remotePeer
    for (const { peer, addresses } of hello.fellows) {
      // Each that is new is dialled: somebody could have us dial the whole world.
      if (peer.equals(self) || (!this.#init.isKnown(peer) && !this.#mayTell(session))) continue
      const dialable = this.#init.dialable(addresses, session.connection.remoteAddr)
      this.#init.learn(peer, dialable, peer.equals(told) ? 'own' : 'told')
    }
    const known = new Map(state.digests(now()).map((digest) => [digest.directory, digest.heartbeat?.envelope]))
    let forged = 0
    const digests = hello.digests.filter(({ directory }) => this.#init.admits(directory.toString()))
    for (const { directory, heartbeat, heardAgoMs } of digests) {
      const held = known.get(directory.toString())
      if (heartbeat === undefined || (held !== undefined && Buffer.compare(held, heartbeat) === 0)) continue
      forged += (await intake.heartbeat(heartbeat, heardAgoMs, signal, this.#init.holderOf(told))).forged
    }
    if (!this.#greeted.has(session)) {
      this.#greeted.add(session)
      // What a fellow says of itself is asked of nobody else.
      const first = digests.toSorted((a, b) => Number(b.directory.equals(told)) - Number(a.directory.equals(told)))
      for (const digest of first) {
        const wanted = state.missing({ ...digest, directory: digest.directory.toString() })
        if (wanted !== undefined) this.#ask(wanted, this.#itself(wanted.directory) ?? session)
      }
      this.#farewells.set(session, MAX_TOMBSTONES)
      session.send({ type: 'ask-withdrawals' })
    }
    return { isNews: false, forged, counters: [] }
  }

  #onAsk(session: SyncSession, ask: Frame<'ask'>): undefined {
    if (!this.#mayAsk(session)) return
    const { state, now } = this.#init
    const directory = ask.directory.toString()
    session.answer(directory, function* () {
      const epoch = state.epochOf(directory)
      const said = epoch === undefined ? {} : { epoch }
      const held = state.after(directory, ask.epoch, ask.afterCounter, now())
      for (const updates of packUpdates(toWire(held))) {
        yield { type: 'page', directory: ask.directory, ...said, updates, last: false }
      }
      yield { type: 'page', directory: ask.directory, ...said, updates: [], last: true }
    })
  }

  #onAskWithdrawals(session: SyncSession): undefined {
    if (!this.#mayAsk(session)) return
    const envelopes = this.#init.withdrawals().map(({ envelope }) => envelope)
    session.answer('', function* () {
      for (const withdrawals of packWithdrawals(envelopes)) yield { type: 'page-withdrawals', withdrawals, last: false }
      yield { type: 'page-withdrawals', withdrawals: [], last: true }
    })
  }

  async #onPage(session: SyncSession, page: Frame<'page'>, signal: AbortSignal): Promise<Taken | undefined> {
    const directory = page.directory.toString()
    const question = this.#questions.of(directory, session)
    if (question === undefined) return undefined
    const { state, intake, now } = this.#init
    // A page that brings nothing counts too: an answer has an end.
    if (!this.#questions.answered(question, Math.max(1, page.updates.length), now())) {
      throw new PresenceProtocolError('an answer has more statements than a directory may make')
    }
    const via = this.#init.holderOf(session.connection.remotePeer)
    const taken = await intake.updates(page.updates, signal, { of: directory, via, isAwaited: true })
    for (const counter of taken.counters) question.counters.add(counter)
    this.#questions.answered(question, 0, now())
    if (!page.last) return taken
    this.#questions.ended(question)
    if (question.wanted.afterCounter === 0n && page.epoch !== undefined) {
      intake.apply(state.settle(directory, page.epoch, question.counters, now()))
    }
    return taken
  }

  async #onFarewells(session: SyncSession, page: Frame<'page-withdrawals'>, signal: AbortSignal): Promise<Taken> {
    const left = (this.#farewells.get(session) ?? 0) - page.withdrawals.length
    if (left < 0) throw new PresenceProtocolError('a directory tells of more withdrawals than it may remember')
    this.#farewells.set(session, left)
    const via = this.#init.holderOf(session.connection.remotePeer)
    return this.#init.intake.withdrawals(page.withdrawals, signal, { via, isAwaited: true })
  }

  #ask(wanted: Wanted, session: SyncSession | undefined): void {
    const { directory, epoch, afterCounter } = wanted
    if (session === undefined) return
    // Whoever else is asked about a directory gives way to itself.
    if (this.#questions.isUnderWay(directory, session, this.#itself(directory) === session)) return
    if (!session.send({ type: 'ask', directory: peerIdFromString(directory), epoch, afterCounter })) return
    this.#questions.asked(wanted, session, this.#init.now())
  }

  /** The directory itself, when it is a fellow; else the others in turn. */
  #whomToAsk(directory: string): SyncSession | undefined {
    const sessions = this.#init.sessions()
    this.#turn++
    return this.#itself(directory) ?? sessions[this.#turn % Math.max(1, sessions.length)]
  }

  #itself(directory: string): SyncSession | undefined {
    return this.#init.sessions().find(({ connection }) => connection.remotePeer.toString() === directory)
  }

  #mayAsk(session: SyncSession): boolean {
    return this.#rateOf(session).ask.takeOne(this.#init.now()) === 0
  }

  #mayTell(session: SyncSession): boolean {
    return this.#rateOf(session).tell.takeOne(this.#init.now()) === 0
  }

  #rateOf(session: SyncSession): Rates {
    const nowMs = this.#init.now()
    const rates = this.#rates.get(session) ?? {
      ask: new TokenBucket(ASK_RATE, nowMs),
      tell: new TokenBucket(TELL_RATE, nowMs)
    }
    this.#rates.set(session, rates)
    return rates
  }
}

function* toWire(held: Iterable<HeldUpdate>): Generator<WireUpdate> {
  for (const { statement, record, forMs } of held) {
    yield { statement: statement.envelope, ...(record === undefined ? {} : { record: record.envelope }), forMs }
  }
}
