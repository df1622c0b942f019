/**
 * What was sent in a session and has no answer yet, as pure logic: how much of it there may be, and which messages a
 * receipt is about. It knows no stream, and not what becomes of a message that was answered.
 */
import type { ChatMessage, SeqRange } from './frames.ts'

/** Sixteen of the longest messages: fills a link of 10 MB/s at 100 ms, and is all that one slow peer can hold here. */
export const MAX_UNCONFIRMED_BYTES = 1024 * 1024

/**
 * Messages that one side may have on the wire without a receipt or a refusal. With MAX_UNCONFIRMED_BYTES it bounds
 * the send queue and what the other side owes in receipts, so neither side ever stops reading in order to write.
 */
export const MAX_UNCONFIRMED_MESSAGES = 4096

/**
 * What a session begins with instead of MAX_UNCONFIRMED_BYTES: it grows by what is answered, so it doubles with each
 * round trip, as in TCP's slow start (RFC 5681, section 3.1). Relays of other programs end a connection after 128 KiB
 * each way. A first window of that size would fill each connection with what is sent again, and no receipt would ever
 * get through; so it is a quarter.
 */
export const FIRST_UNCONFIRMED_BYTES = 32 * 1024

export interface WindowLimits {
  readonly maxMessages: number
  readonly maxBytes: number
  /** Where the window begins; `maxBytes` when it is absent. */
  readonly firstBytes?: number
}

interface Unconfirmed {
  readonly id: string
  readonly log: string
  readonly seq: number
  readonly sizeBytes: number
}

/**
 * It turns the ranges of a receipt into ids, and only of messages that are in it, so that a receipt can't confirm what
 * was not sent.
 */
export class SendWindow {
  readonly #limits: WindowLimits
  /** Per log, by number: what most answers name. */
  readonly #logs = new Map<string, Map<number, Unconfirmed>>()
  /** Made when an answer names ids, and kept until the window is empty. */
  #byId: Map<string, Unconfirmed> | undefined
  #size = 0
  #bytes = 0
  /** How many bytes may be unanswered now. */
  #allowedBytes: number

  constructor(limits: WindowLimits) {
    this.#limits = limits
    this.#allowedBytes = Math.min(limits.firstBytes ?? limits.maxBytes, limits.maxBytes)
  }

  get size(): number {
    return this.#size
  }

  /** A message larger than the whole window passes when nothing else is in it. */
  hasRoom(sizeBytes: number): boolean {
    if (this.#size === 0) return true
    return this.#size < this.#limits.maxMessages && this.#bytes + sizeBytes <= this.#allowedBytes
  }

  has(id: string): boolean {
    return this.#size > 0 && this.#ids().has(id)
  }

  /** One that is sent a second time takes the place of the first. */
  add({ id, log, seq }: Pick<ChatMessage, 'id' | 'log' | 'seq'>, sizeBytes: number): void {
    let numbers = this.#logs.get(log)
    if (numbers === undefined) this.#logs.set(log, (numbers = new Map<number, Unconfirmed>()))
    const before = numbers.get(seq)
    if (before !== undefined) this.#remove(before, numbers)
    const entry = { id, log, seq, sizeBytes }
    numbers.set(seq, entry)
    this.#byId?.set(id, entry)
    this.#size++
    this.#bytes += sizeBytes
  }

  /** Takes out what is confirmed or refused. Ids that are not in here are no error: held messages are confirmed twice. */
  settle(ids: readonly string[]): void {
    if (ids.length === 0 || this.#size === 0) return
    const byId = this.#ids()
    for (const id of ids) {
      const entry = byId.get(id)
      const numbers = entry === undefined ? undefined : this.#logs.get(entry.log)
      if (entry !== undefined && numbers !== undefined) this.#answered(entry, numbers)
    }
    this.#forgetWhatIsEmpty()
  }

  /**
   * Takes out what the ranges cover, of what is in here, and returns its ids. Costs no more than what is in here,
   * however wide they are.
   */
  settleRanges(ranges: readonly SeqRange[]): string[] {
    const covered: string[] = []
    const take = (entry: Unconfirmed, numbers: Map<number, Unconfirmed>): void => {
      covered.push(entry.id)
      this.#answered(entry, numbers)
    }
    for (const { log, first, last } of ranges) {
      const numbers = this.#logs.get(log)
      if (numbers === undefined) continue
      if (last - first < numbers.size) {
        for (let seq = first; seq <= last; seq++) {
          const entry = numbers.get(seq)
          if (entry !== undefined) take(entry, numbers)
        }
      } else {
        for (const [seq, entry] of numbers) if (seq >= first && seq <= last) take(entry, numbers)
      }
    }
    this.#forgetWhatIsEmpty()
    return covered
  }

  #ids(): Map<string, Unconfirmed> {
    if (this.#byId !== undefined) return this.#byId
    const byId = new Map<string, Unconfirmed>()
    for (const numbers of this.#logs.values()) for (const entry of numbers.values()) byId.set(entry.id, entry)
    this.#byId = byId
    return byId
  }

  #answered(entry: Unconfirmed, numbers: Map<number, Unconfirmed>): void {
    this.#remove(entry, numbers)
    this.#allowedBytes = Math.min(this.#limits.maxBytes, this.#allowedBytes + entry.sizeBytes)
  }

  #remove(entry: Unconfirmed, numbers: Map<number, Unconfirmed>): void {
    numbers.delete(entry.seq)
    if (this.#byId?.get(entry.id) === entry) this.#byId.delete(entry.id)
    this.#size--
    this.#bytes -= entry.sizeBytes
  }

  #forgetWhatIsEmpty(): void {
    if (this.#size > 0) return
    this.#logs.clear()
    this.#byId = undefined
  }
}
