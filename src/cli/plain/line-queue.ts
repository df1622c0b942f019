// Typed lines that wait to be read, as an async iterable. A person types them,
// so there is no bound but the person's patience.

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
