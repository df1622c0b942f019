// Finds a way to a peer: an open connection, its addresses on the LAN, then all
// others, the first that answers with the right key wins. It makes one attempt;
// when to make the next is decided elsewhere.
import type { Connection, Libp2p, PeerId } from '@libp2p/interface'
import type { TransportManager } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDnsaddr, isLocal, isLoopback, peerIdOf } from './address.ts'
import { dialCandidates } from './candidates.ts'
import { ADDRESS_DIAL_TIMEOUT_MS, DIAL_STAGGER_MS, LAN_HEAD_START_MS } from './constants.ts'
import { explainDialError } from './dial-errors.ts'
import { KeyChangedError, OwnPeerError, UnreachableError } from './errors.ts'

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
  readonly addressesOf: (peer: string) => readonly (readonly string[])[]
  readonly isBlocked: (peer: string) => boolean
}

export class Reach {
  readonly #init: ReachInit
  readonly #attempts = new Map<string, SharedAttempt>()

  constructor(init: ReachInit) {
    this.#init = init
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
    const addresses = await this.#candidates(peer, signal)
    if (addresses.length === 0) {
      throw new UnreachableError('no address of the peer is known, and it is not on the roster')
    }
    const local = addresses.filter(isLocal)
    const others = addresses.filter((address) => !isLocal(address))
    const startOthersMs = local.length > 0 ? LAN_HEAD_START_MS : 0
    const attempts = [
      ...local.map((address, i) => this.#attempt(address, peer, i * DIAL_STAGGER_MS, signal)),
      ...others.map((address, i) => this.#attempt(address, peer, startOthersMs + i * DIAL_STAGGER_MS, signal))
    ]
    // Loopback is what people think of only where they have named it.
    const isNamed = (this.#init.addressesOf(peer)[0]?.length ?? 0) > 0
    const best = isNamed ? addresses[0] : (addresses.find((address) => !isLoopback(address)) ?? addresses[0])
    const mostPromising = [...local, ...others].findIndex((address) => address === best)
    try {
      const first = await Promise.any(attempts.map(async ({ connection }) => connection))
      void endOthers(attempts, first)
      return first
    } catch (error) {
      signal.throwIfAborted()
      throw bestReason(error, mostPromising)
    }
  }

  #attempt(address: Multiaddr, peer: string, afterMs: number, signal: AbortSignal): Attempt {
    const ended = new AbortController()
    const dial = async (): Promise<Connection> => {
      // A signal of its own: libp2p ends a connection when the signal that it was dialled with aborts, however late.
      const onAbort = (): void => ended.abort(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      let timer: NodeJS.Timeout | undefined
      try {
        signal.throwIfAborted()
        if (afterMs > 0) await sleep(afterMs, undefined, { signal: ended.signal })
        timer = setTimeout(() => ended.abort(new DOMException('too late', 'TimeoutError')), ADDRESS_DIAL_TIMEOUT_MS)
        if (isDnsaddr(address)) return await this.#init.libp2p().dial(address, { signal: ended.signal })
        return await this.#init.dialer().dial(address, { signal: ended.signal })
      } catch (error) {
        const cause = ended.signal.aborted ? ended.signal.reason : error
        throw explainDialError(cause, address, { expected: peer, timeoutMs: ADDRESS_DIAL_TIMEOUT_MS })
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
    }
    return { connection: dial(), end: () => ended.abort() }
  }

  /** Addresses that can be dialled, with the peer ID that must answer. */
  async #candidates(peer: string, signal: AbortSignal): Promise<readonly Multiaddr[]> {
    const id: PeerId = peerIdFromString(peer)
    const known = await this.#init
      .libp2p()
      .peerStore.get(id, { signal })
      .catch(() => undefined)
    const stored = known?.addresses.map((entry) => entry.multiaddr.toString()) ?? []
    return dialCandidates(peer, [...this.#init.addressesOf(peer), stored], ownHosts)
  }
}

function ownHosts(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)))
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
