// Brings the search index up to date while the store is quiet. It decides when; the index decides what.
import type { Transactions } from '../sqlite/commit-queue.ts'
import { StorageError } from '../errors.ts'
import type { SearchOptions } from '../message-store.ts'
import type { SearchIndex } from './search-index.ts'

/** New messages are indexed after this quiet time, in milliseconds; a search indexes them at once. */
export const INDEX_QUIET_MS = 250
/** In a store that is never quiet they are indexed after this time, so that a search never has much left to do. */
const indexMaxDelayMs = 5_000
/** Unless a search waits, each slice is followed by a rest of this many times its duration… */
export const REST_FACTOR = 3
/** … but at most this, in milliseconds: on a busy node a slice takes as long as the writes before it. */
export const MAX_REST_MS = 250

/**
 * Slices that are asked for at once while a search waits: as many of them as a transaction has time for share its sync, and
 * the index merges a quarter as many parts.
 */
export const SLICES_FOR_A_SEARCH = 4

type IndexInSlices = Pick<SearchIndex, 'remaining' | 'indexSlice'>
type OnIndexProgress = NonNullable<SearchOptions['onIndexing']>

export class Indexer {
  readonly #index: IndexInSlices
  readonly #queue: Pick<Transactions, 'read' | 'write'>
  #timer: NodeJS.Timeout | undefined
  /** When {@link schedule} was last called, and when indexing must begin. */
  #askedAtMs = 0
  #dueAtMs = 0
  #running: Promise<void> | undefined
  readonly #listeners = new Set<OnIndexProgress>()
  /** The number of searches that wait for the index. */
  #searches = 0
  /** Ends the rest between two slices. */
  #endRest: (() => void) | undefined
  #isStopped = false

  constructor(index: IndexInSlices, queue: Pick<Transactions, 'read' | 'write'>) {
    this.#index = index
    this.#queue = queue
  }

  /** Messages may be missing in the index: adds them soon. */
  schedule(): void {
    this.#askedAtMs = performance.now()
    if (this.#isStopped || this.#timer !== undefined) return
    this.#dueAtMs = this.#askedAtMs + indexMaxDelayMs
    this.#wait(INDEX_QUIET_MS)
  }

  /** For a search: resolves when the index is complete, or can't be. A part of it is better than nothing. */
  async catchUp(onProgress?: OnIndexProgress): Promise<void> {
    if (onProgress !== undefined) this.#listeners.add(onProgress)
    this.#searches += 1
    this.#endRest?.()
    try {
      await this.#complete()
    } finally {
      this.#searches -= 1
      if (onProgress !== undefined) this.#listeners.delete(onProgress)
    }
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#endRest?.()
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const nowMs = performance.now()
      const restMs = Math.min(this.#askedAtMs + INDEX_QUIET_MS, this.#dueAtMs) - nowMs
      if (restMs > 0) return this.#wait(restMs)
      // The next search meets the same failure and reports it.
      this.#complete().catch(() => undefined)
    }, ms)
    this.#timer.unref()
  }

  async #complete(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  async #run(): Promise<void> {
    try {
      let remaining = await this.#queue.read(() => this.#index.remaining())
      let total = remaining
      while (!this.#isStopped && remaining > 0) {
        const fromMs = performance.now()
        const slices = this.#searches > 0 ? SLICES_FOR_A_SEARCH : 1
        for (const left of await Promise.all(Array.from({ length: slices }, async () => this.#slice()))) {
          if (left === remaining) continue
          remaining = left
          total = Math.max(total, left)
          for (const listener of this.#listeners) listener({ done: total - left, total })
        }
        if (remaining > 0) await this.#rest(performance.now() - fromMs)
      }
    } catch (error) {
      // The disk is full, damaged or gone. The next write reports it; indexing is tried again later.
      if (!(error instanceof StorageError)) throw error
    }
  }

  /** @returns how much is left to do */
  async #slice(): Promise<number> {
    return this.#queue.write(() => {
      // One of those that were asked for with it may have done all there was.
      if (this.#index.remaining() > 0) this.#index.indexSlice()
      return this.#index.remaining()
    })
  }

  /** Leaves most of the time to new messages, even when their text is costly to index. */
  async #rest(sliceMs: number): Promise<void> {
    if (this.#isStopped || this.#searches > 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.min(sliceMs * REST_FACTOR, MAX_REST_MS)).unref()
    this.#endRest = resolve
    await promise
    this.#endRest = undefined
    clearTimeout(timer)
  }
}
