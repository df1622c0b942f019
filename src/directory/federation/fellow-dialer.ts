// Keeps this directory connected to its fellows: those that were named for
// ever, those that others told of or the LAN showed for some hours. Knows who is
// a fellow and who is away; what fellows say to each other it does not know.
import { setMaxListeners } from 'node:events'
import type { Connection, Logger } from '@libp2p/interface'
import { CODE_P2P } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { toError, withDeadline } from '../../wire/index.ts'
import { OTHER_NETWORK_RETRY_MS, PATIENT_AFTER_MS, REDIAL_JITTER } from '../constants.ts'
import { boundedRetryMs } from '../directory-stream.ts'
import {
  FELLOW_DIAL_PATIENCE_MS,
  FELLOW_DIAL_TIMEOUT_MS,
  FELLOW_REDIAL_MS,
  LEARNT_FELLOW_TTL_MS,
  MAX_LEARNT_FELLOWS,
  NO_FELLOW_RETRY_MS,
  UNPROVEN_REDIAL_MS,
  UNREACHED_NOTICE_MS
} from './constants.ts'
import { FellowAddresses } from './fellow-addresses.ts'
import { FellowRefusedError, NoFellowError, OtherNetworkFellowError } from './fellow-errors.ts'

export interface FellowDialing {
  /** Connects to the directory at an address, whoever that is; undefined when it is this one itself. */
  dial(address: Multiaddr, options: { readonly signal: AbortSignal }): Promise<Connection | undefined>
  /** Connects to this directory by whatever addresses are known of it. */
  connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
}

export interface FellowDialerInit extends FellowDialing {
  readonly self: string
  readonly named: readonly Multiaddr[]
  readonly now: () => number
  readonly random: () => number
  readonly log: Logger
  /** A stream to it is open, or being opened. */
  isUnderWay(peer: string): boolean
  /** Whether one more may be dialled that was not named. */
  hasRoom(): boolean
  isBanned(peer: string): boolean
  /** Whether others than named ones may be joined. */
  readonly admitsOthers: boolean
  /** One that was named is not reached. Told once of each, until it was. */
  onUnreached(address: Multiaddr, error: Error): void
  /** One that is dialled does not join, and says why. Told once of each, until it was a fellow. */
  onRefused(peer: string, error: FellowRefusedError): void
  /** Opens a stream and stays with it; rejects when it did not make the peer a fellow. */
  open(connection: Connection, signal: AbortSignal): Promise<void>
}

interface Target {
  /** Where to dial, for one that was named. */
  readonly address: Multiaddr | undefined
  /** Who it is, once that is known. */
  peer: string | undefined
  wasFellow: boolean
  failures: number
  /** Whoever runs this directory knows that it is not reached. */
  isToldOf: boolean
  /** When it was last a fellow, or told of. */
  seenAtMs: number
  sinceMs: number
  wake: (() => void) | undefined
}

export class FellowDialer {
  readonly #init: FellowDialerInit
  readonly #targets = new Set<Target>()
  /** The known peer IDs of the directories that the operator named. */
  readonly #named = new Set<string>()
  readonly #addresses = new FellowAddresses()
  readonly #loops = new Set<Promise<void>>()
  #life: AbortController | undefined

  constructor(init: FellowDialerInit) {
    this.#init = init
  }

  start(): void {
    if (this.#life !== undefined) return
    this.#life = new AbortController()
    setMaxListeners(Infinity, this.#life.signal)
    for (const address of this.#init.named) this.#pursue({ address, peer: peerIn(address) })
    this.#noteNamed()
  }

  async stop(): Promise<void> {
    this.#life?.abort(new Error('the directory was stopped'))
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

  /** Where a fellow may be reached, as far as it was told. */
  addressesOf(peer: string): readonly Multiaddr[] {
    return this.#addresses.of(peer)
  }

  /** Whether it is dialled whenever it is away. */
  isKnown(peer: string): boolean {
    return [...this.#targets].some((target) => target.peer === peer)
  }

  /** There is a directory of our network there, it says itself or somebody else does. */
  learn(peer: string, addresses: readonly Multiaddr[], whose: 'own' | 'told' = 'told'): void {
    if (this.#life === undefined || peer === this.#init.self) return
    if (!this.#init.admitsOthers && !this.isNamed(peer)) return
    const known = [...this.#targets].find((target) => target.peer === peer)
    if (known === undefined) {
      if (addresses.length === 0) return
      const learnt = [...this.#targets].filter(({ address }) => address === undefined)
      if (learnt.length >= MAX_LEARNT_FELLOWS && !this.#forgetOne(learnt)) return
    }
    if (addresses.length > 0) this.#addresses.learn(peer, whose, addresses)
    if (known === undefined) this.#pursue({ address: undefined, peer })
    else if (known.address === undefined && this.#init.isUnderWay(peer)) known.seenAtMs = this.#init.now()
  }

  /** It is a fellow now, whoever dialled. */
  linked(peer: string): void {
    for (const target of this.#targets) {
      if (target.peer !== peer) continue
      target.wasFellow = true
      target.isToldOf = false
      target.failures = 0
      target.seenAtMs = this.#init.now()
    }
  }

  /** It is a fellow no more: dial it. */
  lost(peer: string): void {
    for (const target of this.#targets) {
      if (target.peer !== peer) continue
      target.seenAtMs = this.#init.now()
      target.sinceMs = this.#init.now()
      target.wake?.()
    }
  }

  #pursue(whom: Pick<Target, 'address' | 'peer'>): void {
    const signal = this.#life?.signal
    if (signal === undefined) return
    const nowMs = this.#init.now()
    const target: Target = {
      ...whom,
      wasFellow: false,
      failures: 0,
      isToldOf: false,
      seenAtMs: nowMs,
      sinceMs: nowMs,
      wake: undefined
    }
    this.#targets.add(target)
    const loop = this.#run(target, signal)
      .catch((error: unknown) => this.#init.log.error('dialling fellows - %e', error))
      .finally(() => {
        this.#loops.delete(loop)
        this.#targets.delete(target)
      })
    this.#loops.add(loop)
  }

  async #run(target: Target, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#targets.has(target)) {
      if (target.peer !== undefined && this.#init.isUnderWay(target.peer)) {
        await this.#sleep(target, undefined, signal)
        continue
      }
      if (this.#isForgotten(target)) {
        if (target.peer !== undefined) this.#addresses.forget(target.peer)
        return
      }
      // When both lose each other, both dial: the larger ID lets the other go first.
      if (target.peer !== undefined && this.#init.self > target.peer) {
        await this.#sleep(target, FELLOW_DIAL_PATIENCE_MS, signal)
        if (this.#init.isUnderWay(target.peer)) continue
      }
      const retryMs = await this.#tryOnce(target, signal)
      if (retryMs === undefined) return
      await this.#sleep(target, retryMs, signal)
    }
  }

  /** @returns how long to wait before the next try; undefined when there need be none */
  async #tryOnce(target: Target, signal: AbortSignal): Promise<number | undefined> {
    if (target.address === undefined && !this.#mayDial(target)) return NO_FELLOW_RETRY_MS
    try {
      const connection = await withDeadline('dial', FELLOW_DIAL_TIMEOUT_MS, signal, (inTime) =>
        this.#connect(target, inTime)
      )
      if (connection === undefined) return undefined
      const peer = connection.remotePeer.toString()
      if (!this.#identify(target, peer)) return undefined
      if (this.#init.isUnderWay(peer)) {
        // A second connection, made only to learn who answers there.
        if (target.address !== undefined && connection.streams.length === 0)
          void connection.close().catch(() => undefined)
        return 0
      }
      if (this.#init.isBanned(peer)) return NO_FELLOW_RETRY_MS
      await this.#init.open(connection, signal)
      return this.#delay(target)
    } catch (error) {
      if (!signal.aborted) this.#init.log('%s is no fellow now - %e', nameOf(target), toError(error))
      if (!signal.aborted) this.#tellOf(target, toError(error))
      if (error instanceof OtherNetworkFellowError) return OTHER_NETWORK_RETRY_MS
      if (error instanceof FellowRefusedError && error.retryAfterMs !== undefined)
        return boundedRetryMs(error.retryAfterMs)
      // One that is being stopped or started serves nothing for a moment.
      if (error instanceof NoFellowError && !target.wasFellow) return NO_FELLOW_RETRY_MS
      return this.#delay(target)
    }
  }

  #tellOf(target: Target, error: Error): void {
    const { address, peer, wasFellow, isToldOf, sinceMs } = target
    if (error instanceof FellowRefusedError && error.retryAfterMs !== undefined && peer !== undefined) {
      if (!isToldOf) this.#init.onRefused(peer, error)
      target.isToldOf = true
      return
    }
    if (address === undefined || wasFellow || isToldOf || error instanceof OtherNetworkFellowError) return
    // It may be about to start, but nothing else becomes a directory.
    if (!(error instanceof NoFellowError) && this.#init.now() - sinceMs < UNREACHED_NOTICE_MS) return
    target.isToldOf = true
    this.#init.onUnreached(address, error)
  }

  async #connect(target: Target, signal: AbortSignal): Promise<Connection | undefined> {
    const { address, peer } = target
    // What was named comes first; when it does not answer, every other try is by what is known of who did.
    const isByPeer = peer !== undefined && this.addressesOf(peer).length > 0 && target.failures % 2 === 1
    if (address !== undefined && !isByPeer) return this.#init.dial(address, { signal })
    return peer === undefined ? undefined : this.#init.connect(peer, { signal })
  }

  /** @returns whether the target is to be pursued further: two for one directory would be one too many */
  #identify(target: Target, peer: string): boolean {
    if (target.peer === peer) return true
    target.peer = peer
    target.wasFellow = false
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
    const isUnproven = target.address === undefined && !target.wasFellow
    const isPatient = isUnproven && this.#init.now() - target.sinceMs >= PATIENT_AFTER_MS
    const { first, max } = FELLOW_REDIAL_MS
    const fullMs = isPatient ? UNPROVEN_REDIAL_MS : Math.min(first * 2 ** Math.min(target.failures, 16), max)
    target.failures++
    return Math.round(fullMs * (1 - REDIAL_JITTER * this.#init.random()))
  }

  #mayDial({ peer }: Target): boolean {
    return peer !== undefined && this.#init.hasRoom() && !this.#init.isBanned(peer)
  }

  #isForgotten({ address, seenAtMs }: Target): boolean {
    return address === undefined && this.#init.now() - seenAtMs > LEARNT_FELLOW_TTL_MS
  }

  /** Forgets one that was never reached. @returns whether there was one */
  #forgetOne(learnt: readonly Target[]): boolean {
    const isAway = (peer: string | undefined): boolean => peer !== undefined && !this.#init.isUnderWay(peer)
    const away = learnt.filter(({ peer, wasFellow }) => !wasFellow && isAway(peer))
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
    const onAbort = (): void => resolve()
    signal.addEventListener('abort', onAbort, { once: true })
    target.wake = resolve
    await promise
    target.wake = undefined
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

function nameOf({ address, peer }: Target): string {
  return address?.toString() ?? peer ?? 'nobody'
}

/** The peer ID that the operator gave with the address. */
function peerIn(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value
}
