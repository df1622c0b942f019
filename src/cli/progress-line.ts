// How far something is that takes its time, on one line of a terminal that is
// written over. Elsewhere it says nothing: the end of the command does.
import type { Writable } from 'node:stream'
import { cleanText } from './clean-text.ts'
import { PROGRESS_EVERY_MS, WORTH_A_WORD_MS } from './constants.ts'

export class ProgressLine {
  readonly #output: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly #startedAtMs = performance.now()
  #shownAtMs = Number.NEGATIVE_INFINITY
  #text = ''

  constructor(output: Writable & { readonly isTTY?: boolean; readonly columns?: number }) {
    this.#output = output
  }

  /** @param what as in `Writing FILE` */
  show(what: string, { doneBytes, totalBytes }: { readonly doneBytes: number; readonly totalBytes: number }): void {
    const nowMs = performance.now()
    const isTooSoon = nowMs - this.#startedAtMs < WORTH_A_WORD_MS || nowMs - this.#shownAtMs < PROGRESS_EVERY_MS
    if (this.#output.isTTY !== true || isTooSoon) return
    this.#shownAtMs = nowMs
    const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor((doneBytes / totalBytes) * 100))
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
