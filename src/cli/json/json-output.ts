// JSON lines to a stream: one object a line, everything that a terminal could
// act on escaped. A reader that doesn't read is given up on, not waited for
// with ever more memory.
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { escapedJson } from '../clean-text.ts'
import { MAX_OUTPUT_BACKLOG_BYTES } from '../constants.ts'

/** Whoever reads the events has stopped reading. */
class OutputBacklogError extends Error {
  override readonly name = 'OutputBacklogError'
  readonly limitBytes = MAX_OUTPUT_BACKLOG_BYTES

  constructor() {
    super(
      `more than ${MAX_OUTPUT_BACKLOG_BYTES} bytes of events wait for the reader of standard output, which reads nothing`
    )
  }
}

export class JsonOutput {
  readonly #stream: Writable
  readonly #failed: (error: Error) => void

  /** @param failed is told once the reader is given up on */
  constructor(stream: Writable, failed: (error: Error) => void) {
    this.#stream = stream
    this.#failed = failed
  }

  write(event: Readonly<Record<string, unknown>>): void {
    if (this.#stream.destroyed) return
    if (this.#stream.writableLength > MAX_OUTPUT_BACKLOG_BYTES) this.#failed(new OutputBacklogError())
    else this.#stream.write(`${escapedJson(event)}\n`)
  }

  /** Resolves when the reader has caught up; commands are read no faster than their answers are. */
  async caughtUp(signal: AbortSignal): Promise<void> {
    if (!this.#stream.writableNeedDrain || this.#stream.destroyed) return
    await once(this.#stream, 'drain', { signal }).catch(() => undefined)
  }
}
