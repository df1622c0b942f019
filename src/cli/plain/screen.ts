// A terminal with one line being typed at its bottom. It owns all writing there:
// output erases the prompt and what is typed, however many rows that takes,
// prints, and draws it again. It knows nothing of chats.
import { createInterface, type Interface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { cleanText } from '../clean-text.ts'
import { INPUT_HISTORY_LINES, LEAST_MESSAGE_ROWS, MAX_TYPED_CHARACTERS, ROWS_FOR_OTHERS } from '../constants.ts'
import type { MessageFold } from '../message-fold.ts'
import { LineQueue } from './line-queue.ts'
import { Suspension, type TerminalInput } from './suspension.ts'
import type { PlainTerminal } from './terminal.ts'
import { wrappedLine } from './wrapped-lines.ts'

const escape = '\u001b'
const eraseBelow = `${escape}[J`
const noCompletion = (line: string): readonly [readonly string[], string] => [[], line]

export class Screen implements PlainTerminal {
  readonly interactive = true
  readonly lines = new LineQueue()
  readonly #output: WriteStream
  readonly #readline: Interface
  readonly #suspension: Suspension
  #prompt = ''
  #progress: string | undefined
  #candidates = noCompletion
  #interrupted: (typedSince: boolean) => void = () => undefined
  #typedSinceInterrupt = false
  #closed = false
  /** The line that is being typed, or pasted, went beyond all bounds: what is left of it is dropped up to its end. */
  #isTooLong = false

  constructor(input: Readable & TerminalInput, output: WriteStream) {
    this.#output = output
    const resizeListeners = output.listeners('resize')
    this.#readline = createInterface({
      input,
      output,
      terminal: true,
      prompt: '',
      historySize: INPUT_HISTORY_LINES,
      removeHistoryDuplicates: true,
      completer: (line: string) => this.#complete(line)
    })
    // readline goes up by the rows of before, and erases what stands above the line when it takes fewer now.
    for (const listener of output.listeners('resize')) {
      if (!resizeListeners.includes(listener)) Reflect.apply(output.off, output, ['resize', listener])
    }
    output.on('resize', this.#redraw)
    this.#readline.on('line', (line) => {
      if (this.#isTooLong) this.#refuseTyped()
      else this.lines.push(line)
      // Pasted lines come at once: each gets its prompt, whatever the first one leads to.
      if (!this.#closed) this.#readline.prompt()
    })
    input.prependListener('keypress', (text: unknown, key: unknown) => {
      if (!this.#isAppendedUndrawn(text, key)) this.#countRows()
    })
    input.on('keypress', (_text, key: unknown) => {
      if (!isCtrlC(key)) this.#typedSinceInterrupt = true
      this.#boundTyped()
    })
    this.#readline.on('SIGINT', () => {
      this.#eraseTyped()
      const typedSince = this.#typedSinceInterrupt
      this.#typedSinceInterrupt = false
      this.#interrupted(typedSince)
    })
    this.#suspension = new Suspension(input, () => this.#drawAnew())
    // Without a listener readline stops by itself, and reads nothing when it is continued.
    this.#readline.on('SIGTSTP', () => {
      this.#eraseShown()
      this.#suspension.stop()
    })
    this.#readline.on('close', () => {
      // Ctrl-D leaves the cursor behind the prompt.
      if (!this.#closed) this.#output.write('\n')
      this.#closed = true
      this.#output.off('resize', this.#redraw)
      this.#suspension.end()
      this.lines.end()
    })
  }

  get fold(): MessageFold {
    return {
      rows: Math.max(LEAST_MESSAGE_ROWS, this.#output.rows - ROWS_FOR_OTHERS),
      columns: Math.max(1, this.#output.columns)
    }
  }

  print(lines: readonly string[]): void {
    if (lines.length > 0) this.#draw(lines.map((line) => `${cleanText(line)}\n`).join(''))
  }

  say(lines: readonly string[]): void {
    this.print(lines.flatMap((line) => wrappedLine(cleanText(line), this.#output.columns)))
  }

  ask(prompt: string): void {
    if (prompt === this.#prompt) return
    this.#prompt = prompt
    this.#draw('')
  }

  progress(text: string | undefined): void {
    if (text === this.#progress) return
    this.#progress = text
    this.#draw('')
  }

  completeWith(candidates: (line: string) => readonly [readonly string[], string]): void {
    this.#candidates = candidates
  }

  onInterrupt(listener: (typedSince: boolean) => void): void {
    this.#interrupted = listener
  }

  close(): void {
    if (this.#closed) return
    this.#eraseTyped()
    this.#prompt = ''
    this.#progress = undefined
    this.#draw('')
    this.#closed = true
    this.#readline.close()
  }

  #eraseTyped(): void {
    this.#readline.write(null, { ctrl: true, name: 'e' })
    this.#readline.write(null, { ctrl: true, name: 'u' })
  }

  /**
   * The cursor goes to the first row of the prompt, everything below is erased,
   * `text` is written, and readline draws the prompt again. Before it draws it
   * goes up to what was the first row, so as many empty rows are put there.
   */
  #draw(text: string): void {
    if (this.#closed) {
      this.#output.write(text)
      return
    }
    this.#countRows()
    const { rows } = this.#readline.getCursorPos()
    const up = rows > 0 ? `${escape}[${rows}A` : ''
    this.#output.cork()
    this.#output.write(`\r${up}${eraseBelow}${text}${'\n'.repeat(rows)}`)
    this.#readline.setPrompt(
      cleanText(this.#progress === undefined ? this.#prompt : `[${this.#progress}] ${this.#prompt}`)
    )
    this.#readline.prompt(true)
    this.#output.uncork()
  }

  /** The prompt and what is typed go from the screen: the shell writes there now. */
  #eraseShown(): void {
    this.#countRows()
    const { rows } = this.#readline.getCursorPos()
    this.#output.write(`\r${rows > 0 ? `${escape}[${rows}A` : ''}${eraseBelow}`)
  }

  /** The cursor stands where the shell has left it, with nothing of the prompt above. */
  #drawAnew(): void {
    if (this.#closed) return
    Reflect.set(this.#readline, 'prevRows', 0)
    this.#readline.prompt(true)
  }

  /**
   * Another width: some terminals wrap what stands there anew, others leave it
   * or cut it off. Going up by the fewer rows of both can leave a part of the
   * line there twice, but never erases what stands above it.
   */
  readonly #redraw = (): void => {
    if (this.#closed) return
    const { rows, cols } = this.#readline.getCursorPos()
    // A full row: the terminal may still wait with the wrap.
    const wrapped = cols === 0 ? Math.max(0, rows - 1) : rows
    Reflect.set(this.#readline, 'prevRows', Math.min(wrapped, Number(Reflect.get(this.#readline, 'prevRows'))))
    this.#readline.prompt(true)
  }

  /**
   * Of characters that come at once (a paste) readline draws only the last; the
   * others it just writes behind the line. Then it needs no count of its rows.
   */
  #isAppendedUndrawn(text: unknown, key: unknown): boolean {
    if (typeof text !== 'string' || !(text === '\t' || (text >= ' ' && text !== '\u007f'))) return false
    const isChord = typeof key === 'object' && key !== null && (Reflect.get(key, 'ctrl') || Reflect.get(key, 'meta'))
    return !isChord && Reflect.get(this.#readline, 'isCompletionEnabled') === false
  }

  /**
   * readline counts the rows above the cursor only when it draws: after a paste
   * its count would be behind, and what it draws next on the wrong row. So it is
   * put right before anything is drawn, and not at each character, because
   * counting walks through the whole line. At the last column a terminal waits
   * with the wrap until something more is written.
   */
  #countRows(): void {
    const { rows, cols } = this.#readline.getCursorPos()
    if (this.#closed || Reflect.get(this.#readline, 'prevRows') === rows) return
    if (cols === 0) this.#output.write(' \r')
    Reflect.set(this.#readline, 'prevRows', rows)
  }

  /** Each draw costs as much as the line is long: one that can't be a message anyway is not kept. */
  #boundTyped(): void {
    if (this.#readline.line.length <= MAX_TYPED_CHARACTERS) return
    this.#isTooLong = true
    this.#countRows()
    this.#eraseTyped()
  }

  #refuseTyped(): void {
    this.#isTooLong = false
    this.print([`A line of more than ${MAX_TYPED_CHARACTERS} characters was left out: send it in parts.`])
  }

  #complete(line: string): [string[], string] {
    const [hits, typed] = this.#candidates(line)
    // Only what can be typed again as it stands on the screen.
    return [hits.filter((hit) => cleanText(hit) === hit), typed]
  }
}

function isCtrlC(key: unknown): boolean {
  return typeof key === 'object' && key !== null && Reflect.get(key, 'sequence') === '\u0003'
}
