// Whose uploads are served, and who waits where: a number of slots, fair by peer, and only for those that read. Pure: what
// changes is reported to the uploads themselves, and the time is an argument.

/** More at once would make each so slow that none is done soon; fewer would leave a fast line to one slow peer. */
const UPLOAD_SLOTS = 4

/** What an upload is served before others have their turn: some seconds on a home line. */
export const UPLOAD_TURN_BYTES = 16 * 1024 * 1024

/**
 * A slot whose upload has sent nothing for so long goes to one that waits: the slowest line that is worth a slot takes a
 * piece in this time, and the requester's other sources have been asked long before.
 */
export const SLOT_STALL_MS = 5_000

export interface Upload {
  /** Uploads of one peer share what is fair. */
  readonly peer: string
  /** @param place 0: it is served from now on; otherwise its place in the queue: 1 is served next */
  onPlace(place: number): void
  /** It is not served any more, and does not wait either, until it has sent something. */
  onStall(): void
}

export interface UploadSlotsInit {
  readonly slots?: number | undefined
  /** The deadline may be earlier than before. */
  readonly onDeadline?: () => void
}

interface Served {
  bytes: number
  /** When it last sent something. */
  sinceMs: number
}

export class UploadSlots {
  readonly #slots: number
  readonly #onDeadline: () => void
  readonly #served = new Map<Upload, Served>()
  /** They had a slot and did not read. */
  readonly #stalled = new Set<Upload>()
  /** In the order in which they came, each with the place that it was told. */
  readonly #waiting = new Map<Upload, { place: number }>()

  constructor({ slots = UPLOAD_SLOTS, onDeadline = () => undefined }: UploadSlotsInit = {}) {
    this.#slots = slots
    this.#onDeadline = onDeadline
  }

  /** When {@link yieldStalled} may have something to do; Infinity while nobody waits. */
  get deadlineMs(): number {
    if (this.#waiting.size === 0) return Infinity
    return Math.min(Infinity, ...[...this.#served.values()].map(({ sinceMs }) => sinceMs + SLOT_STALL_MS))
  }

  /** It has something to send. Does nothing for one that is served, or waits. */
  want(upload: Upload, nowMs: number): void {
    if (this.#served.has(upload) || this.#waiting.has(upload) || this.#stalled.has(upload)) return
    this.#wait(upload, nowMs)
  }

  /** It was served these bytes. When others wait and it has had its turn, it waits too from now on. */
  sent(upload: Upload, bytes: number, nowMs: number): void {
    if (this.#stalled.delete(upload)) return this.#wait(upload, nowMs)
    const served = this.#served.get(upload)
    if (served === undefined) return
    served.bytes += bytes
    served.sinceMs = nowMs
    if (served.bytes < UPLOAD_TURN_BYTES) return
    served.bytes = 0
    if (this.#waiting.size === 0) return
    this.#served.delete(upload)
    this.#wait(upload, nowMs)
  }

  /** It has nothing more to send. */
  leave(upload: Upload, nowMs: number): void {
    const left = [this.#served.delete(upload), this.#waiting.delete(upload), this.#stalled.delete(upload)]
    if (left.includes(true)) this.#fill(nowMs)
  }

  /** Slots of uploads that send nothing go to those that wait. */
  yieldStalled(nowMs: number): void {
    const stalled = [...this.#served].filter(([, { sinceMs }]) => nowMs >= sinceMs + SLOT_STALL_MS)
    for (const [upload] of stalled.slice(0, this.#waiting.size)) {
      this.#served.delete(upload)
      this.#stalled.add(upload)
      upload.onStall()
    }
    this.#fill(nowMs)
  }

  #wait(upload: Upload, nowMs: number): void {
    this.#waiting.set(upload, { place: 0 })
    this.#fill(nowMs)
    if (this.#waiting.size > 0) this.#onDeadline()
  }

  #fill(nowMs: number): void {
    const order = this.#order()
    const granted = order.slice(0, Math.max(0, this.#slots - this.#served.size))
    for (const upload of granted) {
      this.#waiting.delete(upload)
      this.#served.set(upload, { bytes: 0, sinceMs: nowMs })
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
