// Deadlines of many things: which is due first, when most move on before they
// come, and one timer for all of them. Knows nothing of what runs out.

interface Item<T> {
  readonly thing: T
  readonly atMs: number
}

export class DeadlineHeap<T> {
  readonly #dueAt: (thing: T) => number
  readonly #items: Item<T>[] = []
  /** Where each thing's valid item stands in time. An item of any other time is left over. */
  readonly #queued = new Map<T, number>()

  /** @param dueAt when a thing is due now; Infinity: never */
  constructor(dueAt: (thing: T) => number) {
    this.#dueAt = dueAt
  }

  /** To be called whenever a thing may be due earlier than before; a later deadline is found by itself. */
  touch(thing: T): void {
    const atMs = this.#dueAt(thing)
    if (atMs >= (this.#queued.get(thing) ?? Infinity)) return
    this.#queued.set(thing, atMs)
    this.#push({ thing, atMs })
  }

  /** @returns what is due first; undefined when nothing ever is */
  first(): Item<T> | undefined {
    for (;;) {
      const [top] = this.#items
      if (top === undefined) return undefined
      const { thing, atMs } = top
      const isValid = this.#queued.get(thing) === atMs
      if (isValid && this.#dueAt(thing) === atMs) return top
      this.#pop()
      if (!isValid) continue
      this.#queued.delete(thing)
      this.touch(thing)
    }
  }

  #push(item: Item<T>): void {
    let at = this.#items.length
    this.#items.push(item)
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = this.#items[above]
      if (parent === undefined || parent.atMs <= item.atMs) break
      this.#items[at] = parent
      at = above
    }
    this.#items[at] = item
  }

  #pop(): void {
    const last = this.#items.pop()
    if (last === undefined || this.#items.length === 0) return
    let at = 0
    for (;;) {
      const [left, right] = [this.#items[2 * at + 1], this.#items[2 * at + 2]]
      const isRight = right !== undefined && left !== undefined && right.atMs < left.atMs
      const child = isRight ? right : left
      if (child === undefined || child.atMs >= last.atMs) break
      this.#items[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    this.#items[at] = last
  }
}

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
