// Everything that was done and said in a run, on one clock, so that a failure
// can be read from top to bottom: what was disturbed, what each process printed,
// what was found. It knows nothing of what is written into it.
import { createWriteStream, type WriteStream } from 'node:fs'
import { once } from 'node:events'

/** Lines of each that are shown with a failure; the file has all of them. */
const shownLines = 12
const shownChars = 160

export class EventLog {
  readonly file: string
  readonly #startedAtMs = performance.now()
  readonly #stream: WriteStream
  readonly #tails = new Map<string, string[]>()
  #faults: string[] = []

  constructor(file: string) {
    this.file = file
    this.#stream = createWriteStream(file)
  }

  write(who: string, text: string): void {
    const seconds = ((performance.now() - this.#startedAtMs) / 1000).toFixed(3)
    const line = `${seconds.padStart(9)} ${who}: ${text}`
    this.#stream.write(`${line}\n`)
    const tail = this.#tails.get(who) ?? []
    tail.push(line.slice(0, shownChars))
    if (tail.length > shownLines) tail.shift()
    this.#tails.set(who, tail)
  }

  /** Something that may not happen, whatever is disturbed: the round it happens in has failed. */
  fault(who: string, text: string): void {
    this.write(who, `FAULT ${text}`)
    this.#faults.push(`${who}: ${text}`)
  }

  /** The faults since this was called last. */
  takeFaults(): readonly string[] {
    const faults = this.#faults
    this.#faults = []
    return faults
  }

  tail(who: string): readonly string[] {
    return this.#tails.get(who) ?? []
  }

  async close(): Promise<void> {
    this.#stream.end()
    await once(this.#stream, 'finish')
  }
}
