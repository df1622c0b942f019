import { PassThrough } from 'node:stream'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { flagsOf, givenOption, hasSwitch, listOption, textOption } from '../../../src/cli/options/given-options.ts'
import { allSettings, chatSettings, commandNames, flagOf, optionsOf } from '../../../src/cli/options/option-table.ts'
import { ProgramCommand } from '../../../src/cli/options/program-command.ts'
import { buildProgram } from '../../../src/cli/program.ts'
import { settingSpecs } from '../../../src/node/config/setting-specs.ts'

const io = {
  stdin: new PassThrough(),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
  env: {},
  interrupted: new AbortController().signal,
  surviveOutputFailure: () => undefined
}

/** The commands below one, each with its name as it is typed after `parley`. */
function below(command: Command, before = ''): readonly (readonly [words: string, command: Command])[] {
  return command.commands.flatMap((one) => {
    const words = `${before}${one.name()}`
    return [[words, one] as const, ...below(one, `${words} `)]
  })
}

test('the program has the commands of the table, each with the options that the table has for it', () => {
  const program = buildProgram(io, () => undefined)
  const commands = [['parley', program] as const, ...below(program)]
  expect(commands.map(([words]) => words).toSorted()).toEqual(commandNames.toSorted())
  for (const [words, { options }] of commands) {
    const taken = options.filter(({ long }) => long !== '--version')
    const name = commandNames.find((one) => one === words) as Parameters<typeof optionsOf>[0]
    const expected = optionsOf(name)
    expect(
      taken.map((option) => ({ flags: option.flags, help: option.description, sets: option.attributeName() })),
      words
    ).toEqual(expected.map(({ flags, help, sets }) => ({ flags, help, sets })))
  }
})

test('a switch that the file has turned on is turned off for one run, and one that it has turned off is turned on', () => {
  const read = (...args: string[]): unknown => {
    let flags: unknown
    const program = new ProgramCommand('parley').takeOptions('parley')
    program.action(() => void (flags = flagsOf(program)))
    program.parse(args, { from: 'user' })
    return flags
  }
  const switches = settingSpecs.filter(({ of, placeholder }) => of !== 'directory' && placeholder === undefined)
  expect(switches.map(({ name }) => name)).toEqual(expect.arrayContaining(['seen', 'mdns', 'typing']))
  for (const spec of switches) {
    for (const value of [true, false]) expect(read(flagOf(spec, value))).toEqual({ [spec.name]: value })
  }
  expect(read()).toEqual({})
})

test('the help of a directory does not say of each option that it is of a directory; a list of all settings does', () => {
  const helpOf = (command: 'directory' | 'config'): string | undefined =>
    optionsOf(command).find(({ sets }) => sets === 'join')?.help
  expect(helpOf('directory')).toMatch(/^another directory to share one roster with/u)
  expect(helpOf('config')).toMatch(/^of a directory: another directory/u)
  const listed = optionsOf('directory').filter(({ isUnlisted }) => !isUnlisted)
  expect(listed.map(({ flags }) => flags)).toEqual(expect.arrayContaining(['--relay-only', '--no-mdns']))
  expect(listed.map(({ flags }) => flags)).not.toContain('--no-relay-only')
})

test('a chat takes no setting that only a directory has, and a directory none of a chat', () => {
  const namesOf = (command: Parameters<typeof optionsOf>[0]): readonly string[] =>
    optionsOf(command).map((one) => one.sets)
  const ofDirectory = allSettings.filter((name) => !chatSettings.includes(name))
  expect(ofDirectory).toEqual(expect.arrayContaining(['join', 'relay', 'trustedProxy']))
  for (const name of ofDirectory) {
    expect(namesOf('parley')).not.toContain(name)
    expect(namesOf('directory')).toContain(name)
  }
  for (const name of ['profile', 'accept', 'keep']) expect(namesOf('directory')).not.toContain(name)
  for (const name of ['network', 'port', 'mdns']) {
    expect(namesOf('parley')).toContain(name)
    expect(namesOf('directory')).toContain(name)
  }
})

test('options are read where they stand: at the command, or before its name', () => {
  const program = new ProgramCommand('parley').enablePositionalOptions().takeOptions('parley')
  let read: unknown
  program
    .add('send', '')
    .argument('[WORDS...]')
    .action((_words, _options, command: Command) => {
      read = {
        flags: flagsOf(command),
        json: hasSwitch(command, 'json'),
        queue: hasSwitch(command, 'queue'),
        wait: textOption(command, 'wait'),
        passphraseFd: textOption(command, 'passphraseFd'),
        recipient: listOption(command, 'recipient'),
        http: givenOption(command, 'http')
      }
    })
  const absent = { passphraseFd: undefined, recipient: undefined, http: undefined, wait: undefined }
  program.parse(['--json', '--passphrase-fd', '3', '--name', 'anna', 'send', '--wait', '2'], { from: 'user' })
  expect(read).toEqual({ ...absent, flags: { name: 'anna' }, json: true, queue: true, wait: '2', passphraseFd: '3' })
  const again = new ProgramCommand('parley').enablePositionalOptions().takeOptions('parley')
  again.add('send', '').action((_options, command: Command) => void (read = hasSwitch(command, 'queue')))
  again.parse(['send', '--no-queue'], { from: 'user' })
  expect(read).toBe(false)
})
