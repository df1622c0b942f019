// The plain face without a terminal: lines in, lines out, no escape codes and
// nothing drawn twice. A prompt is a line of its own, printed when something
// else is asked for. Output that nothing reads is bounded.
// It knows nothing of chats.
import type { Readable, Writable } from 'node:stream'
import { MAX_INPUT_LINE_BYTES, readLines } from '../process/input-lines.ts'
import { LineOutput } from '../process/line-output.ts'
import { droppedNews, type PlainTerminal } from './terminal.ts'

/** Lines of one message on a pipe, which has no screen: what people write is shorter, and a script reads JSON. */
export const MAX_PIPED_MESSAGE_LINES = 200

export class Pipe implements PlainTerminal {
  readonly interactive = false
  readonly fold = { rows: MAX_PIPED_MESSAGE_LINES }
  readonly #input: Readable
  readonly #output: LineOutput
  #asked = ''
  #typed = (): void => undefined

  constructor(input: Readable, output: Writable) {
    this.#input = input
    this.#output = new LineOutput({ stream: output, droppedLines: droppedNews })
  }

  get lines(): AsyncIterable<string> {
    return this.#read()
  }

  print(lines: readonly string[]): void {
    this.#output.print(lines)
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

  forgetTyped(): void {
    // There are no arrow keys.
  }

  onTyped(listener: () => void): void {
    this.#typed = listener
  }

  onInterrupt(): void {
    // SIGINT comes to the process itself.
  }

  close(): void {
    this.#input.destroy()
  }

  async *#read(): AsyncGenerator<string> {
    try {
      for await (const line of readLines(this.#input, { maxBytes: MAX_INPUT_LINE_BYTES })) {
        this.#typed()
        if (line.is === 'line') yield line.text
        else this.print([`A line of more than ${line.limitBytes} bytes was left out: send it in parts.`])
      }
    } catch (error) {
      // close() destroys the stream under the iterator: that is an end of input like any other.
      if (!this.#input.destroyed) throw error
    }
  }
}
