// A terminal with one line being typed at its bottom. It owns all writing there:
// output erases the prompt and what is typed, however many rows that takes,
// prints, and draws it again. Lines that arrive faster than a person types are a
// paste: a short one is passed on line by line, a long one is left out, because
// each of its lines would become a message. It knows nothing of chats.
import { createInterface, type Interface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { WriteStream } from 'node:tty'
import { cleanText } from '../process/clean-text.ts'
import { INPUT_HISTORY_LINES, MAX_TYPED_CHARACTERS } from '../process/input-lines.ts'
import { LEAST_MESSAGE_ROWS, ROWS_FOR_OTHERS, wrappedLine } from '../wording/terminal-lines.ts'
import { LineOutput } from '../process/line-output.ts'
import type { MessageFold } from '../wording/terminal-lines.ts'
import { Suspension, type TerminalInput } from '../process/suspension.ts'
import { droppedNews, type PlainTerminal } from './terminal.ts'

const escape = '\u001b'
const eraseBelow = `${escape}[J`
const noCompletion = (line: string): readonly [readonly string[], string] => [[], line]

export class Screen implements PlainTerminal {
  readonly interactive = true
  readonly lines = new LineQueue()
  readonly #bursts = new LineBursts({
    onLine: (line) => this.lines.push(line),
    onLeftOut: (count) => this.say([leftOutText(count)])
  })
  readonly #output: WriteStream
  readonly #printed: LineOutput
  readonly #readline: Interface
  readonly #suspension: Suspension
  /** When each line that the arrow keys offer was typed. */
  #typedAtMs: ReadonlyMap<string, number> = new Map()
  #prompt = ''
  #progress: string | undefined
  #candidates = noCompletion
  #interrupted: (typedSince: boolean) => void = () => undefined
  #typed = (): void => undefined
  #typedSinceInterrupt = false
  #closed = false
  /** The prompt is drawn when the output has drained. */
  #isPromptStale = false
  /** The line that is being typed, or pasted, went beyond all bounds: what is left of it is dropped up to its end. */
  #isTooLong = false

  constructor(input: Readable & TerminalInput, output: WriteStream) {
    this.#output = output
    const write = (lines: readonly string[]): void => this.#draw(lines.map((line) => `${cleanText(line)}\n`).join(''))
    this.#printed = new LineOutput({ stream: output, droppedLines: droppedNews, write })
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
      else this.#bursts.add(line)
      // Pasted lines come at once: each gets its prompt, whatever the first one leads to.
      if (!this.#closed) this.#readline.prompt()
    })
    // The newest first, each line once.
    this.#readline.on('history', (lines) => {
      const nowMs = Date.now()
      this.#typedAtMs = new Map(
        lines.map((line, at) => [line, at === 0 ? nowMs : (this.#typedAtMs.get(line) ?? nowMs)])
      )
    })
    input.prependListener('keypress', (text: unknown, key: unknown) => {
      if (!this.#isAppendedUndrawn(text, key)) this.#countRows()
    })
    input.on('keypress', (_text, key: unknown) => {
      this.#typed()
      if (!isCtrlC(key)) this.#typedSinceInterrupt = true
      this.#boundTyped()
    })
    this.#readline.on('SIGINT', () => {
      this.#eraseTyped()
      const typedSince = this.#typedSinceInterrupt
      this.#typedSinceInterrupt = false
      this.#interrupted(typedSince)
    })
    this.#suspension = new Suspension({ input, output, continued: () => this.#drawAnew() })
    // Without a listener readline stops by itself, and reads nothing when it is continued.
    this.#readline.on('SIGTSTP', () => {
      this.#eraseShown()
      void this.#suspension.stop()
    })
    // readline repeats the errors of its input; a terminal that was closed is the process's business.
    this.#readline.on('error', () => undefined)
    this.#readline.on('close', () => {
      // Ctrl-D leaves the cursor behind the prompt.
      if (!this.#closed) this.#output.write('\n')
      this.#closed = true
      this.#output.off('resize', this.#redraw)
      this.#suspension.end()
      this.#bursts.flush()
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
    this.#printed.print(lines)
  }

  say(lines: readonly string[]): void {
    this.print(lines.flatMap((line) => wrappedLine(cleanText(line), this.#output.columns)))
  }

  ask(prompt: string): void {
    if (prompt === this.#prompt) return
    this.#prompt = prompt
    this.#drawPrompt()
  }

  progress(text: string | undefined): void {
    if (text === this.#progress) return
    this.#progress = text
    this.#drawPrompt()
  }

  completeWith(candidates: (line: string) => readonly [readonly string[], string]): void {
    this.#candidates = candidates
  }

  forgetTyped(beforeMs: number): void {
    this.#typedAtMs = new Map([...this.#typedAtMs].filter(([, atMs]) => atMs >= beforeMs))
    Reflect.set(this.#readline, 'history', [...this.#typedAtMs.keys()])
    // A line that is being looked at stays in the input.
    Reflect.set(this.#readline, 'historyIndex', -1)
  }

  onTyped(listener: () => void): void {
    this.#typed = listener
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

  #drawPrompt(): void {
    if (!this.#printed.isFull) this.#draw('')
    else if (!this.#isPromptStale) {
      this.#isPromptStale = true
      this.#output.once('drain', () => {
        this.#isPromptStale = false
        this.#draw('')
      })
    }
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

function leftOutText(count: number): string {
  return (
    `${count} lines came at once, like a paste, and were left out: each would have been a message. ` +
    `Up to ${MAX_PASTED_LINES} lines can be pasted here; on the full screen a paste is one message, and ` +
    'parley send PEER - sends standard input as one.'
  )
}

function isCtrlC(key: unknown): boolean {
  return typeof key === 'object' && key !== null && Reflect.get(key, 'sequence') === '\u0003'
}

/** Lines that follow each other faster than this are a paste: no one types so fast, and no one notices the wait. */
const LINE_BURST_MS = 30

/** A long paste is over after this long without input: a remote terminal delivers it in pieces. */
const PASTE_END_MS = 500

/** Two screens of lines: more are hardly meant as one message each. */
const MAX_PASTED_LINES = 100

interface LineBurstsInit {
  readonly onLine: (line: string) => void
  /** @param lines how many came at once and were left out */
  readonly onLeftOut: (lines: number) => void
}

class LineBursts {
  readonly #init: LineBurstsInit
  /** The lines of the current burst; empty once it is too long. */
  #lines: string[] = []
  #count = 0
  #end: NodeJS.Timeout | undefined

  constructor(init: LineBurstsInit) {
    this.#init = init
  }

  add(line: string): void {
    this.#count++
    if (this.#count <= MAX_PASTED_LINES) this.#lines.push(line)
    else this.#lines = []
    clearTimeout(this.#end)
    // A long paste may arrive in pieces; all of them are left out.
    this.#end = setTimeout(() => this.flush(), this.#count > MAX_PASTED_LINES ? PASTE_END_MS : LINE_BURST_MS)
  }

  /** Ends the burst. */
  flush(): void {
    clearTimeout(this.#end)
    this.#end = undefined
    const [lines, count] = [this.#lines, this.#count]
    this.#lines = []
    this.#count = 0
    if (count > MAX_PASTED_LINES) this.#init.onLeftOut(count)
    else for (const line of lines) this.#init.onLine(line)
  }
}

class LineQueue implements AsyncIterable<string> {
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
