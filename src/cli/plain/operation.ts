// Whatever may take a while at the prompt: it has a deadline, the prompt counts
// its seconds, and Ctrl-C stops it.
import { PROGRESS_TICK_MS, RESOLVE_TIMEOUT_MS } from '../constants.ts'
import type { PlainTerminal } from './terminal.ts'

export class Operation {
  readonly #terminal: PlainTerminal
  #running: AbortController | undefined

  constructor(terminal: PlainTerminal) {
    this.#terminal = terminal
  }

  /** @param label what the prompt says after a second */
  async run<T>(label: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController()
    let seconds = 0
    const ticker = setInterval(() => this.#terminal.progress(`${label} … ${++seconds} s`), PROGRESS_TICK_MS)
    this.#running = controller
    try {
      return await work(AbortSignal.any([controller.signal, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)]))
    } finally {
      clearInterval(ticker)
      this.#running = undefined
      this.#terminal.progress(undefined)
    }
  }

  /** Stops what is running; false when nothing is, or it was stopped before. */
  abort(): boolean {
    if (this.#running === undefined || this.#running.signal.aborted) return false
    this.#running.abort()
    return true
  }
}

/** What went wrong, for the person at the prompt. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return `That failed: ${String(error)}`
  if (error.name === 'AbortError') return 'Stopped.'
  if (error.name === 'TimeoutError') return `No answer within ${RESOLVE_TIMEOUT_MS / 1000} s.`
  return error.message
}
