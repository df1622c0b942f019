// The page of all commands, from the program itself: usage, arguments, options,
// examples. What a user needs to know beside them stands in command-notes.
import { PassThrough } from 'node:stream'
import type { Command } from 'commander'
import { allSettings, chatSettings, flagOf } from '../../src/cli/options/option-table.ts'
import { addCompletion, buildProgram } from '../../src/cli/program.ts'
import { settingSpecs } from '../../src/node/config/setting-specs.ts'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { commandNotes, peerNote } from './command-notes.ts'
import { anchor, cell, codes, table } from './markdown.ts'

export async function commandsPage(): Promise<string> {
  const commands = await shownCommands()
  const titles = new Set(commands.map(titleOf))
  const gone = Object.keys(commandNotes).filter((title) => !titles.has(title))
  if (gone.length > 0) throw new Error(`command-notes.ts speaks of ${gone.join(', ')}, which the program has not`)
  const rows = commands.map((command) => {
    const title = titleOf(command)
    return [`[\`${title}\`](#${anchor(title)})`, cell(descriptionOf(command))]
  })
  return `# Commands

Written by \`npm run reference\` from the program.

${table(['command', 'does'], rows)}
\`--help\` (\`-h\`) works everywhere, as does \`parley help COMMAND\`; \`--version\` (\`-V\`) prints the version. Options of
settings may stand before or after the command's name; one that a command has no use for is an error. What each exit code
means: [exit codes](exit-codes.md).

${peerNote}
${commands.map(partOf).join('\n')}`
}

/** The program, its commands and theirs, but for the one that only the shell's completion calls. */
async function shownCommands(): Promise<readonly Command[]> {
  const io = {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    env: {},
    interrupted: new AbortController().signal,
    surviveOutputFailure: () => undefined
  }
  const program = buildProgram(io, () => undefined)
  await addCompletion(program, [])
  const children = program.commands.filter((command) => command.name() !== 'complete')
  return [program, ...children.flatMap((command) => [command, ...command.commands])]
}

function titleOf(command: Command): string {
  return command.parent === null ? 'parley' : `${titleOf(command.parent)} ${command.name()}`
}

function partOf(command: Command): string {
  const title = titleOf(command)
  const note = commandNotes[title]
  if (note === undefined) throw new Error(`command-notes.ts has nothing on ${title}`)
  const exits = note.exits.map((name) => `${exitCodes[name]} \`${name}\``).join(', ')
  const parts = [
    `## \`${title}\``,
    `${sentence(descriptionOf(command))}${note.text === '' ? '' : `\n\n${note.text}`}`,
    `\`\`\`\n${title} ${command.usage().replace(/^\[options\] ?/u, '')}`.trimEnd() + '\n```',
    argumentsOf(command),
    optionsOf(command),
    settingsOf(command),
    exits === '' ? '' : `Exit codes: ${exits}.`,
    examplesOf(command)
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function argumentsOf(command: Command): string {
  const described = command.registeredArguments.filter(({ description }) => description !== '')
  if (described.length === 0) return ''
  return table(
    ['argument', ''],
    described.map((one) => [`\`${one.name().toUpperCase()}\``, cell(one.description)])
  ).trimEnd()
}

function optionsOf(command: Command): string {
  const settings = new Set(settingSpecs.flatMap((spec) => [flagOf(spec, true), flagOf(spec, false)]))
  const own = command.options.filter(({ long }) => long != null && !settings.has(long))
  if (own.length === 0) return ''
  return table(
    ['option', ''],
    own.map(({ flags, description }) => [`\`${cell(flags.replaceAll(/[<>]/gu, ''))}\``, cell(description)])
  ).trimEnd()
}

function settingsOf(command: Command): string {
  const given = new Set(command.options.map(({ long }) => long))
  const names = settingSpecs.filter((spec) => given.has(flagOf(spec)))
  if (names.length === 0) return ''
  const link = '[Settings](settings.md)'
  if (names.length === allSettings.length) return `${link}: all.`
  if (names.length === chatSettings.length) {
    return `${link}: all but ${codes(settingSpecs.filter((spec) => !given.has(flagOf(spec))).map((spec) => flagOf(spec)))}.`
  }
  return `${link}: ${codes(names.map((spec) => flagOf(spec)))}.`
}

/** As they stand at the end of its help. */
function examplesOf(command: Command): string {
  let help = ''
  command.configureOutput({ writeOut: (text) => (help += text) })
  command.outputHelp()
  const [, examples = ''] = /\nExamples:\n(.*)/su.exec(help) ?? []
  return examples === '' ? '' : `\`\`\`\n${examples.trimEnd().replaceAll(/^ {2}/gmu, '')}\n\`\`\``
}

const descriptionOf = (command: Command): string => (command.parent === null ? 'open the chat' : command.description())

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
