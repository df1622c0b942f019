// The frames of /chat/directory/1.0.0 as closed unions, its refusals, and how
// entries are packed into frames of a bounded size. Knows bytes, and neither what
// an envelope holds nor who may send it.
import type { PeerId } from '@libp2p/interface'
import { decodePeerId, encodePeerId, MAX_ATTACHMENTS, MAX_ENVELOPE_BYTES } from '../presence/index.ts'
import { readWelcome, writeWelcome, type WelcomeFrame } from './welcome.ts'
import { ClientFrame as PbClient, DirectoryFrame as PbDirectory } from './pb/directory-frames.ts'

/** Reasons in a directory's Refuse. A client treats one that it does not know as 'refused'. */
export type RefuseReason =
  | 'stale'
  | 'bad-record'
  | 'other-network'
  | 'too-fast'
  | 'full'
  | 'too-many-watchers'
  | 'bad-watch'
  | 'too-many-lookups'
  | 'going-down'
  | 'refused'

const reasons: ReadonlySet<string> = new Set<RefuseReason>([
  'stale',
  'bad-record',
  'other-network',
  'too-fast',
  'full',
  'too-many-watchers',
  'bad-watch',
  'too-many-lookups',
  'going-down'
])

/** The directory answered, and the answer is no. */
export class DirectoryRefusedError extends Error {
  override readonly name = 'DirectoryRefusedError'
  readonly reason: RefuseReason
  readonly retryAfterMs: number

  constructor(reason: RefuseReason, retryAfterMs: number) {
    super(reason === 'going-down' ? goingDown : `the directory refused (${reason}): ${refusalAdvice(reason)}`)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** To its clients a shutdown is no refusal, and this directory knows no other directory for them. */
const goingDown = 'the directory is being shut down'

/** @returns why a directory does not do what was asked, and what to do, in words for its user */
export function refusalAdvice(reason: RefuseReason): string {
  switch (reason) {
    case 'going-down':
      return 'it is being shut down; use another directory'

    case 'stale':
      return 'it knows a newer record of this peer; is the same identity running elsewhere?'
    case 'bad-record':
      return 'it does not accept the record; the two programs may be of different versions'
    case 'other-network':
      return 'it serves another network; start with the same --network on both sides'
    case 'too-fast':
      return 'too many announcements or queries in a short time; it is tried again later'
    case 'full':
      return 'it holds as many peers as it may; use another directory'
    case 'too-many-watchers':
      return 'too many others search its roster; watch the whole roster or come back later'
    case 'bad-watch':
      return 'the query is longer than it accepts; shorten it'
    case 'too-many-lookups':
      return 'too many questions about single peers in a short time; they are asked again later'
    case 'refused':
      return 'it gave no reason that this version knows'
  }
}

/** The peer at the other end is a directory of another network, or says so. */
export class OtherNetworkError extends Error {
  override readonly name = 'OtherNetworkError'
  readonly ours: string
  readonly theirs: string

  constructor(ours: string, theirs: string) {
    super(
      `the directory serves the network ${JSON.stringify(theirs)}, not ${JSON.stringify(ours)}: ` +
        'start with the same --network on both sides'
    )
    this.ours = ours
    this.theirs = theirs
  }
}

/** A directory's roster. */
export const DIRECTORY_PROTOCOL = '/chat/directory/1.0.0'

/** A directory's frame, of the chat's size: it holds thirty of the longest records, or a thousand short ones. */
export const MAX_DIRECTORY_FRAME_BYTES = 128 * 1024

/** Peers attached here: one for each connection that a directory keeps (DIRECTORY_MAX_CONNECTIONS). */
export const MAX_ATTACHED_PEERS = 10_000

/** A watcher that does not take its snapshot in this time is reset. */
export const SNAPSHOT_TIMEOUT_MS = 30_000

/** A directory that goes down waits for its clients to read that, for no longer than a person would. */
export const DISMISS_TIMEOUT_MS = 500

/** @returns the reason that the word on the wire stands for */
function refuseReason(word: string): RefuseReason {
  // The set holds exactly the members of the union.
  return reasons.has(word) ? (word as RefuseReason) : 'refused'
}

/** A client's frame: an envelope or a query, with its framing. */
export const MAX_CLIENT_FRAME_BYTES = MAX_ENVELOPE_BYTES + 256

/** Entries in one frame: what fits when every record is as short as a sealed record can be. */
export const MAX_FRAME_ENTRIES = 1_024

/** Removed peer IDs in one frame, of forty bytes each. */
export const MAX_FRAME_REMOVALS = 1_024

/** Entries are packed up to here: the largest single entry still fits behind it, and a page is one message of Noise. */
const ROSTER_PAGE_BYTES = 60 * 1024

/** Longer than any nickname is pointless. */
const MAX_QUERY_CHARS = 64

/** Statements about one peer in one answer: one of each directory that a directory may know. */
export const MAX_FOUND_STATEMENTS = 64

/** Directories that one is joined with, as it tells them. */
export const MAX_FOUND_FEDERATION_PEERS = 64

export type ClientFrame =
  | { readonly type: 'announce'; readonly envelope: Uint8Array }
  | { readonly type: 'withdraw'; readonly envelope: Uint8Array }
  | ({ readonly type: 'watch' } & WatchRange)
  | { readonly type: 'lookup'; readonly peer: PeerId }

/** What of the roster a watcher sees: matches of the query in the order of names, a page of them. */
export interface WatchRange {
  /** Part of a nickname in any case, or the start of a peer ID. Empty: everybody. */
  readonly query: string
  readonly offset: number
  /** 0: to the end. */
  readonly limit: number
}

export interface WireEntry {
  readonly envelope: Uint8Array
  /** Empty in the entry of a peer that has withdrawn. */
  readonly attachments: readonly { readonly directory: PeerId; readonly forMs: number }[]
}

/** What a directory knows of one peer, with what proves it. */
export interface FoundFrame {
  readonly type: 'found'
  readonly peer: PeerId
  readonly newestEnvelope?: Uint8Array
  readonly showing: boolean
  /** Sealed statements of directories about the peer. */
  readonly statements: readonly Uint8Array[]
  readonly federationPeers: readonly PeerId[]
  /** Statements that this directory made in an earlier one are void. */
  readonly epoch?: bigint
}

export type DirectoryFrame =
  | FoundFrame
  | WelcomeFrame
  | {
      readonly type: 'snapshot'
      readonly entries: readonly WireEntry[]
      readonly total: number
      readonly last: boolean
    }
  | {
      readonly type: 'changes'
      readonly entries: readonly WireEntry[]
      readonly removed: readonly PeerId[]
      readonly total: number
    }
  | {
      readonly type: 'refuse'
      readonly reason: RefuseReason
      readonly retryAfterMs: number
      readonly newestEnvelope?: Uint8Array
    }

/** @returns undefined for a frame of a later version; throws on what is no protobuf */
export function decodeClientFrame(bytes: Uint8Array): ClientFrame | undefined {
  const { announce, withdraw, watch, lookup } = PbClient.decode(bytes)
  if (announce !== undefined) return { type: 'announce', envelope: announce.envelope }
  if (withdraw !== undefined) return { type: 'withdraw', envelope: withdraw.envelope }
  if (watch !== undefined) return { type: 'watch', query: watch.query, offset: watch.offset, limit: watch.limit }
  const peer = lookup === undefined ? undefined : decodePeerId(lookup.peer)
  return peer === undefined ? undefined : { type: 'lookup', peer }
}

export function encodeClientFrame(frame: ClientFrame): Uint8Array {
  switch (frame.type) {
    case 'announce':
      return PbClient.encode({ announce: { envelope: new Uint8Array(frame.envelope) } })
    case 'withdraw':
      return PbClient.encode({ withdraw: { envelope: new Uint8Array(frame.envelope) } })
    case 'watch':
      return PbClient.encode({ watch: { query: frame.query, offset: frame.offset, limit: frame.limit } })
    case 'lookup':
      return PbClient.encode({ lookup: { peer: encodePeerId(frame.peer) } })
  }
}

/** @returns undefined for a frame of a later version; throws on what is no protobuf or over a limit */
export function decodeDirectoryFrame(bytes: Uint8Array): DirectoryFrame | undefined {
  const { welcome, snapshot, changes, refuse, found } = PbDirectory.decode(bytes, {
    limits: {
      snapshot: { entries: MAX_FRAME_ENTRIES, entries$: { attachments: MAX_ATTACHMENTS } },
      changes: {
        entries: MAX_FRAME_ENTRIES,
        entries$: { attachments: MAX_ATTACHMENTS },
        removed: MAX_FRAME_REMOVALS
      },
      found: { statements: MAX_FOUND_STATEMENTS, federationPeers: MAX_FOUND_FEDERATION_PEERS }
    }
  })
  if (welcome !== undefined) return readWelcome(welcome)
  if (snapshot !== undefined) {
    return {
      type: 'snapshot',
      entries: snapshot.entries.map(readEntry),
      total: snapshot.total,
      last: snapshot.last
    }
  }
  if (changes !== undefined) {
    return {
      type: 'changes',
      entries: changes.entries.map(readEntry),
      removed: changes.removed.flatMap((peer) => decodePeerId(peer) ?? []),
      total: changes.total
    }
  }
  if (refuse !== undefined) {
    const { reason, retryAfterMs, newestEnvelope } = refuse
    return {
      type: 'refuse',
      reason: refuseReason(reason),
      retryAfterMs,
      ...(newestEnvelope === undefined ? {} : { newestEnvelope })
    }
  }
  return found === undefined ? undefined : readFound(found)
}

export function encodeDirectoryFrame(frame: DirectoryFrame): Uint8Array {
  switch (frame.type) {
    case 'welcome':
      return PbDirectory.encode({ welcome: writeWelcome(frame) })
    case 'snapshot': {
      const { entries, total, last } = frame
      return PbDirectory.encode({ snapshot: { entries: entries.map(writeEntry), total, last } })
    }
    case 'changes': {
      const { entries, removed, total } = frame
      return PbDirectory.encode({
        changes: { entries: entries.map(writeEntry), removed: removed.map(encodePeerId), total }
      })
    }
    case 'refuse': {
      const { reason, retryAfterMs, newestEnvelope } = frame
      const refuse = { reason, retryAfterMs }
      return PbDirectory.encode({
        refuse: newestEnvelope === undefined ? refuse : { ...refuse, newestEnvelope: new Uint8Array(newestEnvelope) }
      })
    }
    case 'found':
      return PbDirectory.encode({ found: writeFound(frame) })
  }
}

/** @returns the entries in groups that fit into one frame each; at least one group */
export function packEntries(entries: readonly WireEntry[]): WireEntry[][] {
  let page: WireEntry[] = []
  let pageBytes = 0
  const pages = [page]
  for (const entry of entries) {
    const sizeBytes = wireEntryBytes(entry)
    if (page.length > 0 && (pageBytes + sizeBytes > ROSTER_PAGE_BYTES || page.length >= MAX_FRAME_ENTRIES)) {
      page = []
      pageBytes = 0
      pages.push(page)
    }
    page.push(entry)
    pageBytes += sizeBytes
  }
  return pages
}

/** @returns no less than what an entry takes in a frame */
export function wireEntryBytes(entry: WireEntry): number {
  // Tags and lengths are at most 8 bytes for the entry; an attachment is a peer ID, a number and tags.
  return entry.envelope.byteLength + 8 + entry.attachments.length * 88
}

/** @returns whether the query is one that a directory answers */
export function isAcceptableWatch(range: WatchRange): boolean {
  return [...range.query].length <= MAX_QUERY_CHARS
}

function readFound(found: PbDirectory.Found): FoundFrame | undefined {
  const peer = decodePeerId(found.peer)
  if (peer === undefined) return undefined
  const { newestEnvelope, showing, statements, epoch } = found
  const federationPeers = found.federationPeers.flatMap((federationPeer) => decodePeerId(federationPeer) ?? [])
  return {
    type: 'found',
    peer,
    showing,
    statements,
    federationPeers,
    ...(newestEnvelope === undefined ? {} : { newestEnvelope }),
    ...(epoch === undefined ? {} : { epoch })
  }
}

function writeFound({
  peer,
  newestEnvelope,
  showing,
  statements,
  federationPeers,
  epoch
}: FoundFrame): PbDirectory.Found {
  return {
    peer: encodePeerId(peer),
    showing,
    statements: statements.map((statement) => new Uint8Array(statement)),
    federationPeers: federationPeers.map(encodePeerId),
    ...(newestEnvelope === undefined ? {} : { newestEnvelope: new Uint8Array(newestEnvelope) }),
    ...(epoch === undefined ? {} : { epoch })
  }
}

function readEntry(entry: PbDirectory.Entry): WireEntry {
  return {
    envelope: entry.envelope,
    attachments: entry.attachments.flatMap(({ directory, forMs }) => {
      const peer = decodePeerId(directory)
      return peer === undefined ? [] : [{ directory: peer, forMs: clampMs(forMs) }]
    })
  }
}

function writeEntry(entry: WireEntry): PbDirectory.Entry {
  return {
    envelope: new Uint8Array(entry.envelope),
    attachments: entry.attachments.map(({ directory, forMs }) => ({
      directory: encodePeerId(directory),
      forMs: BigInt(Math.max(0, Math.round(forMs)))
    }))
  }
}

function clampMs(ms: bigint): number {
  return ms > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(ms)
}
