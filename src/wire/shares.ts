/**
 * A room with a bounded number of places that many holders share: connections,
 * pending handshakes, stored requests. While there are enough places, everybody
 * takes what they want: a class behind one router has one address, and is no
 * attack. Under pressure the largest holder gives way, its oldest item first.
 * An item takes one place unless it is given a weight, in bytes for example.
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
  readonly #holders = new Map<string, Holding<Item>>()
  readonly #holderOf = new Map<Item, string>()
  #size = 0

  constructor(init: SharesInit) {
    this.capacity = init.capacity
    this.#pressureAbove = Math.floor(init.capacity * (init.pressurePart ?? PRESSURE_PART))
  }

  /** Places that are taken: the weights of all items. */
  get size(): number {
    return this.#size
  }

  /** How many items there are. */
  get items(): number {
    return this.#holderOf.size
  }

  get isFull(): boolean {
    return this.size >= this.capacity
  }

  get isUnderPressure(): boolean {
    return this.size > this.#pressureAbove
  }

  /** Counts the item for its holder, as the youngest. One that is counted already moves to this holder. */
  add(item: Item, holder: string, weight = 1): void {
    this.delete(item)
    const held = this.#holders.get(holder) ?? { items: new Map<Item, number>(), weight: 0 }
    held.items.set(item, weight)
    held.weight += weight
    this.#size += weight
    this.#holders.set(holder, held)
    this.#holderOf.set(item, holder)
  }

  /** @returns false when the item was not counted */
  delete(item: Item): boolean {
    const holder = this.#holderOf.get(item)
    const held = holder === undefined ? undefined : this.#holders.get(holder)
    if (holder === undefined || held === undefined) return false
    const weight = held.items.get(item) ?? 0
    this.#holderOf.delete(item)
    held.items.delete(item)
    held.weight -= weight
    this.#size -= weight
    if (held.items.size === 0) this.#holders.delete(holder)
    return true
  }

  holderOf(item: Item): string | undefined {
    return this.#holderOf.get(item)
  }

  /** How many places the item takes. */
  weightOf(item: Item): number {
    return this.#holders.get(this.#holderOf.get(item) ?? '')?.items.get(item) ?? 0
  }

  /** How many places the holder takes. */
  countOf(holder: string): number {
    return this.#holders.get(holder)?.weight ?? 0
  }

  /** What the holder has, the oldest first. */
  itemsOf(holder: string): readonly Item[] {
    return [...(this.#holders.get(holder)?.items.keys() ?? [])]
  }

  oldestOf(holder: string): Item | undefined {
    for (const item of this.#holders.get(holder)?.items.keys() ?? []) return item
    return undefined
  }

  /**
   * The holder with the most, protected or not.
   *
   * @param first the one that is chosen among several with as much; default the one that came first
   */
  largestHolder(first?: string): string | undefined {
    let largest = this.#holders.has(first ?? '') ? first : undefined
    for (const [holder, { weight }] of this.#holders) if (weight > this.countOf(largest ?? '')) largest = holder
    return largest
  }

  /** The holders and how much each holds, the largest first. */
  holders(): readonly { readonly holder: string; readonly count: number }[] {
    return [...this.#holders]
      .map(([holder, { weight }]) => ({ holder, count: weight }))
      .toSorted((one, other) => other.count - one.count)
  }

  /**
   * What gives way: the oldest item that may go of the holder with the most such items.
   *
   * @param isProtected items that never give way, and do not count against their holder; default none
   * @returns undefined when all items are protected
   */
  toEvict(isProtected: (item: Item) => boolean = () => false): Item | undefined {
    return this.mostHeld(isProtected)[0]
  }

  /**
   * The items that may go of the holder with the most of these, the oldest first. For owners that prefer one of them for
   * another reason than its age.
   *
   * @param first the holder that is chosen among several with as much; default the one that came first
   */
  mostHeld(isProtected: (item: Item) => boolean = () => false, first?: string): readonly Item[] {
    const firstHeld = this.#holders.get(first ?? '')
    let most: { readonly items: readonly Item[]; readonly weight: number } = { items: [], weight: 0 }
    for (const held of firstHeld === undefined ? this.#holders.values() : [firstHeld, ...this.#holders.values()]) {
      // One that holds less in all can't hold more that may go.
      if (held.weight <= most.weight) continue
      const items: Item[] = []
      let weight = 0
      for (const [item, itemWeight] of held.items) {
        if (isProtected(item)) continue
        items.push(item)
        weight += itemWeight
      }
      if (weight > most.weight) most = { items, weight }
    }
    return most.items
  }

  /** @returns the heaviest item of the holder that takes the most places */
  heaviest(): Item | undefined {
    let heaviest: { readonly item: Item; readonly weight: number } | undefined
    for (const [item, weight] of this.#holders.get(this.largestHolder() ?? '')?.items ?? []) {
      if (weight > (heaviest?.weight ?? 0)) heaviest = { item, weight }
    }
    return heaviest?.item
  }
}

interface Holding<Item> {
  /** The weight of each item, the oldest first. */
  readonly items: Map<Item, number>
  /** Of all of them. */
  weight: number
}
