// The terminal taken over as a whole, and given back as it was, however the
// program ends or is stopped. It writes what it is given and tells what comes
// in; it knows no chats.
import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ReadStream, WriteStream } from 'node:tty'
import { hasErrorCode } from '../../../lib/index.ts'
import { STOP_CHECK_MS, STOP_FLUSH_MS } from '../../process/suspension.ts'
import { streamFlushed } from '../../process/io.ts'
import { KeyReader, type InputEvent } from './key-reader.ts'

/** After an Escape, how long the rest of a sequence may take: a slow line is slower, a person never as fast. */
const ESCAPE_WAIT_MS = 40

/** When the program fails, how often it tries to restore a terminal that takes nothing just now. */
const RESTORE_TRIES = 20

/** The pause between two of these tries: a tenth of a second for all of them. */
const RESTORE_TRY_MS = 5

/** The output is the process's own; a stream may have no time left to write. */
const standardOutput = 1
const csi = '\u001b['
/** The window's title is kept by the terminal, and restored. */
const keepTitle = `${csi}22;2t`
const restoreTitle = `${csi}23;2t`
/** Alternate screen, pastes in brackets, news of the focus. */
const takeOver = `${csi}?1049h${csi}?2004h${csi}?1004h${csi}2J`
const mouseOn = `${csi}?1000h${csi}?1006h`
const mouseOff = `${csi}?1006l${csi}?1000l`
/**
 * Erased before it is left: a tmux that has grown meanwhile keeps rows of the alternate screen above the restored ones.
 */
const giveBack = `${csi}?2026l${mouseOff}${csi}?1004l${csi}?2004l${csi}?7h${csi}0m${csi}2J${csi}?25h${csi}?1049l`

export interface TtyInit {
  readonly input: ReadStream
  readonly output: WriteStream
  /** The terminal has a window with a title: another one would show the title as text. */
  readonly hasTitle: boolean
  readonly onInput: (event: InputEvent) => void
  readonly onResize: () => void
  /** What stood on the screen is gone: after a stop, for example. */
  readonly onLost: () => void
  /** Nothing more can come in. */
  readonly onEnd: () => void
}

export class Tty {
  readonly #init: TtyInit
  readonly #reader = new KeyReader()
  readonly #decoder = new TextDecoder()
  #escapeTimer: NodeJS.Timeout | undefined
  #isTaken = false
  #isOver = false
  #mouse = false
  #title = ''

  constructor(init: TtyInit) {
    this.#init = init
  }

  get columns(): number {
    return this.#init.output.columns || 80
  }

  get rows(): number {
    return this.#init.output.rows || 24
  }

  /** Takes the terminal over. Call it once. */
  begin(): void {
    const { input, output } = this.#init
    input.on('data', this.#read)
    input.on('end', this.#ended)
    output.on('resize', this.#resized)
    process.on('exit', this.#restoreAtOnce)
    process.on('SIGCONT', this.#continued)
    process.on('SIGTSTP', this.suspend)
    // Before the writer of the error: it must not be written to a screen that goes away.
    process.prependListener('uncaughtExceptionMonitor', this.#restoreAtOnce)
    process.prependListener('unhandledRejection', this.#restoreAtOnce)
    this.#take()
  }

  /** Gives it back for good. */
  end(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#escapeTimer)
    const { input, output } = this.#init
    input.off('data', this.#read)
    input.off('end', this.#ended)
    output.off('resize', this.#resized)
    process.off('exit', this.#restoreAtOnce)
    process.off('SIGCONT', this.#continued)
    process.off('SIGTSTP', this.suspend)
    process.off('uncaughtExceptionMonitor', this.#restoreAtOnce)
    process.off('unhandledRejection', this.#restoreAtOnce)
    this.#release()
    input.pause()
  }

  write(text: string): void {
    if (this.#isTaken && text !== '') this.#init.output.write(text)
  }

  /** For output that is worthless when it is late. */
  ring(text: string): void {
    if (!this.isBehind) this.write(text)
  }

  /** Too much waits to be shown: draw later. */
  get isBehind(): boolean {
    return this.#init.output.writableNeedDrain
  }

  set mouse(on: boolean) {
    if (on === this.#mouse) return
    this.#mouse = on
    this.write(on ? mouseOn : mouseOff)
  }

  /** @param title clean already */
  set title(title: string) {
    if (title === this.#title || !this.#init.hasTitle) return
    this.#title = title
    this.write(titleSequence(title))
  }

  /** Ctrl-Z: gives the terminal back and stops, together with the process that started this one in its place. */
  readonly suspend = (): void => {
    // Windows knows no such thing.
    if (constants.signals.SIGTSTP === undefined || !this.#isTaken) return
    this.#release()
    // The shell writes only on what was given back; a terminal that shows nothing is not waited for.
    void Promise.race([streamFlushed(this.#init.output), sleep(STOP_FLUSH_MS)]).then(() => this.#stop())
  }

  #stop(): void {
    if (this.#isOver || this.#isTaken) return
    process.off('SIGTSTP', this.suspend)
    process.kill(0, 'SIGTSTP')
    // Without a shell that could continue it, the system does not stop the process: it goes on as after a stop.
    setTimeout(this.#continued, STOP_CHECK_MS)
  }

  #take(): void {
    const { input, output } = this.#init
    this.#isTaken = true
    input.setRawMode(true)
    input.resume()
    output.write(takeOver + (this.#mouse ? mouseOn : '') + (this.#init.hasTitle ? keepTitle : ''))
    if (this.#title !== '') output.write(titleSequence(this.#title))
  }

  get #giveBack(): string {
    return giveBack + (this.#init.hasTitle ? restoreTitle : '')
  }

  #release(): void {
    if (!this.#isTaken) return
    this.#isTaken = false
    const { input, output } = this.#init
    output.write(this.#giveBack)
    if (!input.destroyed) input.setRawMode(false)
  }

  /** The process ends now: nothing that is written later gets out. */
  readonly #restoreAtOnce = (): void => {
    if (!this.#isTaken) return
    this.#isTaken = false
    writeAtOnce(this.#giveBack)
    if (!this.#init.input.destroyed) this.#init.input.setRawMode(false)
  }

  readonly #continued = (): void => {
    if (this.#isTaken || this.#isOver) return
    process.on('SIGTSTP', this.suspend)
    this.#take()
    this.#init.onLost()
  }

  readonly #resized = (): void => this.#init.onResize()

  readonly #ended = (): void => this.#init.onEnd()

  readonly #read = (bytes: Buffer): void => {
    clearTimeout(this.#escapeTimer)
    const text = this.#decoder.decode(bytes, { stream: true })
    this.#tell(this.#reader.feed(text, performance.now()))
    if (this.#reader.isWaiting) {
      this.#escapeTimer = setTimeout(() => this.#tell(this.#reader.flush()), ESCAPE_WAIT_MS)
    }
  }

  #tell(events: readonly InputEvent[]): void {
    for (const event of events) this.#init.onInput(event)
  }
}

/** OSC 2 */
function titleSequence(title: string): string {
  return `\u001b]2;${title}\u0007`
}

/** A terminal that is drained takes it after a moment; of one that is not, or was closed, nothing can be restored. */
function writeAtOnce(text: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  let rest = Buffer.from(text)
  for (let tries = 0; tries < RESTORE_TRIES && rest.length > 0; tries++) {
    try {
      rest = rest.subarray(writeSync(standardOutput, rest))
    } catch (error) {
      if (!hasErrorCode(error, 'EAGAIN')) return
      Atomics.wait(pause, 0, 0, RESTORE_TRY_MS)
    }
  }
}

/** Of terminals that are known to have no window, and would show a title as text. */
const plainConsoles = /^(?:linux|vt\d|ansi|cons|sun)/u

export function hasWindowTitle(env: NodeJS.ProcessEnv): boolean {
  return !plainConsoles.test(env['TERM'] ?? '')
}
