// What each connected directory shows of each peer: its record, and the directories at
// which it is attached. The roster merges these views; here they stay apart, to find
// which directories attest a peer, which one alone does, and where they differ. Records
// are shared with the roster. Pure: the time is an argument.
import { MAX_ROSTER_PEERS } from '../../presence/index.ts'
import type { DirectoryEntries } from '../client/directory-entries.ts'
import type { VerifiedRecord } from '../../presence/index.ts'

/** One peer as one directory shows it. */
export interface ShownPeer {
  readonly record: VerifiedRecord
  /** Peer IDs of directories, each with since when. Never empty. */
  readonly attachedAt: ReadonlyMap<string, number>
}

interface DirectoryView {
  /** Whether it has sent its whole roster since it was connected. */
  isComplete: boolean
  readonly peers: Map<string, ShownPeer>
  /** How many of its peers are attached at each directory that it hears from. */
  readonly attached: Map<string, number>
}

export interface Attestations {
  /** The directories at which the peer is attached, according to any directory, each with since when. */
  readonly via: ReadonlyMap<string, number>
  /**
   * The first-hand sources: a connected directory that shows the peer as attached to itself; a directory that is not
   * connected, if all connected ones show the peer as attached there; else the directory that shows it.
   */
  readonly attestedBy: ReadonlySet<string>
}

export class DirectoryViews {
  readonly #maxPeers: number
  readonly #views = new Map<string, DirectoryView>()

  /** @param maxPeers of one directory: peers beyond that are left out */
  constructor(maxPeers: number = MAX_ROSTER_PEERS) {
    this.#maxPeers = maxPeers
  }

  /** Takes entries of a directory. @returns the peers whose view has changed */
  apply(entries: DirectoryEntries): ReadonlySet<string> {
    const view = this.#viewOf(entries.directory.toString())
    const changed = new Set<string>()
    for (const { record, attachments } of entries.updates) {
      const peer = record.record.peer.toString()
      if (!view.peers.has(peer) && view.peers.size >= this.#maxPeers) continue
      const attachedAt = new Map(attachments.map(({ directory, sinceMs }) => [directory.toString(), sinceMs]))
      set(view, peer, attachedAt.size === 0 ? undefined : { record, attachedAt })
      changed.add(peer)
    }
    const gone =
      entries.complete === undefined
        ? entries.removed
        : [...entries.removed, ...[...view.peers.keys()].filter((peer) => entries.complete?.has(peer) === false)]
    for (const peer of gone) {
      set(view, peer, undefined)
      changed.add(peer)
    }
    view.isComplete ||= entries.complete !== undefined
    return changed
  }

  /** Drops the view of a directory that is not connected any more. */
  forget(directory: string): void {
    this.#views.delete(directory)
  }

  /** Directories that are connected and have sent entries. */
  directories(): readonly string[] {
    return [...this.#views.keys()]
  }

  /** Directories that have sent their whole roster. */
  complete(): readonly string[] {
    return [...this.#views].flatMap(([directory, { isComplete }]) => (isComplete ? [directory] : []))
  }

  /** How many peers the directory shows. */
  count(directory: string): number {
    return this.#views.get(directory)?.peers.size ?? 0
  }

  of(directory: string, peer: string): ShownPeer | undefined {
    return this.#views.get(directory)?.peers.get(peer)
  }

  /** Every peer that any directory shows. */
  peers(): ReadonlySet<string> {
    return new Set([...this.#views.values()].flatMap(({ peers }) => [...peers.keys()]))
  }

  /** The directories at which the peer is attached, and those that attest it. */
  attestations(peer: string): Attestations {
    const via = new Map<string, number>()
    const attestedBy = new Set<string>()
    for (const [directory, { peers }] of this.#views) {
      for (const [at, sinceMs] of peers.get(peer)?.attachedAt ?? []) {
        via.set(at, Math.min(via.get(at) ?? sinceMs, sinceMs))
        attestedBy.add(this.#isFirstHand(at, peer) ? at : directory)
      }
    }
    return { via, attestedBy }
  }

  /** The directories that a directory hears from: those at which it shows attached peers. */
  hearsOf(directory: string): ReadonlySet<string> {
    return new Set(this.#views.get(directory)?.attached.keys())
  }

  #isFirstHand(at: string, peer: string): boolean {
    const whoMustSay = this.#views.has(at) ? [at] : this.complete()
    return whoMustSay.length > 0 && whoMustSay.every((one) => this.of(one, peer)?.attachedAt.has(at) === true)
  }

  #viewOf(directory: string): DirectoryView {
    const view = this.#views.get(directory) ?? { isComplete: false, peers: new Map(), attached: new Map() }
    this.#views.set(directory, view)
    return view
  }
}

function set({ peers, attached }: DirectoryView, peer: string, next: ShownPeer | undefined): void {
  for (const directory of peers.get(peer)?.attachedAt.keys() ?? []) {
    const rest = (attached.get(directory) ?? 0) - 1
    if (rest > 0) attached.set(directory, rest)
    else attached.delete(directory)
  }
  if (next === undefined) peers.delete(peer)
  else peers.set(peer, next)
  for (const directory of next?.attachedAt.keys() ?? []) attached.set(directory, (attached.get(directory) ?? 0) + 1)
}

/** All directories show a new peer within this time: before, "only via" one of them would be too early. */
const ONLY_VIA_AFTER_MS = 2_000

export class SoleAttestations {
  readonly #views: DirectoryViews
  readonly #found = new Map<string, string>()
  /** New peers, and when to review them again. */
  readonly #young = new Map<string, number>()

  constructor(views: DirectoryViews) {
    this.#views = views
  }

  /** The sole directory that attests the peer. */
  of(peer: string): string | undefined {
    return this.#found.get(peer)
  }

  /** Reviews these peers, and new ones that are due. @returns those whose sole attestation changed */
  review(peers: Iterable<string>, nowMs: number): readonly string[] {
    const due = [...this.#young].flatMap(([peer, dueAtMs]) => (dueAtMs <= nowMs ? [peer] : []))
    return [...new Set([...peers, ...due])].filter((peer) => this.#isNews(peer, nowMs))
  }

  /** Reviews all peers: a directory has sent its whole roster, or is not connected any more. */
  reviewAll(nowMs: number): readonly string[] {
    return this.review([...this.#views.peers(), ...this.#found.keys(), ...this.#young.keys()], nowMs)
  }

  /** When `review` next has something to do by itself. */
  nextDueMs(): number {
    let earliest = Infinity
    for (const dueAtMs of this.#young.values()) earliest = Math.min(earliest, dueAtMs)
    return earliest
  }

  #isNews(peer: string, nowMs: number): boolean {
    const before = this.#found.get(peer)
    const now = this.#soleAttestation(peer, nowMs)
    if (now === undefined) this.#found.delete(peer)
    else this.#found.set(peer, now)
    return now !== before
  }

  #soleAttestation(peer: string, nowMs: number): string | undefined {
    this.#young.delete(peer)
    if (this.#views.complete().length < 2) return undefined
    const { via, attestedBy } = this.#views.attestations(peer)
    const [attester, ...others] = attestedBy
    if (attester === undefined || others.length > 0) return undefined
    const dueAtMs = Math.min(nowMs, ...via.values()) + ONLY_VIA_AFTER_MS
    if (dueAtMs <= nowMs) return attester
    this.#young.set(peer, dueAtMs)
    return undefined
  }
}
