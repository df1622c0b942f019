// Finds a way to a peer: an open connection, its addresses on the LAN, then all
// others, the first that answers with the right key wins. Addresses that others
// told are filtered (dialable.ts) and counted (dial-budget.ts) before they are
// dialled. It makes one attempt; when to make the next is decided elsewhere.
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { setTimeout as sleep } from 'node:timers/promises'
import { LruMap } from '../lib/index.ts'
import { steadyNow } from '../wire/index.ts'
import { formatAddress, hostPortOf, isDnsaddr, isLocal, isLoopback, peerIdOf } from './address.ts'
import { dialCandidates, type Candidate, type Candidates, type ToldAddresses } from './candidates.ts'
import {
  ADDRESS_DIAL_TIMEOUT_MS,
  DIAL_STAGGER_MS,
  LAN_HEAD_START_MS,
  MAX_DIALLED_PEERS,
  MAX_TOLD_ADDRESSES_PER_DIAL
} from './constants.ts'
import { vantageOf, type Vantage } from './dialable.ts'
import { DialBudget, type ToldDial } from './dial-budget.ts'
import { explainDialError } from './dial-errors.ts'
import { KeyChangedError, OwnPeerError, UnreachableError } from './errors.ts'
import { ownNetworkNow, type OwnNetwork } from './own-network.ts'

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

export interface ReachInit {
  readonly libp2p: () => Libp2p
  readonly dialer: () => AddressDialer
  /** The addresses that are known for the peer, a list for each way of knowing, the most promising first. */
  readonly addressesOf: (peer: string) => readonly ToldAddresses[]
  readonly isBlocked: (peer: string) => boolean
  /** The user has chosen the peer. */
  readonly isContact: (peer: string) => boolean
  /** The networks that this machine is in now. */
  readonly ownNetwork?: () => OwnNetwork
  readonly now?: () => number
}

export class Reach {
  readonly #init: ReachInit
  readonly #attempts = new Map<string, SharedAttempt>()
  readonly #now: () => number
  readonly #ownNetwork: () => OwnNetwork
  readonly #budget: DialBudget
  /** Where peers were when they were connected last; the oldest first. */
  readonly #met = new LruMap<string, Vantage>(MAX_DIALLED_PEERS)

  constructor(init: ReachInit) {
    this.#init = init
    this.#now = init.now ?? steadyNow
    this.#ownNetwork = init.ownNetwork ?? ownNetworkNow(this.#now)
    this.#budget = new DialBudget(this.#now())
  }

  /** The peer is connected: where it is says what it may tell of addresses. */
  met(peer: string): void {
    const connection = this.connection(peer)
    if (connection === undefined) return
    this.#met.set(peer, vantageOf(connection.remoteAddr, this.#ownNetwork()))
    this.#budget.forgetFailures(peer)
  }

  /** Where the peer was when it was connected last; undefined when it was not lately. */
  metAt(peer: string): Vantage | undefined {
    return this.#met.get(peer)
  }

  /** There is news of where the peer is, or of the network: what failed before may work now. */
  forgetFailures(peer?: string): void {
    this.#budget.forgetFailures(peer)
  }

  /** The open connection to the peer, the newest when there are several. */
  connection(peer: string): Connection | undefined {
    return this.#init
      .libp2p()
      .getConnections(peerIdFromString(peer))
      .findLast(({ status }) => status === 'open')
  }

  /**
   * One attempt; concurrent calls for one peer share it, and it is given up when nobody waits for it any more.
   *
   * @throws UnreachableError with the reason of the most promising address, KeyChangedError, the signal's reason
   */
  async connect(peer: string, options: { signal: AbortSignal }): Promise<Connection> {
    const open = this.connection(peer)
    if (open !== undefined) return open
    options.signal.throwIfAborted()
    const attempt = this.#attempts.get(peer) ?? this.#begin(peer)
    const { promise: aborted, reject } = Promise.withResolvers<never>()
    const onAbort = (): void => reject(options.signal.reason)
    options.signal.addEventListener('abort', onAbort, { once: true })
    attempt.waiting++
    try {
      return await Promise.race([attempt.connection, aborted])
    } finally {
      options.signal.removeEventListener('abort', onAbort)
      attempt.waiting--
      if (attempt.waiting === 0) this.#end(peer, attempt)
    }
  }

  /**
   * Dials an address; without a peer ID in it, whoever answers is taken.
   *
   * @throws UnreachableError, KeyChangedError, OwnPeerError
   */
  async dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection> {
    const expected = peerIdOf(address)
    const timeout = AbortSignal.timeout(ADDRESS_DIAL_TIMEOUT_MS)
    let connection: Connection
    try {
      connection = await this.#init.libp2p().dial(address, { signal: AbortSignal.any([options.signal, timeout]) })
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof Error && /dial self/.test(error.message)) throw new OwnPeerError(address.toString())
      throw explainDialError(timeout.aborted ? timeout.reason : error, address, {
        expected,
        timeoutMs: ADDRESS_DIAL_TIMEOUT_MS
      })
    }
    if (connection.remotePeer.equals(this.#init.libp2p().peerId)) {
      await connection.close().catch(() => undefined)
      throw new OwnPeerError(address.toString())
    }
    return connection
  }

  #begin(peer: string): SharedAttempt {
    const life = new AbortController()
    const attempt: SharedAttempt = { life, waiting: 0, connection: this.#race(peer, life.signal) }
    this.#attempts.set(peer, attempt)
    return attempt
  }

  /** Whoever comes later begins anew. */
  #end(peer: string, attempt: SharedAttempt): void {
    if (this.#attempts.get(peer) === attempt) this.#attempts.delete(peer)
    attempt.life.abort()
  }

  async #race(peer: string, signal: AbortSignal): Promise<Connection> {
    if (this.#init.isBlocked(peer)) throw new UnreachableError('the peer is blocked: /unblock it first')
    const own = this.#ownNetwork()
    const found = await this.#candidates(peer, own, signal)
    if (found.dialled.length === 0) throw new UnreachableError(whyNoAddress(found))
    const tried = this.#inTurn(peer, found.dialled)
    const addresses = tried.map(({ address }) => address)
    const isContact = this.#init.isContact(peer)
    const local = tried.filter(({ address }) => isLocal(address))
    const others = tried.filter(({ address }) => !isLocal(address))
    const startOthersMs = local.length > 0 ? LAN_HEAD_START_MS : 0
    const attempts = [
      ...local.map((one, i) => this.#attempt(toldDial(one, peer, isContact, own), i * DIAL_STAGGER_MS, signal)),
      ...others.map((one, i) =>
        this.#attempt(toldDial(one, peer, isContact, own), startOthersMs + i * DIAL_STAGGER_MS, signal)
      )
    ]
    // Loopback is what people think of only where they have named it.
    const isNamed = tried.some(({ from }) => from === 'user')
    const best = isNamed ? addresses[0] : (addresses.find((address) => !isLoopback(address)) ?? addresses[0])
    const mostPromising = [...local, ...others].findIndex(({ address }) => address === best)
    try {
      const first = await Promise.any(attempts.map(async ({ connection }) => connection))
      this.#budget.forgetFailures(peer)
      void endOthers(attempts, first)
      return first
    } catch (error) {
      signal.throwIfAborted()
      throw bestReason(error, mostPromising)
    }
  }

  /**
   * Of what others told a few at a time, and first what has not just failed. When all has failed what may be tried
   * again first is tried now: when to try is decided elsewhere.
   */
  #inTurn(peer: string, candidates: readonly Candidate[]): readonly Candidate[] {
    const nowMs = this.#now()
    const againAtMs = new Map(
      candidates.map((one) => [one, this.#budget.againAtMs({ peer, address: one.address.toString() })])
    )
    const againAt = (one: Candidate): number => againAtMs.get(one) ?? 0
    const told = candidates.filter(({ from }) => from !== 'user')
    const ready = told.filter((one) => againAt(one) <= nowMs).slice(0, MAX_TOLD_ADDRESSES_PER_DIAL)
    const isLast = ready.length === 0 && told.length === candidates.length
    const chosen = isLast ? told.toSorted((a, b) => againAt(a) - againAt(b)).slice(0, 1) : ready
    return candidates.filter((one) => one.from === 'user' || chosen.includes(one))
  }

  #attempt(target: Target, afterMs: number, signal: AbortSignal): Attempt {
    const { address, peer, told } = target
    const ended = new AbortController()
    const dial = async (): Promise<Connection> => {
      // A signal of its own: libp2p ends a connection when the signal that it was dialled with aborts, however late.
      const onAbort = (): void => ended.abort(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      let timer: NodeJS.Timeout | undefined
      try {
        signal.throwIfAborted()
        if (afterMs > 0) await sleep(afterMs, undefined, { signal: ended.signal })
        if (told !== undefined && !this.#budget.take(told, this.#now())) throw tooManyDials(address)
        timer = setTimeout(() => ended.abort(new DOMException('too late', 'TimeoutError')), ADDRESS_DIAL_TIMEOUT_MS)
        if (isDnsaddr(address)) return await this.#init.libp2p().dial(address, { signal: ended.signal })
        return await this.#init.dialer().dial(address, { signal: ended.signal })
      } catch (error) {
        if (error instanceof UnreachableError) throw error // it was not dialled at all
        const cause: unknown = ended.signal.aborted ? ended.signal.reason : error
        const isTooLate = cause instanceof DOMException && cause.name === 'TimeoutError'
        if (told !== undefined && (isTooLate || !ended.signal.aborted)) this.#budget.failed(told, this.#now())
        throw explainDialError(cause, address, { expected: peer, timeoutMs: ADDRESS_DIAL_TIMEOUT_MS })
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
    }
    return { connection: dial(), end: () => ended.abort() }
  }

  async #candidates(peer: string, own: OwnNetwork, signal: AbortSignal): Promise<Candidates> {
    const id: PeerId = peerIdFromString(peer)
    const known = await this.#init
      .libp2p()
      .peerStore.get(id, { signal })
      .catch(() => undefined)
    const stored = known?.addresses.map((entry) => entry.multiaddr.toString()) ?? []
    // What it said of itself when it was connected.
    const sources = [...this.#init.addressesOf(peer), { addresses: stored, from: this.metAt(peer) ?? 'elsewhere' }]
    return dialCandidates(peer, sources, own)
  }
}

/** One address that is dialled, and what is counted for it; nothing where the user has named it. */
interface Target {
  readonly address: Multiaddr
  readonly peer: string
  readonly told: ToldDial | undefined
}

function toldDial({ address, from }: Candidate, peer: string, isContact: boolean, own: OwnNetwork): Target {
  if (from === 'user') return { address, peer, told: undefined }
  const host = hostPortOf(address)?.host ?? ''
  const isHere = (from === 'machine' || from === 'known') && own.isOwn(host)
  return { address, peer, told: { peer, address: address.toString(), host, isHere, isContact } }
}

function whyNoAddress({ refused }: Candidates): string {
  const [first, ...more] = refused
  if (first === undefined) return 'no address of the peer is known, and it is not on the roster'
  const rest = more.length === 0 ? '' : `; nor are ${more.length} more`
  return `no address of the peer is dialled from here: ${first}${rest}`
}

function tooManyDials(address: Multiaddr): UnreachableError {
  return new UnreachableError(
    `${formatAddress(address)} is not dialled yet: there were too many dials at addresses that others told`
  )
}

/** One attempt to reach a peer, for all who wait for it. */
interface SharedAttempt {
  readonly connection: Promise<Connection>
  readonly life: AbortController
  waiting: number
}

/** One address of many that are dialled. */
interface Attempt {
  readonly connection: Promise<Connection>
  end(): void
}

/** Gives up the other dials, and closes what they have reached all the same. */
async function endOthers(attempts: readonly Attempt[], first: Connection): Promise<void> {
  const late = attempts.map(async ({ connection, end }) => {
    const won = await Promise.race([connection, Promise.resolve(undefined)]).catch(() => undefined)
    if (won === first) return
    end()
    const other = await connection
    if (other !== first) await other.close()
  })
  await Promise.allSettled(late)
}

/** Of many failures the one that tells most: another key, then that of the address that was named or known best. */
function bestReason(error: unknown, mostPromising: number): Error {
  if (!(error instanceof AggregateError)) return error instanceof Error ? error : new UnreachableError(String(error))
  const reasons = error.errors.filter((one) => one instanceof Error)
  const changed = reasons.find((one) => one instanceof KeyChangedError)
  const named: unknown = error.errors[mostPromising]
  return changed ?? (named instanceof Error ? named : reasons[0]) ?? new UnreachableError('no address answered')
}
