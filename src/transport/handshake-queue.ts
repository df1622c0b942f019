/**
 * Inbound connections without an identity: from the accepted socket to the end
 * of the handshake. While there is room each handshake begins as soon as its
 * remote has sent something. Under pressure the address classes take turns, and
 * the class with the most pending connections gives way. Pure: it decides, and
 * its owner begins and ends connections.
 */

import { Shares, TokenBucket, type Rate } from '../wire/index.ts'

export interface HandshakeLimits {
  /** Connections that are pending at a time, in any phase. */
  readonly maxPending: number
  /** Handshakes that run at a time. */
  readonly maxRunning: number
  /** Handshakes that begin. */
  readonly rate: Rate
  /** How long a remote may send nothing at all. */
  readonly firstBytesMs: number
  /** How long a connection may wait for its turn. */
  readonly maxWaitMs: number
  /**
   * A running handshake that has received nothing for so long is stalled, and may give way. One that has run for so long
   * may give way to a class with fewer of them, whatever it receives.
   */
  readonly stalledAfterMs: number
}

/** Nothing was received yet; waits for its turn; the handshake runs. */
type Phase = 'silent' | 'waiting' | 'running'

interface Pending {
  phase: Phase
  /** The last progress: the connection was accepted, its first bytes came, or bytes of a running handshake. */
  progressAtMs: number
  /** When the handshake began. */
  begunAtMs: number
}

export interface Turn<Item> {
  /** The handshake that begins now. */
  readonly begins: Item
  /** A stalled or slow handshake that gives way to it. */
  readonly ends?: Item
}

export class HandshakeQueue<Item> {
  readonly #limits: HandshakeLimits
  readonly #pending = new Map<Item, Pending>()
  readonly #all: Shares<Item>
  readonly #silent: Shares<Item>
  readonly #running: Shares<Item>
  /** Of each class what waits for its turn. The class that had a turn longest ago comes first. */
  readonly #waiting = new Map<string, Set<Item>>()
  readonly #rate: TokenBucket

  constructor(limits: HandshakeLimits, nowMs: number) {
    this.#limits = limits
    this.#all = new Shares({ capacity: limits.maxPending })
    this.#silent = new Shares({ capacity: limits.maxPending })
    this.#running = new Shares({ capacity: limits.maxRunning })
    this.#rate = new TokenBucket(limits.rate, nowMs)
  }

  get size(): number {
    return this.#pending.size
  }

  /** Whether a connection waits for its turn. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** The address classes with their pending connections, the largest first. */
  holders(): ReturnType<Shares<Item>['holders']> {
    return this.#all.holders()
  }

  /**
   * A connection was accepted.
   *
   * @returns the pending connection that gives way to it
   */
  arrive(item: Item, addressClass: string, nowMs: number): Item | undefined {
    this.#pending.set(item, { phase: 'silent', progressAtMs: nowMs, begunAtMs: Infinity })
    this.#all.add(item, addressClass)
    this.#silent.add(item, addressClass)
    if (this.#all.size <= this.#limits.maxPending) return undefined
    const evicted = this.#toEvict(item, nowMs)
    this.leave(evicted)
    return evicted
  }

  /** A trusted proxy has told where the connection comes from. */
  reassign(item: Item, addressClass: string): void {
    const pending = this.#pending.get(item)
    if (pending === undefined || this.#all.holderOf(item) === addressClass) return
    this.#stopWaiting(item)
    this.#all.add(item, addressClass)
    if (pending.phase === 'silent') this.#silent.add(item, addressClass)
    if (pending.phase === 'running') this.#running.add(item, addressClass)
    if (pending.phase === 'waiting') this.#wait(item, addressClass)
  }

  /** The remote has sent something. */
  received(item: Item, nowMs: number): void {
    const pending = this.#pending.get(item)
    const addressClass = this.#all.holderOf(item)
    if (pending === undefined || addressClass === undefined || pending.phase === 'waiting') return
    pending.progressAtMs = nowMs
    if (pending.phase === 'running') return
    pending.phase = 'waiting'
    this.#silent.delete(item)
    this.#wait(item, addressClass)
  }

  /**
   * The handshake that begins now. A class with fewer running handshakes goes first; of several the one whose last turn
   * is longest ago.
   *
   * @returns undefined when nothing waits, or nothing may begin now
   */
  next(nowMs: number): Turn<Item> | undefined {
    const addressClass = this.#classInTurn()
    const [begins] = this.#waiting.get(addressClass ?? '') ?? []
    if (addressClass === undefined || begins === undefined) return undefined
    const ends = this.#running.isFull ? this.#toGiveWay(addressClass, nowMs) : undefined
    if (this.#running.isFull && ends === undefined) return undefined
    if (this.#rate.takeOne(nowMs) > 0) return undefined
    if (ends !== undefined) this.leave(ends)
    this.#stopWaiting(begins)
    this.#endTurn(addressClass)
    this.#pending.set(begins, { phase: 'running', progressAtMs: nowMs, begunAtMs: nowMs })
    this.#running.add(begins, addressClass)
    return ends === undefined ? { begins } : { begins, ends }
  }

  /** The connection is no longer pending. @returns false when it was not */
  leave(item: Item): boolean {
    this.#stopWaiting(item)
    this.#silent.delete(item)
    this.#running.delete(item)
    this.#all.delete(item)
    return this.#pending.delete(item)
  }

  /**
   * Takes out what has sent nothing, or has waited, for too long: the dialer of the latter would no longer wait for the
   * end of the handshake.
   */
  takeOverdue(nowMs: number): readonly { readonly item: Item; readonly phase: 'silent' | 'waiting' }[] {
    const overdue: { readonly item: Item; readonly phase: 'silent' | 'waiting' }[] = []
    for (const [item, { phase, progressAtMs }] of this.#pending) {
      if (phase === 'running') continue
      const maxMs = phase === 'silent' ? this.#limits.firstBytesMs : this.#limits.maxWaitMs
      if (nowMs - progressAtMs > maxMs) overdue.push({ item, phase })
    }
    for (const { item } of overdue) this.leave(item)
    return overdue
  }

  /** Of the class with the most: a silent connection first, then one that waits, then a stalled handshake. */
  #toEvict(newest: Item, nowMs: number): Item {
    const own = this.#all.holderOf(newest)
    const silent = this.#silent.oldestOf(this.#all.largestHolder(own) ?? '')
    if (silent !== undefined && silent !== newest) return silent
    const mayGo = this.#all.mostHeld((item) => item === newest || this.#isInProgress(item, nowMs), own)
    const inPhase = (phase: Phase): Item | undefined => mayGo.find((item) => this.#pending.get(item)?.phase === phase)
    return inPhase('silent') ?? inPhase('waiting') ?? inPhase('running') ?? newest
  }

  #isInProgress(item: Item, nowMs: number): boolean {
    const pending = this.#pending.get(item)
    return pending?.phase === 'running' && nowMs - pending.progressAtMs <= this.#limits.stalledAfterMs
  }

  #classInTurn(): string | undefined {
    let first: { readonly addressClass: string; readonly running: number } | undefined
    for (const addressClass of this.#waiting.keys()) {
      const running = this.#running.countOf(addressClass)
      if (first === undefined || running < first.running) first = { addressClass, running }
      if (running === 0) break
    }
    return first?.addressClass
  }

  /**
   * The handshake that gives way to a class that begins one more: a stalled handshake of the same class, or of one that has no fewer of
   * them running than this class will have; else a slow one of a class that still has more. A byte now and then keeps a
   * handshake from stalling, so that progress alone is no protection against those who have less.
   */
  #toGiveWay(addressClass: string, nowMs: number): Item | undefined {
    const wouldRun = this.#running.countOf(addressClass) + 1
    const runningOfHolder = (item: Item): number => this.#running.countOf(this.#running.holderOf(item) ?? '')
    const stalled = this.#running.toEvict((item) => {
      const isSmaller = this.#running.holderOf(item) !== addressClass && runningOfHolder(item) < wouldRun
      return isSmaller || this.#isInProgress(item, nowMs)
    })
    return stalled ?? this.#running.toEvict((item) => runningOfHolder(item) <= wouldRun || !this.#isSlow(item, nowMs))
  }

  #isSlow(item: Item, nowMs: number): boolean {
    const begunAtMs = this.#pending.get(item)?.begunAtMs ?? Infinity
    return nowMs - begunAtMs > this.#limits.stalledAfterMs
  }

  #wait(item: Item, addressClass: string): void {
    const waiting = this.#waiting.get(addressClass) ?? new Set()
    this.#waiting.set(addressClass, waiting.add(item))
  }

  #stopWaiting(item: Item): void {
    const addressClass = this.#all.holderOf(item) ?? ''
    const waiting = this.#waiting.get(addressClass)
    if (waiting?.delete(item) === true && waiting.size === 0) this.#waiting.delete(addressClass)
  }

  /** Puts the class behind all others. */
  #endTurn(addressClass: string): void {
    const waiting = this.#waiting.get(addressClass)
    if (waiting === undefined) return
    this.#waiting.delete(addressClass)
    this.#waiting.set(addressClass, waiting)
  }
}
