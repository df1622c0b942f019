// The stops of a program in a terminal: Ctrl-Z gives the terminal back to the
// shell first, and whenever the program is continued, by whatever it was stopped,
// it takes the terminal again. What stands on the screen is its owner's business.
import { constants } from 'node:os'
import { STOP_CHECK_MS } from '../constants.ts'

/** An input that may be a real terminal; another one has no modes. */
export interface TerminalInput {
  setRawMode?(isRaw: boolean): unknown
}

export class Suspension {
  readonly #input: TerminalInput
  readonly #continued: () => void
  #check: NodeJS.Timeout | undefined

  /** @param continued the terminal is read key by key again, and the shell may have written on it meanwhile */
  constructor(input: TerminalInput, continued: () => void) {
    this.#input = input
    this.#continued = continued
    process.on('SIGCONT', this.#take)
  }

  /** Stops, with whoever started this process in its place. */
  stop(): void {
    // Windows knows no such thing.
    if (constants.signals.SIGTSTP === undefined || this.#check !== undefined) return
    this.#input.setRawMode?.(false)
    process.kill(0, 'SIGTSTP')
    // Without a shell that could continue it the system stops nobody: it goes on as if it had been continued.
    this.#check = setTimeout(this.#take, STOP_CHECK_MS)
  }

  end(): void {
    clearTimeout(this.#check)
    process.off('SIGCONT', this.#take)
  }

  readonly #take = (): void => {
    clearTimeout(this.#check)
    this.#check = undefined
    // The shell has changed the mode, and what was set before is not set again unless it was taken back.
    this.#input.setRawMode?.(false)
    this.#input.setRawMode?.(true)
    this.#continued()
  }
}
