// One timer for many deadlines: it is set to the earliest, fires, and asks when
// the next is. One that fires early finds nothing to do. Knows nothing of what
// runs out.

export class DeadlineTimer {
  readonly #now: () => number
  readonly #onDue: () => number
  #pending: { readonly timer: ReturnType<typeof setTimeout>; readonly atMs: number } | undefined

  /** @param onDue does what is due and returns the next deadline; Infinity when there is none */
  constructor(now: () => number, onDue: () => number) {
    this.#now = now
    this.#onDue = onDue
  }

  /** There is something to do at this time. */
  dueAt(atMs: number): void {
    if (atMs === Infinity || (this.#pending !== undefined && this.#pending.atMs <= atMs)) return
    this.stop()
    const timer = setTimeout(
      () => {
        this.#pending = undefined
        this.dueAt(this.#onDue())
      },
      Math.max(0, atMs - this.#now())
    )
    this.#pending = { timer, atMs }
  }

  stop(): void {
    if (this.#pending !== undefined) clearTimeout(this.#pending.timer)
    this.#pending = undefined
  }
}
