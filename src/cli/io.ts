// The process as the commands see it: streams, environment, signals. Commands
// take it as an argument, so that what they do can be seen in a test.
import type { Readable, Writable } from 'node:stream'
import { cleanText } from './clean-text.ts'

export interface CommandIo {
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: Writable & { readonly isTTY?: boolean }
  readonly env: NodeJS.ProcessEnv
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP; at the second the process ends at once. */
  readonly interrupted: AbortSignal
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
  // `parley roster | head -1`: a reader that has seen enough is no failure, but there is nobody left to go on for.
  for (const output of [process.stdout, process.stderr]) {
    output.on('error', () => {
      unread.add(output)
      controller.abort(new InterruptedError())
    })
  }
  const { stdin, stdout, stderr, env } = process
  return { stdin, stdout, stderr, env, interrupted: controller.signal }
}

/** A terminal has echoed ^C: what is said next, here or by the shell, begins a line of its own. */
export function endEchoedLine(
  stdin: { readonly isTTY?: boolean; readonly isRaw?: boolean },
  stderr: Writable & { readonly isTTY?: boolean }
): void {
  // A line editor (raw mode) has echoed nothing.
  if (stdin.isTTY === true && stdin.isRaw !== true && stderr.isTTY === true) stderr.write('\n')
}

/** Somebody ended the program before it was done. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'

  constructor() {
    super('interrupted')
  }
}

/**
 * Writes lines, and nothing else. It is the last step before a terminal for every command, and cleans each line
 * whatever stands in it; JSON that was escaped is clean already and stays as it is.
 */
export function writeLines(stream: Writable, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(lines.map((line) => `${cleanText(line)}\n`).join(''))
}

/** Beside the output: what was wrong with the files of a profile, and is right now. */
export function sayMended(io: Pick<CommandIo, 'stderr'>, texts: readonly string[]): void {
  writeLines(
    io.stderr,
    texts.map((text) => `parley: ${text}`)
  )
}

/** The process's own streams whose reader has gone: they are never destroyed, and forget their error. */
const unread = new WeakSet<Writable>()

/** Whether whoever read the output has gone: `head` has seen enough, the terminal was closed. */
export function hasLostItsReader(stream: Writable): boolean {
  return unread.has(stream) || stream.errored !== null
}

/** Resolves when all that was written has left this process, or the reader has gone. */
export async function flushed(stream: Writable): Promise<void> {
  if (stream.destroyed || stream.writableLength === 0) return
  await new Promise<void>((resolve) => stream.write('', () => resolve()))
}
