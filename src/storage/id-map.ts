// A map by message ids, in parts by the order of the ids. These begin with the time:
// what is new or asked for is nearly always in the last part, which stays small,
// while in one map of all each step would be a walk through far memory, and
// growing it a walk through all.

/** A part as large as this is followed by another as soon as there is a greater id. */
const idsPerPart = 4096

interface Part<T> {
  /** All ids of this part are this or greater, and less than the next part's. */
  readonly from: string
  readonly values: Map<string, T>
}

export class IdMap<T> {
  readonly #parts: [Part<T>, ...Part<T>[]] = [{ from: '', values: new Map() }]
  #last: Part<T> = this.#parts[0]
  #greatest = ''

  get(id: string): T | undefined {
    return this.#partOf(id).values.get(id)
  }

  set(id: string, value: T): void {
    const isGreatest = id > this.#greatest
    if (isGreatest && this.#last.values.size >= idsPerPart) {
      this.#last = { from: id, values: new Map() }
      this.#parts.push(this.#last)
    }
    if (isGreatest) this.#greatest = id
    this.#partOf(id).values.set(id, value)
  }

  delete(id: string): void {
    this.#partOf(id).values.delete(id)
  }

  #partOf(id: string): Part<T> {
    if (id >= this.#last.from) return this.#last
    let [low, high] = [0, this.#parts.length - 1]
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if ((this.#parts[middle]?.from ?? '') <= id) low = middle
      else high = middle - 1
    }
    return this.#parts[low] ?? this.#parts[0]
  }
}
