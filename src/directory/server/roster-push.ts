// Tells a directory's watchers what changed: the first change after quiet at
// once, then gathered, encoded once and written to all. Knows sessions and the
// roster's entries, and neither who announced nor why.
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { MAX_ATTACHMENTS } from '../../presence/index.ts'
import { encodeDirectoryFrame, packEntries, wireEntryBytes, MAX_FRAME_REMOVALS } from '../directory-frames.ts'
import type { WatchRange, WireEntry } from '../directory-frames.ts'
import type { DirectorySession } from './directory-session.ts'
import { LruMap } from '../../lib/index.ts'
import { TokenBucket, FairQueue } from '../../wire/index.ts'
import type { Roster, RosterEntry, Source } from '../../presence/index.ts'
import { SortedRoster, difference, isWhole } from './sorted-roster.ts'
import { RosterWindow } from './roster-window.ts'
import { SharedFrames } from './directory-session.ts'

/** Updates sent per flush; the rest goes with the next, so that a wave never overruns a healthy watcher. */
const MAX_FLUSH_BYTES = 256 * 1024

/** Of those, updates about other directories' peers: a flood of them must not make the flush of own ones long. */
export const MAX_FOREIGN_FLUSH_BYTES = 64 * 1024

/** Of a directory's time that telling all watchers may take: beyond it changes are gathered for longer. */
const PUSH_PART = 1 / 4

/** … but never for longer than this, which a person just notices. */
const MAX_COALESCE_MS = 2_000

/** Watchers of a page or a query get changes this often: each costs a search of the whole roster. */
const PARTIAL_COALESCE_MS = 1_000

/** Of snapshots in one turn of the event loop: some ten milliseconds of encryption, then others are heard. */
const SNAPSHOT_BYTES_PER_TURN = 512 * 1024

/** A snapshot of an unchanged roster is encoded once for all who ask within this time. */
const SNAPSHOT_CACHE_MS = 1_000

/** … unless a larger part of it than this has changed meanwhile: changes are sent beside it to each. */
const SNAPSHOT_CACHE_PART = 1 / 4

/** Bytes of other directories' records in the roster that a watcher gets: some 5,000 of the usual size. */
export const MAX_TOLD_FOREIGN_BYTES = 1.5 * 1024 * 1024

/** Bytes that changes of other directories' peers may cost each watcher: the whole of them twice, and a hundred a second. */
const FOREIGN_PUSH_RATE = { burst: 4 * 1024 * 1024, perSecond: 64 * 1024 } as const

/** Streams that watch a page or a query: each costs a search per flush. The whole roster is not limited. */
const MAX_PARTIAL_WATCHERS = 256

interface RosterPushInit {
  readonly roster: Roster
  /** The source whose peers are all in the window: this directory. */
  readonly own: Source
  /** Whose share the peers of another directory count for; default that directory's. */
  readonly holderOf?: ((source: Source) => string) | undefined
  /** What the records of other directories' peers may take together at a watcher of the whole roster. */
  readonly maxForeignBytes?: number
  readonly now: () => number
  readonly coalesceMs: number
  /** So many changes went to so many watchers of the whole roster, the oldest after this delay. */
  readonly onPushed?: (changes: number, watchers: number, delayMs: number) => void
}

/** A removed peer's ID in a frame. */
const REMOVAL_BYTES = 64

/** Encoded once for all who ask within its time. */
interface WholeSnapshot {
  readonly pages: readonly SharedFrames[]
  readonly entries: number
  readonly atMs: number
  /** Peers that have changed since; they are sent after it. */
  readonly since: Set<string>
}

export class RosterPush {
  readonly #init: RosterPushInit
  readonly #watchers = new Set<DirectorySession>()
  /** Peers of this directory that look different to watchers now. */
  readonly #dirty = new Set<string>()
  /** Those of other directories: they go after, and at a pace, so that none of them has all watchers flooded. */
  readonly #dirtyForeign = new Set<string>()
  readonly #foreignRate: TokenBucket
  /** The peers that watchers of the whole roster may have, and whether as a peer of this directory. */
  readonly #told = new Map<string, boolean>()
  readonly #directories = new LruMap<string, PeerId>(MAX_ATTACHMENTS)
  readonly #turns = new FairQueue(SNAPSHOT_BYTES_PER_TURN)
  #flushedAtMs = -Infinity
  /** Since when the oldest change waits. */
  #dirtySinceMs: number | undefined
  #pagesFlushedAtMs = -Infinity
  /** The roster has changed since the last update to watchers of pages. */
  #isViewDirty = false
  #flushTimer: ReturnType<typeof setTimeout> | undefined
  #partialTimer: ReturnType<typeof setTimeout> | undefined
  /** Made when the first snapshot is asked for, and kept up from then on. */
  #view: SortedRoster | undefined
  /** Made when it is first asked for, and kept up from then on. */
  #madeWindow: RosterWindow | undefined
  #whole: WholeSnapshot | undefined
  /** What the last flush to all has cost, in milliseconds. */
  #costMs = 0

  constructor(init: RosterPushInit) {
    this.#init = init
    this.#foreignRate = new TokenBucket(FOREIGN_PUSH_RATE, init.now())
  }

  /** Peers on the roster that are left out for watchers of the whole roster. */
  get untold(): number {
    return this.#init.roster.size - this.#window.size
  }

  /** Whether the session may watch that: watchers of a page or a query are so many at most. */
  hasRoomFor(session: DirectorySession, range: WatchRange): boolean {
    if (isWhole(range) || session.watching.what === 'page') return true
    let count = 0
    for (const { watching } of this.#watchers) if (watching.what === 'page') count++
    return count < MAX_PARTIAL_WATCHERS
  }

  stop(): void {
    clearTimeout(this.#flushTimer)
    clearTimeout(this.#partialTimer)
    this.#flushTimer = undefined
    this.#partialTimer = undefined
    this.#watchers.clear()
    this.#dirty.clear()
    this.#dirtyForeign.clear()
    this.#view = undefined
    this.#madeWindow = undefined
    this.#told.clear()
    this.#whole = undefined
    this.#dirtySinceMs = undefined
  }

  /** These peers look different now, or are gone. */
  changed(peers: Iterable<string>): void {
    for (const peer of peers) {
      const entry = this.#init.roster.get(peer)
      this.#view?.update(peer, entry)
      this.#isViewDirty = true
      for (const moved of this.#window.update(peer, entry)) this.#mark(moved)
    }
    this.#scheduleFlush()
    if (!this.#isViewDirty) return
    const pagesWaitMs = this.#pagesFlushedAtMs + PARTIAL_COALESCE_MS - this.#init.now()
    if (pagesWaitMs <= 0) this.#flushPages()
    else this.#partialTimer ??= setTimeout(() => this.#flushPages(), pagesWaitMs)
  }

  #mark(peer: string): void {
    this.#dirty.delete(peer)
    this.#dirtyForeign.delete(peer)
    const isShown = this.#window.has(peer)
    // A peer that came and went between two pushes is no news.
    if (!isShown && !this.#told.has(peer)) return
    const isOwn = isShown ? this.#window.isOwn(peer) : this.#told.get(peer) === true
    const dirty = isOwn ? this.#dirty : this.#dirtyForeign
    dirty.add(peer)
    const whole = this.#whole
    whole?.since.add(peer)
    // After so many changes the snapshot is not handed out again.
    if (whole !== undefined && whole.since.size > whole.entries * SNAPSHOT_CACHE_PART) this.#whole = undefined
  }

  #scheduleFlush(): void {
    if (this.#dirty.size + this.#dirtyForeign.size === 0) return
    this.#dirtySinceMs ??= this.#init.now()
    const waitMs = this.#flushedAtMs + this.#paceMs() - this.#init.now()
    if (waitMs <= 0) this.#flush()
    else this.#flushTimer ??= setTimeout(() => this.#flush(), waitMs)
  }

  /** Sends a snapshot, and from then on what changes. Rejects when the client does not take it in time. */
  async watch(session: DirectorySession, range: WatchRange, signal: AbortSignal): Promise<void> {
    this.#watchers.add(session)
    if (!isWhole(range)) {
      const view = this.#ordered()
      // A client that changes its query in quiet times leaves the last one behind.
      if (view.queries > MAX_PARTIAL_WATCHERS) view.keepOnly(this.#watchedQueries())
      const { entries, total, version } = view.page(range)
      // The page counts as sent from here, so that nothing that changes meanwhile is missed.
      session.watching = { what: 'page', range, sent: entries, total, version }
      await session.sendPages(this.#encodePages(entries, total), this.#turns, signal)
      return
    }
    const { pages, since } = this.#wholeSnapshot()
    const behind = new Set(since)
    this.#noteShown(behind)
    session.watching = { what: 'snapshot', behind }
    await session.sendPages(pages, this.#turns, signal)
    while (behind.size > 0) {
      const peers = [...behind]
      behind.clear()
      await session.sendPages([new SharedFrames(this.#encodeChanges(peers))], this.#turns, signal)
    }
    session.watching = { what: 'whole' }
  }

  unwatch(session: DirectorySession): void {
    this.#watchers.delete(session)
  }

  #flush(): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    this.#flushedAtMs = this.#init.now()
    const dirtySinceMs = this.#dirtySinceMs ?? this.#flushedAtMs
    const watchers = [...this.#watchers]
    const isHeard = watchers.some(({ watching }) => watching.what === 'whole' || watching.what === 'snapshot')
    const peers = this.#takeDirty(isHeard)
    if (this.#dirty.size + this.#dirtyForeign.size === 0) this.#dirtySinceMs = undefined
    for (const { watching } of watchers) {
      if (watching.what === 'snapshot') for (const peer of peers) watching.behind.add(peer)
    }
    const whole = watchers.filter(({ watching }) => watching.what === 'whole')
    if (whole.length > 0 && peers.length > 0) {
      const shared = new SharedFrames(this.#encodeChanges(peers))
      for (const session of whole) session.sendShared(shared)
      // All of it is encrypted and written before the next turn of the loop.
      const startedAtMs = this.#flushedAtMs
      setImmediate(() => {
        this.#costMs = this.#init.now() - startedAtMs
      })
      this.#init.onPushed?.(peers.length, whole.length, this.#init.now() - dirtySinceMs)
    }
    if (this.#dirty.size + this.#dirtyForeign.size > 0) {
      this.#flushTimer = setTimeout(() => this.#flush(), this.#paceMs())
    }
  }

  /** Among many watchers changes are gathered for longer, so that telling them leaves time for all else. */
  #paceMs(): number {
    return Math.max(this.#init.coalesceMs, Math.min(MAX_COALESCE_MS, this.#costMs / PUSH_PART))
  }

  #flushPages(): void {
    clearTimeout(this.#partialTimer)
    this.#partialTimer = undefined
    this.#pagesFlushedAtMs = this.#init.now()
    this.#isViewDirty = false
    const view = this.#ordered()
    view.keepOnly(this.#watchedQueries())
    for (const session of this.#watchers) {
      const { watching } = session
      if (watching.what !== 'page') continue
      const page = view.page(watching.range)
      if (page.version === watching.version) continue
      const { entries, removed } = difference(watching.sent, page.entries)
      session.watching = { ...watching, sent: page.entries, total: page.total, version: page.version }
      if (entries.length === 0 && removed.length === 0 && page.total === watching.total) continue
      const gone = removed.map(({ record }) => record.record.peer)
      session.sendEncoded(
        this.#encodeAll(
          entries.map((entry) => this.#wire(entry)),
          gone,
          page.total
        )
      )
    }
  }

  /** What one flush may carry; the rest stays for the next. */
  #takeDirty(isHeard: boolean): string[] {
    const nowMs = this.#init.now()
    const peers: string[] = []
    let bytes = 0
    for (const peer of this.#dirty) {
      if (bytes > MAX_FLUSH_BYTES) break
      bytes += this.#changeBytes(peer)
      peers.push(peer)
      this.#dirty.delete(peer)
    }
    let foreignBytes = 0
    for (const peer of this.#dirtyForeign) {
      const size = this.#changeBytes(peer)
      const isFull = foreignBytes > MAX_FOREIGN_FLUSH_BYTES || bytes + foreignBytes > MAX_FLUSH_BYTES
      if (isFull || (isHeard && this.#foreignRate.waitMs(size, nowMs) > 0)) break
      if (isHeard) this.#foreignRate.take(size, nowMs)
      foreignBytes += size
      peers.push(peer)
      this.#dirtyForeign.delete(peer)
    }
    for (const peer of peers) if (!this.#window.has(peer)) this.#told.delete(peer)
    this.#noteShown(peers)
    return peers
  }

  #changeBytes(peer: string): number {
    const entry = this.#shown(peer)
    return entry === undefined ? REMOVAL_BYTES : wireEntryBytes(this.#wire(entry))
  }

  /** What watchers of the whole roster see of a peer. */
  #shown(peer: string): RosterEntry | undefined {
    return this.#window.has(peer) ? this.#init.roster.get(peer) : undefined
  }

  #noteShown(peers: Iterable<string>): void {
    for (const peer of peers) if (this.#window.has(peer)) this.#told.set(peer, this.#window.isOwn(peer))
  }

  #encodeChanges(peers: Iterable<string>): Uint8Array[] {
    const { roster } = this.#init
    const entries: WireEntry[] = []
    const removed: PeerId[] = []
    for (const peer of peers) {
      const entry = this.#shown(peer)
      const newest = roster.newest(peer)
      if (entry !== undefined) entries.push(this.#wire(entry))
      // A farewell travels with its owner's signature; a loss is only this directory's word.
      else if (newest?.record.withdrawn === true) entries.push({ envelope: newest.envelope, attachments: [] })
      else removed.push(peerIdFromString(peer))
    }
    return this.#encodeAll(entries, removed, roster.size)
  }

  #encodeAll(entries: readonly WireEntry[], removed: readonly PeerId[], total: number): Uint8Array[] {
    const frames: Uint8Array[] = []
    const groups = packEntries(entries)
    const removals = Math.ceil(removed.length / MAX_FRAME_REMOVALS)
    for (let i = 0; i < Math.max(groups.length, removals); i++) {
      const gone = removed.slice(i * MAX_FRAME_REMOVALS, (i + 1) * MAX_FRAME_REMOVALS)
      frames.push(encodeDirectoryFrame({ type: 'changes', entries: groups[i] ?? [], removed: gone, total }))
    }
    return frames
  }

  #wholeSnapshot(): WholeSnapshot {
    const nowMs = this.#init.now()
    const held = this.#whole
    const isFresh = held !== undefined && nowMs - held.atMs <= SNAPSHOT_CACHE_MS
    if (isFresh && held.since.size <= held.entries * SNAPSHOT_CACHE_PART) return held
    const shown = this.#ordered().entries.filter(({ peer }) => this.#window.has(peer))
    const isOwn = ({ peer }: RosterEntry): boolean => this.#window.isOwn(peer)
    // A client that takes no more than so many has those of this directory.
    const entries = [...shown.filter(isOwn), ...shown.filter((entry) => !isOwn(entry))]
    this.#noteShown(entries.map(({ peer }) => peer))
    const pages = [...this.#encodePages(entries, this.#init.roster.size)]
    const fresh = { pages, entries: entries.length, atMs: nowMs, since: new Set<string>() }
    this.#whole = fresh
    return fresh
  }

  *#encodePages(entries: readonly RosterEntry[], total: number): Generator<SharedFrames> {
    const pages = packEntries(entries.map((entry) => this.#wire(entry)))
    for (const [i, page] of pages.entries()) {
      const last = i === pages.length - 1
      yield new SharedFrames([encodeDirectoryFrame({ type: 'snapshot', entries: page, total, last })])
    }
  }

  #watchedQueries(): Set<string> {
    const queries = new Set<string>()
    for (const { watching } of this.#watchers) if (watching.what === 'page') queries.add(watching.range.query)
    return queries
  }

  get #window(): RosterWindow {
    if (this.#madeWindow !== undefined) return this.#madeWindow
    const { roster, own, holderOf = (source) => source, maxForeignBytes = MAX_TOLD_FOREIGN_BYTES } = this.#init
    this.#madeWindow = new RosterWindow({ own, holderOf, maxBytes: maxForeignBytes })
    for (const entry of roster.entries()) this.#madeWindow.update(entry.peer, entry)
    return this.#madeWindow
  }

  #ordered(): SortedRoster {
    this.#view ??= new SortedRoster(this.#init.roster.entries())
    return this.#view
  }

  #wire(entry: RosterEntry): WireEntry {
    const nowMs = this.#init.now()
    return {
      envelope: entry.record.envelope,
      attachments: entry.attachments.map(({ source, sinceMs }) => ({
        directory: this.#directory(source),
        forMs: nowMs - sinceMs
      }))
    }
  }

  /** The sources of a directory's roster are directories: few, and mostly the same. */
  #directory(source: string): PeerId {
    const peer = this.#directories.get(source) ?? peerIdFromString(source)
    // A directory may make ever new ones up.
    this.#directories.set(source, peer)
    return peer
  }
}
