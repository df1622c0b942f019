// What the plain face needs of its terminal: one with an editable
// line, or a pipe, which owns all writing there and cleans each line as the last
// step; and an operation on it that may take a while, which has a deadline, whose
// seconds the prompt counts, and which Ctrl-C stops.
import { RESOLVE_TIMEOUT_MS } from '../chat-api/find-peer.ts'
import { type Dropped, droppedText, type WhyDropped } from '../process/line-output.ts'
import { PROGRESS_TICK_MS } from '../process/progress-line.ts'
import type { MessageFold } from '../wording/terminal-lines.ts'

export interface PlainTerminal {
  /** Interactive: lines are edited and echoed, a prompt can change in place. */
  readonly interactive: boolean
  /** The room for one message, so that others stay on the screen. */
  readonly fold: MessageFold
  /** Writes whole lines above the line that is being typed. */
  print(lines: readonly string[]): void
  /** The same for Parley's own words, which are cut between words where a terminal is narrower than they are. */
  say(lines: readonly string[]): void
  /** Sets the prompt. A pipe prints it as a line of its own. */
  ask(prompt: string): void
  /** Shown before the prompt during an operation; a pipe shows nothing. */
  progress(text: string | undefined): void
  /** Lines as they are typed; ends at the end of input. */
  readonly lines: AsyncIterable<string>
  /** Names and commands for the Tab key. */
  completeWith(candidates: (line: string) => readonly [readonly string[], string]): void
  /** What was typed before then is no longer offered by the arrow keys. */
  forgetTyped(beforeMs: number): void
  /** Called for each key; on a pipe for each line. */
  onTyped(listener: () => void): void
  /** Ctrl-C, and whether anything was typed since the one before. */
  onInterrupt(listener: (typedSince: boolean) => void): void
  /** Ends input and gives the terminal back. */
  close(): void
}

/** The line in place of dropped lines; messages are never dropped. */
export function droppedNews(dropped: Dropped, why: WhyDropped): readonly string[] {
  return [`${droppedText(dropped, why)}: /history shows the messages.`]
}

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
