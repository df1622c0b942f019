// The progress of slow work, on one line of a terminal that is written
// over. It says nothing elsewhere.
import type { Writable } from 'node:stream'
import { cleanText } from './clean-text.ts'

/** How often a percentage is updated: people do not read faster. */
export const PERCENTAGE_EVERY_MS = 200

export class ProgressLine {
  readonly #output: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly #startedAtMs = performance.now()
  #shownAtMs = Number.NEGATIVE_INFINITY
  #text = ''

  constructor(output: Writable & { readonly isTTY?: boolean; readonly columns?: number }) {
    this.#output = output
  }

  /** @param what as in `Writing FILE`; `done` and `total` are of one unit */
  show(what: string, done: number, total: number): void {
    const nowMs = performance.now()
    const isTooSoon = nowMs - this.#startedAtMs < WORTH_A_WORD_MS || nowMs - this.#shownAtMs < PERCENTAGE_EVERY_MS
    if (this.#output.isTTY !== true || isTooSoon) return
    this.#shownAtMs = nowMs
    const percent = total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100))
    const rest = `: ${percent} % (Ctrl-C stops it)`
    this.#write(`${this.#cut(what, rest.length)}${rest}`)
  }

  /** A line that is wrapped could not be written over. The end of a file's name tells more than its folder. */
  #cut(what: string, restColumns: number): string {
    const room = Math.max(1, (this.#output.columns ?? Number.POSITIVE_INFINITY) - 1 - restColumns)
    return what.length <= room ? what : `…${what.slice(what.length - room + 1)}`
  }

  /** Takes the line away. */
  end(): void {
    if (this.#text !== '') this.#write('')
  }

  #write(text: string): void {
    const clean = cleanText(text)
    this.#output.write(
      `\r${clean}${' '.repeat(Math.max(0, this.#text.length - clean.length))}${clean === '' ? '\r' : ''}`
    )
    this.#text = clean
  }
}

/** A wait is reported after this long: people notice half a second. */
export const WORTH_A_WORD_MS = 500

/** How often the seconds in the prompt move on. */
export const PROGRESS_TICK_MS = 1000
