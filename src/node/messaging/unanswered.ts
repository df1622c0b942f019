// Messages that nobody has receipted for a while: their path may have died without a word,
// as when a router gets another address. It knows no path, and asks nobody.

/**
 * Most receipts come sooner: two round trips, and a write to the other side's disk. Where they don't, a ping or two is all that
 * it costs.
 */
export const RECEIPT_DUE_MS = 500

export class Unanswered {
  readonly #onSilence: (peer: string) => void
  readonly #timers = new Map<string, NodeJS.Timeout>()

  /** @param onSilence is called once for what was sent since the last receipt */
  constructor(onSilence: (peer: string) => void) {
    this.#onSilence = onSilence
  }

  sent(peer: string): void {
    if (this.#timers.has(peer)) return
    const timer = setTimeout(() => {
      this.#timers.delete(peer)
      this.#onSilence(peer)
    }, RECEIPT_DUE_MS).unref()
    this.#timers.set(peer, timer)
  }

  answered(peer: string): void {
    clearTimeout(this.#timers.get(peer))
    this.#timers.delete(peer)
  }

  stop(): void {
    for (const peer of this.#timers.keys()) this.answered(peer)
  }
}
