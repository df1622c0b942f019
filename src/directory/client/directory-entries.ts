// A directory's roster as it reaches a client: every envelope is opened, and what is
// forged, broken or of another network is left out and counted. A record that the
// client holds already is neither verified nor held again. Knows how to put entries
// into a roster; opens no streams.
import { setImmediate } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import type { DirectoryFrame, WireEntry } from '../directory-frames.ts'
import { LruMap } from '../../lib/index.ts'
import { BadRecordError, claimedPeer, MAX_ATTACHMENTS, openRecord } from '../../presence/index.ts'
import type { Roster, RosterChange, VerifiedRecord } from '../../presence/index.ts'

/** Peers that a client takes from one directory, its own first: as many as may be attached to it. */
const MAX_TAKEN_PEERS = 10_000

/** … and the bytes of their envelopes together: four times the usual. */
const MAX_TAKEN_BYTES = 8 * 1024 * 1024

/** Verifications before other work gets a turn: about ten milliseconds. */
const VERIFICATIONS_PER_TURN = 32

/** A record that a directory holds, checked. */
interface RosterUpdate {
  readonly record: VerifiedRecord
  /** The directories at which the peer is attached, as this directory says. Empty when it has withdrawn. */
  readonly attachments: readonly { readonly directory: PeerId; readonly sinceMs: number }[]
}

/** One frame's worth of a directory's roster, checked. */
export interface DirectoryEntries {
  /** The directory that sent it. */
  readonly directory: PeerId
  /** New and changed peers, and those that have withdrawn. */
  readonly updates: readonly RosterUpdate[]
  /** Peers that the directory no longer holds. */
  readonly removed: readonly string[]
  /** How many peers match what is watched, the client's own included; the directory may send fewer. */
  readonly total: number
  /** With the last page of a snapshot: all its peers. Others are not on this directory's roster. */
  readonly complete?: ReadonlySet<string>
  /** Entries that were left out because they are forged or broken. */
  readonly refused: number
}

/** What a client takes from one directory. */
interface TakenLimits {
  readonly maxPeers: number
  readonly maxBytes: number
}

interface EntriesReaderOptions extends Partial<TakenLimits> {
  /** The records that the client holds, whichever directory sent them. */
  readonly held?: Pick<Roster, 'newest'> | undefined
}

/** Reads the frames of one stream, which a snapshot spans. */
export class EntriesReader {
  readonly #directory: PeerId
  readonly #network: string
  readonly #now: () => number
  readonly #taken: TakenPeers
  readonly #held: Pick<Roster, 'newest'> | undefined
  /** One object for each directory at which peers are attached, by the bytes of its ID. */
  readonly #directories = new LruMap<string, PeerId>(MAX_ATTACHMENTS)
  #snapshot: Set<string> | undefined

  constructor(directory: PeerId, network: string, now: () => number, options: EntriesReaderOptions = {}) {
    const { held, ...limits } = options
    this.#held = held
    this.#directory = directory
    this.#network = network
    this.#now = now
    this.#taken = new TakenPeers({ maxPeers: MAX_TAKEN_PEERS, maxBytes: MAX_TAKEN_BYTES, ...limits })
  }

  async read(
    frame: Extract<DirectoryFrame, { type: 'snapshot' | 'changes' }>,
    signal?: AbortSignal
  ): Promise<DirectoryEntries> {
    if (frame.type === 'snapshot' && this.#snapshot === undefined) {
      this.#taken.clear()
      this.#snapshot = new Set()
    }
    const gone = frame.type === 'changes' ? frame.removed.map(String) : []
    for (const peer of gone) this.#taken.delete(peer)
    const { updates, refused, evicted } = await this.#open(frame.entries, signal)
    const found = { directory: this.#directory, updates, total: frame.total, refused, removed: [...gone, ...evicted] }
    if (frame.type === 'changes' || this.#snapshot === undefined) return found
    for (const { record } of updates) if (!record.record.withdrawn) this.#snapshot.add(record.record.peer.toString())
    for (const peer of evicted) this.#snapshot.delete(peer)
    if (!frame.last) return found
    const complete = this.#snapshot
    this.#snapshot = undefined
    return { ...found, complete }
  }

  async #open(entries: readonly WireEntry[], signal: AbortSignal | undefined) {
    const updates: RosterUpdate[] = []
    const evicted: string[] = []
    let refused = 0
    for (const [i, { envelope, attachments }] of entries.entries()) {
      if (i % VERIFICATIONS_PER_TURN === VERIFICATIONS_PER_TURN - 1) await setImmediate()
      signal?.throwIfAborted()
      const isOwn = attachments.some(({ directory }) => directory.equals(this.#directory))
      // Entries beyond the limits are not verified either.
      if (attachments.length > 0 && !this.#taken.hasRoomFor(envelope, isOwn)) continue
      try {
        const record = this.#heldAs(envelope) ?? (await openRecord(envelope))
        if (record.record.network === this.#network && record.record.withdrawn === (attachments.length === 0)) {
          const nowMs = this.#now()
          evicted.push(...this.#taken.take(record, isOwn))
          updates.push({
            record,
            attachments: attachments.map(({ directory, forMs }) => ({
              directory: this.#shared(directory),
              sinceMs: nowMs - forMs
            }))
          })
        } else refused++
      } catch (error) {
        if (!(error instanceof BadRecordError)) throw error
        refused++
      }
    }
    return { updates, refused, evicted }
  }

  /** The record that the client holds of this very envelope: it was verified before. */
  #heldAs(envelope: Uint8Array): VerifiedRecord | undefined {
    const peer = this.#held === undefined ? undefined : claimedPeer(envelope)
    const record = peer === undefined ? undefined : this.#held?.newest(peer)
    return record !== undefined && Buffer.compare(record.envelope, envelope) === 0 ? record : undefined
  }

  #shared(directory: PeerId): PeerId {
    const key = Buffer.from(directory.toMultihash().bytes).toString('latin1')
    const known = this.#directories.get(key)
    if (known !== undefined) return known
    this.#directories.set(key, directory)
    return directory
  }
}

/** The peers that were taken from one directory, within bounds: those attached to it go before others. */
class TakenPeers {
  readonly #limits: TakenLimits
  /** The bytes of each record, the oldest first. */
  readonly #own = new Map<string, number>()
  readonly #others = new Map<string, number>()
  #bytes = 0

  constructor(limits: TakenLimits) {
    this.#limits = limits
  }

  hasRoomFor(envelope: Uint8Array, isOwn: boolean): boolean {
    if (this.#fits(envelope.byteLength) || (isOwn && this.#others.size > 0)) return true
    const peer = claimedPeer(envelope)
    return peer !== undefined && (this.#own.has(peer) || this.#others.has(peer))
  }

  /** @returns the peers that had to make room */
  take({ record, envelope }: VerifiedRecord, isOwn: boolean): readonly string[] {
    const peer = record.peer.toString()
    this.delete(peer)
    if (record.withdrawn) return []
    const evicted: string[] = []
    for (const other of this.#others.keys()) {
      if (!isOwn || this.#fits(envelope.byteLength)) break
      this.delete(other)
      evicted.push(other)
    }
    const known = isOwn ? this.#own : this.#others
    known.set(peer, envelope.byteLength)
    this.#bytes += envelope.byteLength
    return evicted
  }

  delete(peer: string): void {
    this.#bytes -= this.#own.get(peer) ?? this.#others.get(peer) ?? 0
    this.#own.delete(peer)
    this.#others.delete(peer)
  }

  clear(): void {
    this.#own.clear()
    this.#others.clear()
    this.#bytes = 0
  }

  #fits(bytes: number): boolean {
    const { maxPeers, maxBytes } = this.#limits
    return this.#own.size + this.#others.size < maxPeers && this.#bytes + bytes <= maxBytes
  }
}

/**
 * Puts a directory's entries into a roster. Their source is the directory that sent them, so that its loss ends all that
 * it attested.
 */
export function applyEntries(roster: Roster, entries: DirectoryEntries, nowMs: number): RosterChange[] {
  const source = entries.directory.toString()
  const changes: RosterChange[] = []
  for (const { record, attachments } of entries.updates) {
    const sinceMs = Math.min(nowMs, ...attachments.map((attachment) => attachment.sinceMs))
    const announced = roster.announce(record, { source, nowMs, sinceMs })
    if (announced.outcome !== 'full') changes.push(...announced.changes)
    // A farewell of an earlier visit does not end a later one; an entry without attachments does.
    if (attachments.length === 0) changes.push(...roster.detach(record.record.peer.toString(), source))
  }
  for (const peer of entries.removed) changes.push(...roster.detach(peer, source))
  if (entries.complete !== undefined) changes.push(...roster.retain(source, entries.complete))
  return changes
}
