// The plain face without a terminal: lines in, lines out, no escape codes and
// nothing drawn twice. A prompt is a line of its own, printed when something
// else is asked for. For a reader that does not read no more than a bound waits.
// It knows nothing of chats.
import type { Readable, Writable } from 'node:stream'
import { MAX_INPUT_LINE_BYTES, MAX_PIPED_MESSAGE_LINES, MAX_UNREAD_OUTPUT_BYTES } from '../constants.ts'
import { readLines } from '../input-lines.ts'
import { writeLines } from '../io.ts'
import type { PlainTerminal } from './terminal.ts'

export class Pipe implements PlainTerminal {
  readonly interactive = false
  readonly fold = { rows: MAX_PIPED_MESSAGE_LINES }
  readonly #input: Readable
  readonly #output: Writable
  #asked = ''
  /** Lines that were left out because too many waited. */
  #leftOut = 0

  constructor(input: Readable, output: Writable) {
    this.#input = input
    this.#output = output
  }

  get lines(): AsyncIterable<string> {
    return this.#read()
  }

  print(lines: readonly string[]): void {
    if (lines.length === 0) return
    if (this.#output.writableLength > MAX_UNREAD_OUTPUT_BYTES) {
      if (this.#leftOut === 0) this.#output.once('drain', () => this.#tellLeftOut())
      this.#leftOut += lines.length
    } else this.#write(lines)
  }

  say(lines: readonly string[]): void {
    this.print(lines)
  }

  ask(prompt: string): void {
    if (prompt === this.#asked) return
    this.#asked = prompt
    this.print([prompt.trimEnd()])
  }

  progress(): void {
    // There is no line that could change in place.
  }

  completeWith(): void {
    // There is no Tab key.
  }

  onInterrupt(): void {
    // SIGINT comes to the process itself.
  }

  close(): void {
    this.#input.destroy()
  }

  #write(lines: readonly string[]): void {
    writeLines(this.#output, lines)
  }

  #tellLeftOut(): void {
    const count = this.#leftOut
    this.#leftOut = 0
    this.#write([
      `${count === 1 ? 'One line was' : `${count} lines were`} left out here, as nothing read them: /history shows the messages.`
    ])
  }

  async *#read(): AsyncGenerator<string> {
    try {
      for await (const line of readLines(this.#input, { maxBytes: MAX_INPUT_LINE_BYTES })) {
        if (line.is === 'line') yield line.text
        else this.print([`A line of more than ${line.limitBytes} bytes was left out: send it in parts.`])
      }
    } catch (error) {
      // close() destroys the stream under the iterator: that is an end of input like any other.
      if (!this.#input.destroyed) throw error
    }
  }
}
