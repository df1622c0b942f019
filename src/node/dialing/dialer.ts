// Connects to a peer: by an open connection, its addresses on the LAN, then all
// others; the first that answers with the right key wins. Addresses that others
// reported are filtered (dialable.ts) and counted (dial-budget.ts) before they are
// dialled. It makes one attempt; when to make the next is decided elsewhere.
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { setTimeout as sleep } from 'node:timers/promises'
import { LruMap, onAbort } from '../../lib/index.ts'
import { orAborted, steadyNow } from '../../wire/index.ts'
import {
  formatAddress,
  hostPortOf,
  isDnsaddr,
  isLinkLocalIPv6,
  isLocal,
  isLoopback,
  isRelayed,
  peerIdOf
} from './address.ts'
import { AddressLookup } from './address-lookup.ts'
import { DialBudget, MAX_DIALLED_PEERS, type ReportedDial } from './dial-budget.ts'
import {
  dialCandidates,
  vantageOf,
  type Candidate,
  type Candidates,
  type KnownAddresses,
  type Vantage
} from './dialable.ts'
import { explainDialError, refusesNoise } from './dial-errors.ts'
import { otherEncryption } from './encryption-probe.ts'
import { BadAddressError, KeyChangedError, OwnPeerError, UnreachableError } from '../api/errors.ts'
import { type OwnNetwork, ownNetworkNow } from './own-network.ts'

/** For one address: longer than any transatlantic handshake, short enough for a command to end in 8 s. */
const ADDRESS_DIAL_TIMEOUT_MS = 5_000

/** LAN addresses are given this start before the others are dialled too (after RFC 8305's connection attempt delay). */
const LAN_HEAD_START_MS = 250

/**
 * A relay is asked only so long after the other dials have begun, or when all of them have failed. A handshake takes
 * three round trips: by then every peer that can be reached without a relay is, even on another continent.
 */
const RELAY_DELAY_MS = 1_000

/** Between two dials to one peer: a handshake on a LAN is often over by then, and the other dials are not needed. */
const DIAL_STAGGER_MS = 40

/** Reported addresses in one dial; the others are dialled only after these have failed. */
const MAX_REPORTED_ADDRESSES_PER_DIAL = 8

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
  /** The networks that this machine is in now. */
  readonly ownNetwork?: () => OwnNetwork
  readonly now?: () => number
  /** How long one address may take to be dialled. Default ADDRESS_DIAL_TIMEOUT_MS. */
  readonly addressTimeoutMs?: number
}

export class Dialer {
  readonly #init: DialerInit
  readonly #attempts = new Map<string, SharedAttempt>()
  readonly #now: () => number
  readonly #ownNetwork: () => OwnNetwork
  readonly #budget: DialBudget
  readonly #addressTimeoutMs: number
  /** How near peers were when they were connected last, the oldest first. */
  readonly #met = new LruMap<string, Vantage>(MAX_DIALLED_PEERS)

  constructor(init: DialerInit) {
    this.#init = init
    this.#now = init.now ?? steadyNow
    this.#ownNetwork = init.ownNetwork ?? ownNetworkNow(this.#now)
    this.#budget = new DialBudget(this.#now())
    this.#addressTimeoutMs = init.addressTimeoutMs ?? ADDRESS_DIAL_TIMEOUT_MS
  }

  /** The peer is connected: how near it is decides which addresses it may report. */
  connected(peer: string): void {
    const connection = this.connection(peer)
    if (connection === undefined) return
    // A relayed connection says nothing about where the peer is.
    if (!isRelayed(connection.remoteAddr)) {
      this.#met.set(peer, vantageOf(connection.remoteAddr, this.#ownNetwork()))
    }
    this.#budget.forgetFailures(peer)
  }

  /** How near the peer was when it was connected last; undefined when that was long ago. */
  lastVantage(peer: string): Vantage | undefined {
    return this.#met.get(peer)
  }

  /** The peer's addresses or the network have changed: what failed before may work now. */
  forgetFailures(peer?: string): void {
    this.#budget.forgetFailures(peer)
  }

  /** The open connection to the peer: of several the newest that is not relayed, else the newest. */
  connection(peer: string): Connection | undefined {
    const open = this.#init
      .libp2p()
      .getConnections(peerIdFromString(peer))
      .filter(({ status }) => status === 'open')
    return open.findLast(({ remoteAddr }) => !isRelayed(remoteAddr)) ?? open.at(-1)
  }

  /**
   * One attempt. Concurrent calls for one peer share it, and it ends when the last of them has given up.
   *
   * @throws UnreachableError with the reason of the most promising address, KeyChangedError, the signal's reason
   */
  async connect(peer: string, options: { signal: AbortSignal }): Promise<Connection> {
    const open = this.connection(peer)
    if (open !== undefined) return open
    options.signal.throwIfAborted()
    const attempt = this.#attempts.get(peer) ?? this.#begin(peer)
    attempt.waiting++
    try {
      return await orAborted(attempt.connection, options.signal)
    } finally {
      attempt.waiting--
      if (attempt.waiting === 0) this.#end(peer, attempt)
    }
  }

  /**
   * Dials an address; without a peer ID in it, any peer may answer.
   *
   * @throws UnreachableError, KeyChangedError, OwnPeerError; BadAddressError for an interface that this machine lacks
   */
  async dial(address: Multiaddr, options: { signal: AbortSignal }): Promise<Connection> {
    this.#checkZone(address)
    const expected = peerIdOf(address)
    const timeoutMs = this.#addressTimeoutMs
    const timeout = AbortSignal.timeout(timeoutMs)
    const signal = AbortSignal.any([options.signal, timeout])
    const lookup = new AddressLookup(address)
    let connection: Connection
    try {
      connection = await this.#init.libp2p().dial(address, { signal, onProgress: lookup.onProgress })
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
    if (connection.remotePeer.equals(this.#init.libp2p().peerId)) {
      await connection.close().catch(() => undefined)
      throw new OwnPeerError(formatAddress(address))
    }
    return connection
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

  #begin(peer: string): SharedAttempt {
    const life = new AbortController()
    const attempt: SharedAttempt = { life, waiting: 0, connection: this.#race(peer, life.signal) }
    this.#attempts.set(peer, attempt)
    return attempt
  }

  /** Later calls begin a new attempt. */
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
    const relayed = tried.filter(({ address }) => isRelayed(address))
    const local = tried.filter(({ address }) => isLocal(address))
    const others = tried.filter((one) => !relayed.includes(one) && !local.includes(one))
    const startOthersMs = local.length > 0 ? LAN_HEAD_START_MS : 0
    const attempt = (one: Candidate, start: Start): Attempt =>
      this.#attempt(targetOf(one, peer, isContact, own), start, signal)
    const direct = [
      ...local.map((one, i) => attempt(one, { afterMs: i * DIAL_STAGGER_MS })),
      ...others.map((one, i) => attempt(one, { afterMs: startOthersMs + i * DIAL_STAGGER_MS }))
    ]
    const allFailed = new Promise<void>((resolve) => {
      Promise.any(direct.map(async ({ connection }) => connection)).catch(() => resolve())
    })
    const attempts = [
      ...direct,
      ...relayed.map((one, i) =>
        attempt(one, { afterMs: startOthersMs + RELAY_DELAY_MS + i * DIAL_STAGGER_MS, orWhen: allFailed })
      )
    ]
    const isNamed = tried.some(({ from }) => from === 'user')
    const best = isNamed ? addresses[0] : mostFamiliar(addresses)
    const mostPromising = [...local, ...others, ...relayed].findIndex(({ address }) => address === best)
    try {
      const first = await Promise.any(attempts.map(async ({ connection }) => connection))
      this.#budget.forgetFailures(peer)
      void endOthers(attempts, first)
      return first
    } catch (error) {
      signal.throwIfAborted()
      const reason = bestReason(error, mostPromising)
      if (direct.length > 0 || found.refused.length === 0) throw reason
      // That no own address of the peer is dialled says more than what the relay answered.
      throw new UnreachableError(`${whyNoAddress(found)}; ${reason.message}`, { cause: reason })
    }
  }

  /**
   * A few of the reported addresses at a time, without those that have just failed. When all have failed, the one whose
   * back-off ends first is tried now: when to try is decided elsewhere.
   */
  #inTurn(peer: string, candidates: readonly Candidate[]): readonly Candidate[] {
    const nowMs = this.#now()
    const againAtMs = new Map(
      candidates.map((one) => [one, this.#budget.againAtMs({ peer, address: one.address.toString() })])
    )
    const againAt = (one: Candidate): number => againAtMs.get(one) ?? 0
    const reported = candidates.filter(({ from }) => from !== 'user')
    // There are as many relayed ones as relays in use: a long record must not push them out.
    const ready = reported
      .filter((one) => againAt(one) <= nowMs)
      .toSorted((a, b) => Number(isRelayed(b.address)) - Number(isRelayed(a.address)))
      .slice(0, MAX_REPORTED_ADDRESSES_PER_DIAL)
    const isLast = ready.length === 0 && reported.length === candidates.length
    const chosen = isLast ? reported.toSorted((a, b) => againAt(a) - againAt(b)).slice(0, 1) : ready
    return candidates.filter((one) => one.from === 'user' || chosen.includes(one))
  }

  #attempt(target: Target, { afterMs, orWhen }: Start, signal: AbortSignal): Attempt {
    const { address, peer, reported } = target
    const ended = new AbortController()
    const lookup = new AddressLookup(address)
    const timeoutMs = this.#addressTimeoutMs
    const dial = async (): Promise<Connection> => {
      // A signal of its own: libp2p ends a connection when the signal that it was dialled with aborts, however late.
      const unlisten = onAbort(signal, () => ended.abort(signal.reason))
      let timer: NodeJS.Timeout | undefined
      try {
        signal.throwIfAborted()
        if (afterMs > 0) await earlier(sleep(afterMs, undefined, { signal: ended.signal }), orWhen)
        if (reported !== undefined && !this.#budget.take(reported, this.#now())) throw tooManyDials(address)
        timer = setTimeout(() => ended.abort(new DOMException('too late', 'TimeoutError')), timeoutMs)
        if (isDnsaddr(address)) {
          const { onProgress } = lookup
          return await this.#init.libp2p().dial(address, { signal: ended.signal, onProgress })
        }
        return await this.#init.addressDialer().dial(address, { signal: ended.signal })
      } catch (error) {
        if (error instanceof UnreachableError) throw error // it was not dialled at all
        const cause: unknown = ended.signal.aborted ? ended.signal.reason : error
        const isTooLate = cause instanceof DOMException && cause.name === 'TimeoutError'
        if (reported !== undefined && (isTooLate || !ended.signal.aborted)) this.#budget.failed(reported, this.#now())
        throw explainDialError(cause, address, { expected: peer, timeoutMs, isLookingUp: lookup.isUnderWay })
      } finally {
        clearTimeout(timer)
        unlisten()
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
    // Its identify message names these.
    const sources = [
      ...this.#init.addressesOf(peer),
      { addresses: stored, from: this.lastVantage(peer) ?? 'elsewhere' }
    ]
    return dialCandidates(peer, sources, own, this.#init.relays?.())
  }
}

/** One address that is dialled, and what is counted for it: nothing if the user has named it. */
interface Target {
  readonly address: Multiaddr
  readonly peer: string
  readonly reported: ReportedDial | undefined
}

function targetOf({ address, from }: Candidate, peer: string, isContact: boolean, own: OwnNetwork): Target {
  if (from === 'user') return { address, peer, reported: undefined }
  const host = hostPortOf(address)?.host
  const isHere = (from === 'machine' || from === 'known') && host !== undefined && own.isOwn(host)
  return { address, peer, reported: { peer, address: address.toString(), host, isHere, isContact } }
}

function whyNoAddress({ refused }: Candidates): string {
  const [first, ...more] = refused
  if (first === undefined) return 'no address of the peer is known, and it is not on the roster'
  const rest = more.length === 0 ? '' : `; nor are ${more.length} more`
  return `no address of the peer is dialled from here: ${first}${rest}`
}

async function askEncryption(address: Multiaddr, signal: AbortSignal): Promise<string | undefined> {
  const place = hostPortOf(address)
  return place === undefined ? undefined : otherEncryption(place, { signal })
}

function tooManyDials(address: Multiaddr): UnreachableError {
  return new UnreachableError(
    `${formatAddress(address)} is not dialled yet: there were too many dials at addresses that others reported`
  )
}

/** One attempt to reach a peer, for all callers that wait for it. */
interface SharedAttempt {
  readonly connection: Promise<Connection>
  readonly life: AbortController
  waiting: number
}

/** When a dial begins: after so long, or when that has happened. */
interface Start {
  readonly afterMs: number
  readonly orWhen?: Promise<unknown>
}

async function earlier(time: Promise<void>, event: Promise<unknown> | undefined): Promise<void> {
  await (event === undefined ? time : Promise.race([time, event]))
}

/** The dial of one address among others. */
interface Attempt {
  readonly connection: Promise<Connection>
  end(): void
}

/** Ends the other dials, and closes connections that they have made nevertheless. */
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

/** The one that an error names: loopback and link-local IPv6 say little, and stand there only where nothing else was tried. */
function mostFamiliar(addresses: readonly Multiaddr[]): Multiaddr | undefined {
  const outward = addresses.filter((address) => !isLoopback(address))
  return outward.find((address) => !isLinkLocalIPv6(address)) ?? outward[0] ?? addresses[0]
}

/** The most telling of many failures: another key, then the failure of the most promising address. */
function bestReason(error: unknown, mostPromising: number): Error {
  if (!(error instanceof AggregateError)) return error instanceof Error ? error : new UnreachableError(String(error))
  const reasons = error.errors.filter((one) => one instanceof Error)
  const changed = reasons.find((one) => one instanceof KeyChangedError)
  const named: unknown = error.errors[mostPromising]
  return changed ?? (named instanceof Error ? named : reasons[0]) ?? new UnreachableError('no address answered')
}
