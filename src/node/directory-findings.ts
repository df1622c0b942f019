// What comes of comparing the directories in use, in words: by which of them a
// peer is seen, what each was found to do, and the line that is due when one is
// first found stale or withholding.
import {
  DirectoryDoubts,
  type DirectoryDoubtsInit,
  type DirectoryEntries,
  type HeldAgainst
} from '../directory/index.ts'
import { steadyNow } from '../wire/index.ts'
import type { DirectoryFindings, PeerName } from './chat-events.ts'
import { FINDING_AGAIN_MS } from './constants.ts'
import { shortId } from './short-id.ts'

export interface FindingsInit extends Omit<DirectoryDoubtsInit, 'now'> {
  readonly nameOf: (peer: string) => string
  /** How a directory is called: its address, if it is one of those in use. */
  readonly directoryName: (directory: string) => string
  /** A line is due. */
  readonly onNotice: (text: string) => void
}

/** By which directories a peer is seen. */
export interface SeenBy {
  /** The directories at which it is attached, each with since when. */
  readonly via: ReadonlyMap<string, number>
  /** The one on whose word alone it is seen. */
  readonly onlyVia: string | undefined
}

export class Findings {
  readonly #init: FindingsInit
  readonly #doubts: DirectoryDoubts
  /** When a line about a directory was last due. */
  readonly #noticedAtMs = new Map<string, number>()
  /** Directories that are stale or withhold now. */
  readonly #accused = new Set<string>()

  constructor(init: FindingsInit) {
    this.#init = init
    this.#doubts = new DirectoryDoubts({
      ...init,
      onVerdict: (directory) => {
        this.#notice(directory)
        init.onVerdict(directory)
      },
      now: steadyNow
    })
  }

  start(): void {
    this.#doubts.start()
  }

  async stop(): Promise<void> {
    await this.#doubts.stop()
  }

  says(said: DirectoryEntries): void {
    this.#doubts.says(said)
  }

  lost(directory: string): void {
    this.#accused.delete(directory)
    this.#doubts.lost(directory)
  }

  seenBy(peer: string): SeenBy {
    return { via: this.#doubts.vouched(peer).via, onlyVia: this.#doubts.onlyVia(peer) }
  }

  /** While it is connected. */
  of(directory: string, forged: number): { readonly peers: number; readonly findings: DirectoryFindings } {
    const { stale, withholds, notJoinedWith } = this.#doubts.against(directory)
    const findings = {
      stale: stale.map((peer) => this.#named(peer)),
      withholds: withholds.map(({ peer, provenBy }) => ({ ...this.#named(peer), provenBy })),
      notJoinedWith,
      forged
    }
    return { peers: this.#doubts.peersOf(directory), findings }
  }

  #notice(directory: string): void {
    const held = this.#doubts.against(directory)
    const isAccused = held.stale.length + held.withholds.length > 0
    const isNew = isAccused && !this.#accused.has(directory)
    if (isAccused) this.#accused.add(directory)
    else this.#accused.delete(directory)
    const nowMs = steadyNow()
    const noticedAtMs = this.#noticedAtMs.get(directory) ?? -Infinity
    if (!isNew || nowMs - noticedAtMs < FINDING_AGAIN_MS) return
    this.#noticedAtMs.set(directory, nowMs)
    this.#init.onNotice(this.#line(directory, held))
  }

  #line(directory: string, { stale, withholds }: HeldAgainst): string {
    const name = this.#init.directoryName(directory)
    const [hidden] = withholds
    if (hidden !== undefined) {
      const by = hidden.provenBy.map((one) => (one === directory ? 'its own word' : this.#init.directoryName(one)))
      const proof = new Intl.ListFormat('en').format(by)
      return `the directory ${name} withholds ${this.#says(hidden.peer)}, who is there by ${proof}. /directories shows all`
    }
    const [peer = ''] = stale
    return `the directory ${name} is stale: what it shows of ${this.#says(peer)} is no longer so. /directories shows all`
  }

  #says(peer: string): string {
    const { name, shortId: id } = this.#named(peer)
    return name === id ? name : `${name} (${id})`
  }

  #named(peer: string): PeerName {
    return { peer, name: this.#init.nameOf(peer), shortId: shortId(peer) }
  }
}
