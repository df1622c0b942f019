// One other directory as it is known here: whether it lives, what it has said
// in its newest epoch, what still stands of the epoch before, and whether
// something is missing. Pure: the time goes in, effects on the roster come out.
import { backoffMs } from '../../../lib/index.ts'
import type { VerifiedHeartbeat, VerifiedStatement } from '../../statement.ts'
import { heldBytes, StatementLog } from './statement-log.ts'
import type { Held, LogLimits, Offered, Put } from './statement-log.ts'
import type { VerifiedRecord } from '../../../presence/index.ts'

/** To be done in order. Never about the directory itself. */
export type RosterEffect =
  | { readonly kind: 'attach'; readonly directory: string; readonly record: VerifiedRecord; readonly sinceMs: number }
  | { readonly kind: 'detach'; readonly directory: string; readonly peer: string }

/** Without a fresh heartbeat for this long a directory is dead: four may be lost or late. */
export const DIRECTORY_ALIVE_MS = 5_000

/** … and this long after the connection to it closed: its heartbeats have two ways round in that time. */
export const DIRECTORY_LOST_MS = 3_000

/** A heartbeat that comes so soon after the connection closed may have been under way before: it proves no life. */
export const IN_FLIGHT_MS = 1_000

/** Statements of an earlier start of a directory stand for this long, while its peers come back to it. */
export const OLD_EPOCH_MS = 3_000

/** A directory that was dead and lives again: what we held of it counts when confirmed, or else after this. */
export const REVIVAL_MS = 2_000

/**
 * Of a dead directory we keep what it said for a partition of this length; longer ones cost a whole answer. Of one that
 * was not named, for a restart: a made-up directory must not hold memory after it has gone.
 */
export const DEAD_KEPT_MS = { named: 10 * 60_000, other: 30_000 } as const

/** What a heartbeat shows to be missing may still be under way by gossip; then it is asked for. */
export const BEHIND_MS = 500

/** Asked again when the answer did not help, doubling up to the second: a directory that lies costs little. */
export const STATEMENTS_ASK_AGAIN_MS = { first: 2_000, max: 60_000 } as const

export class KnownDirectory {
  readonly id: string
  /** Whose share it counts for: its address class, or that of the directory that first named it. */
  holder: string
  readonly #limits: LogLimits
  readonly #isNamed: () => boolean
  #log: StatementLog
  /** Shown attachments of earlier epochs, in the order in which they end. */
  readonly #old = new Map<string, { readonly held: Held; readonly endsAtMs: number }>()
  #heartbeat: VerifiedHeartbeat | undefined
  #heardAtMs = -Infinity
  /** When it last said something new, by whatever way. */
  #lastNewMs = -Infinity
  /** Whether the roster shows what this directory says; `lapse` ends it. */
  #isAlive = false
  #aliveUntilMs = -Infinity
  #connection: { readonly state: 'open' } | { readonly state: 'none'; readonly lostAtMs: number } = {
    state: 'none',
    lostAtMs: -Infinity
  }
  /** It was dead: what we held of it is not shown before this, unless its digest confirms it. */
  #revivingUntilMs = Infinity
  /** Something is held that the roster is to be told once it counts. */
  #hasUntold = false
  #asking = { behindSinceMs: Infinity, unsureSinceMs: Infinity, asks: 0, againAtMs: -Infinity }
  #oldBytes = 0
  /** Some of what it says was left out for want of room: its digest can't be met, and asking again helps nothing. */
  #isCut = false

  /** @param isNamed whether the operator named it, as far as is known now */
  constructor(id: string, limits: LogLimits, holder: string, isNamed: () => boolean) {
    this.id = id
    this.holder = holder
    this.#isNamed = isNamed
    this.#limits = limits
    this.#log = new StatementLog(0n, limits)
  }

  get log(): StatementLog {
    return this.#log
  }

  get heartbeat(): VerifiedHeartbeat | undefined {
    return this.#heartbeat
  }

  get heardAtMs(): number {
    return this.#heardAtMs
  }

  get isConnected(): boolean {
    return this.#connection.state === 'open'
  }

  /** Whether the roster shows what it says; what has run out since the last `lapse` included. */
  get counts(): boolean {
    return this.#isAlive
  }

  /** The memory that its statements take. */
  get bytes(): number {
    return this.#log.bytes + this.#oldBytes
  }

  /** Attachments that it has by its own word and that are left out here, for want of room. */
  get leftOut(): number {
    const { epoch, count } = this.#heartbeat?.heartbeat ?? { epoch: -1n, count: 0 }
    return this.#isCut && epoch === this.#log.epoch ? Math.max(0, count - this.#log.digest.count) : 0
  }

  isAlive(nowMs: number): boolean {
    return this.#aliveUntilMs > nowMs
  }

  connected(): void {
    this.#connection = { state: 'open' }
  }

  connectionLost(nowMs: number): void {
    this.#connection = { state: 'none', lostAtMs: nowMs }
    this.#aliveUntilMs = Math.min(this.#aliveUntilMs, nowMs + DIRECTORY_LOST_MS)
  }

  heard(heartbeat: VerifiedHeartbeat, nowMs: number, agoMs: number): { fresh: boolean; effects: RosterEffect[] } {
    const effects = this.lapse(nowMs)
    const { epoch, beat } = heartbeat.heartbeat
    const last = this.#heartbeat?.heartbeat
    const isNewer = last === undefined || epoch > last.epoch || (epoch === last.epoch && beat > last.beat)
    if (!isNewer || epoch < this.#log.epoch) return { fresh: false, effects }
    this.#begin(epoch, nowMs)
    this.#heartbeat = heartbeat
    this.#heardAtMs = nowMs - agoMs
    this.#aliveUntilMs = Math.max(this.#aliveUntilMs, this.#provenUntil(this.#heardAtMs))
    const wasAlive = this.#isAlive
    this.#isAlive = this.isAlive(nowMs)
    // Of a new epoch nothing is held that could have ended meanwhile.
    const isRevival = last?.epoch === epoch
    if (!wasAlive && this.#isAlive) this.#revivingUntilMs = isRevival ? nowMs + REVIVAL_MS : nowMs
    this.#compare(nowMs)
    return { fresh: true, effects: [...effects, ...this.#showConfirmed(nowMs)] }
  }

  put(offered: Offered, nowMs: number, makeRoom: (bytes: number) => boolean): { put: Put; effects: RosterEffect[] } {
    const effects = this.lapse(nowMs)
    const { statement } = offered.statement
    if (statement.epoch < this.#log.epoch) return { put: 'stale', effects }
    this.#begin(statement.epoch, nowMs)
    const peer = statement.peer.toString()
    const old = this.#old.get(peer)
    const sinceMs = Math.min(nowMs, offered.sinceMs, old?.held.sinceMs ?? Infinity)
    const put = this.#log.put({ ...offered, sinceMs }, nowMs, makeRoom)
    if (put === 'full') this.#isCut = true
    const held = this.#log.get(peer)
    if (held !== undefined && (put === 'new' || (put === 'newer-record' && held.shown))) {
      this.#endOld(peer)
      if (old !== undefined) held.shown = true
      if (this.#isAlive) effects.push(...this.#tell(peer, held))
      else this.#hasUntold = true
    }
    if (put === 'new') {
      this.#lastNewMs = nowMs
      this.#compare(nowMs)
    }
    if (this.#log.highest > this.#log.complete) {
      this.#asking.unsureSinceMs = Math.min(this.#asking.unsureSinceMs, nowMs)
    }
    return { put, effects: [...effects, ...this.#showConfirmed(nowMs)] }
  }

  /** A complete answer to a question for everything: the counters of the statements in it. */
  settle(epoch: bigint, counters: ReadonlySet<bigint>, nowMs: number): RosterEffect[] {
    const effects = this.lapse(nowMs)
    const heartbeat = this.#heartbeat?.heartbeat
    if (heartbeat === undefined || heartbeat.epoch !== epoch || this.#log.epoch !== epoch) return effects
    const dropped = this.#log.settle(counters, heartbeat)
    if (dropped === undefined) return effects
    for (const [peer, { shown }] of dropped) if (shown) effects.push(this.#detach(peer))
    this.#compare(nowMs)
    return [...effects, ...this.#showConfirmed(nowMs)]
  }

  /** Makes room for another directory's statements: so many bytes, if it holds as many. @returns what ends with that */
  giveWay(bytes: number): RosterEffect[] {
    this.#isCut = true
    const effects: RosterEffect[] = []
    const enough = this.bytes - bytes
    for (const peer of this.#old.keys()) {
      if (this.bytes <= enough) return effects
      this.#endOld(peer)
      effects.push(this.#detach(peer))
    }
    for (const [peer, { shown }] of this.#log.giveWay(this.bytes - enough)) if (shown) effects.push(this.#detach(peer))
    return effects
  }

  /**
   * What to ask for now: since the first statement that may be missing, and then, when that did not help, everything.
   *
   * @param hasRoom whether what was left out may be taken in now
   */
  behind(nowMs: number, hasRoom: () => boolean): { epoch: bigint; afterCounter: bigint } | undefined {
    if (this.#isCut && !(this.#log.digest.count < this.#limits.maxAttachments && hasRoom())) return undefined
    const { behindSinceMs, unsureSinceMs, asks, againAtMs } = this.#asking
    const isDue = behindSinceMs + BEHIND_MS <= nowMs || unsureSinceMs + DIRECTORY_LOST_MS <= nowMs
    if (!isDue || !this.isAlive(nowMs) || nowMs < againAtMs) return undefined
    const waitMs = backoffMs(
      { firstMs: STATEMENTS_ASK_AGAIN_MS.first, maxMs: STATEMENTS_ASK_AGAIN_MS.max, jitter: 0 },
      asks
    )
    this.#asking = { ...this.#asking, asks: asks + 1, againAtMs: nowMs + waitMs }
    const shown = this.#heartbeat?.heartbeat.counter ?? 0n
    const isCut = this.#isCut
    this.#isCut = false
    if (behindSinceMs < Infinity && shown <= this.#log.complete) this.#log.doubt()
    return { epoch: this.#log.epoch, afterCounter: asks > 0 || isCut ? 0n : this.#log.complete }
  }

  /** Ends what has run out. */
  lapse(nowMs: number): RosterEffect[] {
    const effects: RosterEffect[] = []
    if (this.#isAlive && !this.isAlive(nowMs)) effects.push(...this.#die())
    for (const [peer, { endsAtMs }] of this.#old) {
      if (endsAtMs > nowMs) break
      this.#endOld(peer)
      effects.push(this.#detach(peer))
    }
    this.#log.expire(nowMs)
    const isUnproven = this.#log.size === 0 && this.#log.epoch !== this.#provenEpoch
    if (!this.#isAlive && (isUnproven || this.#forgetAtMs() <= nowMs)) this.forget()
    effects.push(...this.#showConfirmed(nowMs))
    return effects
  }

  nextDeadline(): number {
    let earliest = Math.min(this.#log.nextDeadline(), this.#isAlive ? this.#aliveUntilMs : this.#forgetAtMs())
    if (this.#hasUntold && this.#isAlive) earliest = Math.min(earliest, this.#revivingUntilMs)
    for (const { endsAtMs } of this.#old.values()) return Math.min(earliest, endsAtMs)
    return earliest
  }

  /** Drops what a dead directory has said, and keeps what tells its old heartbeats from new ones. */
  forget(): void {
    // An epoch without proof would shut out the directory itself, if its clock was set back since.
    this.#log = new StatementLog(this.#provenEpoch, this.#limits)
    this.#hasUntold = false
    this.#isCut = false
  }

  /** Ends everything of it that the roster shows: nothing will be known of it. */
  end(): RosterEffect[] {
    return this.#die()
  }

  statementsOf(peer: string): VerifiedStatement[] {
    const [old, held] = [this.#old.get(peer)?.held, this.#log.get(peer)]
    return [old, held].flatMap((one) => (one === undefined ? [] : [one.verified]))
  }

  /** Peers that the roster shows as attached to it. */
  peers(): number {
    return this.#isAlive ? this.#log.digest.count + this.#old.size : 0
  }

  get #provenEpoch(): bigint {
    return this.#heartbeat?.heartbeat.epoch ?? 0n
  }

  #forgetAtMs(): number {
    const keptMs = this.#isNamed() ? DEAD_KEPT_MS.named : DEAD_KEPT_MS.other
    return this.#log.size === 0 ? Infinity : Math.max(this.#aliveUntilMs, this.#lastNewMs) + keptMs
  }

  #provenUntil(heardAtMs: number): number {
    const { state } = this.#connection
    const lostAtMs = state === 'open' ? -Infinity : this.#connection.lostAtMs
    const untilMs = heardAtMs + DIRECTORY_ALIVE_MS
    return heardAtMs < lostAtMs + IN_FLIGHT_MS ? Math.min(untilMs, lostAtMs + DIRECTORY_LOST_MS) : untilMs
  }

  /** A higher epoch: what is shown of the one before stands a little longer, while its peers come back. */
  #begin(epoch: bigint, nowMs: number): void {
    if (epoch <= this.#log.epoch) return
    for (const [peer, held] of this.#log.held()) {
      if (!held.shown) continue
      this.#endOld(peer)
      this.#old.set(peer, { held, endsAtMs: nowMs + OLD_EPOCH_MS })
      this.#oldBytes += bytesOf(held)
    }
    this.#isCut = false
    this.#log = new StatementLog(epoch, this.#limits)
    this.#asking = { behindSinceMs: Infinity, unsureSinceMs: Infinity, asks: 0, againAtMs: -Infinity }
    this.#hasUntold = false
    if (this.#isAlive) this.#revivingUntilMs = nowMs
  }

  #compare(nowMs: number): void {
    const heartbeat = this.#heartbeat?.heartbeat
    if (heartbeat === undefined || heartbeat.epoch !== this.#log.epoch) return
    if (this.#log.matches(heartbeat)) {
      this.#asking = { behindSinceMs: Infinity, unsureSinceMs: Infinity, asks: 0, againAtMs: -Infinity }
      this.#revivingUntilMs = Math.min(this.#revivingUntilMs, nowMs)
    } else if (this.#log.highest <= heartbeat.counter) {
      // Nothing newer can be under way when it is all there and yet not the same.
      const sinceMs = this.#log.highest === heartbeat.counter ? nowMs - BEHIND_MS : nowMs
      this.#asking.behindSinceMs = Math.min(this.#asking.behindSinceMs, sinceMs)
    }
  }

  /** Shows what is held, once it counts. */
  #showConfirmed(nowMs: number): RosterEffect[] {
    if (!this.#isAlive || this.#revivingUntilMs > nowMs) return []
    this.#revivingUntilMs = -Infinity
    if (!this.#hasUntold) return []
    this.#hasUntold = false
    return [...this.#log.held()].flatMap(([peer, held]) =>
      held.verified.statement.attached && !held.shown ? this.#tell(peer, held) : []
    )
  }

  #die(): RosterEffect[] {
    this.#isAlive = false
    this.#revivingUntilMs = Infinity
    const effects: RosterEffect[] = [...this.#old.keys()].map((peer) => this.#detach(peer))
    this.#old.clear()
    this.#oldBytes = 0
    for (const [peer, held] of this.#log.held()) {
      if (!held.shown) continue
      held.shown = false
      this.#hasUntold = true
      effects.push(this.#detach(peer))
    }
    return effects
  }

  #tell(peer: string, held: Held): RosterEffect[] {
    const { record, sinceMs } = held
    if (held.verified.statement.attached && record !== undefined) {
      held.shown = true
      return [{ kind: 'attach', directory: this.id, record, sinceMs }]
    }
    const wasShown = held.shown
    held.shown = false
    return wasShown ? [this.#detach(peer)] : []
  }

  #detach(peer: string): RosterEffect {
    return { kind: 'detach', directory: this.id, peer }
  }

  #endOld(peer: string): void {
    const old = this.#old.get(peer)
    if (old === undefined) return
    this.#old.delete(peer)
    this.#oldBytes -= bytesOf(old.held)
  }
}

function bytesOf({ verified, record }: Held): number {
  return heldBytes({ statement: verified, record })
}
