// The other directories that are known, within bounds: which of them makes room
// for another, and which one gives way when the memory for their statements is used
// up. Directories that the operator named have a room of their own. Pure.
import { Shares } from '../../../wire/index.ts'
import { KnownDirectory } from './known-directory.ts'
import type { RosterEffect } from './known-directory.ts'
import { LEASE_MS } from '../../../presence/index.ts'
import { MAX_ATTACHED_PEERS } from '../../directory-frames.ts'
import { MAX_KNOWN_DIRECTORIES } from '../../federation-frames.ts'

/** Detached statements are kept two leases, as tombstones are. */
const DETACHED_MS = 2 * LEASE_MS

/** Statements of the directories that the operator named: some 25,000 attachments, more than a full roster. */
const NAMED_STATEMENTS_BYTES = 80 * 1024 * 1024

/**
 * … and of all other directories, which strangers may run: some 5,000 attachments of the usual size. With the page's log
 * and what is under way, a flood of them takes less than 32 MB.
 */
const STATEMENTS_BYTES = 16 * 1024 * 1024

export interface FederationLimits {
  readonly maxDirectories: number
  /** Of each other directory, as it limits itself. */
  readonly maxAttachments: number
  /** Of each other directory, detached statements that are kept; the oldest goes first. */
  readonly maxDetached: number
  /** The memory for the statements of all directories that the operator named, together. */
  readonly namedRoomBytes: number
  /** The same of all others. */
  readonly roomBytes: number
  /** How long a detached statement is kept: two leases. */
  readonly detachedMs: number
}

export const defaultLimits: FederationLimits = {
  maxDirectories: MAX_KNOWN_DIRECTORIES,
  maxAttachments: MAX_ATTACHED_PEERS,
  maxDetached: MAX_ATTACHED_PEERS,
  namedRoomBytes: NAMED_STATEMENTS_BYTES,
  roomBytes: STATEMENTS_BYTES,
  detachedMs: DETACHED_MS
}

/** How the statements of directories share one room. */
interface StatementRoom {
  readonly bytes: number
  readonly limitBytes: number
  /** Attachments that directories have by their own word and that are left out here. */
  readonly leftOut: number
}

export class KnownDirectories {
  readonly #limits: FederationLimits
  readonly #isNamed: (directory: string) => boolean
  readonly #known = new Map<string, KnownDirectory>()

  /** @param isNamed whether the operator named the directory */
  constructor(limits: FederationLimits, isNamed: (directory: string) => boolean) {
    this.#limits = limits
    this.#isNamed = isNamed
  }

  get(directory: string): KnownDirectory | undefined {
    return this.#known.get(directory)
  }

  all(): readonly KnownDirectory[] {
    return [...this.#known.values()]
  }

  /**
   * @param holder whose share a new one counts for
   * @returns undefined for a new one when there is no room; what ends with one that has made room
   */
  getOrAdd(
    id: string,
    nowMs: number,
    isConnected: boolean,
    holder: string
  ): { known: KnownDirectory | undefined; effects: readonly RosterEffect[] } {
    const before = this.#known.get(id)
    if (before !== undefined) return { known: before, effects: [] }
    let effects: readonly RosterEffect[] = []
    if (this.#known.size >= this.#limits.maxDirectories) {
      const last = this.#leastWorth(nowMs, isConnected, holder)
      if (last === undefined) return { known: undefined, effects: [] }
      effects = last.end()
      this.#known.delete(last.id)
    }
    const known = new KnownDirectory(id, this.#limits, holder, () => this.#isNamed(id))
    this.#known.set(id, known)
    return { known, effects }
  }

  /**
   * Makes room for more statements of a directory: what dead ones said goes first, then what the largest directory of
   * the largest holder said.
   *
   * @returns no room when that is the directory itself, which then gets no more; and what ends
   */
  makeRoom(one: KnownDirectory, bytes: number): { hasRoom: boolean; effects: readonly RosterEffect[] } {
    const effects: RosterEffect[] = []
    const { limitBytes, rivals } = this.#roomOf(this.#isNamed(one.id))
    while (bytesOf(rivals) + bytes > limitBytes) {
      const dead = rivals.find((known) => known !== one && !known.counts && known.bytes > 0)
      if (dead !== undefined) {
        dead.forget()
        continue
      }
      const shares = new Shares<KnownDirectory>({ capacity: limitBytes })
      for (const known of rivals) shares.add(known, known.holder, known.bytes + (known === one ? bytes : 0))
      const largest = shares.heaviest()
      if (largest === undefined || largest === one) return { hasRoom: false, effects }
      effects.push(...largest.giveWay(bytes))
    }
    return { hasRoom: true, effects }
  }

  /** Whether what was left out of a directory may be asked for: its room is not under pressure any more. */
  hasRoomFor(one: KnownDirectory): boolean {
    const { limitBytes, rivals } = this.#roomOf(this.#isNamed(one.id))
    const shares = new Shares<KnownDirectory>({ capacity: limitBytes })
    for (const known of rivals) shares.add(known, known.holder, known.bytes)
    return !shares.isUnderPressure
  }

  /** The room of the directories that the operator named, or of all others. */
  room(isNamed: boolean): StatementRoom {
    const { limitBytes, rivals } = this.#roomOf(isNamed)
    return { bytes: bytesOf(rivals), limitBytes, leftOut: rivals.reduce((sum, { leftOut }) => sum + leftOut, 0) }
  }

  #roomOf(isNamed: boolean): { readonly limitBytes: number; readonly rivals: readonly KnownDirectory[] } {
    const { namedRoomBytes, roomBytes } = this.#limits
    return {
      limitBytes: isNamed ? namedRoomBytes : roomBytes,
      rivals: this.all().filter(({ id }) => this.#isNamed(id) === isNamed)
    }
  }

  /**
   * @returns who has to make room for another: the dead one heard longest ago; else, of the living ones that are not
   *   connected, the one heard longest ago: of any for a connected one, of a larger holder for another
   */
  #leastWorth(nowMs: number, isConnected: boolean, holder: string): KnownDirectory | undefined {
    const away = this.all().filter((known) => !known.isConnected && !this.#isNamed(known.id))
    const dead = away.filter((known) => !known.isAlive(nowMs))
    if (dead.length > 0) return longestAgo(dead)
    const shares = new Shares<KnownDirectory>({ capacity: this.#limits.maxDirectories })
    for (const known of away) shares.add(known, known.holder)
    const largest = shares.largestHolder() ?? ''
    const isLarger = shares.countOf(holder) + 1 < shares.countOf(largest)
    return isConnected || isLarger ? longestAgo(shares.itemsOf(largest)) : undefined
  }
}

function bytesOf(directories: readonly KnownDirectory[]): number {
  return directories.reduce((sum, { bytes }) => sum + bytes, 0)
}

function longestAgo(directories: readonly KnownDirectory[]): KnownDirectory | undefined {
  return directories.toSorted((a, b) => a.heardAtMs - b.heardAtMs)[0]
}
