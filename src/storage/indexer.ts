// Keeps the search index following the history while nothing else is to do. It
// decides when, never what: that is the index's.
import type { CommitQueue } from './commit-queue.ts'
import { StorageError } from './errors.ts'
import type { SearchIndex } from './search-index.ts'

/** After this quiet time new messages are indexed, in milliseconds; a search does not wait for it. */
const indexQuietMs = 250
/** Where it is never quiet they are indexed all the same, so that a search never has much left to do. */
const indexMaxDelayMs = 5_000

export class Indexer {
  readonly #index: SearchIndex
  readonly #queue: CommitQueue
  #timer: NodeJS.Timeout | undefined
  /** When something was asked for last, and when it must be done. */
  #askedAtMs = 0
  #dueAtMs = 0
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(index: SearchIndex, queue: CommitQueue) {
    this.#index = index
    this.#queue = queue
  }

  /** Something may be missing in the index: it is added in a moment. */
  schedule(): void {
    this.#askedAtMs = performance.now()
    if (this.#isStopped || this.#timer !== undefined) return
    this.#dueAtMs = this.#askedAtMs + indexMaxDelayMs
    this.#wait(indexQuietMs)
  }

  /** Resolves when the index holds everything, or can't: a search in what it holds is better than none. */
  async catchUp(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    await this.#running
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const nowMs = performance.now()
      const restMs = Math.min(this.#askedAtMs + indexQuietMs, this.#dueAtMs) - nowMs
      if (restMs > 0) return this.#wait(restMs)
      // What fails here fails in the next search too, and is told there.
      this.catchUp().catch(() => undefined)
    }, ms)
    this.#timer.unref()
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isStopped && !(await this.#queue.read(() => this.#index.isComplete()))) {
        await this.#queue.write(() => this.#index.indexSlice())
      }
    } catch (error) {
      // The disk is full, damaged or gone. Whoever stores something is told so; the index is tried again later.
      if (!(error instanceof StorageError)) throw error
    }
  }
}
