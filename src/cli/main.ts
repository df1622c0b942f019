// Where `parley` begins: reads the command line, runs the command, says what
// went wrong in one line, and ends with the exit code.
import { CommanderError } from 'commander'
import { setTimeout as sleep } from 'node:timers/promises'
import { listText, nearestWord } from '../lib/index.ts'
import { type ExitCode, exitCodes } from '../node/settings.ts'
import { ProgramCommand } from './options/program-command.ts'
import { addCompletion, buildProgram } from './program.ts'
import { cleanText } from './process/clean-text.ts'
import {
  type CommandIo,
  FLUSH_AT_END_MS,
  flushed,
  processIo,
  ReaderGoneError,
  streamFlushed,
  writeLines
} from './process/io.ts'
import { OutputFailedError } from './process/process-output.ts'
import { sayFailure } from './process/say-failure.ts'
import { shellWord } from './options/given-options.ts'

/**
 * For the system's resolver, where its user has not set it: 2 s for each name server, twice. A process can't end while a
 * look-up waits, and with the usual 5 s a first server that is dead takes all the time that a dial has.
 */
const RESOLVER_OPTIONS = 'timeout:2 attempts:2'

/** Runs one command line (without node and script) and ends the process. */
export async function main(args: readonly string[]): Promise<never> {
  process.env['RES_OPTIONS'] ??= RESOLVER_OPTIONS
  const io = processIo()
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => void endWith(io, sayFailure(io, error)))
  }
  const code = await runCommandLine(io, args)
  await flushed(io)
  process.exit(codeAtEnd(io, code))
}

/** @param code of the command, which does not know of output that was written after it */
function codeAtEnd(io: CommandIo, code: ExitCode): ExitCode {
  const why: unknown = io.interrupted.reason
  if (why instanceof OutputFailedError && code !== why.exitCode) return sayFailure(io, why)
  return why instanceof ReaderGoneError && code === exitCodes.interrupted ? exitCodes.ok : code
}

/** Nothing is reliable after such an error; its report still gets out. */
async function endWith(io: CommandIo, code: ExitCode): Promise<never> {
  if (io.stderr.writableLength > 0) await Promise.race([streamFlushed(io.stderr), sleep(FLUSH_AT_END_MS)])
  process.exit(code)
}

/** The same without ending the process. @returns the exit code */
export async function runCommandLine(io: CommandIo, args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = exitCodes.ok
  const program = buildProgram(io, (finished) => (code = finished))
  await addCompletion(program, args)
  let wrongHelp = ''
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => (wrongHelp += text),
      // The error is reported once, below.
      outputError: () => undefined
    })
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    return error instanceof CommanderError ? await sayUsage(io, program, error, args, wrongHelp) : sayFailure(io, error)
  }
}

/** @param wrongHelp the help that commander printed because something was wrong */
async function sayUsage(
  io: CommandIo,
  program: ProgramCommand,
  error: CommanderError,
  args: readonly string[],
  wrongHelp: string
): Promise<ExitCode> {
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
    ? await unknownCommand(program, name, isHelp ? [] : program.args)
    : (unknownSubcommand(program, error) ??
      missingArgument(program, error) ??
      unknownOption(program, error.message.replace(/^error: /u, '')))
  writeLines(io.stderr, [
    `parley: ${text
      .split('\n')
      .map((line) => cleanText(line))
      .join(' ')}`,
    'parley --help lists the commands and options.'
  ])
  return exitCodes.usage
}

function isCommand(program: ProgramCommand, args: readonly string[]): boolean {
  return program.commands.some((command) => args.includes(command.name()))
}

async function unknownCommand(program: ProgramCommand, typed: string, words: readonly string[]): Promise<string> {
  const names = program.commands.map((command) => command.name()).filter((name) => name !== 'complete')
  // Loaded only here: no command line that is understood needs the commands of the chat.
  const { chatCommands } = await import('./chat-commands/chat-commands.ts')
  const inChat = chatCommands.find(({ name }) => name === typed)
  const hint =
    inChat === undefined ? nearestHint(typed, names) : `in the chat there is /${inChat.name}: ${inChat.help}.`
  const chat = `To talk to a peer of that name or address: parley chat ${words.map(shellWord).join(' ')}`
  return `there is no command ${JSON.stringify(typed)}: ${hint}${words.length === 0 ? '' : ` ${chat}`}`
}

/** `parley contact bob` and `parley config sett name anna`: what there is below `contact` and `config`. */
function unknownSubcommand(program: ProgramCommand, error: CommanderError): string | undefined {
  const [name, typed] = program.args
  const parent = program.commands.find((command) => command.name() === name)
  const names = parent?.commands.map((command) => command.name()) ?? []
  const isMistyped = error.code === 'commander.unknownCommand' || error.code === 'commander.excessArguments'
  if (parent === undefined || typed === undefined || names.length === 0 || names.includes(typed) || !isMistyped) {
    return undefined
  }
  return `parley ${parent.name()} has no command ${JSON.stringify(typed)}: ${nearestHint(typed, names)}`
}

/** `parley chat`: what is missing, what it may be, and an example. */
function missingArgument(program: ProgramCommand, error: CommanderError): string | undefined {
  if (error.code !== 'commander.missingArgument') return undefined
  const command = commandOf(program)
  const missing = command.registeredArguments.find(
    ({ required }, index) => required && command.args[index] === undefined
  )
  if (missing === undefined) return undefined
  const what = missing.description === '' ? '' : `: ${missing.description}`
  const example = command.example === undefined ? '' : `. Example: ${command.example}`
  return `${titleOf(command)} needs ${missing.name()}${what}${example}`
}

/** The command that the words name, down to the last one. */
function commandOf(program: ProgramCommand): ProgramCommand {
  const below = program.commands.find((command) => command.name() === program.args[0])
  return below instanceof ProgramCommand ? commandOf(below) : program
}

function titleOf(command: ProgramCommand): string {
  return command.parent instanceof ProgramCommand ? `${titleOf(command.parent)} ${command.name()}` : command.name()
}

function nearestHint(typed: string, names: readonly string[]): string {
  const near = nearestWord(typed, names)
  return near === undefined ? `there are ${names.join(', ')}.` : `did you mean ${near}?`
}

/**
 * Explains an unknown option: the commands that have it, or else commander's own message.
 *
 * @param message commander's, which names the option and perhaps one that is spelled like it
 */
function unknownOption(program: ProgramCommand, message: string): string {
  const [, flag] = /unknown option '(--[^'=]+)/u.exec(message) ?? []
  const owners = flag === undefined ? [] : ownersOf(program, flag)
  if (flag === undefined || owners.length === 0) return message
  return `unknown option '${flag}': it belongs to ${listText(owners)}`
}

function ownersOf(program: ProgramCommand, flag: string): readonly string[] {
  return [program, ...program.commands]
    .filter(({ options }) => options.some(({ long }) => long === flag))
    .map((command) => (command === program ? 'parley' : `parley ${command.name()}`))
    .filter((name) => name !== 'parley config') // it has every setting, only to show it
}
