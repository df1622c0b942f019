// What each directory that a client is connected to tells of each peer: its
// record, and the directories at which it is attached. The roster merges this by
// who tells it; this keeps it apart, to see who vouches for whom and where they
// differ. Pure.
import { MAX_ROSTER_PEERS } from './constants.ts'
import type { DirectoryEntries } from './directory-entries.ts'
import type { VerifiedRecord } from './presence-record.ts'

/** One directory's word about one peer. */
export interface Telling {
  readonly record: VerifiedRecord
  /** Peer IDs of directories, each with since when. Never empty. */
  readonly attachedAt: ReadonlyMap<string, number>
}

interface Teller {
  /** Whether its whole roster has been told since it was connected. */
  isComplete: boolean
  readonly peers: Map<string, Telling>
  /** How many of its peers are attached at each directory: it knows those. */
  readonly attached: Map<string, number>
}

export class Tellings {
  readonly #maxPeers: number
  readonly #tellers = new Map<string, Teller>()

  /** @param maxPeers of one directory: whoever it tells of beyond that is left out */
  constructor(maxPeers: number = MAX_ROSTER_PEERS) {
    this.#maxPeers = maxPeers
  }

  /** Takes what a directory says. @returns whom it said something new of */
  apply(said: DirectoryEntries): ReadonlySet<string> {
    const teller = this.#teller(said.directory.toString())
    const changed = new Set<string>()
    for (const { record, attachments } of said.updates) {
      const peer = record.record.peer.toString()
      if (!teller.peers.has(peer) && teller.peers.size >= this.#maxPeers) continue
      const attachedAt = new Map(attachments.map(({ directory, sinceMs }) => [directory.toString(), sinceMs]))
      set(teller, peer, attachedAt.size === 0 ? undefined : { record, attachedAt })
      changed.add(peer)
    }
    const gone =
      said.complete === undefined
        ? said.removed
        : [...said.removed, ...[...teller.peers.keys()].filter((peer) => said.complete?.has(peer) === false)]
    for (const peer of gone) {
      set(teller, peer, undefined)
      changed.add(peer)
    }
    teller.isComplete ||= said.complete !== undefined
    return changed
  }

  /** A directory is connected no more: its word ends. */
  forget(directory: string): void {
    this.#tellers.delete(directory)
  }

  /** Directories that have told something and are still connected. */
  tellers(): readonly string[] {
    return [...this.#tellers.keys()]
  }

  /** Directories that have told their whole roster. */
  complete(): readonly string[] {
    return [...this.#tellers].flatMap(([directory, { isComplete }]) => (isComplete ? [directory] : []))
  }

  /** How many peers the directory tells. */
  count(directory: string): number {
    return this.#tellers.get(directory)?.peers.size ?? 0
  }

  of(directory: string, peer: string): Telling | undefined {
    return this.#tellers.get(directory)?.peers.get(peer)
  }

  /** Everybody of whom somebody tells. */
  peers(): ReadonlySet<string> {
    return new Set([...this.#tellers.values()].flatMap(({ peers }) => [...peers.keys()]))
  }

  /** The directories at which a directory says that peers are attached: those that it hears of. */
  hearsOf(directory: string): ReadonlySet<string> {
    return new Set(this.#tellers.get(directory)?.attached.keys())
  }

  #teller(directory: string): Teller {
    const teller = this.#tellers.get(directory) ?? { isComplete: false, peers: new Map(), attached: new Map() }
    this.#tellers.set(directory, teller)
    return teller
  }
}

function set({ peers, attached }: Teller, peer: string, next: Telling | undefined): void {
  for (const directory of peers.get(peer)?.attachedAt.keys() ?? []) {
    const rest = (attached.get(directory) ?? 0) - 1
    if (rest > 0) attached.set(directory, rest)
    else attached.delete(directory)
  }
  if (next === undefined) peers.delete(peer)
  else peers.set(peer, next)
  for (const directory of next?.attachedAt.keys() ?? []) attached.set(directory, (attached.get(directory) ?? 0) + 1)
}
