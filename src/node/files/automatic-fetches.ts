// What is fetched without a question: the setting `files`, for contacts alone, and no more of it in a day than ten files of
// that size. What was fetched so today is in the book, so that a restart forgets nothing.
import { ASK_FOR_FILES, NO_FILES } from '../config/setting-specs.ts'
import type { FileBook, ReceivedFile } from './file-book.ts'

/** In a day, times the size up to which one file is fetched: a contact's program that has gone mad fills no disk. */
const AUTOMATIC_PER_DAY = 10

/** So much the smallest file counts: a flood of empty ones ends, too. */
const MIN_COUNTED_BYTES = 64 * 1024

const DAY_MS = 24 * 60 * 60 * 1000

export class AutomaticFetches {
  readonly #maxBytes: number
  readonly #book: Pick<FileBook, 'automatic' | 'setAutomatic'>

  /** @param maxBytes the value of the setting */
  constructor(maxBytes: number, book: Pick<FileBook, 'automatic' | 'setAutomatic'>) {
    this.#maxBytes = maxBytes
    this.#book = book
  }

  /** What is done with an offer of a contact. One that is fetched counts from now on. */
  async answer({ sizeBytes, folder }: ReceivedFile, nowMs: number): Promise<'ask' | 'fetch' | 'never'> {
    if (this.#maxBytes === NO_FILES) return 'never'
    const bytes = Math.max(MIN_COUNTED_BYTES, sizeBytes + (folder?.sizeBytes ?? 0))
    if (bytes > Math.max(MIN_COUNTED_BYTES, this.#maxBytes) || this.#maxBytes === ASK_FOR_FILES) return 'ask'
    const { sinceMs, bytes: before } = this.#book.automatic
    // Also after the clock was set back.
    const isToday = nowMs >= sinceMs && nowMs - sinceMs < DAY_MS
    const today = isToday ? { sinceMs, bytes: before + bytes } : { sinceMs: nowMs, bytes }
    if (today.bytes > AUTOMATIC_PER_DAY * this.#maxBytes) return 'ask'
    await this.#book.setAutomatic(today)
    return 'fetch'
  }
}
