// Shares one thread between many that have much to do: so much work in a turn of
// the event loop, bytes to send or signatures to check, in the order in which it
// was asked for. Without it a thousand snapshots are encrypted in one go, and every
// other connection waits. Knows nothing of the work.

export class FairQueue {
  readonly #perTurn: number
  readonly #waiting: { readonly amount: number; readonly go: () => void }[] = []
  #left: number
  #isScheduled = false

  constructor(perTurn: number) {
    this.#perTurn = perTurn
    this.#left = perTurn
  }

  /** Resolves when so much may be done: at once while the turn has some left. */
  async take(amount: number): Promise<void> {
    this.#schedule()
    if (this.#left > 0 && this.#waiting.length === 0) {
      this.#left -= amount
      return
    }
    await new Promise<void>((resolve) => this.#waiting.push({ amount, go: resolve }))
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#left = this.#perTurn
      while (this.#left > 0) {
        const next = this.#waiting.shift()
        if (next === undefined) return
        this.#left -= next.amount
        next.go()
      }
      this.#schedule()
    })
  }
}
