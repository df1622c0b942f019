// Lets one task sleep until a time has passed or another wakes it. A
// wake that finds no sleeper is kept for the next sleep.

import { onAbort } from './abort.ts'

export class Wakeup {
  #pending = false
  #resolve: (() => void) | undefined

  wake(): void {
    if (this.#resolve === undefined) this.#pending = true
    else this.#resolve()
  }

  /**
   * @param timeoutMs how long to sleep at most; without it until woken
   * @returns when woken, when the time is over or when `signal` aborts; it never throws
   */
  async sleep(signal: AbortSignal, timeoutMs?: number): Promise<void> {
    if (this.#pending || signal.aborted) {
      this.#pending = false
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs)
    const unlisten = onAbort(signal, resolve)
    this.#resolve = resolve
    await promise
    clearTimeout(timer)
    unlisten()
    this.#resolve = undefined
  }
}
