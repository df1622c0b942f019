// What a directory tells a client, after the client has checked it: every
// envelope is opened, and what is forged, broken or of another network is left
// out and counted. Knows how to put the rest into a roster; opens no streams.
import { setImmediate } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { MAX_ROSTER_PEERS } from './constants.ts'
import type { DirectoryFrame, WireEntry } from './directory-frames.ts'
import { BadRecordError, PresenceProtocolError } from './errors.ts'
import { openRecord } from './presence-record.ts'
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
  /** How many peers match what is watched, the client's own included. */
  readonly total: number
  /** With the last page of a snapshot: everybody whom it named. Others are not on this directory's roster. */
  readonly complete?: ReadonlySet<string>
  /** Entries that were left out because they prove nothing. */
  readonly refused: number
}

/** Reads the frames of one stream, which a snapshot spans. */
export class EntriesReader {
  readonly #directory: PeerId
  readonly #network: string
  readonly #now: () => number
  #snapshot: Set<string> | undefined

  constructor(directory: PeerId, network: string, now: () => number) {
    this.#directory = directory
    this.#network = network
    this.#now = now
  }

  async read(
    frame: Extract<DirectoryFrame, { type: 'snapshot' | 'changes' }>,
    signal?: AbortSignal
  ): Promise<DirectoryEntries> {
    const { updates, refused } = await this.#open(frame.entries, signal)
    const found = { directory: this.#directory, updates, total: frame.total, refused }
    if (frame.type === 'changes') return { ...found, removed: frame.removed.map(String) }
    this.#snapshot ??= new Set()
    for (const { record } of updates) if (!record.record.withdrawn) this.#snapshot.add(record.record.peer.toString())
    if (this.#snapshot.size > MAX_ROSTER_PEERS) {
      throw new PresenceProtocolError(`a snapshot of more than ${MAX_ROSTER_PEERS} peers`)
    }
    if (!frame.last) return { ...found, removed: [] }
    const complete = this.#snapshot
    this.#snapshot = undefined
    return { ...found, removed: [], complete }
  }

  async #open(entries: readonly WireEntry[], signal: AbortSignal | undefined) {
    const updates: RosterUpdate[] = []
    let refused = 0
    for (const [i, { envelope, attachments }] of entries.entries()) {
      if (i % VERIFICATIONS_PER_TURN === VERIFICATIONS_PER_TURN - 1) await setImmediate()
      signal?.throwIfAborted()
      try {
        const record = await openRecord(envelope)
        if (record.record.network === this.#network && record.record.withdrawn === (attachments.length === 0)) {
          const nowMs = this.#now()
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
    return { updates, refused }
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
