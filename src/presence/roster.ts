// Who is on the network now: the newest signed record of each peer, with the sources
// (directories, or the LAN) that attest that it is connected. Pure: records, attachments
// and the time go in, changes come out, and the order of announcements makes no
// difference. It knows no network and no clock.
import { DeadlineHeap } from '../lib/index.ts'
import { compareRecords } from './presence-record.ts'
import type { VerifiedRecord } from './presence-record.ts'

/** Sources that may attest one peer: every known directory, this one and the LAN, so that none is crowded out. */
export const MAX_ATTACHMENTS = 66

/** The source that attests that a peer is connected: a directory's peer ID, or the LAN. */
export type Source = string
/** The source of records that peers exchange without a directory. */
export const LAN: Source = 'lan'

export interface Attachment {
  readonly source: Source
  readonly sinceMs: number
  /** Infinity: until the source ends it. */
  readonly expiresAtMs: number
  /** The sequence number of the record that came with it: a withdrawal at or above it ends it. */
  readonly seq: bigint
  /** Set while the connection is lost and its grace runs. */
  readonly lost: boolean
}

/**
 * A source's later word replaces its earlier one, except when the attachment began. A peer gets no more sources than the
 * limit.
 *
 * @returns the attachments in the order of their sources
 */
function attach(attachments: readonly Attachment[], next: Attachment): readonly Attachment[] {
  const before = attachments.find(({ source }) => source === next.source)
  if (before === undefined && attachments.length >= MAX_ATTACHMENTS) return attachments
  const merged = {
    ...next,
    sinceMs: Math.min(before?.sinceMs ?? next.sinceMs, next.sinceMs),
    seq: before !== undefined && before.seq > next.seq ? before.seq : next.seq
  }
  return [...attachments.filter(({ source }) => source !== next.source), merged].toSorted((a, b) =>
    a.source < b.source ? -1 : 1
  )
}

/** @returns whether both have the same sources in the same state, whenever they expire */
function sameAttachments(a: readonly Attachment[], b: readonly Attachment[]): boolean {
  return a.length === b.length && a.every(({ source, lost }, i) => source === b[i]?.source && lost === b[i]?.lost)
}

/** How long an announcement is valid at a directory: long enough that renewals cost next to nothing. */
export const LEASE_MS = 60_000

/** Peers in one roster: a directory's 10,000 connections, twice over for what is merged. */
export const MAX_ROSTER_PEERS = 20_000

/** Tombstones in one roster; beyond it the oldest ends early. */
export const MAX_TOMBSTONES = 20_000

/** A peer stays on the roster this long after its connection was lost: a quick reconnect is no flicker. */
export const GRACE_MS = 5_000

/** Tombstones outlive two leases: after that, no directory can still hold the older record. */
const TOMBSTONE_MS = 2 * LEASE_MS

/** A peer on the roster. A new object whenever anything about it changes. */
export interface RosterEntry {
  readonly peer: string
  readonly record: VerifiedRecord
  /** Never empty. In the order of their source's name. */
  readonly attachments: readonly Attachment[]
}

/** Why a peer is no longer on the roster. */
export type GoneWhy = 'left' | 'lost' | 'detached'

export type RosterChange =
  | { readonly kind: 'joined'; readonly entry: RosterEntry }
  /** The record is newer, or an attachment came, went or was lost. Renewals are no change. */
  | { readonly kind: 'changed'; readonly entry: RosterEntry; readonly was: RosterEntry }
  /** With its last record where it withdrew. */
  | { readonly kind: 'gone'; readonly was: RosterEntry; readonly why: GoneWhy; readonly withdrawal?: VerifiedRecord }

/** The outcome of an announcement. */
export type Announced =
  | { readonly outcome: 'accepted'; readonly changes: readonly RosterChange[] }
  /** The roster holds a newer record; the attachment that came with the older one may be valid nevertheless. */
  | { readonly outcome: 'stale'; readonly newest: VerifiedRecord; readonly changes: readonly RosterChange[] }
  | { readonly outcome: 'full'; readonly limit: number }

export interface AnnounceInit {
  readonly source: Source
  readonly nowMs: number
  /** Without it the attachment lasts until its source ends it. */
  readonly leaseMs?: number
  /** Since when the source has it; by default now. The earliest time counts. */
  readonly sinceMs?: number
}

interface Known {
  /** The newest record that is not withdrawn, while it has an attachment. */
  entry: RosterEntry | undefined
  withdrawal: { readonly record: VerifiedRecord; readonly untilMs: number } | undefined
}

interface RosterInit {
  /**
   * The source whose peers are always accepted: this directory itself, or the LAN. It bounds itself; peers of other sources
   * have room of their own, and can't keep one of its peers out.
   */
  readonly own?: Source
  /** Peers of other sources. */
  readonly maxPeers?: number
  readonly maxTombstones?: number
  readonly tombstoneMs?: number
}

/** A roster to read from. */
export type ReadableRoster = Pick<Roster, 'entries' | 'get' | 'newest' | 'size' | 'withdrawals'>

export class Roster {
  readonly #known = new Map<string, Known>()
  readonly #own: Source | undefined
  readonly #limits: { readonly maxPeers: number; readonly maxTombstones: number; readonly tombstoneMs: number }
  /** Peers with a tombstone, the oldest first. Bounded by `maxTombstones`: forgetting one changes other maps too. */
  readonly #buried = new Set<string>()
  readonly #deadlines = new DeadlineHeap<string>((peer) => deadlineOf(this.#known.get(peer)))
  #size = 0
  /** Peers on the roster that the own source does not have. */
  #foreign = 0

  constructor(limits: RosterInit = {}) {
    this.#own = limits.own
    this.#limits = {
      maxPeers: limits.maxPeers ?? MAX_ROSTER_PEERS,
      maxTombstones: limits.maxTombstones ?? MAX_TOMBSTONES,
      tombstoneMs: limits.tombstoneMs ?? TOMBSTONE_MS
    }
  }

  /** Peers on the roster. */
  get size(): number {
    return this.#size
  }

  /** @returns all peers on the roster, in no order */
  entries(): RosterEntry[] {
    return [...this.#known.values()].flatMap((known) => (known.entry === undefined ? [] : [known.entry]))
  }

  get(peer: string): RosterEntry | undefined {
    return this.#known.get(peer)?.entry
  }

  /** @returns the newest known record of a peer, withdrawn or not, on the roster or not */
  newest(peer: string): VerifiedRecord | undefined {
    const known = this.#known.get(peer)
    return newer(known?.entry?.record, known?.withdrawal?.record)
  }

  /** @returns the records with which peers have left, while they are remembered, the oldest first */
  *withdrawals(): Generator<VerifiedRecord> {
    for (const peer of this.#buried) {
      const record = this.#known.get(peer)?.withdrawal?.record
      if (record !== undefined) yield record
    }
  }

  /**
   * Takes a record and its source's word that the peer is attached. A record
   * that is withdrawn ends every attachment that was made with an older one.
   */
  announce(record: VerifiedRecord, init: AnnounceInit): Announced {
    if (record.record.withdrawn) return this.withdraw(record, init.nowMs)
    const peer = record.record.peer.toString()
    const known = this.#known.get(peer)
    const withdrawal = known?.withdrawal?.record
    if (withdrawal !== undefined && withdrawal.record.seq >= record.record.seq) {
      return { outcome: 'stale', newest: newer(known?.entry?.record, withdrawal) ?? withdrawal, changes: [] }
    }
    const was = known?.entry
    const { maxPeers } = this.#limits
    if (was === undefined && init.source !== this.#own && this.#foreign >= maxPeers) {
      return { outcome: 'full', limit: maxPeers }
    }
    const newest = newer(was?.record, record) ?? record
    const attachments = attach(was?.attachments ?? [], {
      source: init.source,
      sinceMs: init.sinceMs ?? init.nowMs,
      expiresAtMs: init.leaseMs === undefined ? Infinity : init.nowMs + init.leaseMs,
      seq: record.record.seq,
      lost: false
    })
    const changes = this.#set(peer, { peer, record: newest, attachments }, 'detached')
    return compareRecords(record, newest) < 0 ? { outcome: 'stale', newest, changes } : { outcome: 'accepted', changes }
  }

  /** Takes a peer's farewell. It is remembered, so that no older record brings the peer back. */
  withdraw(record: VerifiedRecord, nowMs: number): Announced {
    const peer = record.record.peer.toString()
    const known = this.#known.get(peer)
    const before = known?.withdrawal?.record
    const withdrawal = newer(before, record) ?? record
    if (withdrawal === record && record !== before) this.#bury(peer, record, nowMs)
    const was = known?.entry
    const standing = was?.attachments.filter((attachment) => attachment.seq > record.record.seq) ?? []
    const changes: RosterChange[] = []
    if (was !== undefined && standing.length < was.attachments.length) {
      changes.push(...this.#set(peer, { ...was, attachments: standing }, 'left', record))
    }
    const newest = this.newest(peer) ?? record
    return compareRecords(record, newest) < 0 ? { outcome: 'stale', newest, changes } : { outcome: 'accepted', changes }
  }

  /** Ends one source's word about a peer. */
  detach(peer: string, source: Source): RosterChange[] {
    return this.#drop(peer, 'detached', (attachment) => attachment.source === source)
  }

  /** The connection behind an attachment is lost: it ends after the grace unless it is announced again. */
  lost(peer: string, source: Source, nowMs: number, graceMs: number = GRACE_MS): RosterChange[] {
    const was = this.#known.get(peer)?.entry
    if (was === undefined) return []
    const attachments = was.attachments.map((attachment) =>
      attachment.source === source && !attachment.lost
        ? { ...attachment, lost: true, expiresAtMs: Math.min(attachment.expiresAtMs, nowMs + graceMs) }
        : attachment
    )
    return this.#set(peer, { ...was, attachments }, 'lost')
  }

  /** A source itself is lost: all that it attested ends after the grace unless it is announced again. */
  lostSource(source: Source, nowMs: number, graceMs: number = GRACE_MS): RosterChange[] {
    return this.#attachedTo(source).flatMap((peer) => this.lost(peer, source, nowMs, graceMs))
  }

  /** Takes a source's complete list: peers that it does not name are detached from it. */
  retain(source: Source, peers: ReadonlySet<string>): RosterChange[] {
    return this.#attachedTo(source)
      .filter((peer) => !peers.has(peer))
      .flatMap((peer) => this.detach(peer, source))
  }

  /** Ends attachments and tombstones that have expired. */
  expire(nowMs: number): RosterChange[] {
    const changes: RosterChange[] = []
    for (let due = this.#deadlines.first(); due !== undefined && due.atMs <= nowMs; due = this.#deadlines.first()) {
      const peer = due.thing
      const known = this.#known.get(peer)
      if (known?.withdrawal !== undefined && known.withdrawal.untilMs <= nowMs) this.#forgetTombstone(peer)
      changes.push(...this.#drop(peer, 'lost', (attachment) => attachment.expiresAtMs <= nowMs))
    }
    return changes
  }

  /** @returns when `expire` next has something to do; Infinity when nothing expires */
  nextDeadline(): number {
    return this.#deadlines.first()?.atMs ?? Infinity
  }

  #attachedTo(source: Source): string[] {
    return this.entries()
      .filter((entry) => entry.attachments.some((attachment) => attachment.source === source))
      .map((entry) => entry.peer)
  }

  #drop(peer: string, why: GoneWhy, ends: (attachment: Attachment) => boolean): RosterChange[] {
    const was = this.#known.get(peer)?.entry
    if (was === undefined) return []
    const attachments = was.attachments.filter((attachment) => !ends(attachment))
    return attachments.length === was.attachments.length ? [] : this.#set(peer, { ...was, attachments }, why)
  }

  #set(peer: string, next: RosterEntry, why: GoneWhy, withdrawal?: VerifiedRecord): RosterChange[] {
    const known = this.#known.get(peer) ?? { entry: undefined, withdrawal: undefined }
    this.#known.set(peer, known)
    const was = known.entry
    this.#foreign += Number(this.#isForeign(next)) - Number(was !== undefined && this.#isForeign(was))
    if (next.attachments.length === 0) {
      known.entry = undefined
      this.#tidy(peer, known)
      if (was === undefined) return []
      this.#size--
      return [{ kind: 'gone', was, why, ...(withdrawal === undefined ? {} : { withdrawal }) }]
    }
    known.entry = next
    this.#deadlines.touch(peer)
    if (was === undefined) {
      this.#size++
      return [{ kind: 'joined', entry: next }]
    }
    const isSame = compareRecords(was.record, next.record) === 0 && sameAttachments(was.attachments, next.attachments)
    return isSame ? [] : [{ kind: 'changed', entry: next, was }]
  }

  #isForeign({ attachments }: RosterEntry): boolean {
    return attachments.length > 0 && !attachments.some(({ source }) => source === this.#own)
  }

  #bury(peer: string, record: VerifiedRecord, nowMs: number): void {
    this.#buried.delete(peer)
    const [oldest] = this.#buried
    if (this.#buried.size >= this.#limits.maxTombstones && oldest !== undefined) this.#forgetTombstone(oldest)
    const known = this.#known.get(peer) ?? { entry: undefined, withdrawal: undefined }
    known.withdrawal = { record, untilMs: nowMs + this.#limits.tombstoneMs }
    this.#known.set(peer, known)
    this.#buried.add(peer)
    this.#deadlines.touch(peer)
  }

  #forgetTombstone(peer: string): void {
    this.#buried.delete(peer)
    const known = this.#known.get(peer)
    if (known === undefined) return
    known.withdrawal = undefined
    this.#tidy(peer, known)
  }

  #tidy(peer: string, known: Known): void {
    if (known.entry === undefined && known.withdrawal === undefined) this.#known.delete(peer)
  }
}

/** When an attachment or the tombstone of a peer next expires. */
function deadlineOf(known: Known | undefined): number {
  let earliest = known?.withdrawal?.untilMs ?? Infinity
  for (const { expiresAtMs } of known?.entry?.attachments ?? []) if (expiresAtMs < earliest) earliest = expiresAtMs
  return earliest
}

function newer(a: VerifiedRecord | undefined, b: VerifiedRecord | undefined): VerifiedRecord | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return compareRecords(b, a) > 0 ? b : a
}
