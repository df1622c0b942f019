// The process as the commands see it: streams, environment, signals. Commands
// take it as an argument, so that what they do can be seen in a test.
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanText } from './clean-text.ts'
import { ownOutput, type OutputFailedError } from './process-output.ts'

/** After a signal, how long what was written may take to be read. */
export const FLUSH_AT_END_MS = 1000

export interface CommandIo {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly env: NodeJS.ProcessEnv
  /**
   * Aborts at the first SIGINT, SIGTERM or SIGHUP (at the second the process ends at once), when the terminal is
   * closed, when what reads the output has ended (ReaderGoneError), and when the output can't be written
   * (OutputFailedError).
   */
  readonly interrupted: AbortSignal
  /** From now on a failed write ends nothing: it is reported here, again for each failure after a success. */
  surviveOutputFailure(listener: (error: OutputFailedError) => void): void
}

const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const interruptedCode = 130

/** The real process. Call it once. */
export function processIo(): CommandIo {
  // A report that Node is asked to write on a crash is sent to others: it names no secrets of the environment, and
  // looks up no names of the peers' addresses.
  process.report.excludeEnv = true
  Reflect.set(process.report, 'excludeNetwork', true) // in Node since 22.0, and not in its types
  const controller = new AbortController()
  for (const signal of endingSignals) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(interruptedCode)
      if (signal === 'SIGINT') endEchoedLine(process.stdin, process.stderr)
      controller.abort(new InterruptedError())
    })
  }
  let onOutputFailed = (error: OutputFailedError): void => controller.abort(error)
  const { stdin, stdout, stderr, env } = process
  // `parley roster | head -1`: a reader that has seen enough is no failure, but nothing reads the rest.
  const ending = {
    onReaderGone: () => controller.abort(new ReaderGoneError()),
    onHangUp: () => controller.abort(new InterruptedError())
  }
  ownOutput(stdout, 1, { ...ending, onFailed: (error) => onOutputFailed(error) })
  // There is nowhere left to report it.
  ownOutput(stderr, 2, { ...ending, onFailed: () => undefined })
  // Setting the mode of a closed terminal fails, in any part of the program: that is a hang-up.
  if (stdin.isTTY) stdin.on('error', ending.onHangUp)
  const surviveOutputFailure = (listener: (error: OutputFailedError) => void): void => void (onOutputFailed = listener)
  return { stdin, stdout, stderr, env, interrupted: controller.signal, surviveOutputFailure }
}

/** A terminal has echoed ^C: what is said next, here or by the shell, begins a line of its own. */
export function endEchoedLine(
  stdin: { readonly isTTY?: boolean; readonly isRaw?: boolean },
  stderr: Writable & { readonly isTTY?: boolean }
): void {
  // A line editor (raw mode) has echoed nothing.
  if (stdin.isTTY === true && stdin.isRaw !== true && stderr.isTTY === true) stderr.write('\n')
}

/** A signal, or the closing of the terminal, ended the program before it was done. */
export class InterruptedError extends Error {
  override readonly name: string = 'InterruptedError'

  constructor() {
    super('interrupted')
  }
}

/** The reader of the output has ended: nothing has failed, and nothing reads the rest. */
export class ReaderGoneError extends InterruptedError {
  override readonly name = 'ReaderGoneError'
}

/** Resolves when the signal aborts. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/**
 * Writes lines, and nothing else. It is the last step before a terminal for every command, and cleans each line
 * whatever stands in it; JSON that was escaped is clean already and stays as it is.
 */
export function writeLines(stream: Writable, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(lines.map((line) => `${cleanText(line)}\n`).join(''))
}

/** On standard error: what was wrong with the files of a profile and has been mended. */
export function sayMended(io: Pick<CommandIo, 'stderr'>, texts: readonly string[]): void {
  writeLines(
    io.stderr,
    texts.map((text) => `parley: ${text}`)
  )
}

/**
 * Resolves when all that was written has left this process; after an interruption that is waited for a bounded time.
 */
export async function flushed({ stdout, stderr, interrupted }: CommandIo): Promise<void> {
  const isFlushed = Promise.all([streamFlushed(stdout), streamFlushed(stderr)])
  const isInterrupted = new Promise<void>((resolve) => {
    if (interrupted.aborted) resolve()
    else interrupted.addEventListener('abort', () => resolve(), { once: true })
  })
  // The user wants it to end: it does not wait for a reader that does not read.
  await Promise.race([isFlushed, isInterrupted.then(async () => sleep(FLUSH_AT_END_MS))])
}

/** Resolves when the stream has passed on all that was written, or has lost its reader. */
export async function streamFlushed(stream: Writable): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return
  await new Promise<void>((resolve) => stream.write('', () => resolve()))
}
