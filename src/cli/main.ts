// Where `parley` begins: reads the command line, runs the command, says what
// went wrong in one line, and ends with the exit code.
import { CommanderError, type Command } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanText } from './clean-text.ts'
import { addCompletion } from './completion.ts'
import { FLUSH_AT_END_MS } from './constants.ts'
import { flushed, hasLostItsReader, InterruptedError, processIo, writeLines, type CommandIo } from './io.ts'
import { unknownOption } from './option-owners.ts'
import { buildProgram } from './program.ts'
import { exitCodes, ParleyError, type ExitCode } from '../node/settings.ts'

/** Runs one command line (without node and script) and ends the process. */
export async function main(args: readonly string[]): Promise<never> {
  const io = processIo()
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => process.exit(sayFailure(io, error)))
  }
  const code = await runCommandLine(io, args)
  const isWritten = Promise.all([flushed(io.stdout), flushed(io.stderr)])
  // The user wants it to end: it does not wait for a reader that does not read.
  await (io.interrupted.aborted ? Promise.race([isWritten, sleep(FLUSH_AT_END_MS)]) : isWritten)
  process.exit(code === exitCodes.interrupted && hasLostItsReader(io.stdout) ? exitCodes.ok : code)
}

/** The same without ending the process: for whoever wants the exit code. */
export async function runCommandLine(io: CommandIo, args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok
  const program = buildProgram(io, (finished) => (code = finished))
  await addCompletion(program, args)
  let wrongHelp = ''
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => (wrongHelp += text),
      // What is wrong is said once, below.
      outputError: () => undefined
    })
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    return error instanceof CommanderError ? sayUsage(io, program, error, args, wrongHelp) : sayFailure(io, error)
  }
}

/** @param wrongHelp the help that commander printed because something was wrong */
function sayUsage(
  io: CommandIo,
  program: Command,
  error: CommanderError,
  args: readonly string[],
  wrongHelp: string
): ExitCode {
  // --help and --version have printed what was asked for.
  if (error.exitCode === 0) return exitCodes.ok
  const [first, second] = program.args
  const isHelp = error.code === 'commander.help'
  const name = isHelp && first === 'help' ? second : first
  if (isHelp && (name === undefined || name === first)) {
    io.stderr.write(wrongHelp)
    return exitCodes.usage
  }
  const isUnknownCommand =
    name !== undefined && (isHelp || (error.code === 'commander.excessArguments' && !isCommand(program, args)))
  const text = isUnknownCommand
    ? unknownCommand(program, name)
    : unknownOption(program, error.message.replace(/^error: /u, ''))
  writeLines(io.stderr, [
    `parley: ${text
      .split('\n')
      .map((line) => cleanText(line))
      .join(' ')}`,
    'parley --help lists the commands and options.'
  ])
  return exitCodes.usage
}

function isCommand(program: Command, args: readonly string[]): boolean {
  return program.commands.some((command) => args.includes(command.name()))
}

function unknownCommand(program: Command, typed: string): string {
  const names = program.commands.map((command) => command.name()).filter((name) => name !== 'complete')
  // Two changes make any word of three letters.
  const mostChanges = typed.length > 3 ? 2 : 1
  const near = names.find((name) => name.startsWith(typed) || distance(name, typed) <= mostChanges)
  const hint = near === undefined ? `there are ${names.join(', ')}` : `did you mean ${near}?`
  return `there is no command ${JSON.stringify(typed)}: ${hint}`
}

/** How many letters have to be changed, added or left out (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, letter] of Array.from(one).entries()) {
    const next = [index + 1]
    for (const [at, otherLetter] of Array.from(other).entries()) {
      const replaced = (row[at] ?? 0) + (letter === otherLetter ? 0 : 1)
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

function sayFailure(io: CommandIo, error: unknown): ExitCode {
  if (error instanceof InterruptedError || io.interrupted.aborted) return exitCodes.interrupted
  if (error instanceof Error && error.name === 'AbortError') return exitCodes.interrupted
  if (error instanceof Error && error.name === 'TimeoutError') {
    writeLines(io.stderr, ['parley: there was no answer in time: check the address, or try again'])
    return exitCodes.unreachable
  }
  const text = error instanceof Error ? error.message : String(error)
  const isForeseen = error instanceof ParleyError
  const hint = isForeseen || io.env['PARLEY_DEBUG'] === '1' ? '' : ' (PARLEY_DEBUG=1 shows where)'
  writeLines(io.stderr, [`parley: ${text}${hint}`])
  if (io.env['PARLEY_DEBUG'] === '1' && error instanceof Error) writeLines(io.stderr, (error.stack ?? '').split('\n'))
  return isForeseen ? error.exitCode : exitCodes.unexpected
}
