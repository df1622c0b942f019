// Connects to a peer: by an open connection, or by a race of dials (dial-race.ts), after
// which a better path than a relay may still come. Addresses that others reported are
// filtered (dialable.ts) and counted (dial-budget.ts) before they are dialled. It makes
// one attempt; when to make the next is decided elsewhere.
import type { Connection, Libp2p } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { LruMap, Wakeup } from '../../lib/index.ts'
import { webSocketPlaceOf } from '../../transport/index.ts'
import { orAborted, steadyNow } from '../../wire/index.ts'
import {
  formatAddress,
  hostPortOf,
  isDnsaddr,
  isLocal,
  isPunched,
  isRelayed,
  pathRankOf,
  peerIdOf,
  relayOf
} from './address.ts'
import { AddressLookup } from './address-lookup.ts'
import { ADDRESS_DIAL_TIMEOUT_MS, DialAttempt, endOthers, targetOf, type DialOptions } from './dial-attempt.ts'
import { DialBudget, MAX_DIALLED_PEERS } from './dial-budget.ts'
import { DialRace } from './dial-race.ts'
import { dialCandidates, inTurn, vantageOf, type Candidates, type KnownAddresses, type Vantage } from './dialable.ts'
import {
  bestReason,
  blockedPeer,
  explainDialError,
  type LostRelay,
  mostFamiliar,
  noAddress,
  refusesNoise,
  withLostRelays
} from './dial-errors.ts'
import { otherEncryption } from './encryption-probe.ts'
import { BadAddressError, OwnPeerError, UnreachableError } from '../api/errors.ts'
import { OpenConnections } from './open-connections.ts'
import { type OwnNetwork, ownNetworkNow } from './own-network.ts'

/** Dials exactly one address. libp2p's own dial queue tries the addresses of a peer one after the other. */
export interface AddressDialer {
  dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection>
}

/** The libp2p service that gives an AddressDialer. */
export function addressDialer(): (components: { transportManager: TransportManager }) => AddressDialer {
  return ({ transportManager }) => ({
    dial: async (address, options) => transportManager.dial(address, options)
  })
}

export interface DialerInit {
  readonly libp2p: () => Libp2p
  readonly addressDialer: () => AddressDialer
  /** The known addresses of the peer, one list for each source, the most promising first. */
  readonly addressesOf: (peer: string) => readonly KnownAddresses[]
  readonly isBlocked: (peer: string) => boolean
  /** The user has chosen the peer. */
  readonly isContact: (peer: string) => boolean
  /** The relays in use: peer IDs. Default none. */
  readonly relays?: () => ReadonlySet<string>
  /** Relays that the user named and that can't be used now. Default none. */
  readonly lostRelays?: () => readonly LostRelay[]
  /** The LAN shows the peer now: a relay is asked only when all other dials have failed. Default never. */
  readonly isSighted?: (peer: string) => boolean
  /** The networks that this machine is in now. */
  readonly ownNetwork?: () => OwnNetwork
  readonly now?: () => number
  /** How long one address may take to be dialled. Default ADDRESS_DIAL_TIMEOUT_MS. */
  readonly addressTimeoutMs?: number
}

export class Dialer {
  readonly #init: DialerInit
  readonly #connections: OpenConnections
  readonly #attempts = new Map<string, SharedAttempt>()
  /** Dials that go on though a relay has answered, by peer. */
  readonly #goingOn = new Map<string, readonly DialAttempt[]>()
  readonly #now: () => number
  readonly #ownNetwork: () => OwnNetwork
  readonly #budget: DialBudget
  readonly #addressTimeoutMs: number
  /** How near peers were when they were connected last, the oldest first. */
  readonly #met = new LruMap<string, Vantage>(MAX_DIALLED_PEERS)
  /** The relay through which a peer was connected last. */
  readonly #lastRelay = new LruMap<string, string>(MAX_DIALLED_PEERS)

  constructor(init: DialerInit) {
    this.#init = init
    this.#connections = new OpenConnections(init.libp2p)
    this.#now = init.now ?? steadyNow
    this.#ownNetwork = init.ownNetwork ?? ownNetworkNow(this.#now)
    this.#budget = new DialBudget(this.#now())
    this.#addressTimeoutMs = init.addressTimeoutMs ?? ADDRESS_DIAL_TIMEOUT_MS
  }

  /** The peer is connected: how near it is decides which addresses it may report. */
  connected(peer: string): void {
    const best = this.connection(peer)
    const relay = best === undefined ? undefined : relayOf(best.remoteAddr)
    if (relay !== undefined) this.#lastRelay.set(peer, relay)
    const connection = this.#connections.direct(peer)
    // A relayed connection says nothing about where the peer is, nor which of its addresses can be reached.
    if (connection === undefined) return
    this.#met.set(peer, vantageOf(connection.remoteAddr, this.#ownNetwork()))
    // Routers let the packets of a punched path in, and no dial.
    if (!isPunched(connection.remoteAddr)) this.#budget.forgetFailures(peer)
  }

  /** How near the peer was when it was connected last; undefined when that was long ago. */
  lastVantage(peer: string): Vantage | undefined {
    return this.#met.get(peer)
  }

  /** The peer's addresses or the network have changed: what failed before may work now. */
  forgetFailures(peer?: string): void {
    this.#budget.forgetFailures(peer)
  }

  /** See {@link OpenConnections.best}. */
  connection(peer: string): Connection | undefined {
    return this.#connections.best(peer)
  }

  /**
   * One attempt. Concurrent calls for one peer share it, and it ends when the last of them has given up. When a relay
   * answers first, the other dials go on: what they reach is a connection more.
   *
   * @throws UnreachableError with the reason of the most promising address, KeyChangedError, the signal's reason
   */
  async connect(peer: string, options: { signal: AbortSignal }): Promise<Connection> {
    const open = this.connection(peer)
    if (open !== undefined) return open
    const running = this.#attempts.get(peer)
    if (running?.asksRelays === false) {
      try {
        return await this.#join(peer, running, options.signal)
      } catch {
        options.signal.throwIfAborted()
        if (this.#attempts.get(peer) === running) this.#attempts.delete(peer)
      }
    }
    options.signal.throwIfAborted()
    return this.#join(peer, this.#attempts.get(peer) ?? this.#begin(peer, { asksRelays: true }), options.signal)
  }

  /**
   * The same without relays, and beside an open connection at addresses that promise a better path. Where an attempt that
   * asks relays is under way, it is shared, and its answer may be relayed.
   *
   * @throws as {@link connect}
   */
  async connectBetter(peer: string, options: { signal: AbortSignal }): Promise<Connection> {
    const open = this.connection(peer)
    const isBest = open !== undefined && isLocal(open.remoteAddr)
    if (open !== undefined && (isBest || this.#goingOn.has(peer))) return open
    options.signal.throwIfAborted()
    return this.#join(peer, this.#attempts.get(peer) ?? this.#begin(peer, { asksRelays: false }), options.signal)
  }

  /** A relay has come into use: attempts under way ask it too. */
  relayCame(): void {
    for (const { asksRelays, newRelay } of this.#attempts.values()) if (asksRelays) newRelay.wake()
  }

  /** Ends the dials that go on by themselves. */
  stop(): void {
    for (const attempts of this.#goingOn.values()) for (const attempt of attempts) attempt.end()
  }

  /**
   * Dials an address; without a peer ID in it, any peer may answer.
   *
   * @throws UnreachableError, KeyChangedError, OwnPeerError; BadAddressError for an interface that this machine lacks
   */
  async dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection> {
    this.#checkZone(address)
    const isWebSocket = webSocketPlaceOf(address) !== undefined
    const connection = await (isWebSocket ? this.#dialApart(address, options) : this.#dialQueued(address, options))
    if (connection.remotePeer.equals(this.#init.libp2p().peerId)) {
      await connection.close().catch(() => undefined)
      throw new OwnPeerError(formatAddress(address))
    }
    return connection
  }

  async #dialQueued(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection> {
    const expected = peerIdOf(address)
    const timeoutMs = this.#addressTimeoutMs
    const timeout = AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([options.signal, timeout])
    const lookup = new AddressLookup(address)
    try {
      return await this.#init.libp2p().dial(address, { signal, onProgress: lookup.onProgress })
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof Error && /dial self/.test(error.message)) throw new OwnPeerError(formatAddress(address))
      const encryption = refusesNoise(error) ? await askEncryption(address, options.signal) : undefined
      options.signal.throwIfAborted()
      throw explainDialError(timeout.aborted ? timeout.reason : error, address, {
        expected,
        timeoutMs,
        encryption,
        isLookingUp: lookup.isUnderWay
      })
    }
  }

  /** libp2p's queue would put a second way to a peer behind the first one, which may be what does not answer. */
  async #dialApart(address: Multiaddr, { signal }: { signal: AbortSignal }): Promise<Connection> {
    const attempt = new DialAttempt({
      target: { address, peer: peerIdOf(address) ?? '', reported: undefined },
      start: { afterMs: 0 },
      signal,
      timeoutMs: this.#addressTimeoutMs,
      dial: async (dialled, options) => this.dialOne(dialled, options),
      budget: this.#budget,
      now: this.#now
    })
    try {
      return await attempt.connection
    } catch (error) {
      signal.throwIfAborted()
      throw error
    }
  }

  /** Which addresses of the peer would be dialled now, relayed ones among them, and which not. */
  async candidates(peer: string, { signal }: { readonly signal: AbortSignal }): Promise<Candidates> {
    const known = await this.#init
      .libp2p()
      .peerStore.get(peerIdFromString(peer), { signal })
      .catch(() => undefined)
    const stored = known?.addresses.map((entry) => entry.multiaddr.toString()) ?? []
    // Its identify message names these.
    const sources = [
      ...this.#init.addressesOf(peer),
      { addresses: stored, from: this.lastVantage(peer) ?? 'elsewhere' }
    ]
    return dialCandidates(peer, sources, this.#ownNetwork(), this.#init.relays?.())
  }

  /** One connection to the peer at one of its addresses, beside any that is open. @throws as libp2p does */
  async dialOne(address: Multiaddr, options: DialOptions): Promise<Connection> {
    if (isDnsaddr(address)) return this.#init.libp2p().dial(address, options)
    return this.#init.addressDialer().dial(address, options)
  }

  /** To a zone that it does not know, the system would send over some other link, or wait in vain. */
  #checkZone(address: Multiaddr): void {
    const zone = hostPortOf(address)?.host.split('%')[1]
    const { zones } = this.#ownNetwork()
    if (zone === undefined || zones.includes(zone)) return
    const there = zones.length === 0 ? 'none has' : `those are ${zones.join(', ')}`
    const what = `no interface ${zone} of this machine has a link-local IPv6 address now: ${there}`
    throw new BadAddressError(formatAddress(address), what)
  }

  async #join(peer: string, attempt: SharedAttempt, signal: AbortSignal): Promise<Connection> {
    attempt.waiting++
    try {
      return await orAborted(attempt.connection, signal)
    } finally {
      attempt.waiting--
      if (attempt.waiting === 0) this.#end(peer, attempt)
    }
  }

  #begin(peer: string, { asksRelays }: Pick<RaceKind, 'asksRelays'>): SharedAttempt {
    const life = new AbortController()
    const kind = { asksRelays, newRelay: new Wakeup() }
    const attempt: SharedAttempt = { ...kind, life, waiting: 0, connection: this.#race(peer, kind, life.signal) }
    this.#attempts.set(peer, attempt)
    return attempt
  }

  /** Later calls begin a new attempt. */
  #end(peer: string, attempt: SharedAttempt): void {
    if (this.#attempts.get(peer) === attempt) this.#attempts.delete(peer)
    attempt.life.abort()
  }

  async #race(peer: string, kind: RaceKind, signal: AbortSignal): Promise<Connection> {
    if (this.#init.isBlocked(peer)) throw blockedPeer()
    try {
      return await this.#raceAll(peer, kind, signal)
    } catch (error) {
      throw withLostRelays(error, this.#init.lostRelays?.() ?? [], this.#lastRelay.get(peer))
    }
  }

  async #raceAll(peer: string, { asksRelays, newRelay }: RaceKind, signal: AbortSignal): Promise<Connection> {
    const own = this.#ownNetwork()
    const found = await this.candidates(peer, { signal })
    const open = asksRelays ? undefined : this.connection(peer)
    const candidates = asksRelays
      ? found.dialled
      : found.dialled.filter(({ address }) => isWorthDialling(address, open))
    if (candidates.length === 0) throw noAddress(found)
    const againAtMs = (address: Multiaddr): number => this.#budget.againAtMs({ peer, address: address.toString() })
    const tried = inTurn(candidates, againAtMs, this.#now())
    const isContact = this.#init.isContact(peer)
    const race = new DialRace({
      candidates: tried,
      own,
      isSighted: this.#init.isSighted?.(peer) === true,
      attempt: (one, start) =>
        new DialAttempt({
          target: targetOf(one, peer, isContact, own),
          start,
          signal,
          timeoutMs: this.#addressTimeoutMs,
          dial: async (address, options) => this.dialOne(address, options),
          budget: this.#budget,
          now: this.#now
        }),
      newRelay,
      relayed: async () => {
        const { dialled } = await this.candidates(peer, { signal })
        return dialled.filter(({ address }) => isRelayed(address))
      },
      now: this.#now
    })
    const addresses = tried.map(({ address }) => address)
    const isNamed = tried.some(({ from }) => from === 'user')
    const best = isNamed ? addresses[0] : mostFamiliar(addresses)
    const mostPromising = race.order.findIndex(({ address }) => address === best)
    try {
      const winner = await race.winner()
      const first = await winner.connection
      const { direct, throughRelays } = race
      if (throughRelays.includes(winner)) {
        void endOthers(throughRelays, first)
        this.#goOn(peer, direct)
      } else {
        this.#budget.forgetFailures(peer)
        void endOthers([...direct, ...throughRelays], first)
      }
      return first
    } catch (error) {
      signal.throwIfAborted()
      const reason = bestReason(error, mostPromising)
      if (race.direct.length > 0 || found.refused.length === 0) throw reason
      // That no own address of the peer is dialled says more than what the relay answered.
      throw new UnreachableError(`${noAddress(found).message}; ${reason.message}`, { cause: reason })
    }
  }

  /** A relay has answered first. What is still dialled may be a better path, and waits for nobody. */
  #goOn(peer: string, attempts: readonly DialAttempt[]): void {
    for (const attempt of attempts) attempt.goOn()
    this.#goingOn.set(peer, attempts)
    const over = Promise.any(attempts.map(async ({ connection }) => connection)).then(
      async (first) => endOthers(attempts, first),
      () => undefined
    )
    void over.finally(() => {
      if (this.#goingOn.get(peer) === attempts) this.#goingOn.delete(peer)
    })
  }
}

async function askEncryption(address: Multiaddr, signal: AbortSignal): Promise<string | undefined> {
  const place = hostPortOf(address)
  return place === undefined ? undefined : otherEncryption(place, { signal })
}

interface RaceKind {
  readonly asksRelays: boolean
  readonly newRelay: Wakeup
}

/** One attempt to reach a peer, for all callers that wait for it. */
interface SharedAttempt extends RaceKind {
  readonly connection: Promise<Connection>
  readonly life: AbortController
  waiting: number
}

/** Without a relay, and where a connection is open only for a better path. */
function isWorthDialling(address: Multiaddr, open: Connection | undefined): boolean {
  return !isRelayed(address) && (open === undefined || pathRankOf(address) > pathRankOf(open.remoteAddr))
}
