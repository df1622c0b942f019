// Takes in what fellows bring, by gossip or in pages: opens each envelope, and
// merges what is proved into the state and the roster. Who may bring how much,
// and what becomes of who brings forgeries, it does not decide.
import { setImmediate } from 'node:timers/promises'
import { createHash } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { LruSet } from '../../lib/index.ts'
import { RateLimiter } from '../../wire/index.ts'
import { MAX_TOMBSTONES } from '../constants.ts'
import { BadRecordError } from '../errors.ts'
import { compareRecords, openRecord } from '../presence-record.ts'
import type { VerifiedRecord } from '../presence-record.ts'
import type { Roster, RosterChange } from '../roster.ts'
import {
  AUTHOR_RATE,
  FAREWELL_RATE,
  HEARTBEAT_RATE,
  MAX_KNOWN_DIRECTORIES,
  VERIFICATIONS_PER_TURN
} from './constants.ts'
import { BadHeartbeatError, BadStatementError } from './errors.ts'
import type { WireUpdate } from './federation-frames.ts'
import type { FederationState } from './federation-state.ts'
import { openHeartbeat } from './heartbeat.ts'
import { openUpdate } from './open-update.ts'
import type { OpenedUpdate } from './open-update.ts'
import { applyEffects } from './roster-effect.ts'
import type { RosterEffect } from './roster-effect.ts'
import type { SignatureBudget } from './signature-budget.ts'
import { claimedStatement } from './statement.ts'

/** The roster, as far as it is needed here. */
export interface MergedRoster {
  merge(apply: (roster: Roster, nowMs: number) => readonly RosterChange[]): void
}

export interface GossipIntakeInit {
  readonly state: FederationState
  readonly network: string
  readonly roster: MergedRoster
  /** Of what directories bring that were not named; without one everything is checked. */
  readonly signatures?: SignatureBudget
  readonly now: () => number
  /** Whether a directory's statements about its peers count here. Default all. */
  readonly admits?: (directory: string) => boolean
  /** Our own key has said something in an epoch of which this start knows nothing. */
  onUsurped(epoch: bigint): void
  /** The state has changed, and with it what runs out next. */
  onChange(): void
}

/** Who brought statements. */
export interface Brought {
  /** The directory whose statements they must be; default any. */
  readonly of?: string
  /** The holder of the fellow that brought them: a new directory counts for its share. */
  readonly via?: string
  /** They were asked for: if too much is brought they wait, and so does the fellow. Else they are not heard then. */
  readonly isAwaited?: boolean
}

/** What a group of envelopes was worth. */
export interface Taken {
  /** Something of it was new. */
  readonly isNews: boolean
  /** Envelopes that prove nothing, or not what they must. */
  readonly forged: number
  /** Statements by their author's counter, new or not. */
  readonly counters: readonly bigint[]
}

export class GossipIntake {
  readonly #init: GossipIntakeInit
  readonly #authors = new RateLimiter(AUTHOR_RATE, MAX_KNOWN_DIRECTORIES)
  readonly #beats = new RateLimiter(HEARTBEAT_RATE, MAX_KNOWN_DIRECTORIES)
  readonly #strangers = new RateLimiter(FAREWELL_RATE, MAX_KNOWN_DIRECTORIES)
  /** Withdrawals that were taken already: every fellow tells of the same ones. */
  readonly #farewells = new LruSet<string>(MAX_TOMBSTONES)

  constructor(init: GossipIntakeInit) {
    this.#init = init
  }

  /** Takes statements with their records. */
  async updates(updates: readonly WireUpdate[], signal: AbortSignal, brought: Brought = {}): Promise<Taken> {
    const { of, via } = brought
    const counters: bigint[] = []
    let isNews = false
    let forged = 0
    for (let i = 0; i < updates.length; i += VERIFICATIONS_PER_TURN) {
      signal.throwIfAborted()
      const group = updates.slice(i, i + VERIFICATIONS_PER_TURN).filter((update) => {
        const held = this.#heldCounter(update, of)
        if (held !== undefined) counters.push(held)
        return held === undefined
      })
      const signatures = group.reduce((sum, { record }) => sum + (record === undefined ? 1 : 2), 0)
      if (!(await this.#mayCheck(signatures, brought, signal))) break
      const opened = await Promise.all(group.map((update) => this.#open(update, signal)))
      for (const one of opened) {
        const isOf = one !== undefined && (of === undefined || one.statement.statement.directory.toString() === of)
        if (isOf) counters.push(one.statement.statement.counter)
        else forged++
      }
      const proven = opened.filter((one) => one !== undefined)
      isNews = this.#merge(proven, via) || isNews
      if (i + VERIFICATIONS_PER_TURN < updates.length) await setImmediate()
    }
    return { isNews, forged, counters }
  }

  /** Takes the farewells of peers. */
  async withdrawals(envelopes: readonly Uint8Array[], signal: AbortSignal, brought: Brought = {}): Promise<Taken> {
    let isNews = false
    let forged = 0
    for (const [i, envelope] of envelopes.entries()) {
      if (i % VERIFICATIONS_PER_TURN === VERIFICATIONS_PER_TURN - 1) await setImmediate()
      const mark = createHash('sha256').update(envelope).digest('base64')
      if (this.#farewells.has(mark)) continue
      if (!(await this.#mayCheck(1, brought, signal))) break
      const record = await this.#openRecord(envelope, signal)
      if (record === undefined || !record.record.withdrawn || record.record.network !== this.#init.network) {
        forged++
        continue
      }
      this.#farewells.add(mark)
      this.#init.roster.merge((roster, nowMs) => {
        const before = roster.newest(record.record.peer.toString())
        // Made-up keys can send farewells too; each farewell is remembered for two leases.
        const strangers = this.#strangers.of(brought.via ?? '', nowMs)
        if (before === undefined && strangers.takeOne(nowMs) > 0) return []
        isNews ||= before === undefined || compareRecords(record, before) > 0
        const withdrawn = roster.withdraw(record, nowMs)
        return withdrawn.outcome === 'full' ? [] : withdrawn.changes
      })
    }
    return { isNews, forged, counters: [] }
  }

  /** Takes a directory's sign of life. @param agoMs how long ago whoever brought it heard it */
  async heartbeat(envelope: Uint8Array, agoMs: number, signal: AbortSignal, via?: string): Promise<Taken> {
    try {
      if (!(await this.#mayCheck(1, via === undefined ? {} : { via }, signal))) return nothing
      const verified = await openHeartbeat(envelope, { signal })
      if (verified.heartbeat.network !== this.#init.network) return { isNews: false, forged: 1, counters: [] }
      if (!this.#admits(verified.heartbeat.directory)) return nothing
      const { fresh, usurped, effects } = this.#init.state.heard(verified, this.#init.now(), {
        agoMs,
        ...(via === undefined ? {} : { via })
      })
      if (usurped) this.#init.onUsurped(verified.heartbeat.epoch)
      this.apply(effects)
      this.#init.onChange()
      const nowMs = this.#init.now()
      const isNews = fresh && this.#beats.of(verified.heartbeat.directory.toString(), nowMs).takeOne(nowMs) === 0
      return { isNews, forged: 0, counters: [] }
    } catch (error) {
      if (!(error instanceof BadHeartbeatError)) throw error
      return { isNews: false, forged: 1, counters: [] }
    }
  }

  /** Puts what follows from the state into the roster. */
  apply(effects: readonly RosterEffect[]): void {
    if (effects.length === 0) return
    this.#init.roster.merge((roster, nowMs) => applyEffects(roster, effects, nowMs))
  }

  /** @returns the counter of a statement that is held as it is here: it is asked for again where something is missing */
  #heldCounter({ statement, record }: WireUpdate, of: string | undefined): bigint | undefined {
    const claim = claimedStatement(statement)
    if (claim === undefined || (of !== undefined && claim.directory !== of)) return undefined
    return this.#init.state.holds(claim.directory, claim.peer, statement, record) ? claim.counter : undefined
  }

  async #open(update: WireUpdate, signal: AbortSignal): Promise<OpenedUpdate | undefined> {
    const { network, state } = this.#init
    const newest = (peer: string): VerifiedRecord | undefined => this.#newest(peer)
    const author = (directory: string): PeerId | undefined => state.author(directory)
    try {
      return await openUpdate(update, { network, newest, author, signal })
    } catch (error) {
      if (error instanceof BadStatementError || error instanceof BadRecordError) return undefined
      throw error
    }
  }

  async #openRecord(envelope: Uint8Array, signal: AbortSignal): Promise<VerifiedRecord | undefined> {
    try {
      return await openRecord(envelope, { signal })
    } catch (error) {
      if (error instanceof BadRecordError) return undefined
      throw error
    }
  }

  /** All at once, so that watchers are told of them together. @returns whether something was new */
  #merge(opened: readonly OpenedUpdate[], via: string | undefined): boolean {
    const { state, now } = this.#init
    const nowMs = now()
    const effects: RosterEffect[] = []
    let isNews = false
    let usurper: bigint | undefined
    for (const { statement, record, forMs } of opened) {
      const { directory, epoch } = statement.statement
      if (!this.#admits(directory)) continue
      const rate = this.#authors.of(directory.toString(), nowMs)
      if (rate.waitMs(1, nowMs) > 0) continue
      const merged = state.merge(
        { statement, ...(record === undefined ? {} : { record }), sinceMs: nowMs - forMs },
        nowMs,
        via
      )
      effects.push(...merged.effects)
      // What is old was said by whoever repeats it: that must not silence its author.
      if (merged.outcome === 'new') rate.takeOne(nowMs)
      isNews ||= merged.outcome === 'new'
      if (merged.outcome === 'usurped' && (usurper === undefined || epoch > usurper)) usurper = epoch
    }
    this.apply(effects)
    if (usurper !== undefined) this.#init.onUsurped(usurper)
    this.#init.onChange()
    return isNews
  }

  #admits(directory: PeerId): boolean {
    return this.#init.admits?.(directory.toString()) ?? true
  }

  async #mayCheck(count: number, { via = '', isAwaited = false }: Brought, signal: AbortSignal): Promise<boolean> {
    const { signatures } = this.#init
    if (signatures === undefined) return true
    if (!isAwaited) return signatures.tryTake(count, via)
    await signatures.take(count, via, signal)
    return true
  }

  #newest(peer: string): VerifiedRecord | undefined {
    let newest: VerifiedRecord | undefined
    this.#init.roster.merge((roster) => {
      newest = roster.newest(peer)
      return []
    })
    return newest
  }
}

const nothing: Taken = { isNews: false, forged: 0, counters: [] }
