/**
 * What this side has sent in a session and has no answer to yet. Pure. Its two bounds are what holds a sender back,
 * and it turns the ranges of a receipt into ids: only of messages that are in here, so a receipt can never confirm
 * what was not sent.
 */
import type { ChatMessage, SeqRange } from './frames.ts'

export interface WindowLimits {
  readonly maxMessages: number
  readonly maxBytes: number
}

interface Unconfirmed {
  readonly log: string
  readonly seq: number
  readonly sizeBytes: number
}

export class SendWindow {
  readonly #limits: WindowLimits
  readonly #byId = new Map<string, Unconfirmed>()
  /** Per log: number to id. */
  readonly #logs = new Map<string, Map<number, string>>()
  #bytes = 0

  constructor(limits: WindowLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#byId.size
  }

  /** A message larger than the whole window passes when nothing else is in it. */
  hasRoom(sizeBytes: number): boolean {
    if (this.#byId.size === 0) return true
    return this.#byId.size < this.#limits.maxMessages && this.#bytes + sizeBytes <= this.#limits.maxBytes
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }

  add(message: Pick<ChatMessage, 'id' | 'log' | 'seq'>, sizeBytes: number): void {
    const { id, log, seq } = message
    this.#remove(id)
    this.#byId.set(id, { log, seq, sizeBytes })
    const numbers = this.#logs.get(log) ?? new Map<number, string>()
    numbers.set(seq, id)
    this.#logs.set(log, numbers)
    this.#bytes += sizeBytes
  }

  /** Takes out what is confirmed or refused. Ids that are not in here are no error: held messages are confirmed twice. */
  settle(ids: readonly string[]): void {
    for (const id of ids) this.#remove(id)
  }

  /** The ids that the ranges cover, of those in here. Costs no more than what is in here, however wide they are. */
  resolve(ranges: readonly SeqRange[]): string[] {
    const covered: string[] = []
    for (const { log, first, last } of ranges) {
      const numbers = this.#logs.get(log)
      if (numbers === undefined) continue
      if (last - first < numbers.size) {
        for (let seq = first; seq <= last; seq++) {
          const id = numbers.get(seq)
          if (id !== undefined) covered.push(id)
        }
      } else {
        for (const [seq, id] of numbers) if (seq >= first && seq <= last) covered.push(id)
      }
    }
    return [...new Set(covered)]
  }

  #remove(id: string): void {
    const entry = this.#byId.get(id)
    if (entry === undefined) return
    this.#byId.delete(id)
    this.#bytes -= entry.sizeBytes
    const numbers = this.#logs.get(entry.log)
    if (numbers?.get(entry.seq) === id) numbers.delete(entry.seq)
    if (numbers?.size === 0) this.#logs.delete(entry.log)
  }
}
