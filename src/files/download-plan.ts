// What is asked of which source next: pure, `handle(event, now) → effects`. It counts leaves and knows neither their
// bytes, nor streams, nor a disk.
import { leafBytesOf, leafCountOf } from './file-tree.ts'
import type { FileRefusal } from './file-frames.ts'
import { LeafSet } from './leaf-set.ts'

/** Over a connection of 100 ms these are 20 MB/s with small leaves. */
export const MAX_REQUESTS_IN_FLIGHT = 8

/** What one source can make us hold: so many small leaves are 2 MiB, of the largest there is one. */
const MAX_BYTES_IN_FLIGHT = 8 * 1024 * 1024

/** A live source on the slowest line sends 64 KiB in this time. */
export const SOURCE_SILENT_MS = 20_000

/** A source that is downloading itself has new leaves by then. */
export const HAVE_AGAIN_MS = 5_000

/** Those that are asked of several sources: what the slowest source would hold up at the end. */
export const LAST_LEAVES = 8

/** How many sources are asked for one of the last leaves. */
const SOURCES_OF_A_LAST_LEAF = 3

/** `source` is any name that the caller gives a source; a new stream is a new source. */
export type DownloadEvent =
  | { readonly kind: 'came'; readonly source: string }
  | { readonly kind: 'gone'; readonly source: string }
  | { readonly kind: 'layer'; readonly source: string; readonly isRight: boolean }
  | { readonly kind: 'leaves'; readonly source: string; readonly leaves: LeafSet }
  | { readonly kind: 'leaf'; readonly source: string; readonly leaf: number; readonly isRight: boolean }
  /** Some of what was asked for has come. */
  | { readonly kind: 'heard'; readonly source: string }
  | { readonly kind: 'queued'; readonly source: string; readonly place: number }
  | { readonly kind: 'refused'; readonly source: string; readonly leaf?: number; readonly reason: FileRefusal }
  | { readonly kind: 'timeout' }

export type DropReason = 'wrong' | FileRefusal

export type DownloadEffect =
  | { readonly kind: 'ask-layer'; readonly source: string }
  | { readonly kind: 'ask-leaves'; readonly source: string }
  | { readonly kind: 'get'; readonly source: string; readonly leaf: number }
  | { readonly kind: 'cancel'; readonly source: string; readonly leaf: number }
  /** The source is of no use for this file; it counts as gone. */
  | { readonly kind: 'drop'; readonly source: string; readonly why: DropReason }
  | { readonly kind: 'done' }

interface Source {
  readonly name: string
  /** What it has, once it has answered. */
  leaves: LeafSet | undefined
  leavesAskedAtMs: number
  /** Leaves that it was asked for and has not sent. */
  readonly asked: Set<number>
  /** `idle`: in a queue, or silent; what it was asked for may be asked of others too. */
  state: 'active' | 'idle'
  /** Our place in its queue: 1 is served next; 0 when it does not say. */
  place: number
  /** Since when something is expected of it and nothing has come. */
  waitsSinceMs: number
  /** Where it stands in the order of leaves. */
  cursor: number
}

export class DownloadPlan {
  readonly #have: LeafSet
  readonly #maxAsked: number
  readonly #random: () => number
  readonly #sources = new Map<string, Source>()
  /** For each leaf, of how many active sources it was asked. */
  readonly #askedOf: Uint8Array
  /** Leaves that are missing, the rarest first; undefined when it is to be made anew. */
  #order: Uint32Array | undefined
  #layer:
    | { readonly state: 'known' }
    | { readonly state: 'asked'; readonly source: string }
    | { readonly state: 'none' }
  #isDone = false

  /**
   * @param init.have what is on the disk already; with it the layer is known
   * @param init.random 0 to 1: where among equals a download begins, so that several receivers fetch different leaves
   */
  constructor(init: { readonly sizeBytes: number; readonly have?: LeafSet; readonly random: () => number }) {
    const leaves = leafCountOf(init.sizeBytes)
    this.#have = init.have ?? new LeafSet(leaves)
    this.#layer = { state: init.have === undefined ? 'none' : 'known' }
    this.#maxAsked = Math.min(
      MAX_REQUESTS_IN_FLIGHT,
      Math.max(1, Math.floor(MAX_BYTES_IN_FLIGHT / leafBytesOf(init.sizeBytes)))
    )
    this.#random = init.random
    this.#askedOf = new Uint8Array(leaves)
  }

  /** The leaves that are there. */
  get have(): LeafSet {
    return this.#have
  }

  /** Our place in the queue of each source where we wait: 1 is served next. */
  get places(): ReadonlyMap<string, number> {
    return new Map([...this.#sources.values()].flatMap(({ name, place }) => (place > 0 ? [[name, place]] : [])))
  }

  /** When a `timeout` is due; Infinity when nothing is expected. */
  get deadlineMs(): number {
    if (this.#isDone) return Infinity
    return Math.min(Infinity, ...[...this.#sources.values()].map((source) => this.#deadlineOf(source)))
  }

  handle(event: DownloadEvent, nowMs: number): DownloadEffect[] {
    if (this.#isDone) return []
    const effects = this.#step(event, nowMs)
    if (this.#have.isComplete && this.#layer.state === 'known') {
      this.#isDone = true
      return [...effects, { kind: 'done' }]
    }
    return [...effects, ...this.#askForLayer(nowMs), ...this.#askForLeaves(nowMs)]
  }

  #step(event: DownloadEvent, nowMs: number): DownloadEffect[] {
    if (event.kind === 'timeout') return this.#timeout(nowMs)
    if (event.kind === 'came') return this.#came(event.source, nowMs)
    const source = this.#sources.get(event.source)
    // What a dropped source still sends.
    if (source === undefined) return []
    if (event.kind !== 'queued' && event.kind !== 'gone') this.#hear(source, nowMs)
    switch (event.kind) {
      case 'gone':
        this.#remove(source)
        return []
      case 'heard':
        return []
      case 'queued':
        source.place = event.place
        this.#setState(source, 'idle')
        return []
      case 'layer':
        if (!event.isRight) return this.#drop(source, 'wrong')
        this.#layer = { state: 'known' }
        return []
      case 'leaves':
        source.leaves = event.leaves
        this.#order = undefined
        return []
      case 'leaf':
        return this.#leaf(source, event)
      case 'refused':
        return this.#refused(source, event)
    }
  }

  #came(name: string, nowMs: number): DownloadEffect[] {
    const source: Source = {
      name,
      leaves: undefined,
      leavesAskedAtMs: nowMs,
      asked: new Set(),
      state: 'active',
      place: 0,
      waitsSinceMs: nowMs,
      cursor: 0
    }
    this.#sources.set(name, source)
    return [{ kind: 'ask-leaves', source: name }]
  }

  #leaf(source: Source, { leaf, isRight }: { readonly leaf: number; readonly isRight: boolean }): DownloadEffect[] {
    if (!isRight) return this.#drop(source, 'wrong')
    this.#unask(source, leaf)
    this.#have.add(leaf)
    return [...this.#sources.values()].flatMap((other) => {
      if (!other.asked.has(leaf)) return []
      this.#unask(other, leaf)
      return [{ kind: 'cancel', source: other.name, leaf } as const]
    })
  }

  #refused(
    source: Source,
    { leaf, reason }: { readonly leaf?: number; readonly reason: FileRefusal }
  ): DownloadEffect[] {
    if (reason !== 'no-such-leaf' || leaf === undefined) return this.#drop(source, reason)
    this.#unask(source, leaf)
    source.leaves?.delete(leaf)
    this.#order = undefined
    return []
  }

  #timeout(nowMs: number): DownloadEffect[] {
    const effects: DownloadEffect[] = []
    for (const source of this.#sources.values()) {
      if (isSilent(source, this.#isExpected(source), nowMs)) {
        if (this.#layer.state === 'asked' && this.#layer.source === source.name) this.#layer = { state: 'none' }
        this.#setState(source, 'idle')
      }
      if (nowMs >= this.#leavesAgainMs(source)) {
        source.leavesAskedAtMs = nowMs
        effects.push({ kind: 'ask-leaves', source: source.name })
      }
    }
    return effects
  }

  #askForLayer(nowMs: number): DownloadEffect[] {
    if (this.#layer.state !== 'none') return []
    // A silent one only when there is no other.
    const source = [...this.#sources.values()].find(({ state }) => state === 'active')
    if (source === undefined) return []
    this.#layer = { state: 'asked', source: source.name }
    source.waitsSinceMs = nowMs
    return [{ kind: 'ask-layer', source: source.name }]
  }

  #askForLeaves(nowMs: number): DownloadEffect[] {
    if (this.#layer.state !== 'known') return []
    const effects: DownloadEffect[] = []
    for (const source of this.#sources.values()) {
      while (source.state === 'active' && source.asked.size < this.#maxAsked) {
        const leaf = this.#nextFor(source)
        if (leaf === undefined) break
        if (source.asked.size === 0) source.waitsSinceMs = nowMs
        source.asked.add(leaf)
        this.#countAsked(leaf, 1)
        effects.push({ kind: 'get', source: source.name, leaf })
      }
    }
    return effects
  }

  #nextFor(source: Source): number | undefined {
    const { leaves } = source
    if (leaves === undefined) return undefined
    const order = this.#ordered()
    for (; source.cursor < order.length; source.cursor++) {
      const leaf = order[source.cursor]
      if (leaf === undefined || this.#have.has(leaf) || !leaves.has(leaf)) continue
      if (this.#askedOf[leaf] === 0 && !source.asked.has(leaf)) return leaf
    }
    if (this.#have.leaves - this.#have.count > LAST_LEAVES) return undefined
    return order.find(
      (leaf) =>
        !this.#have.has(leaf) &&
        leaves.has(leaf) &&
        !source.asked.has(leaf) &&
        (this.#askedOf[leaf] ?? 0) < SOURCES_OF_A_LAST_LEAF
    )
  }

  /** Counted once for each change of what sources have: 65,536 leaves take a millisecond. */
  #ordered(): Uint32Array {
    if (this.#order !== undefined) return this.#order
    const all = [...this.#sources.values()].flatMap(({ leaves }) => (leaves === undefined ? [] : [leaves]))
    const total = this.#have.leaves
    const start = Math.floor(this.#random() * total)
    const byCount: number[][] = all.map(() => [])
    for (let step = 0; step < total; step++) {
      const leaf = (start + step) % total
      if (this.#have.has(leaf)) continue
      const holders = all.reduce((count, leaves) => count + (leaves.has(leaf) ? 1 : 0), 0)
      byCount[holders - 1]?.push(leaf)
    }
    for (const source of this.#sources.values()) source.cursor = 0
    this.#order = Uint32Array.from(byCount.flat())
    return this.#order
  }

  #hear(source: Source, nowMs: number): void {
    source.waitsSinceMs = nowMs
    source.place = 0
    this.#setState(source, 'active')
  }

  #setState(source: Source, state: Source['state']): void {
    if (source.state === state) return
    source.state = state
    for (const leaf of source.asked) this.#countAsked(leaf, state === 'active' ? 1 : -1)
    this.#order = undefined
  }

  #unask(source: Source, leaf: number): void {
    if (!source.asked.delete(leaf)) return
    if (source.state === 'active') return this.#countAsked(leaf, -1)
    // Others have sent all that it was asked for: nothing would ever wake it.
    if (source.asked.size > 0) return
    source.place = 0
    this.#setState(source, 'active')
  }

  #drop(source: Source, why: DropReason): DownloadEffect[] {
    this.#remove(source)
    return [{ kind: 'drop', source: source.name, why }]
  }

  #remove(source: Source): void {
    this.#setState(source, 'idle')
    this.#sources.delete(source.name)
    if (this.#layer.state === 'asked' && this.#layer.source === source.name) this.#layer = { state: 'none' }
    this.#order = undefined
  }

  #countAsked(leaf: number, change: 1 | -1): void {
    this.#askedOf[leaf] = (this.#askedOf[leaf] ?? 0) + change
  }

  #deadlineOf(source: Source): number {
    const silentAtMs =
      source.state === 'active' && this.#isExpected(source) ? source.waitsSinceMs + SOURCE_SILENT_MS : Infinity
    return Math.min(silentAtMs, this.#leavesAgainMs(source))
  }

  #isExpected({ name, asked, leaves }: Source): boolean {
    return asked.size > 0 || leaves === undefined || (this.#layer.state === 'asked' && this.#layer.source === name)
  }

  /** When a source that lacks leaves is asked again. */
  #leavesAgainMs({ leaves, leavesAskedAtMs, state }: Source): number {
    const isPartial = state === 'active' && leaves?.isComplete === false
    return isPartial ? leavesAskedAtMs + HAVE_AGAIN_MS : Infinity
  }
}

function isSilent(source: Source, isExpected: boolean, nowMs: number): boolean {
  return source.state === 'active' && isExpected && nowMs >= source.waitsSinceMs + SOURCE_SILENT_MS
}
