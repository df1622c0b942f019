// Counting semaphore with priorities: of those that wait for a place, the one of
// the highest priority gets the next, the first come among equals. The last
// places are kept for high priorities, so that none of them waits until a lower
// one is done. Knows nothing of what the places are for.

import { onAbort } from './abort.ts'

interface Waiter {
  /** Asked anew for each place that is free: it may rise while the waiter waits. */
  readonly priority: () => number
  readonly resolve: () => void
}

export class PrioritySemaphore {
  readonly #keptFree: readonly number[]
  #free: number
  readonly #waiting: Waiter[] = []

  /**
   * @param count of all places
   * @param keptFree for each priority from 0 on, the places that it must leave to higher ones
   */
  constructor(count: number, keptFree: readonly number[]) {
    this.#free = count
    this.#keptFree = keptFree
  }

  /** Resolves with a place taken, to be given back in any case; when `signal` aborts first, at once and with one too. */
  async take(signal: AbortSignal, priority: () => number): Promise<void> {
    if (signal.aborted || this.#isFreeFor(priority())) {
      this.#free--
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiter: Waiter = { priority, resolve }
    this.#waiting.push(waiter)
    const unlisten = onAbort(signal, () => {
      const index = this.#waiting.indexOf(waiter)
      if (index < 0) return
      this.#waiting.splice(index, 1)
      this.#free--
      resolve()
    })
    await promise
    unlisten()
  }

  giveBack(): void {
    this.#free++
    this.serve()
  }

  /** Gives places that are free to those that may have them; called too when a priority has risen. */
  serve(): void {
    for (;;) {
      const next = this.#highest()
      if (next === undefined || !this.#isFreeFor(next.priority())) return
      this.#waiting.splice(this.#waiting.indexOf(next), 1)
      this.#free--
      next.resolve()
    }
  }

  #isFreeFor(priority: number): boolean {
    return this.#free > (this.#keptFree[priority] ?? 0)
  }

  #highest(): Waiter | undefined {
    let highest: Waiter | undefined
    let highestPriority = -1
    for (const waiter of this.#waiting) {
      const priority = waiter.priority()
      if (priority <= highestPriority) continue
      highest = waiter
      highestPriority = priority
    }
    return highest
  }
}
