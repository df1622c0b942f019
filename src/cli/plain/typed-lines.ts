// Typed lines on their way to their reader. Lines that arrive faster than a person
// types are a paste: a short one is passed on line by line, a long one is left out,
// because each of its lines would become a message. It knows no terminal.

/** Lines that follow each other faster than this are a paste: no one types so fast, and no one notices the wait. */
const LINE_BURST_MS = 30

/** A long paste is over after this long without input: a remote terminal delivers it in pieces. */
const PASTE_END_MS = 500

/** Two screens of lines: more are hardly meant as one message each. */
export const MAX_PASTED_LINES = 100

interface LineBurstsInit {
  readonly onLine: (line: string) => void
  /** @param lines how many came at once and were left out */
  readonly onLeftOut: (lines: number) => void
}

export class LineBursts {
  readonly #init: LineBurstsInit
  /** The lines of the current burst; empty once it is too long. */
  #lines: string[] = []
  #count = 0
  #end: NodeJS.Timeout | undefined

  constructor(init: LineBurstsInit) {
    this.#init = init
  }

  add(line: string): void {
    this.#count++
    if (this.#count <= MAX_PASTED_LINES) this.#lines.push(line)
    else this.#lines = []
    clearTimeout(this.#end)
    // A long paste may arrive in pieces; all of them are left out.
    this.#end = setTimeout(() => this.flush(), this.#count > MAX_PASTED_LINES ? PASTE_END_MS : LINE_BURST_MS)
  }

  /** Ends the burst. */
  flush(): void {
    clearTimeout(this.#end)
    this.#end = undefined
    const [lines, count] = [this.#lines, this.#count]
    this.#lines = []
    this.#count = 0
    if (count > MAX_PASTED_LINES) this.#init.onLeftOut(count)
    else for (const line of lines) this.#init.onLine(line)
  }
}

export class LineQueue implements AsyncIterable<string> {
  readonly #lines: string[] = []
  #ended = false
  #wake: () => void = () => undefined

  push(line: string): void {
    this.#lines.push(line)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    for (;;) {
      const line = this.#lines.shift()
      if (line !== undefined) yield line
      else if (this.#ended) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
