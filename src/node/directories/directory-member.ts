// The directories that this peer knows: for each where it was heard of, how it
// stands, and what is shown of it. Which of them are used is decided elsewhere.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import {
  DirectoryRefusedError,
  OtherNetworkError,
  refusalAdvice,
  type DirectoryClient,
  type DirectoryState
} from '../../directory/index.ts'
import { formatAddress, peerIdOf } from '../dialing/address.ts'
import { webSocketPlaceOf } from '../../transport/index.ts'
import { dialDirectory } from './websocket-fallback.ts'
import type { DirectoryFindings, DirectoryView } from '../api/chat-events.ts'

/** Where a directory was heard of. They are taken in this order. */
export type Origin = 'named' | 'remembered' | 'found' | 'default'

/** What connects this node with directories. */
export interface DirectoryDialer {
  dial(address: Multiaddr, options: { readonly signal: AbortSignal }): Promise<Connection>
  /** Tries all addresses that are known for the peer. */
  connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
}

/** Enough directories are in use: this one waits for its turn. */
export class StandbyError extends Error {
  override readonly name = 'StandbyError'
}

export interface MemberInit {
  readonly address: Multiaddr
  readonly origin: Origin
  /** All addresses of its last sighting on the LAN; empty when there was none. */
  readonly sightedAt: readonly string[]
  /** Where it said earlier that it is reached by WebSocket: any text. */
  readonly webSocket?: string | undefined
  /** Its client, made for this member. */
  readonly client: (member: Member) => DirectoryClient
}

export class Member {
  readonly address: Multiaddr
  readonly origin: Origin
  readonly client: DirectoryClient
  state: DirectoryState = { state: 'connecting' }
  /** Whether it has sent its whole roster since it was connected. */
  hasAnswered = false
  /** Peers on its roster, by its last word; it may send fewer. */
  total = 0
  peer: string | undefined
  /** It was reached after those with a lower number; 0 when it never was. */
  lastTaken = 0
  /** It is used, or is about to be: from the connection on, until that is lost. */
  hasPlace = false
  /** Its place goes to a nearer directory as soon as that one is ready. */
  yields = false
  /** All addresses of its last sighting on the LAN; empty when there was none. */
  sightedAt: readonly string[]
  /** Where it says that it is reached by WebSocket: any text. */
  webSocket: string | undefined
  /** Where it was reached last. */
  reachedAt: Multiaddr | undefined
  /** When it was last reached, by the wall clock. */
  reachedAtMs: number | undefined
  /** It was lost, or not reached: it may stand by only after it was reached again. */
  isMissing = false
  /** The round-trip time when that was last measured. */
  distanceMs: number | undefined
  /** The view that was reported last, as text. */
  reported: string | undefined
  /** Records and statements that it has sent without their owner's signature. */
  forged = 0

  constructor({ address, origin, sightedAt, webSocket, client }: MemberInit) {
    this.address = address
    this.origin = origin
    this.sightedAt = sightedAt
    this.webSocket = webSocket
    this.peer = peerIdOf(address)
    this.client = client(this)
  }

  /** The directory sends its roster; one that refuses to register this peer does too. */
  get isWatching(): boolean {
    return isWatching(this.state)
  }

  get isConnecting(): boolean {
    return this.state.state === 'connecting'
  }

  get isStandby(): boolean {
    return this.state.state === 'waiting' && this.state.why instanceof StandbyError
  }

  /** Worth a try at once when another is lost. One that has asked for a pause is not. */
  get isReady(): boolean {
    return this.state.state === 'waiting' && !(this.state.why instanceof DirectoryRefusedError)
  }

  /** Connects to it: at the address it is known by, by WebSocket where that fails, or wherever the LAN shows it. */
  async reach(dialer: DirectoryDialer, options: { readonly signal: AbortSignal }): Promise<Connection> {
    const peer = peerIdOf(this.address)
    if (peer !== undefined && this.sightedAt.length > 0) return dialer.connect(peer, options)
    const dial = async (...dialled: Parameters<DirectoryDialer['dial']>): Promise<Connection> => dialer.dial(...dialled)
    return dialDirectory(dial, this.address, { webSocket: this.webSocket, signal: options.signal })
  }

  /** It answered on this connection. */
  reached(connection: Connection, nowMs: number): void {
    this.peer = connection.remotePeer.toString()
    this.reachedAt = connection.remoteAddr
    this.reachedAtMs = nowMs
    this.isMissing = false
  }

  /** It stands by and was not reached. Its next try fails too, and says why. */
  missed(): void {
    this.isMissing = true
    this.client.wake()
  }

  /** @param shows its peers and findings, while it is in use */
  view(shows: { readonly peers: number; readonly findings: DirectoryFindings } | undefined): DirectoryView {
    const { address, origin, state, peer, distanceMs, total, reachedAtMs, isMissing } = this
    const rttMs = state.state === 'connected' ? state.rttMs : distanceMs
    return {
      address: formatAddress(address),
      peer,
      state: this.#stateName(),
      isDefault: origin === 'default',
      ...this.#by(),
      isDown: isMissing && (origin === 'named' || reachedAtMs !== undefined),
      ...(reachedAtMs === undefined ? {} : { reachedAtMs }),
      ...this.#why(),
      ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs) }),
      ...(state.state === 'connected' ? { registered: state.registered } : {}),
      ...(state.state === 'connected' && state.clockAheadMs !== undefined ? { clockAheadMs: state.clockAheadMs } : {}),
      ...(shows === undefined ? {} : shows),
      ...(shows === undefined || total <= shows.peers ? {} : { total })
    }
  }

  /** The WebSocket by which it is reached, where that is not how it is known. */
  #by(): Pick<DirectoryView, 'by'> {
    const { reachedAt } = this
    if (reachedAt === undefined || !isWatching(this.state)) return {}
    const isOther = webSocketPlaceOf(reachedAt) !== undefined && webSocketPlaceOf(this.address) === undefined
    return isOther ? { by: formatAddress(reachedAt) } : {}
  }

  #stateName(): DirectoryView['state'] {
    if (this.isStandby) return 'standby'
    return this.state.state === 'stopped' ? 'waiting' : this.state.state
  }

  #why(): Pick<DirectoryView, 'why' | 'isOfOtherNetwork' | 'retryAtMs'> {
    const { state } = this
    if (state.state === 'refused') return { why: refusalAdvice(state.reason), retryAtMs: state.retryAtMs }
    if (state.state !== 'waiting') return {}
    const why = { why: state.why.message }
    if (this.isStandby) return why
    const isOfOtherNetwork = state.why instanceof OtherNetworkError
    return { ...why, ...(isOfOtherNetwork ? { isOfOtherNetwork } : {}), retryAtMs: state.retryAtMs }
  }
}

export function isWatching({ state }: DirectoryState): boolean {
  return state === 'connected' || state === 'refused'
}

/** All directories that are known, in the order in which they were heard of. */
export class Members {
  readonly #byAddress = new Map<string, Member>()

  /** In their order. */
  all(): readonly Member[] {
    return [...this.#byAddress.values()]
  }

  has(address: Multiaddr): boolean {
    return this.#byAddress.has(address.toString())
  }

  includes(member: Member): boolean {
    return this.#byAddress.get(member.address.toString()) === member
  }

  add(member: Member): void {
    this.#byAddress.set(member.address.toString(), member)
  }

  delete(member: Member): void {
    this.#byAddress.delete(member.address.toString())
  }

  clear(): void {
    this.#byAddress.clear()
  }

  /** The one in use that has this peer ID. */
  inUse(directory: string): Member | undefined {
    return this.all().find(({ peer, hasPlace }) => hasPlace && peer === directory)
  }

  /** Whether the same directory is in use under another address. */
  isSecondWay(member: Member): boolean {
    return this.all().some((other) => other !== member && other.hasPlace && other.peer === member.peer)
  }

  /**
   * @returns whether it is worth a line. Not worth one are a default port where no directory was met, and a second
   *   address of a directory that is in use, or that was last reached at another address
   */
  isListed(member: Member): boolean {
    if (member.origin === 'default' && member.reachedAt === undefined) return false
    if (member.origin === 'named' || member.hasPlace) return true
    const ways = this.all().filter(({ peer }) => peer !== undefined && peer === member.peer)
    const newest = ways.toSorted((a, b) => Number(b.hasPlace) - Number(a.hasPlace) || b.lastTaken - a.lastTaken)[0]
    return newest === undefined || newest === member
  }
}
