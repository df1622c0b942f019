// Whose uploads are served, and who waits where: a number of slots, fair by peer. Pure: what changes is reported to the
// uploads themselves.

/** More at once would make each so slow that none is done soon; fewer would leave a fast line to one slow peer. */
const UPLOAD_SLOTS = 4

/** What an upload is served before others have their turn: some seconds on a home line. */
export const UPLOAD_TURN_BYTES = 16 * 1024 * 1024

export interface Upload {
  /** Uploads of one peer share what is fair. */
  readonly peer: string
  /** @param place 0: it is served from now on; otherwise its place in the queue: 1 is served next */
  onPlace(place: number): void
}

interface Served {
  bytes: number
}

export class UploadSlots {
  readonly #slots: number
  readonly #served = new Map<Upload, Served>()
  /** In the order in which they came, each with the place that it was told. */
  readonly #waiting = new Map<Upload, { place: number }>()

  constructor(slots = UPLOAD_SLOTS) {
    this.#slots = slots
  }

  /** It has something to send. Does nothing for one that is served, or waits. */
  want(upload: Upload): void {
    if (this.#served.has(upload) || this.#waiting.has(upload)) return
    this.#waiting.set(upload, { place: 0 })
    this.#fill()
  }

  /** It was served these bytes. When others wait and it has had its turn, it waits too from now on. */
  sent(upload: Upload, bytes: number): void {
    const served = this.#served.get(upload)
    if (served === undefined) return
    served.bytes += bytes
    if (served.bytes < UPLOAD_TURN_BYTES) return
    served.bytes = 0
    if (this.#waiting.size === 0) return
    this.#served.delete(upload)
    this.#waiting.set(upload, { place: 0 })
    this.#fill()
  }

  /** It has nothing more to send. */
  leave(upload: Upload): void {
    const left = [this.#served.delete(upload), this.#waiting.delete(upload)]
    if (left.includes(true)) this.#fill()
  }

  #fill(): void {
    const order = this.#order()
    const granted = order.slice(0, Math.max(0, this.#slots - this.#served.size))
    for (const upload of granted) {
      this.#waiting.delete(upload)
      this.#served.set(upload, { bytes: 0 })
    }
    const moved = order.slice(granted.length).flatMap((upload, index) => {
      const told = this.#waiting.get(upload)
      const place = index + 1
      if (told === undefined || told.place === place) return []
      told.place = place
      return [{ upload, place }]
    })
    // Last: an upload that is told may leave at once.
    for (const upload of granted) upload.onPlace(0)
    for (const { upload, place } of moved) upload.onPlace(place)
  }

  /** Those that wait, in the order in which they will be served if nothing changes. */
  #order(): readonly Upload[] {
    const taken = new Map<string, number>()
    const take = ({ peer }: Upload): number => {
      const count = taken.get(peer) ?? 0
      taken.set(peer, count + 1)
      return count
    }
    for (const upload of this.#served.keys()) take(upload)
    // A peer's second upload counts as one that has one before it. Sorting keeps the order of equals.
    const ranked = [...this.#waiting.keys()].map((upload) => ({ upload, before: take(upload) }))
    return ranked.toSorted((one, other) => one.before - other.before).map(({ upload }) => upload)
  }
}
