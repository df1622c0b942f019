// What all directories of a network say of their peers, merged: each is the only
// author of its own attachments, and the highest (epoch, counter) of each counts,
// so that any order, repetition or loss that is made good ends in the same state.
// Pure: verified statements, heartbeats and the time go in; what changes in the
// roster comes out. Knows no network, no clock and no roster, checks no signature.
import type { PeerId } from '@libp2p/interface'
import type { VerifiedRecord } from '../../../presence/index.ts'
import type {
  AttachmentStatement,
  ClaimedStatement,
  Heartbeat,
  VerifiedHeartbeat,
  VerifiedStatement
} from '../../statement.ts'
import { KnownDirectories, defaultLimits } from './known-directories.ts'
import type { FederationLimits } from './known-directories.ts'
import { OwnStatements } from './own-statements.ts'
import type { RosterEffect } from './known-directory.ts'
import type { StatementLog } from './statement-log.ts'

/**
 * - `new`: it counts; to be forwarded
 * - `known`: held already
 * - `stale`: superseded
 * - `full`: there is no room for it
 * - `unfit`: the record is not the one that the statement speaks of
 * - `usurped`: our own key has said more than we know of, in an earlier life: `raiseEpoch(statement.epoch)`
 */
type MergeOutcome = 'new' | 'known' | 'stale' | 'full' | 'unfit' | 'usurped'

interface Merged {
  readonly outcome: MergeOutcome
  readonly effects: readonly RosterEffect[]
}

interface Heard {
  /** It proves life that was not proven before; to be forwarded. */
  readonly fresh: boolean
  /** Our own key has said it, in an earlier life: `raiseEpoch(heartbeat.epoch)`. */
  readonly usurped: boolean
  readonly effects: readonly RosterEffect[]
}

interface OfferedUpdate {
  readonly statement: VerifiedStatement
  /** With a statement that attaches. */
  readonly record?: VerifiedRecord
  /** Since when, as its bringer says; default now. */
  readonly sinceMs?: number
}

interface HeldUpdate {
  readonly statement: VerifiedStatement
  readonly record: VerifiedRecord | undefined
  readonly forMs: number
}

/** What to ask others for: the statements of a directory above a counter; 0: all, whose answer goes to `settle`. */
export interface Wanted {
  readonly directory: string
  readonly epoch: bigint
  readonly afterCounter: bigint
}

/** Of all statements up to a counter that have a peer attached. */
type Digest = Pick<Heartbeat, 'counter' | 'digest' | 'count'>

/** The digest of one directory. Only the heartbeat is that directory's own word. */
interface DirectoryDigest extends Digest {
  readonly directory: string
  readonly epoch: bigint
  /** Absent where none was heard, and in the own digest. */
  readonly heartbeat?: VerifiedHeartbeat
  readonly heardAgoMs: number
}

export interface DirectoryStanding {
  readonly directory: string
  readonly alive: boolean
  readonly connected: boolean
  /** Peers that it has attached, as far as it counts here. */
  readonly peers: number
  /** Peers that it has attached by its own word and that are left out here, for want of room. */
  readonly leftOut: number
  /** The operator named it, or it is this one. */
  readonly isNamed: boolean
  /** Infinity where it was never heard; 0 for this directory itself. */
  readonly heardAgoMs: number
  readonly epoch: bigint
}

interface FederationStateInit {
  readonly self: string
  /** Of this start of the directory: its clock in milliseconds. */
  readonly epoch: bigint
  readonly limits?: Partial<FederationLimits>
  /** Whether the operator named a directory. Default none. */
  readonly isNamed?: (directory: string) => boolean
}

/** The holder of statements from an unknown source. */
const NOBODY = ''

export class FederationState {
  readonly #self: string
  readonly #own: OwnStatements
  readonly #known: KnownDirectories
  readonly #isNamed: (directory: string) => boolean

  constructor(init: FederationStateInit) {
    this.#self = init.self
    const limits = { ...defaultLimits, ...init.limits }
    this.#isNamed = init.isNamed ?? (() => false)
    this.#own = new OwnStatements(init.epoch, limits)
    this.#known = new KnownDirectories(limits, this.#isNamed)
  }

  get epoch(): bigint {
    return this.#own.epoch
  }

  /** Takes the next counter. Its statement must be sealed and given to `ownSealed`: later ones wait for it. */
  nextOwn(peer: PeerId, seq: bigint, attached: boolean): Omit<AttachmentStatement, 'directory' | 'network'> {
    return this.#own.next(peer, seq, attached)
  }

  /** @returns false when the statement is of an epoch that is over, and must not be published */
  ownSealed(
    statement: VerifiedStatement,
    record: VerifiedRecord | undefined,
    nowMs: number,
    sinceMs: number = nowMs
  ): boolean {
    return this.#own.sealed({ statement, record, sinceMs }, nowMs)
  }

  ownDigest(): Digest {
    return this.#own.digest()
  }

  /** Takes the next beat. */
  nextHeartbeat(): Omit<Heartbeat, 'directory' | 'network'> {
    return this.#own.nextHeartbeat()
  }

  /**
   * Begins an epoch above the one that others know of us, and above our own. All own statements are gone: what is
   * attached now is to be issued anew, at once and before the next heartbeat, as others keep the old for a few seconds.
   *
   * @returns the new epoch
   */
  raiseEpoch(above: bigint): bigint {
    return this.#own.raise(above)
  }

  /**
   * Takes a verified statement of any directory, from any federation peer.
   *
   * @param via the holder that its author counts for, if nothing was known of it before
   */
  merge(update: OfferedUpdate, nowMs: number, via: string = NOBODY): Merged {
    const { statement } = update.statement
    const id = statement.directory.toString()
    if (!isFit(update)) return { outcome: 'unfit', effects: [] }
    if (id === this.#self) return { outcome: this.#own.classify(statement), effects: [] }
    const { known, effects } = this.#known.getOrAdd(id, nowMs, false, via)
    if (known === undefined) return { outcome: 'full', effects }
    const offered = { statement: update.statement, record: update.record, sinceMs: update.sinceMs ?? nowMs }
    const ended: RosterEffect[] = []
    const merged = known.put(offered, nowMs, (bytes) => {
      const made = this.#known.makeRoom(known, bytes)
      ended.push(...made.effects)
      return made.hasRoom
    })
    const outcome = merged.put === 'newer-record' ? 'known' : merged.put
    return { outcome, effects: [...effects, ...ended, ...merged.effects] }
  }

  /**
   * Takes a verified heartbeat from any federation peer.
   *
   * @param options.agoMs how long ago its bringer heard it
   * @param options.via as in {@link merge}
   */
  heard(
    heartbeat: VerifiedHeartbeat,
    nowMs: number,
    options: { readonly agoMs?: number; readonly via?: string } = {}
  ): Heard {
    const { directory, epoch, beat } = heartbeat.heartbeat
    const id = directory.toString()
    if (id === this.#self) return { fresh: false, usurped: this.#own.isUsurpedBy(epoch, beat), effects: [] }
    const { known, effects } = this.#known.getOrAdd(id, nowMs, false, options.via ?? NOBODY)
    if (known === undefined) return { fresh: false, usurped: false, effects }
    const heard = known.heard(heartbeat, nowMs, Math.max(0, options.agoMs ?? 0))
    return { fresh: heard.fresh, usurped: false, effects: [...effects, ...heard.effects] }
  }

  /** A connection to a directory has opened: there is always room for it. @param holder whose share it counts for */
  connected(directory: string, nowMs: number, holder: string = NOBODY): readonly RosterEffect[] {
    if (directory === this.#self) return []
    const { known, effects } = this.#known.getOrAdd(directory, nowMs, true, holder)
    known?.connected()
    if (known !== undefined) known.holder = holder
    return effects
  }

  /** The last connection to a directory has closed. The deadline changes with it. */
  connectionLost(directory: string, nowMs: number): void {
    this.#known.get(directory)?.connectionLost(nowMs)
  }

  /**
   * What to ask federation peers for now. To be called after each heartbeat and a few times a second; what it has named it
   * names again only when the answer did not help.
   */
  behind(nowMs: number): readonly Wanted[] {
    return this.#known.all().flatMap((known) => {
      const wanted = known.behind(nowMs, () => this.#known.hasRoomFor(known))
      return wanted === undefined ? [] : [{ directory: known.id, ...wanted }]
    })
  }

  /** What to ask a federation peer for at once, of what its Hello says that it holds. */
  missing(theirs: Omit<DirectoryDigest, 'heartbeat' | 'heardAgoMs'>): Wanted | undefined {
    const { directory, epoch, counter, digest, count } = theirs
    if (directory === this.#self) {
      // What our own key has said in an earlier life proves itself; without it nobody would listen to us again.
      return this.#own.classify({ epoch, counter }) === 'usurped'
        ? { directory, epoch: this.epoch, afterCounter: 0n }
        : undefined
    }
    const log = this.#known.get(directory)?.log
    if (log === undefined || epoch > log.epoch)
      return counter === 0n ? undefined : { directory, epoch, afterCounter: 0n }
    if (epoch < log.epoch || log.digest.equals(digest, count)) return undefined
    return counter <= log.complete ? undefined : { directory, epoch, afterCounter: log.complete }
  }

  /**
   * Takes note that a question for everything (`afterCounter` 0) has been answered to the end, after the statements
   * themselves were merged. Peers that are not in the answer are dropped if the directory's own digest confirms that.
   *
   * @param counters of all statements in the answer
   */
  settle(directory: string, epoch: bigint, counters: ReadonlySet<bigint>, nowMs: number): readonly RosterEffect[] {
    return this.#known.get(directory)?.settle(epoch, counters, nowMs) ?? []
  }

  /** Ends what has run out. */
  expire(nowMs: number): readonly RosterEffect[] {
    this.#own.log.expire(nowMs)
    return this.#known.all().flatMap((known) => known.lapse(nowMs))
  }

  /** @returns when `expire` next has something to do; Infinity when nothing runs out */
  nextDeadline(): number {
    let earliest = this.#own.log.nextDeadline()
    for (const known of this.#known.all()) earliest = Math.min(earliest, known.nextDeadline())
    return earliest
  }

  /** @returns the digests of all directories, the own one first: for a Hello */
  digests(nowMs: number): readonly DirectoryDigest[] {
    const own = { directory: this.#self, epoch: this.epoch, ...this.ownDigest(), heardAgoMs: 0 }
    const others = this.#known.all().map(({ id, log, heartbeat, heardAtMs }) => ({
      directory: id,
      epoch: log.epoch,
      counter: log.highest > log.complete ? log.highest : log.complete,
      digest: log.digest.bytes(),
      count: log.digest.count,
      ...(heartbeat === undefined ? {} : { heartbeat }),
      heardAgoMs: nowMs - heardAtMs
    }))
    return [own, ...others]
  }

  /**
   * The answer to an Ask: what is held of a directory above a counter, in the newest epoch; everything when the asker
   * knows none or an older one. It may be read in steps while statements come.
   */
  *after(directory: string, epoch: bigint | undefined, counter: bigint, nowMs: number): Generator<HeldUpdate> {
    const log = this.#logOf(directory)
    if (log === undefined || (epoch !== undefined && epoch > log.epoch)) return
    const above = epoch === log.epoch ? counter : 0n
    for (const [, { verified, record, sinceMs }] of log.held()) {
      if (verified.statement.counter <= above) continue
      yield { statement: verified, record, forMs: Math.max(0, nowMs - sinceMs) }
    }
  }

  /** @returns the newest epoch known of a directory; undefined when nothing is known of it */
  epochOf(directory: string): bigint | undefined {
    return this.#logOf(directory)?.epoch
  }

  /** @returns all that directories have said of a peer, attached or not: the proof for a client that audits */
  statementsOf(peer: string): readonly VerifiedStatement[] {
    const own = this.#own.log.get(peer)?.verified
    const others = this.#known.all().flatMap((known) => known.statementsOf(peer))
    return own === undefined ? others : [own, ...others]
  }

  /** Whether these very bytes are what is held of a directory about a peer: then they need not be verified again. */
  holds(claim: ClaimedStatement, statement: Uint8Array, record: Uint8Array | undefined): boolean {
    const log = this.#known.get(claim.directory)?.log
    // Made-up peers come by the thousand, each with a counter that was never seen: the look at them must cost next to nothing.
    if (log === undefined || claim.epoch !== log.epoch || claim.counter > log.highest) return false
    const held = log.get(claim.peer() ?? '')
    if (held === undefined || Buffer.compare(held.verified.envelope, statement) !== 0) return false
    return held.record === undefined || (record !== undefined && Buffer.compare(held.record.envelope, record) === 0)
  }

  /** The peer ID of a directory whose heartbeat was heard: its statements share it. */
  author(directory: string): PeerId | undefined {
    return this.#known.get(directory)?.heartbeat?.heartbeat.directory
  }

  /** Whose share the attachments of a directory count for. */
  holderOf(directory: string): string {
    return this.#isNamed(directory) ? directory : (this.#known.get(directory)?.holder ?? NOBODY)
  }

  /** How full the room is of the directories that the operator named, or of all others. */
  room(isNamed: boolean): ReturnType<KnownDirectories['room']> {
    return this.#known.room(isNamed)
  }

  isAlive(directory: string, nowMs: number): boolean {
    return directory === this.#self || this.#known.get(directory)?.isAlive(nowMs) === true
  }

  /** @returns every known directory, this one first */
  directories(nowMs: number): readonly DirectoryStanding[] {
    const own = { directory: this.#self, alive: true, connected: true, isNamed: true, leftOut: 0, heardAgoMs: 0 }
    const others = this.#known.all().map((known) => ({
      directory: known.id,
      alive: known.isAlive(nowMs),
      connected: known.isConnected,
      peers: known.isAlive(nowMs) ? known.peers() : 0,
      leftOut: known.isAlive(nowMs) ? known.leftOut : 0,
      isNamed: this.#isNamed(known.id),
      heardAgoMs: nowMs - known.heardAtMs,
      epoch: known.log.epoch
    }))
    return [{ ...own, peers: this.ownDigest().count, epoch: this.epoch }, ...others]
  }

  #logOf(directory: string): StatementLog | undefined {
    return directory === this.#self ? this.#own.log : this.#known.get(directory)?.log
  }
}

function isFit({ statement: { statement }, record }: OfferedUpdate): boolean {
  if (!statement.attached) return true
  if (record === undefined) return false
  const { peer, seq, withdrawn } = record.record
  return !withdrawn && seq === statement.seq && peer.equals(statement.peer)
}
