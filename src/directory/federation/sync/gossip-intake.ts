// What federation peers bring, by gossip or in pages: which envelopes are opened,
// and how what they prove is merged into the state and the roster. Which peers may
// bring how much, and what happens to one that brings forgeries, is decided
// elsewhere. Opens no envelope itself.
import { createHash } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { LruSet } from '../../../lib/index.ts'
import { RateLimiter } from '../../../wire/index.ts'
import { compareRecords, MAX_TOMBSTONES } from '../../../presence/index.ts'
import type { ReadableRoster } from '../../../presence/index.ts'
import { MAX_KNOWN_DIRECTORIES } from '../../federation-frames.ts'
import type { WireUpdate } from '../../federation-frames.ts'
import type { FederationState } from '../state/federation-state.ts'
import type { RosterEffect } from '../state/known-directory.ts'
import { claimedStatement } from '../../statement.ts'
import type { OpenedUpdate } from '../../statement.ts'
import type { FederationStep, OpenTask } from './federation-step.ts'

/** Updates that are opened at once, of two signatures each: others have their part of the same turn. */
export const UPDATES_AT_ONCE = 4

/** New statements of one directory, however they come: all its peers twice, and more than it can accept in a second. */
export const AUTHOR_RATE = { burst: 20_000, perSecond: 500 } as const

/** Fresh heartbeats of one directory that are passed on: twice as many as it sends. */
export const HEARTBEAT_RATE = { burst: 10, perSecond: 2 } as const

/** Withdrawals of unknown peers from one address prefix: what leaves a large network in a minute. */
export const FAREWELL_RATE = { burst: 1_000, perSecond: 20 } as const

interface GossipIntakeInit {
  readonly step: FederationStep
  readonly state: FederationState
  readonly network: string
  readonly roster: { readRoster(): Pick<ReadableRoster, 'newest'> }
  /** Notified when our own key has signed something in an epoch that this start does not know. */
  readonly publisher: { raise(above: bigint): void }
  /** Which directories' statements count here. */
  readonly peers: { admits(directory: string): boolean }
}

/** Who brought statements. */
interface Brought {
  /** The directory whose statements they must be; default any. */
  readonly of?: string
  /** The holder of the federation peer that brought them: a new directory counts for its share. */
  readonly via?: string
  /** They were asked for: if too much is brought they wait, and so does the federation peer. Else they are not heard then. */
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
  /** Withdrawals that were taken already: every federation peer passes on the same ones. */
  readonly #farewells = new LruSet<string>(MAX_TOMBSTONES)

  constructor(init: GossipIntakeInit) {
    this.#init = init
  }

  /** Takes statements with their records. */
  *updates(updates: readonly WireUpdate[], brought: Brought = {}): OpenTask<Taken> {
    const { of, via } = brought
    const counters: bigint[] = []
    let isNews = false
    let forged = 0
    for (let i = 0; i < updates.length; i += UPDATES_AT_ONCE) {
      const group = updates.slice(i, i + UPDATES_AT_ONCE).filter((update) => {
        const held = this.#heldCounter(update, of)
        if (held !== undefined) counters.push(held)
        return held === undefined
      })
      if (group.length === 0) continue
      const signatures = group.reduce((sum, { record }) => sum + (record === undefined ? 1 : 2), 0)
      const opened = yield { ...nothingToOpen, updates: group, signatures, ...accountOf(brought) }
      if (opened === undefined) break
      for (const one of opened.updates) {
        const isOf = one !== undefined && (of === undefined || one.statement.statement.directory.toString() === of)
        if (isOf) counters.push(one.statement.statement.counter)
        else forged++
      }
      const proven = opened.updates.filter((one) => one !== undefined)
      isNews = this.#merge(proven, via) || isNews
    }
    return { isNews, forged, counters }
  }

  /** Takes the withdrawals of peers. */
  *withdrawals(envelopes: readonly Uint8Array[], brought: Brought = {}): OpenTask<Taken> {
    const { step, network, roster } = this.#init
    let isNews = false
    let forged = 0
    for (const envelope of envelopes) {
      const mark = createHash('sha256').update(envelope).digest('base64')
      if (this.#farewells.has(mark)) continue
      const opened = yield { ...nothingToOpen, withdrawals: [envelope], signatures: 1, ...accountOf(brought) }
      if (opened === undefined) break
      const [record] = opened.withdrawals
      if (record === undefined || !record.record.withdrawn || record.record.network !== network) {
        forged++
        continue
      }
      this.#farewells.add(mark)
      const before = roster.readRoster().newest(record.record.peer.toString())
      // Made-up keys can send withdrawals too; each is remembered for two leases.
      const strangers = this.#strangers.of(brought.via ?? '', step.nowMs)
      if (before === undefined && strangers.takeOne(step.nowMs) > 0) continue
      isNews ||= before === undefined || compareRecords(record, before) > 0
      step.emit({ kind: 'withdraw', record })
    }
    return { isNews, forged, counters: [] }
  }

  /** Takes a directory's sign of life. @param agoMs how long ago its bringer heard it */
  *heartbeat(envelope: Uint8Array, agoMs: number, via?: string): OpenTask<Taken> {
    const { step, state, network, publisher } = this.#init
    const account = accountOf(via === undefined ? {} : { via })
    const opened = yield { ...nothingToOpen, heartbeats: [envelope], signatures: 1, ...account }
    if (opened === undefined) return nothing
    const [verified] = opened.heartbeats
    if (verified === undefined || verified.heartbeat.network !== network) {
      return { isNews: false, forged: 1, counters: [] }
    }
    const { directory, epoch } = verified.heartbeat
    if (!this.#admits(directory)) return nothing
    const { nowMs } = step
    const { fresh, usurped, effects } = state.heard(verified, nowMs, { agoMs, ...(via === undefined ? {} : { via }) })
    if (usurped) publisher.raise(epoch)
    step.apply(effects)
    const isNews = fresh && this.#beats.of(directory.toString(), nowMs).takeOne(nowMs) === 0
    return { isNews, forged: 0, counters: [] }
  }

  /** @returns the counter of a statement that is held as it is here: it is asked for again where something is missing */
  #heldCounter({ statement, record }: WireUpdate, of: string | undefined): bigint | undefined {
    const claim = claimedStatement(statement)
    if (claim === undefined || (of !== undefined && claim.directory !== of)) return undefined
    return this.#init.state.holds(claim, statement, record) ? claim.counter : undefined
  }

  /** All at once, so that watchers get them together. @returns whether something was new */
  #merge(opened: readonly OpenedUpdate[], via: string | undefined): boolean {
    const { step, state, publisher } = this.#init
    const { nowMs } = step
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
      // An old statement may be repeated by anyone: that must not silence its author.
      if (merged.outcome === 'new') rate.takeOne(nowMs)
      isNews ||= merged.outcome === 'new'
      if (merged.outcome === 'usurped' && (usurper === undefined || epoch > usurper)) usurper = epoch
    }
    step.apply(effects)
    if (usurper !== undefined) publisher.raise(usurper)
    return isNews
  }

  #admits(directory: PeerId): boolean {
    return this.#init.peers.admits(directory.toString())
  }
}

const nothing: Taken = { isNews: false, forged: 0, counters: [] }

const nothingToOpen = { updates: [], withdrawals: [], heartbeats: [] } as const

function accountOf({ via = '', isAwaited = false }: Brought): { readonly via: string; readonly isAwaited: boolean } {
  return { via, isAwaited }
}
