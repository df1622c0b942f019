// The frames of /chat/directory/1.0.0 as closed unions, and how entries are
// packed into frames of a bounded size. Knows bytes, and neither what an
// envelope holds nor who may send it.
import type { PeerId } from '@libp2p/interface'
import {
  MAX_ATTACHMENTS,
  MAX_FOUND_FELLOWS,
  MAX_FOUND_STATEMENTS,
  MAX_FRAME_ENTRIES,
  MAX_FRAME_REMOVALS,
  MAX_QUERY_CHARS,
  PAGE_BYTES
} from './constants.ts'
import { refuseReason } from './errors.ts'
import type { RefuseReason } from './errors.ts'
import { ClientFrame as PbClient, DirectoryFrame as PbDirectory } from './pb/directory-frames.ts'
import { decodePeerId, encodePeerId } from './peer-id-bytes.ts'

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
  readonly fellows: readonly PeerId[]
  /** Statements that this directory made in an earlier one are void. */
  readonly epoch?: bigint
}

export type DirectoryFrame =
  | FoundFrame
  | {
      readonly type: 'welcome'
      readonly network: string
      readonly leaseMs: number
      readonly refreshAfterMs: number
      readonly acceptedSeq?: bigint
    }
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
      found: { statements: MAX_FOUND_STATEMENTS, fellows: MAX_FOUND_FELLOWS }
    }
  })
  if (welcome !== undefined) {
    const { network, leaseMs, refreshAfterMs, acceptedSeq } = welcome
    return { type: 'welcome', network, leaseMs, refreshAfterMs, ...(acceptedSeq === undefined ? {} : { acceptedSeq }) }
  }
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
    case 'welcome': {
      const { network, leaseMs, refreshAfterMs, acceptedSeq } = frame
      const welcome = { network, leaseMs, refreshAfterMs }
      return PbDirectory.encode({ welcome: acceptedSeq === undefined ? welcome : { ...welcome, acceptedSeq } })
    }
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

/** @returns the entries in groups, each of which fits into one frame; at least one group */
export function packEntries(entries: readonly WireEntry[]): WireEntry[][] {
  let page: WireEntry[] = []
  let pageBytes = 0
  const pages = [page]
  for (const entry of entries) {
    const sizeBytes = wireEntryBytes(entry)
    if (page.length > 0 && (pageBytes + sizeBytes > PAGE_BYTES || page.length >= MAX_FRAME_ENTRIES)) {
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
  const fellows = found.fellows.flatMap((fellow) => decodePeerId(fellow) ?? [])
  return {
    type: 'found',
    peer,
    showing,
    statements,
    fellows,
    ...(newestEnvelope === undefined ? {} : { newestEnvelope }),
    ...(epoch === undefined ? {} : { epoch })
  }
}

function writeFound({ peer, newestEnvelope, showing, statements, fellows, epoch }: FoundFrame): PbDirectory.Found {
  return {
    peer: encodePeerId(peer),
    showing,
    statements: statements.map((statement) => new Uint8Array(statement)),
    fellows: fellows.map(encodePeerId),
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
