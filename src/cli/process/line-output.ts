// Lines of a command that runs long, to a reader that may be slow or not there at all: a terminal after Ctrl-S, a pipe
// that nothing reads, a file on a full disk. What waits is bounded; what finds no room is dropped and counted, and the
// count follows in its place as soon as something can be written again. It knows nothing of what the lines say.
import type { Writable } from 'node:stream'
import { writeLines } from './io.ts'
import { isFailing } from './process-output.ts'

/** Plain lines that may wait for a reader of a pipe; more are left out and counted. */
export const MAX_UNREAD_OUTPUT_BYTES = 4 * 1024 * 1024

/** How many lines were dropped, by kind. */
export type Dropped = ReadonlyMap<string, number>

/** Nothing drained the output, or it could not be written. */
export type WhyDropped = 'unread' | 'unwritten'

export interface LineOutputInit {
  readonly stream: Writable
  /** Reports what was dropped. */
  readonly droppedLines: (dropped: Dropped, why: WhyDropped) => readonly string[]
  /** Writes lines in another way than one after the other, such as above a line that is being typed. */
  readonly write?: (lines: readonly string[]) => void
}

export class LineOutput {
  readonly #stream: Writable
  readonly #droppedLines: LineOutputInit['droppedLines']
  readonly #write: (lines: readonly string[]) => void
  readonly #dropped = new Map<string, number>()
  #why: WhyDropped = 'unread'

  constructor({ stream, droppedLines, write }: LineOutputInit) {
    this.#stream = stream
    this.#droppedLines = droppedLines
    this.#write = write ?? ((lines) => writeLines(stream, lines))
  }

  /** So much waits to be read that more is dropped. */
  get isFull(): boolean {
    return this.#stream.writableLength > MAX_UNREAD_OUTPUT_BYTES
  }

  /** @param kind what they are counted as when they are dropped */
  print(lines: readonly string[], kind = ''): void {
    if (lines.length === 0) return
    if (this.isFull) {
      if (this.#dropped.size === 0) this.#stream.once('drain', () => this.#reportDropped())
      this.#drop(kind, lines.length, 'unread')
    } else if (this.#reportDropped()) {
      this.#write(lines)
      if (isFailing(this.#stream)) this.#drop(kind, lines.length, 'unwritten')
    } else this.#drop(kind, lines.length, 'unwritten')
  }

  #drop(kind: string, count: number, why: WhyDropped): void {
    this.#why = why
    this.#dropped.set(kind, (this.#dropped.get(kind) ?? 0) + count)
  }

  /** @returns whether the output takes lines */
  #reportDropped(): boolean {
    if (this.#dropped.size === 0) return true
    this.#write(this.#droppedLines(this.#dropped, this.#why))
    if (isFailing(this.#stream)) return false
    this.#dropped.clear()
    return true
  }
}

/** How many lines were dropped, as a sentence: `12 lines were dropped here, because nothing read them.` */
export function droppedText(dropped: Dropped, why: WhyDropped): string {
  const count = Array.from(dropped.values()).reduce((sum, one) => sum + one, 0)
  const [lines, them] = count === 1 ? ['One line was', 'it'] : [`${count} lines were`, 'them']
  const cause = why === 'unread' ? `nothing read ${them}` : `${them === 'it' ? 'it' : 'they'} could not be written`
  return `${lines} dropped here, because ${cause}`
}
