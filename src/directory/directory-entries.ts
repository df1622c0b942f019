// What a directory tells a client, after the client has checked it: every
// envelope is opened, and what is forged, broken or of another network is left
// out and counted. Knows how to put the rest into a roster; opens no streams.
import { setImmediate } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { MAX_TOLD_BYTES, MAX_TOLD_PEERS } from './constants.ts'
import type { DirectoryFrame, WireEntry } from './directory-frames.ts'
import { BadRecordError } from './errors.ts'
import { claimedPeer, openRecord } from './presence-record.ts'
import type { VerifiedRecord } from './presence-record.ts'
import type { Roster, RosterChange } from './roster.ts'

/** Verifications between two looks at the rest of the world: about ten milliseconds. */
const VERIFICATIONS_PER_TURN = 32

/** A record that a directory holds, checked. */
export interface RosterUpdate {
  readonly record: VerifiedRecord
  /** Where the directory says that the peer is attached. Empty when it has withdrawn. */
  readonly attachments: readonly { readonly directory: PeerId; readonly sinceMs: number }[]
}

/** One frame's worth of a directory's roster, checked. */
export interface DirectoryEntries {
  /** Who told it. */
  readonly directory: PeerId
  /** New and changed peers, and those that have withdrawn. */
  readonly updates: readonly RosterUpdate[]
  /** Peers that the directory no longer holds, by its own word. */
  readonly removed: readonly string[]
  /** How many peers match what is watched, the client's own included; the directory may send fewer. */
  readonly total: number
  /** With the last page of a snapshot: everybody whom it named. Others are not on this directory's roster. */
  readonly complete?: ReadonlySet<string>
  /** Entries that were left out because they prove nothing. */
  readonly refused: number
}

/** What a client takes from one directory. */
export interface ToldLimits {
  readonly maxPeers: number
  readonly maxBytes: number
}

/** Reads the frames of one stream, which a snapshot spans. */
export class EntriesReader {
  readonly #directory: PeerId
  readonly #network: string
  readonly #now: () => number
  readonly #told: ToldPeers
  #snapshot: Set<string> | undefined

  constructor(directory: PeerId, network: string, now: () => number, limits: Partial<ToldLimits> = {}) {
    this.#directory = directory
    this.#network = network
    this.#now = now
    this.#told = new ToldPeers({ maxPeers: MAX_TOLD_PEERS, maxBytes: MAX_TOLD_BYTES, ...limits })
  }

  async read(
    frame: Extract<DirectoryFrame, { type: 'snapshot' | 'changes' }>,
    signal?: AbortSignal
  ): Promise<DirectoryEntries> {
    if (frame.type === 'snapshot' && this.#snapshot === undefined) {
      this.#told.clear()
      this.#snapshot = new Set()
    }
    const gone = frame.type === 'changes' ? frame.removed.map(String) : []
    for (const peer of gone) this.#told.delete(peer)
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
      // Beyond what is taken nothing is verified either.
      if (attachments.length > 0 && !this.#told.hasRoomFor(envelope, isOwn)) continue
      try {
        const record = await openRecord(envelope)
        if (record.record.network === this.#network && record.record.withdrawn === (attachments.length === 0)) {
          const nowMs = this.#now()
          evicted.push(...this.#told.take(record, isOwn))
          updates.push({
            record,
            attachments: attachments.map(({ directory, forMs }) => ({ directory, sinceMs: nowMs - forMs }))
          })
        } else refused++
      } catch (error) {
        if (!(error instanceof BadRecordError)) throw error
        refused++
      }
    }
    return { updates, refused, evicted }
  }
}

/** The peers that were taken from one directory, within bounds: its own before those of others. */
class ToldPeers {
  readonly #limits: ToldLimits
  /** The bytes of each record, the oldest first. */
  readonly #own = new Map<string, number>()
  readonly #others = new Map<string, number>()
  #bytes = 0

  constructor(limits: ToldLimits) {
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
 * Puts a directory's word into a roster. The source is the directory that told
 * it, so that its loss ends all that it vouched for.
 */
export function applyEntries(roster: Roster, entries: DirectoryEntries, nowMs: number): RosterChange[] {
  const source = entries.directory.toString()
  const changes: RosterChange[] = []
  for (const { record, attachments } of entries.updates) {
    const sinceMs = Math.min(nowMs, ...attachments.map((attachment) => attachment.sinceMs))
    const announced = roster.announce(record, { source, nowMs, sinceMs })
    if (announced.outcome !== 'full') changes.push(...announced.changes)
    // A farewell of an earlier visit says nothing of a later one; that nothing is attached does.
    if (attachments.length === 0) changes.push(...roster.detach(record.record.peer.toString(), source))
  }
  for (const peer of entries.removed) changes.push(...roster.detach(peer, source))
  if (entries.complete !== undefined) changes.push(...roster.retain(source, entries.complete))
  return changes
}
