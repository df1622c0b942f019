// The roster as the HTTP side tells it: rows, what happened lately, and a log of
// changes for readers. The first change after quiet goes into the log at once,
// the next ones gathered. Knows no HTTP: readers ask for what comes after a number.
import { steadyNow } from '../../wire/index.ts'
import type { RosterChange, RosterEntry } from '../../presence/index.ts'
import { ChangeLog } from './change-log.ts'
import type { ChangeLogLimits } from './change-log.ts'
import type { DirectoryJson, HappeningJson, PeerJson, PeerPath, RosterEvents } from './roster-api.ts'

/** Changes after the first are gathered for this long: below what a person sees as delay. */
const HTTP_COALESCE_MS = 100

/** One batch of changes: with the log it is what a slow reader may be behind. */
const MAX_BATCH_PEERS = 1_000

/** How often the state of other directories is read while the page is open somewhere. */
const DIRECTORIES_POLL_MS = 1_000

/** A directory that has been away for so long, and has no peers, is not shown any more. */
const LOST_DIRECTORY_SHOWN_MS = 10 * 60_000

/** What happened lately: two screens of it. */
const MAX_RECENT = 100

/** A snapshot of a roster that changes is made at most this often; what changed since comes from the log. */
const HTTP_SNAPSHOT_CACHE_MS = 1_000

/** Entries are packed up to here into one event: a browser parses it in a few milliseconds. */
const EVENT_PAGE_BYTES = 64 * 1024

/** The roster that is shown. */
interface RosterSource {
  roster(): readonly RosterEntry[]
  on(event: 'change', listener: (changes: readonly RosterChange[]) => void): unknown
  off(event: 'change', listener: (changes: readonly RosterChange[]) => void): unknown
}

/** Another directory of the network, as this one knows it. */
export interface OtherDirectory {
  readonly directory: string
  readonly alive: boolean
  /** How long ago it was heard of. */
  readonly heardAgoMs: number
  /** It is joined with this one now. */
  readonly connected?: boolean
  /** The operator named it. */
  readonly isNamed?: boolean
  /** Peers that it has and that are not on the roster, for want of room. */
  readonly leftOut?: number
}

export interface RosterFeedInit {
  /** The peer ID of this directory. */
  readonly self: string
  readonly network: string
  /** Multiaddrs at which this directory can be reached. */
  readonly addresses?: () => readonly string[]
  /** This one relays, and keeps no roster; default false. */
  readonly isRelayOnly?: boolean
  readonly roster: RosterSource
  readonly federationPeers?: () => readonly OtherDirectory[]
  /** The short form of a peer ID, which people compare. */
  readonly shortId: (peer: string) => string
  readonly pathOf: (entry: RosterEntry) => PeerPath
  readonly now?: () => number
  readonly wallNow?: () => number
  readonly coalesceMs?: number
  readonly limits?: ChangeLogLimits
}

interface FeedSnapshot {
  /** Later changes are in the log. */
  readonly seq: number
  readonly pages: readonly Buffer[]
}

export class RosterFeed {
  readonly #init: RosterFeedInit
  readonly #now: () => number
  readonly #wallNow: () => number
  readonly #coalesceMs: number
  readonly log: ChangeLog
  readonly #rows = new Map<string, PeerJson>()
  /** How many peers are attached to each directory. */
  readonly #attached = new Map<string, number>()
  /** Peers whose row is to be made anew; undefined: they are gone. */
  readonly #dirty = new Map<string, RosterEntry | undefined>()
  #happened: HappeningJson[] = []
  #recent: readonly HappeningJson[] = []
  #toldDirectories = ''
  #flushedAtMs = -Infinity
  #flush: { cancel(): void } | undefined
  #poll: ReturnType<typeof setInterval> | undefined
  #snapshot: (FeedSnapshot & { readonly atMs: number }) | undefined
  readonly #readers = new Set<() => void>()

  constructor(init: RosterFeedInit) {
    this.#init = init
    this.#now = init.now ?? steadyNow
    this.#wallNow = init.wallNow ?? Date.now
    this.#coalesceMs = init.coalesceMs ?? HTTP_COALESCE_MS
    this.log = new ChangeLog(init.limits)
  }

  start(): void {
    for (const entry of this.#init.roster.roster()) this.#put(entry.peer, this.#row(entry))
    this.#toldDirectories = directoriesKey(this.directories())
    this.#init.roster.on('change', this.#onChange)
  }

  stop(): void {
    this.#init.roster.off('change', this.#onChange)
    this.#flush?.cancel()
    this.#flush = undefined
    clearInterval(this.#poll)
    this.#poll = undefined
    this.#readers.clear()
  }

  /** Peers on the roster. */
  get total(): number {
    return this.#rows.size
  }

  /** @returns all peers, in no order */
  rows(): Iterable<PeerJson> {
    return this.#rows.values()
  }

  /** The reader is called whenever there is more in the log. */
  addReader(more: () => void): void {
    this.#readers.add(more)
    this.#poll ??= setInterval(() => this.#pollDirectories(), DIRECTORIES_POLL_MS)
  }

  removeReader(more: () => void): void {
    this.#readers.delete(more)
    if (this.#readers.size > 0) return
    clearInterval(this.#poll)
    this.#poll = undefined
  }

  /** @returns the whole roster as events; for many that ask at one time it is encoded once */
  snapshot(): FeedSnapshot {
    const atMs = this.#now()
    const kept = this.#snapshot
    // One that is not of this moment will do when the log leads on from it.
    const isFresh = kept !== undefined && atMs - kept.atMs < HTTP_SNAPSHOT_CACHE_MS
    if (isFresh && this.log.after(kept.seq) !== 'lost') return kept
    this.#snapshot = { seq: this.log.seq, pages: this.#encodeSnapshot(), atMs }
    return this.#snapshot
  }

  /** What the one that tells is, where that is no directory with a roster. */
  get role(): { readonly relayOnly?: true } {
    return this.#init.isRelayOnly === true ? { relayOnly: true } : {}
  }

  addresses(): readonly string[] {
    return this.#init.addresses?.() ?? []
  }

  directories(): readonly DirectoryJson[] {
    const { self, shortId } = this.#init
    const known = this.#init.federationPeers?.() ?? []
    const shown = known.filter(({ alive, heardAgoMs }) => alive || heardAgoMs < LOST_DIRECTORY_SHOWN_MS)
    const federationPeers = new Map(shown.map((federationPeer) => [federationPeer.directory, federationPeer]))
    const ids = new Set([self, ...federationPeers.keys(), ...this.#attached.keys()])
    return [...ids].map((directory): DirectoryJson => {
      const row = { directory, shortId: shortId(directory), peers: this.#attached.get(directory) ?? 0 }
      if (directory === self) return { ...row, state: 'here' }
      const federationPeer = federationPeers.get(directory)
      if (federationPeer === undefined) return { ...row, state: 'alive' }
      const heardAt = Math.round(this.#wallNow() - federationPeer.heardAgoMs)
      const { leftOut = 0, isNamed = false } = federationPeer
      const facts = { ...(leftOut > 0 ? { leftOut } : {}), ...(isNamed ? { named: true } : {}) }
      return { ...row, state: federationPeer.alive ? 'alive' : 'lost', heardAt, ...facts }
    })
  }

  /** Only notes what changed: nothing here may throw into the directory's own work. */
  readonly #onChange = (changes: readonly RosterChange[]): void => {
    for (const change of changes) {
      const entry = change.kind === 'gone' ? change.was : change.entry
      this.#dirty.set(entry.peer, change.kind === 'gone' ? undefined : entry)
      if (change.kind === 'joined') this.#happen('joined', entry)
      if (change.kind === 'gone') this.#happen(change.why === 'left' ? 'left' : 'lost', entry)
    }
    this.#schedule()
  }

  #happen(what: HappeningJson['what'], { peer, record }: RosterEntry): void {
    const { nickname } = record.record
    this.#happened.push({ at: this.#wallNow(), what, peer, shortId: this.#init.shortId(peer), nickname })
    if (this.#happened.length > 2 * MAX_RECENT) this.#happened = this.#happened.slice(-MAX_RECENT)
  }

  #schedule(): void {
    if (this.#flush !== undefined) return
    const waitMs = this.#flushedAtMs + this.#coalesceMs - this.#now()
    const run = (): void => {
      this.#flush = undefined
      this.#emit()
    }
    if (waitMs <= 0) {
      // Changes of the same turn go with it.
      const immediate = setImmediate(run)
      this.#flush = { cancel: () => clearImmediate(immediate) }
    } else {
      const timer = setTimeout(run, waitMs)
      this.#flush = { cancel: () => clearTimeout(timer) }
    }
  }

  #pollDirectories(): void {
    if (directoriesKey(this.directories()) !== this.#toldDirectories) this.#schedule()
  }

  #emit(): void {
    this.#flushedAtMs = this.#now()
    const { peers, gone } = this.#takeDirty()
    const recent = this.#happened.toReversed().slice(0, MAX_RECENT)
    this.#happened = []
    this.#recent = [...recent, ...this.#recent].slice(0, MAX_RECENT)
    const directories = this.directories()
    const key = directoriesKey(directories)
    const isNews = key !== this.#toldDirectories
    this.#toldDirectories = key
    if (peers.length + gone.length + recent.length > 0 || isNews) {
      const told = { now: this.#wallNow(), total: this.total, peers, gone, recent }
      const changes: RosterEvents['changes'] = isNews ? { ...told, directories } : told
      this.log.append((id) => encodeEvent('changes', changes, id))
      for (const more of this.#readers) more()
    }
    if (this.#dirty.size > 0) this.#schedule()
  }

  #takeDirty(): { readonly peers: readonly PeerJson[]; readonly gone: readonly string[] } {
    const peers: PeerJson[] = []
    const gone: string[] = []
    for (const [peer, entry] of this.#dirty) {
      if (peers.length + gone.length >= MAX_BATCH_PEERS) break
      this.#dirty.delete(peer)
      const before = this.#rows.get(peer)
      const row = entry === undefined ? undefined : this.#row(entry)
      if (row === undefined && before !== undefined) gone.push(peer)
      if (row !== undefined && (before === undefined || !sameRow(before, row))) peers.push(row)
      this.#put(peer, row)
    }
    return { peers, gone }
  }

  #encodeSnapshot(): Buffer[] {
    const { network, self } = this.#init
    const addresses = this.addresses()
    const id = this.log.idOf(this.log.seq)
    const pages = inPages(this.#rows.values())
    return pages.map((peers, i) => {
      const more = i < pages.length - 1
      // Only with its last page is a snapshot complete, and something to go on from.
      const idOfLast = more ? undefined : id
      if (i > 0) return encodeEvent('page', { peers, more }, idOfLast)
      const [now, total, directories, recent] = [this.#wallNow(), this.total, this.directories(), this.#recent]
      const snapshot = {
        network,
        directory: self,
        addresses,
        now,
        total,
        directories,
        recent,
        peers,
        more,
        ...this.role
      }
      return encodeEvent('snapshot', snapshot, idOfLast)
    })
  }

  #put(peer: string, row: PeerJson | undefined): void {
    for (const directory of this.#rows.get(peer)?.directories ?? []) this.#count(directory, -1)
    for (const directory of row?.directories ?? []) this.#count(directory, 1)
    if (row === undefined) this.#rows.delete(peer)
    else this.#rows.set(peer, row)
  }

  #count(directory: string, by: 1 | -1): void {
    const count = (this.#attached.get(directory) ?? 0) + by
    if (count === 0) this.#attached.delete(directory)
    else this.#attached.set(directory, count)
  }

  #row(entry: RosterEntry): PeerJson {
    return peerRow(entry, {
      shortId: this.#init.shortId(entry.peer),
      path: this.#init.pathOf(entry),
      // The steady clock stands still while a machine sleeps: the two are compared anew each time.
      clockStartMs: this.#wallNow() - this.#now()
    })
  }
}

/** What of a row is not in the roster's entry. */
interface RowFacts {
  readonly shortId: string
  readonly path: PeerPath
  /** The wall clock at the zero of the clock by which attachments are timed. */
  readonly clockStartMs: number
}

function peerRow(entry: RosterEntry, { shortId, path, clockStartMs }: RowFacts): PeerJson {
  const { record } = entry.record
  return {
    peer: entry.peer,
    shortId,
    nickname: record.nickname,
    status: record.status,
    since: Math.round(clockStartMs + Math.min(...entry.attachments.map(({ sinceMs }) => sinceMs))),
    seq: record.seq.toString(),
    addresses: record.addresses.map((address) => address.toString()),
    directories: entry.attachments.map(({ source }) => source),
    path
  }
}

/** Since when is not compared: it is the same moment, reckoned again. */
function sameRow(a: PeerJson, b: PeerJson): boolean {
  return (
    a.seq === b.seq &&
    a.nickname === b.nickname &&
    a.status === b.status &&
    a.path === b.path &&
    a.directories.join() === b.directories.join() &&
    a.addresses.join() === b.addresses.join()
  )
}

/** What of the directories is news; when one was last heard of changes every second, and is none. */
function directoriesKey(directories: readonly DirectoryJson[]): string {
  return directories
    .map(({ directory, state, peers, leftOut = 0 }) => `${directory} ${state} ${peers} ${leftOut}`)
    .join('\n')
}

/** Rows in groups that make events of about the same size; at least one group, which may be empty. */
function inPages(rows: Iterable<PeerJson>): PeerJson[][] {
  const pages: PeerJson[][] = [[]]
  let bytes = 0
  for (const row of rows) {
    const size = rowBytes(row)
    if (bytes > 0 && bytes + size > EVENT_PAGE_BYTES) {
      pages.push([])
      bytes = 0
    }
    pages.at(-1)?.push(row)
    bytes += size
  }
  return pages
}

/** One server-sent event. JSON holds no line break. */
export function encodeEvent<K extends keyof RosterEvents>(event: K, body: RosterEvents[K], id?: string): Buffer {
  return Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(body)}\n\n`)
}

/** About what a row takes as JSON. */
function rowBytes({ nickname, status, addresses, directories }: PeerJson): number {
  const lists = [...addresses, ...directories].reduce((sum, text) => sum + text.length + 3, 0)
  return 200 + nickname.length + status.length + lists
}
