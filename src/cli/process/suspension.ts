// The stops of a program in a terminal: Ctrl-Z gives the terminal back to the
// shell first, and whenever the program is continued, by whatever it was stopped,
// it takes the terminal again. What stands on the screen is its owner's business.
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { streamFlushed } from './io.ts'

/** An input that may be a real terminal; another one has no modes. */
export interface TerminalInput {
  setRawMode?(isRaw: boolean): unknown
}

interface SuspensionInit {
  readonly input: TerminalInput
  readonly output: Writable
  /** The terminal is read key by key again, and the shell may have written on it meanwhile. */
  readonly continued: () => void
}

export class Suspension {
  readonly #input: TerminalInput
  readonly #output: Writable
  readonly #continued: () => void
  #check: NodeJS.Timeout | undefined
  #isStopping = false
  #isOver = false

  constructor({ input, output, continued }: SuspensionInit) {
    this.#input = input
    this.#output = output
    this.#continued = continued
    process.on('SIGCONT', this.#take)
  }

  /** Stops, together with the process that started this one in its place. */
  async stop(): Promise<void> {
    // Windows knows no such thing.
    if (constants.signals.SIGTSTP === undefined || this.#isStopping) return
    this.#isStopping = true
    // Pending output belongs before the shell's prompt; a terminal that shows nothing is not waited for.
    await Promise.race([streamFlushed(this.#output), sleep(STOP_FLUSH_MS)])
    if (this.#isOver) return
    this.#input.setRawMode?.(false)
    process.kill(0, 'SIGTSTP')
    // Without a shell that could continue it, the system does not stop the process: it goes on as after a stop.
    this.#check = setTimeout(this.#take, STOP_CHECK_MS)
  }

  end(): void {
    this.#isOver = true
    clearTimeout(this.#check)
    process.off('SIGCONT', this.#take)
  }

  readonly #take = (): void => {
    clearTimeout(this.#check)
    this.#isStopping = false
    // The shell has changed the mode; setting raw mode again has an effect only after it was unset.
    this.#input.setRawMode?.(false)
    this.#input.setRawMode?.(true)
    this.#continued()
  }
}

/** After Ctrl-Z, when to look whether the system has stopped the program at all. */
export const STOP_CHECK_MS = 100

/** After Ctrl-Z, how long the terminal may take to show what was written: one that is drained takes milliseconds. */
export const STOP_FLUSH_MS = 200
