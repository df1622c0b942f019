// Shares one thread between many who send much: so many bytes in a turn of the
// event loop, in the order in which they were asked for. Without it a thousand
// snapshots are encrypted in one go, and nobody is heard meanwhile. Knows nothing
// of what is sent.

export class Turns {
  readonly #bytesPerTurn: number
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = []
  #leftBytes: number
  #isScheduled = false

  constructor(bytesPerTurn: number) {
    this.#bytesPerTurn = bytesPerTurn
    this.#leftBytes = bytesPerTurn
  }

  /** Resolves when these bytes may be sent: at once while the turn has some left. */
  async take(bytes: number): Promise<void> {
    this.#schedule()
    if (this.#leftBytes > 0 && this.#waiting.length === 0) {
      this.#leftBytes -= bytes
      return
    }
    await new Promise<void>((resolve) => this.#waiting.push({ bytes, go: resolve }))
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#leftBytes = this.#bytesPerTurn
      while (this.#leftBytes > 0) {
        const next = this.#waiting.shift()
        if (next === undefined) return
        this.#leftBytes -= next.bytes
        next.go()
      }
      this.#schedule()
    })
  }
}
