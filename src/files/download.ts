// One file on its way here: streams to its sources, the plan that says what each is asked, and the part on the disk.
// Where sources are found, and what the user wants, is not its business.
import type { Stream } from '@libp2p/interface'
import { DeadlineTimer, steadyNow } from '../lib/index.ts'
import { toError } from '../wire/index.ts'
import { DownloadPlan, type DownloadEffect, type DownloadEvent, type DropReason } from './download-plan.ts'
import { fileIdOf, HASH_BYTES } from './file-tree.ts'
import type { LeafSet } from './leaf-set.ts'
import { SourceLink, type SourceEvents } from './source-link.ts'

/** Streams to sources of one file: more would ask each for little. */
const MAX_SOURCES = 8

/** What is on the disk of a file that is not whole yet. */
export interface Part {
  /** The hashes of all leaves. */
  readonly layer: Uint8Array
  readonly have: LeafSet
  /** Resolves when the leaf is written, and noted as there. @throws when there is no room, or the disk fails */
  write(leaf: number, bytes: Uint8Array): Promise<void>
  /** All leaves are there: gives it its name. @returns its path */
  finish(): Promise<string>
  /** It stays, for another time. */
  close(): Promise<void>
}

export interface DownloadInit {
  /** Its ID, as 64 hexadecimal digits. */
  readonly file: string
  readonly sizeBytes: number
  /** What an earlier run has left, if it has. */
  readonly part: Part | undefined
  /** Makes room for the file: its layer is checked. @throws when there is none */
  readonly create: (layer: Uint8Array) => Promise<Part>
  readonly events: DownloadEvents
  readonly random?: () => number
}

export interface DownloadEvents {
  /** Some leaves have come from the source, or the place in its queue has changed. */
  progress(peer: string): void
  /** The source is of no use any more. */
  dropped(peer: string, why: DropReason): void
  /** The stream to the source has ended: another may be opened. */
  lost(peer: string, error: Error | undefined): void
}

interface OpenSource {
  readonly peer: string
  readonly link: SourceLink
  readonly stream: Stream
}

export class Download {
  /** Peers that have sent leaves of it. */
  readonly servedBy = new Set<string>()
  readonly #init: DownloadInit
  readonly #plan: DownloadPlan
  readonly #sources = new Map<string, OpenSource>()
  readonly #running = new Set<Promise<void>>()
  readonly #writes = new Map<number, Promise<void>>()
  /** Ends the streams when the download fails or is stopped. */
  readonly #cut = new AbortController()
  readonly #outcome = Promise.withResolvers<string>()
  readonly #timer = new DeadlineTimer(steadyNow, () => {
    this.#handle({ kind: 'timeout' })
    return this.#plan.deadlineMs
  })
  #part: Part | undefined
  /** Ends when there is a part, or, after the end of the download, when it is closed again. */
  #making: Promise<void> | undefined
  #nextSource = 1
  #isOver = false
  #closed: Promise<void> | undefined

  constructor(init: DownloadInit) {
    this.#init = init
    this.#part = init.part
    this.#plan = new DownloadPlan({
      sizeBytes: init.sizeBytes,
      random: init.random ?? Math.random,
      ...(init.part === undefined ? {} : { have: init.part.have.copy() })
    })
    this.#outcome.promise.catch(() => undefined) // reported by `whole`
    // Nothing is missing: it only wants its name.
    if (init.part?.have.isComplete === true) this.#finish()
  }

  /** Resolves to the path of the file when it is whole and on the disk. @throws what keeps it from that: see {@link stop} */
  get whole(): Promise<string> {
    return this.#outcome.promise
  }

  /** The leaves that are here. */
  get have(): LeafSet {
    return this.#plan.have
  }

  /** Our places in the queues of sources: 1 is served next. */
  get places(): readonly number[] {
    return [...this.#plan.places.values()]
  }

  /** Peers with a stream. */
  get sources(): readonly string[] {
    return [...this.#sources.values()].map(({ peer }) => peer)
  }

  /** Ends the streams to the peer: what was asked there is asked again, of others or over another stream. */
  leave(peer: string): void {
    for (const source of this.#sources.values()) if (source.peer === peer) source.link.end()
  }

  /** Takes over a stream of the file protocol to a peer that may have the file. */
  add(peer: string, stream: Stream): void {
    if (this.#isOver || this.#sources.size >= MAX_SOURCES) {
      stream.abort(new Error('the file needs no more sources'))
      return
    }
    const source = `${this.#nextSource++}`
    const { file, sizeBytes } = this.#init
    const link = new SourceLink({
      stream,
      file,
      sizeBytes,
      signal: this.#cut.signal,
      events: this.#eventsOf(source, peer)
    })
    this.#sources.set(source, { peer, link, stream })
    const run = this.#run(source, peer, link)
    this.#running.add(run)
    void run.finally(() => this.#running.delete(run))
    this.#handle({ kind: 'came', source })
  }

  /** Ends the streams. What has come stays on the disk. Resolves when nothing is written any more. */
  async stop(reason: Error): Promise<void> {
    this.#end(reason)
    await Promise.allSettled(this.#running)
    await this.#closed
  }

  async #run(source: string, peer: string, link: SourceLink): Promise<void> {
    const error = await link.run().then(() => undefined, toError)
    if (!this.#sources.delete(source)) return
    this.#handle({ kind: 'gone', source })
    if (!this.#isOver) this.#init.events.lost(peer, error)
  }

  #eventsOf(source: string, peer: string): SourceEvents {
    const { events } = this.#init
    return {
      heard: () => this.#handle({ kind: 'heard', source }),
      layer: async (layer) => this.#layer(source, layer),
      leaves: (leaves) => this.#handle({ kind: 'leaves', source, leaves }),
      leaf: async (leaf, bytes, hash) => {
        if (!(await this.#leaf(source, { leaf, bytes, hash }))) return
        this.servedBy.add(peer)
        events.progress(peer)
      },
      queued: (place) => {
        this.#handle({ kind: 'queued', source, place })
        events.progress(peer)
      },
      refused: (reason, leaf) =>
        this.#handle({ kind: 'refused', source, reason, ...(leaf === undefined ? {} : { leaf }) })
    }
  }

  async #layer(source: string, layer: Uint8Array): Promise<void> {
    const { file, sizeBytes } = this.#init
    const isRight = (await fileIdOf(sizeBytes, layer)).toString('hex') === file
    if (this.#isOver) return
    if (isRight && this.#part === undefined) {
      try {
        // A second source may send it while the part is made for the first.
        await (this.#making ??= this.#make(layer))
      } catch (error) {
        return this.#end(toError(error))
      }
    }
    this.#handle({ kind: 'layer', source, isRight })
  }

  async #make(layer: Uint8Array): Promise<void> {
    const part = await this.#init.create(layer)
    if (this.#isOver) await part.close()
    else this.#part = part
  }

  /** @returns whether it is one more that is here */
  async #leaf(
    source: string,
    { leaf, bytes, hash }: { readonly leaf: number; readonly bytes: Uint8Array; readonly hash: Uint8Array }
  ): Promise<boolean> {
    const part = this.#part
    if (this.#isOver || part === undefined) return false
    const expected = part.layer.subarray(leaf * HASH_BYTES, (leaf + 1) * HASH_BYTES)
    const isRight = Buffer.compare(expected, hash) === 0
    if (isRight && !this.#plan.have.has(leaf)) {
      // One of the last leaves may come from two sources at once.
      const write = this.#writes.get(leaf) ?? part.write(leaf, bytes)
      this.#writes.set(leaf, write)
      try {
        await write
      } catch (error) {
        this.#end(toError(error))
        return false
      }
    }
    this.#writes.delete(leaf)
    this.#handle({ kind: 'leaf', source, leaf, isRight })
    return isRight
  }

  #handle(event: DownloadEvent): void {
    if (this.#isOver) return
    for (const effect of this.#plan.handle(event, steadyNow())) this.#carryOut(effect)
    if (!this.#isOver) this.#timer.dueAt(this.#plan.deadlineMs)
  }

  #carryOut(effect: DownloadEffect): void {
    if (effect.kind === 'done') return this.#finish()
    const source = this.#sources.get(effect.source)
    if (source === undefined) return
    switch (effect.kind) {
      case 'ask-layer':
        return source.link.askLayer()
      case 'ask-leaves':
        return source.link.askLeaves()
      case 'get':
        return source.link.get(effect.leaf)
      case 'cancel':
        return source.link.cancel(effect.leaf)
      case 'drop':
        this.#sources.delete(effect.source)
        source.stream.abort(new Error(`the source is of no use for this file: ${effect.why}`))
        return this.#init.events.dropped(source.peer, effect.why)
    }
  }

  #finish(): void {
    const part = this.#part
    this.#isOver = true
    this.#timer.stop()
    for (const { link } of this.#sources.values()) link.end()
    this.#sources.clear()
    if (part === undefined) return
    this.#part = undefined
    part.finish().then(this.#outcome.resolve, this.#outcome.reject)
  }

  #end(reason: Error): void {
    this.#isOver = true
    this.#timer.stop()
    this.#sources.clear()
    this.#cut.abort(reason)
    this.#outcome.reject(reason)
    const part = this.#part
    this.#part = undefined
    // What is being written is written first, and a part that is being made is closed by who makes it.
    this.#closed ??= Promise.allSettled([...this.#running, this.#making]).then(async () => part?.close())
  }
}
