// Past changes, encoded, in the order of their events: a reader resumes where it
// was, as long as that is kept. Bounded in bytes and in number.
// Knows nothing of what the changes say.
import { randomBytes } from 'node:crypto'

/** Bytes of past changes that are kept for readers that are behind or come back. */
const MAX_LOG_BYTES = 4 * 1024 * 1024

/** … and how many batches: half a minute of ten a second. */
const MAX_LOG_BATCHES = 300

interface Batch {
  readonly seq: number
  readonly bytes: Buffer
}

export interface ChangeLogLimits {
  readonly logBytes?: number
  readonly logBatches?: number
}

export class ChangeLog {
  /** Ids of another start are not ours. */
  readonly #epoch = randomBytes(6).toString('hex')
  readonly #maxBytes: number
  readonly #maxBatches: number
  #batches: Batch[] = []
  #bytes = 0
  #seq = 0

  constructor(limits: ChangeLogLimits = {}) {
    this.#maxBytes = limits.logBytes ?? MAX_LOG_BYTES
    this.#maxBatches = limits.logBatches ?? MAX_LOG_BATCHES
  }

  /** The number of the last batch. */
  get seq(): number {
    return this.#seq
  }

  /** @param encode is given the id of the batch */
  append(encode: (id: string) => Buffer): void {
    this.#seq++
    const encoded = encode(this.idOf(this.#seq))
    // Out of the pool that Node cuts small buffers from: a short batch that is kept would keep 64 KiB of it.
    const bytes = Buffer.allocUnsafeSlow(encoded.byteLength)
    encoded.copy(bytes)
    this.#batches.push({ seq: this.#seq, bytes })
    this.#bytes += bytes.byteLength
    while (this.#batches.length > this.#maxBatches || this.#bytes > this.#maxBytes) {
      this.#bytes -= this.#batches.shift()?.bytes.byteLength ?? 0
    }
  }

  /** @returns the next batch after this number; undefined when there is none; 'lost' when it is not kept any more */
  after(seq: number): Batch | 'lost' | undefined {
    if (seq === this.#seq) return undefined
    const first = this.#batches[0]
    if (first === undefined || seq > this.#seq || seq < first.seq - 1) return 'lost'
    return this.#batches[seq - first.seq + 1]
  }

  idOf(seq: number): string {
    return `${this.#epoch}-${seq}`
  }

  /** @returns the number of an id of this start; undefined for any other text */
  seqOf(id: string): number | undefined {
    const [epoch, seq] = id.split('-')
    return epoch === this.#epoch && seq !== undefined && /^\d{1,15}$/u.test(seq) ? Number(seq) : undefined
  }
}
