// The part of the roster that watchers of the whole roster get: every peer of this
// directory, and as many of other directories' peers as fit. When they do not all
// fit, the largest holder gives way, so that made-up peers cost a client little
// and hide no others from it. Pure; sends nothing.
import { Shares } from '../../wire/index.ts'
import type { RosterEntry, Source } from '../../presence/index.ts'

interface RosterWindowInit {
  /** The source whose peers are all in the window. */
  readonly own: Source
  /** What the records of other directories' peers may take together. */
  readonly maxBytes: number
  /** Whose share the peers of a directory count for. */
  holderOf(source: Source): string
}

export class RosterWindow {
  readonly #init: RosterWindowInit
  readonly #own = new Set<string>()
  readonly #foreign: Shares<string>
  /** Peers for which there is no room, by holder. */
  readonly #waiting = new Map<string, Map<string, number>>()
  readonly #waitingAt = new Map<string, string>()

  constructor(init: RosterWindowInit) {
    this.#init = init
    this.#foreign = new Shares({ capacity: init.maxBytes })
  }

  /** Whether watchers get the peer. */
  has(peer: string): boolean {
    return this.#own.has(peer) || this.#foreign.holderOf(peer) !== undefined
  }

  /** How many peers watchers get. */
  get size(): number {
    return this.#own.size + this.#foreign.items
  }

  /** Whether the peer is attached here. */
  isOwn(peer: string): boolean {
    return this.#own.has(peer)
  }

  /** A peer is new, different or gone. @returns the peers that entered the window, left it or changed in it */
  update(peer: string, entry: RosterEntry | undefined): ReadonlySet<string> {
    const moved = new Set<string>()
    if (this.has(peer)) moved.add(peer)
    const before = this.#foreign.holderOf(peer)
    this.#stopWaiting(peer)
    this.#own.delete(peer)
    const isOwn = entry?.attachments.some(({ source }) => source === this.#init.own) === true
    if (entry === undefined || isOwn) {
      this.#foreign.delete(peer)
      if (isOwn) this.#own.add(peer)
      if (isOwn) moved.add(peer)
    } else {
      const holder = before ?? this.#holderOf(entry)
      const bytes = entry.record.envelope.byteLength
      this.#foreign.delete(peer)
      if (this.#makeRoom(holder, bytes, moved)) {
        this.#foreign.add(peer, holder, bytes)
        moved.add(peer)
      } else this.#wait(peer, holder, bytes)
    }
    this.#letIn(moved)
    return moved
  }

  /** When several directories have the peer, it counts for the one with the smallest share. */
  #holderOf({ attachments }: RosterEntry): string {
    const holders = attachments.map(({ source }) => this.#init.holderOf(source))
    return holders.toSorted((a, b) => this.#foreign.countOf(a) - this.#foreign.countOf(b))[0] ?? ''
  }

  #makeRoom(holder: string, bytes: number, moved: Set<string>): boolean {
    while (this.#foreign.size + bytes > this.#foreign.capacity) {
      const largest = this.#foreign.largestHolder() ?? ''
      if (this.#foreign.countOf(holder) + bytes >= this.#foreign.countOf(largest)) return false
      const oldest = this.#foreign.oldestOf(largest)
      if (oldest === undefined) return false
      const weight = this.#foreign.weightOf(oldest)
      this.#foreign.delete(oldest)
      this.#wait(oldest, largest, weight)
      moved.add(oldest)
    }
    return true
  }

  /** Fills what is free, the holder with the least first. */
  #letIn(moved: Set<string>): void {
    while (this.#waiting.size > 0) {
      const [holder] = [...this.#waiting.keys()].toSorted((a, b) => this.#foreign.countOf(a) - this.#foreign.countOf(b))
      const [next] = this.#waiting.get(holder ?? '') ?? []
      if (holder === undefined || next === undefined) return
      const [peer, bytes] = next
      if (this.#foreign.size + bytes > this.#foreign.capacity) return
      this.#stopWaiting(peer)
      this.#foreign.add(peer, holder, bytes)
      moved.add(peer)
    }
  }

  #wait(peer: string, holder: string, bytes: number): void {
    const waiting = this.#waiting.get(holder) ?? new Map<string, number>()
    waiting.set(peer, bytes)
    this.#waiting.set(holder, waiting)
    this.#waitingAt.set(peer, holder)
  }

  #stopWaiting(peer: string): void {
    const holder = this.#waitingAt.get(peer)
    if (holder === undefined) return
    this.#waitingAt.delete(peer)
    const waiting = this.#waiting.get(holder)
    waiting?.delete(peer)
    if (waiting?.size === 0) this.#waiting.delete(holder)
  }
}
