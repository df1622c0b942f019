// What the plain face needs of whatever it talks through: a terminal with an
// editable line, or a pipe. Whoever implements it owns all writing there, and
// cleans each line as the last step.
import type { MessageFold } from '../message-fold.ts'

export interface PlainTerminal {
  /** Somebody looks at it: lines are edited and echoed, a prompt can change in place. */
  readonly interactive: boolean
  /** The room for one message, so that others stay on the screen. */
  readonly fold: MessageFold
  /** Writes whole lines above the line that is being typed. */
  print(lines: readonly string[]): void
  /** The same for Parley's own words, which are cut between words where a terminal is narrower than they are. */
  say(lines: readonly string[]): void
  /** What is asked for now. A pipe prints it as a line of its own. */
  ask(prompt: string): void
  /** Shown before the prompt while something goes on; a pipe shows nothing. */
  progress(text: string | undefined): void
  /** Lines as they are typed; ends at the end of input. */
  readonly lines: AsyncIterable<string>
  /** Names and commands for the Tab key. */
  completeWith(candidates: (line: string) => readonly [readonly string[], string]): void
  /** Ctrl-C, and whether anything was typed since the one before. */
  onInterrupt(listener: (typedSince: boolean) => void): void
  /** Ends input and gives the terminal back. */
  close(): void
}
