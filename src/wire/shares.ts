/**
 * A room with a bounded number of places that many holders share: connections,
 * pending handshakes, stored requests. While there are enough places, everybody
 * takes what they want: a class behind one router has one address, and is no
 * attack. Under pressure the largest holder gives way, its oldest item first.
 * Pure: it names the item that should go, and its owner ends it.
 */

export interface SharesInit {
  /** Places in the room. */
  readonly capacity: number
  /** Above this part of the capacity the room is under pressure. Default {@link PRESSURE_PART}. */
  readonly pressurePart?: number
}

/**
 * Shares act when more than this part of a room is taken. The rest is what
 * newcomers find free while the largest holder is made to give way.
 */
export const PRESSURE_PART = 0.75

/**
 * @example
 * const pending = new Shares<Socket>({ capacity: 100 })
 * pending.add(socket, addressClass(socket.remoteAddress ?? ''))
 * if (pending.isUnderPressure) pending.toEvict()?.destroy()
 */
export class Shares<Item> {
  readonly capacity: number
  readonly #pressureAbove: number
  /** Of each holder what it holds, the oldest first. */
  readonly #holders = new Map<string, Set<Item>>()
  readonly #holderOf = new Map<Item, string>()

  constructor(init: SharesInit) {
    this.capacity = init.capacity
    this.#pressureAbove = Math.floor(init.capacity * (init.pressurePart ?? PRESSURE_PART))
  }

  get size(): number {
    return this.#holderOf.size
  }

  get isFull(): boolean {
    return this.size >= this.capacity
  }

  get isUnderPressure(): boolean {
    return this.size > this.#pressureAbove
  }

  /** Counts the item for its holder, as the youngest. One that is counted already moves to this holder. */
  add(item: Item, holder: string): void {
    this.delete(item)
    const held = this.#holders.get(holder) ?? new Set()
    held.add(item)
    this.#holders.set(holder, held)
    this.#holderOf.set(item, holder)
  }

  /** @returns false when the item was not counted */
  delete(item: Item): boolean {
    const holder = this.#holderOf.get(item)
    if (holder === undefined) return false
    this.#holderOf.delete(item)
    const held = this.#holders.get(holder)
    held?.delete(item)
    if (held?.size === 0) this.#holders.delete(holder)
    return true
  }

  /** Makes the item the youngest of its holder: it was used. */
  touch(item: Item): void {
    const holder = this.#holderOf.get(item)
    if (holder !== undefined) this.add(item, holder)
  }

  holderOf(item: Item): string | undefined {
    return this.#holderOf.get(item)
  }

  countOf(holder: string): number {
    return this.#holders.get(holder)?.size ?? 0
  }

  /** The holders and how much each holds, the largest first. */
  holders(): readonly { readonly holder: string; readonly count: number }[] {
    return [...this.#holders]
      .map(([holder, held]) => ({ holder, count: held.size }))
      .toSorted((one, other) => other.count - one.count)
  }

  /**
   * What gives way: the oldest item that may go of the holder with the most such items.
   *
   * @param isProtected items that never give way, and do not count against their holder; default none
   * @returns undefined when all items are protected
   */
  toEvict(isProtected: (item: Item) => boolean = () => false): Item | undefined {
    let largest: { readonly count: number; readonly oldest: Item } | undefined
    for (const held of this.#holders.values()) {
      // One that holds fewer in all can't hold more that may go.
      if (held.size <= (largest?.count ?? 0)) continue
      const mayGo = [...held].filter((item) => !isProtected(item))
      const oldest = mayGo[0]
      if (oldest !== undefined && mayGo.length > (largest?.count ?? 0)) largest = { count: mayGo.length, oldest }
    }
    return largest?.oldest
  }
}
