// What a process or a terminal has printed, line by line, and waiting for what
// it will print. Failures show the whole output, since without it a test that
// failed on another machine can't be understood. Knows no processes.

import { eventualMs, Patience } from '../patience.ts'

/** For one line. */
export const defaultDeadlineMs = eventualMs

export type OutputStream = 'stdout' | 'stderr'

interface Line {
  readonly stream: OutputStream
  readonly text: string
  readonly atMs: number
}

/** One match of a pattern, with the moment at which its line came. */
export interface Shown {
  readonly match: RegExpExecArray
  readonly line: string
  /** By `performance.now()`. */
  readonly atMs: number
}

export class NotShownError extends Error {
  override readonly name = 'NotShownError'
}

export class OutputLog {
  readonly #name: string
  readonly #lines: Line[] = []
  readonly #partial: Record<OutputStream, string> = { stdout: '', stderr: '' }
  readonly #waiting = new Set<() => void>()
  #isWaking = false
  #ended: string | undefined

  /** @param name whose output it is, for failures */
  constructor(name: string) {
    this.#name = name
  }

  append(stream: OutputStream, chunk: string): void {
    const parts = (this.#partial[stream] + chunk).split('\n')
    this.#partial[stream] = parts.pop() ?? ''
    const atMs = performance.now()
    for (const text of parts) this.#lines.push({ stream, text, atMs })
    this.#wake()
  }

  /** Nothing more will come. */
  end(how: string): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const rest = this.#partial[stream]
      this.#partial[stream] = ''
      if (rest !== '') this.#lines.push({ stream, text: rest, atMs: performance.now() })
    }
    this.#ended = how
    this.#wake()
  }

  /** Everything so far, as a person would have seen it. */
  get text(): string {
    return this.#lines.map(({ text }) => text).join('\n')
  }

  /** How many lines there are now: where to look from for what comes after this moment. */
  get length(): number {
    return this.#lines.length
  }

  /** @param from counted over all streams */
  lines(stream?: OutputStream, from = 0): readonly string[] {
    const lines = from === 0 ? this.#lines : this.#lines.slice(from)
    return lines.filter((line) => stream === undefined || line.stream === stream).map(({ text }) => text)
  }

  /**
   * Waits for a line that matches, at or after line `from`.
   *
   * @throws NotShownError when it does not come in time, or the output has ended without it
   */
  async shows(pattern: RegExp, options: { from?: number; timeoutMs?: number } = {}): Promise<Shown> {
    const { from = 0, timeoutMs = defaultDeadlineMs } = options
    return this.until(`a line like ${String(pattern)}`, timeoutMs, () => {
      for (const { text, atMs } of this.#lines.slice(from)) {
        const match = pattern.exec(text)
        if (match !== null) return { match, line: text, atMs }
      }
      return undefined
    })
  }

  /**
   * Waits until `look`, which is asked again whenever there is more output, gives something. The time counts from the
   * last output: on a busy machine it is progress that matters.
   */
  async until<T>(what: string, timeoutMs: number, look: () => T | undefined): Promise<T> {
    const patience = new Patience(timeoutMs, () => this.#wake())
    try {
      for (;;) {
        const found = look()
        if (found !== undefined) return found
        if (this.#ended !== undefined) throw this.#failure(`${this.#ended} without showing ${what}`)
        if (patience.isOver) throw this.#failure(`did not show ${what} within ${timeoutMs / 1000} s`)
        await new Promise<void>((resolve) => this.#waiting.add(resolve))
        patience.renew()
      }
    } finally {
      patience.end()
    }
  }

  /** The whole output, for a failure of another kind. */
  describe(): string {
    const lines = this.#lines.map(({ stream, text }) => `  ${stream === 'stderr' ? '!' : '|'} ${text}`)
    const open = Object.values(this.#partial).filter((text) => text !== '')
    return [`--- all output of ${this.#name} (! is standard error):`, ...lines, ...open.map((t) => `  … ${t}`)].join(
      '\n'
    )
  }

  #failure(what: string): NotShownError {
    return new NotShownError(`${this.#name} ${what}\n${this.describe()}`)
  }

  /** At the end of this turn: those who wait look once at all that came in it. */
  #wake(): void {
    if (this.#isWaking) return
    this.#isWaking = true
    setImmediate(() => {
      this.#isWaking = false
      const waiting = [...this.#waiting]
      this.#waiting.clear()
      for (const resolve of waiting) resolve()
    })
  }
}
