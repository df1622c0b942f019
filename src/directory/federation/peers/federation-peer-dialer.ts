// Keeps this directory connected to its federation peers: named ones for ever, those
// that others name or the LAN shows for some hours. Knows which are joined and which
// are away; does not know what federation peers say to each other.
import { setMaxListeners } from 'node:events'
import type { Connection, Logger } from '@libp2p/interface'
import { CODE_P2P } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { backoffMs } from '../../../lib/index.ts'
import { orAborted, toError, withDeadline } from '../../../wire/index.ts'
import { OTHER_NETWORK_RETRY_MS, PATIENT_AFTER_MS, REDIAL_JITTER, boundedRetryMs } from '../../redial-delay.ts'
import { FederationRefusedError, MAX_FEDERATION_PEERS } from '../../federation-frames.ts'
import { MAX_ADDRESSES } from '../../../presence/index.ts'
import { FEDERATION_DIAL_TIMEOUT_MS, NotAFederationPeerError } from './federation-streams.ts'
import { OtherNetworkError } from '../../directory-frames.ts'

/** Between dials of a federation peer that is away. It stays short: directories that meet again agree within seconds. */
const FEDERATION_REDIAL_MS = { first: 250, max: 2_000 } as const

/** The side with the larger peer ID waits this long for the other's dial, when both know of each other. */
const FEDERATION_DIAL_PATIENCE_MS = 400

/** No directory answers there, or it has no place for us: it is dialled again after this. */
const NOT_A_FEDERATION_PEER_RETRY_MS = 10_000

/** A federation peer that others named and that was never reached: after a minute it is dialled this seldom. */
const UNPROVEN_REDIAL_MS = 60_000

/** A named one that was never reached in this time is reported to the operator, once: it may be just starting. */
const UNREACHED_NOTICE_MS = 5_000

/** A federation peer that others named and that is away for so long is forgotten. Those that the operator named never are. */
const LEARNT_FEDERATION_PEER_TTL_MS = 6 * 60 * 60 * 1_000

/** Federation peers known from others and from the LAN; beyond it the one that was away longest goes. */
const MAX_LEARNT_FEDERATION_PEERS = 64

export interface FederationDialing {
  /** Connects to whichever directory is at an address; undefined when it is this one itself. */
  dial(address: Multiaddr, options: { readonly signal: AbortSignal }): Promise<Connection | undefined>
  /** Connects to this directory by whatever addresses are known of it. */
  connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
}

interface FederationPeerDialerInit {
  readonly self: string
  readonly named: readonly Multiaddr[]
  /** Whether others than named ones may be joined. */
  readonly admitsOthers: boolean
  readonly dialing: FederationDialing
  readonly now: () => number
  readonly random: () => number
  readonly log: Logger
}

/** The streams that dialling is for. */
interface DialledLinks {
  /** It is refused for a while. */
  isBanned(peer: string): boolean
  /** A stream to it is open, or being opened. */
  isUnderWay(peer: string): boolean
  /** How many are joined that were not named. */
  readonly strangers: number
  /** Opens a stream and stays with it; rejects when that did not join the directory. */
  open(connection: Connection, signal: AbortSignal): Promise<void>
}

export interface DialListener {
  /** One that was named is not reached. Told once of each, until it was. */
  onUnreached(address: Multiaddr, error: Error): void
  /** One that is dialled does not join, and says why. Told once of each, until it was joined. */
  onRefused(peer: string, error: FederationRefusedError): void
}

/** From start to stop. */
interface Life {
  readonly controller: AbortController
  readonly links: DialledLinks
  readonly listener: DialListener
}

interface Target {
  /** Where to dial, for one that was named. */
  readonly address: Multiaddr | undefined
  /** Who it is, once that is known. */
  peer: string | undefined
  wasJoined: boolean
  failures: number
  /** The operator has read that it is not reached. */
  isReported: boolean
  /** When it was last joined, or named by another. */
  seenAtMs: number
  sinceMs: number
  wake: (() => void) | undefined
}

export class FederationPeerDialer {
  readonly #init: FederationPeerDialerInit
  readonly #targets = new Set<Target>()
  /** The known peer IDs of the directories that the operator named. */
  readonly #named = new Set<string>()
  readonly #addresses = new FederationPeerAddresses()
  readonly #loops = new Set<Promise<void>>()
  #life: Life | undefined

  constructor(init: FederationPeerDialerInit) {
    this.#init = init
  }

  start(links: DialledLinks, listener: DialListener): void {
    if (this.#life !== undefined) return
    const controller = new AbortController()
    setMaxListeners(Infinity, controller.signal)
    this.#life = { controller, links, listener }
    for (const address of this.#init.named) this.#pursue({ address, peer: peerIn(address) })
    this.#noteNamed()
  }

  async stop(): Promise<void> {
    this.#life?.controller.abort(new Error('the directory was stopped'))
    this.#life = undefined
    await Promise.allSettled(this.#loops)
    this.#targets.clear()
    this.#named.clear()
    this.#addresses.clear()
  }

  /** Whether the operator named it, as far as its peer ID is known. */
  isNamed(peer: string): boolean {
    return this.#named.has(peer)
  }

  /** Whether what the directory says of its peers counts here. */
  admits(peer: string): boolean {
    return this.#init.admitsOthers || peer === this.#init.self || this.isNamed(peer)
  }

  /** Where a federation peer may be reached, as far as is known. */
  addressesOf(peer: string): readonly Multiaddr[] {
    return this.#addresses.of(peer)
  }

  /** Whether it is dialled whenever it is away. */
  isKnown(peer: string): boolean {
    return [...this.#targets].some((target) => target.peer === peer)
  }

  /** A directory of our network is there: its own word, or another's. */
  learn(peer: string, addresses: readonly Multiaddr[], whose: 'own' | 'told' = 'told'): void {
    if (this.#life === undefined || peer === this.#init.self) return
    if (!this.#init.admitsOthers && !this.isNamed(peer)) return
    const known = [...this.#targets].find((target) => target.peer === peer)
    if (known === undefined) {
      if (addresses.length === 0) return
      const learnt = [...this.#targets].filter(({ address }) => address === undefined)
      if (learnt.length >= MAX_LEARNT_FEDERATION_PEERS && !this.#forgetOne(learnt, this.#life.links)) return
    }
    if (addresses.length > 0) this.#addresses.learn(peer, whose, addresses)
    if (known === undefined) this.#pursue({ address: undefined, peer })
    else if (known.address === undefined && this.#life.links.isUnderWay(peer)) known.seenAtMs = this.#init.now()
  }

  /** It is joined now, whichever side dialled. */
  linked(peer: string): void {
    for (const target of this.#targets) {
      if (target.peer !== peer) continue
      target.wasJoined = true
      target.isReported = false
      target.failures = 0
      target.seenAtMs = this.#init.now()
    }
  }

  /** It is not joined any more: dial it. */
  lost(peer: string): void {
    for (const target of this.#targets) {
      if (target.peer !== peer) continue
      target.seenAtMs = this.#init.now()
      target.sinceMs = this.#init.now()
      target.wake?.()
    }
  }

  #pursue(whom: Pick<Target, 'address' | 'peer'>): void {
    const life = this.#life
    if (life === undefined) return
    const nowMs = this.#init.now()
    const target: Target = {
      ...whom,
      wasJoined: false,
      failures: 0,
      isReported: false,
      seenAtMs: nowMs,
      sinceMs: nowMs,
      wake: undefined
    }
    this.#targets.add(target)
    const loop = this.#run(target, life)
      .catch((error: unknown) => this.#init.log.error('dialling federation peers - %e', error))
      .finally(() => {
        this.#loops.delete(loop)
        this.#targets.delete(target)
      })
    this.#loops.add(loop)
  }

  async #run(target: Target, life: Life): Promise<void> {
    const { links } = life
    const { signal } = life.controller
    while (!signal.aborted && this.#targets.has(target)) {
      if (target.peer !== undefined && links.isUnderWay(target.peer)) {
        await this.#sleep(target, undefined, signal)
        continue
      }
      if (this.#isForgotten(target)) {
        if (target.peer !== undefined) this.#addresses.forget(target.peer)
        return
      }
      // When both lose each other, both dial: the larger ID lets the other go first.
      if (target.peer !== undefined && this.#init.self > target.peer) {
        await this.#sleep(target, FEDERATION_DIAL_PATIENCE_MS, signal)
        if (links.isUnderWay(target.peer)) continue
      }
      const retryMs = await this.#tryOnce(target, life)
      if (retryMs === undefined) return
      await this.#sleep(target, retryMs, signal)
    }
  }

  /** @returns how long to wait before the next try; undefined when there need be none */
  async #tryOnce(target: Target, life: Life): Promise<number | undefined> {
    const { links } = life
    const { signal } = life.controller
    if (target.address === undefined && !this.#mayDial(target, links)) return NOT_A_FEDERATION_PEER_RETRY_MS
    try {
      const connection = await withDeadline('dial', FEDERATION_DIAL_TIMEOUT_MS, signal, (inTime) =>
        this.#connect(target, inTime)
      )
      if (connection === undefined) return undefined
      const peer = connection.remotePeer.toString()
      if (!this.#identify(target, peer)) return undefined
      if (links.isUnderWay(peer)) {
        // A second connection, made only to learn who answers there.
        if (target.address !== undefined && connection.streams.length === 0)
          void connection.close().catch(() => undefined)
        return 0
      }
      if (links.isBanned(peer)) return NOT_A_FEDERATION_PEER_RETRY_MS
      await links.open(connection, signal)
      return this.#delay(target)
    } catch (error) {
      if (!signal.aborted) this.#init.log('%s is no federation peer now - %e', nameOf(target), toError(error))
      if (!signal.aborted) this.#report(target, toError(error), life.listener)
      if (error instanceof OtherNetworkError) return OTHER_NETWORK_RETRY_MS
      if (error instanceof FederationRefusedError && error.retryAfterMs !== undefined)
        return boundedRetryMs(error.retryAfterMs)
      // One that is being stopped or started serves nothing for a moment.
      if (error instanceof NotAFederationPeerError && !target.wasJoined) return NOT_A_FEDERATION_PEER_RETRY_MS
      return this.#delay(target)
    }
  }

  #report(target: Target, error: Error, listener: DialListener): void {
    const { address, peer, wasJoined, isReported, sinceMs } = target
    if (error instanceof FederationRefusedError && error.retryAfterMs !== undefined && peer !== undefined) {
      if (!isReported) listener.onRefused(peer, error)
      target.isReported = true
      return
    }
    if (address === undefined || wasJoined || isReported || error instanceof OtherNetworkError) return
    // It may be about to start, but nothing else becomes a directory.
    if (!(error instanceof NotAFederationPeerError) && this.#init.now() - sinceMs < UNREACHED_NOTICE_MS) return
    target.isReported = true
    listener.onUnreached(address, error)
  }

  async #connect(target: Target, signal: AbortSignal): Promise<Connection | undefined> {
    const { address, peer } = target
    // The named address comes first; when it does not answer, every other try uses the known addresses of the peer that last answered there.
    const isByPeer = peer !== undefined && this.addressesOf(peer).length > 0 && target.failures % 2 === 1
    if (address !== undefined && !isByPeer) return this.#init.dialing.dial(address, { signal })
    return peer === undefined ? undefined : this.#init.dialing.connect(peer, { signal })
  }

  /** @returns whether the target is to be pursued further: two for one directory would be one too many */
  #identify(target: Target, peer: string): boolean {
    if (target.peer === peer) return true
    target.peer = peer
    target.wasJoined = false
    this.#noteNamed()
    for (const other of this.#targets) {
      if (other === target || other.peer !== peer) continue
      if (other.address !== undefined) return target.address !== undefined
      this.#targets.delete(other)
      other.wake?.()
    }
    return true
  }

  #noteNamed(): void {
    this.#named.clear()
    for (const { address, peer } of this.#targets) {
      if (address !== undefined && peer !== undefined) this.#named.add(peer)
    }
  }

  #delay(target: Target): number {
    const isUnproven = target.address === undefined && !target.wasJoined
    const isPatient = isUnproven && this.#init.now() - target.sinceMs >= PATIENT_AFTER_MS
    const { first, max } = isPatient ? { first: UNPROVEN_REDIAL_MS, max: UNPROVEN_REDIAL_MS } : FEDERATION_REDIAL_MS
    const settings = { firstMs: first, maxMs: max, jitter: REDIAL_JITTER }
    return backoffMs(settings, target.failures++, this.#init.random)
  }

  #mayDial({ peer }: Target, links: DialledLinks): boolean {
    return peer !== undefined && links.strangers < MAX_FEDERATION_PEERS && !links.isBanned(peer)
  }

  #isForgotten({ address, seenAtMs }: Target): boolean {
    return address === undefined && this.#init.now() - seenAtMs > LEARNT_FEDERATION_PEER_TTL_MS
  }

  /** Forgets one that was never reached. @returns whether there was one */
  #forgetOne(learnt: readonly Target[], links: DialledLinks): boolean {
    const isAway = (peer: string | undefined): boolean => peer !== undefined && !links.isUnderWay(peer)
    const away = learnt.filter(({ peer, wasJoined }) => !wasJoined && isAway(peer))
    const [oldest] = away.toSorted((a, b) => a.seenAtMs - b.seenAtMs)
    if (oldest === undefined) return false
    this.#targets.delete(oldest)
    if (oldest.peer !== undefined) this.#addresses.forget(oldest.peer)
    oldest.wake?.()
    return true
  }

  async #sleep(target: Target, delayMs: number | undefined, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = delayMs === undefined ? undefined : setTimeout(resolve, delayMs)
    target.wake = resolve
    // The loop looks at the signal itself.
    await orAborted(promise, signal).catch(() => undefined)
    target.wake = undefined
    clearTimeout(timer)
  }
}

function nameOf({ address, peer }: Target): string {
  return address?.toString() ?? peer ?? 'nobody'
}

/** The peer ID that the operator gave with the address. */
function peerIn(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value
}

interface Words {
  readonly own: readonly Multiaddr[]
  readonly told: readonly Multiaddr[]
}

class FederationPeerAddresses {
  readonly #words = new Map<string, Words>()

  /** Takes the newest addresses: the federation peer's own word, or another's. */
  learn(peer: string, whose: keyof Words, addresses: readonly Multiaddr[]): void {
    const before = this.#words.get(peer) ?? { own: [], told: [] }
    this.#words.set(peer, { ...before, [whose]: addresses.slice(0, MAX_ADDRESSES) })
  }

  /** @returns its own word first. It may have moved since, so that neither crowds out the other */
  of(peer: string): readonly Multiaddr[] {
    const { own, told } = this.#words.get(peer) ?? { own: [], told: [] }
    const others = told.filter((address) => !own.some((one) => one.equals(address)))
    const ownCount = Math.max(MAX_ADDRESSES / 2, MAX_ADDRESSES - others.length)
    return [...own.slice(0, ownCount), ...others].slice(0, MAX_ADDRESSES)
  }

  forget(peer: string): void {
    this.#words.delete(peer)
  }

  clear(): void {
    this.#words.clear()
  }
}
