// A number of places: who finds none free waits for one, in the order of asking.

export class Places {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Resolves with a place taken, to be given back in any case; when `signal` aborts first, at once and with one too. */
  async take(signal: AbortSignal): Promise<void> {
    if (this.#free > 0 || signal.aborted) {
      this.#free--
      return
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    const onAbort = (): void => {
      const place = this.#waiting.indexOf(resolve)
      if (place < 0) return
      this.#waiting.splice(place, 1)
      this.#free--
      resolve()
    }
    this.#waiting.push(resolve)
    signal.addEventListener('abort', onAbort, { once: true })
    await promise
    signal.removeEventListener('abort', onAbort)
  }

  giveBack(): void {
    const next = this.#free >= 0 ? this.#waiting.shift() : undefined
    if (next === undefined) this.#free++
    else next()
  }
}
