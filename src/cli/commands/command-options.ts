// What commands are put together from: the settings of the node as options (flag,
// placeholder, help and environment variable come from the one table of settings)
// and as lines, and the parts of their help that look alike.
import { Command, Option } from 'commander'
import {
  defaultProfile,
  type ExitCode,
  kebabCase,
  type SettingName,
  settingSpec,
  type SettingSpec,
  settingSpecs,
  type SettingView,
  UsageError
} from '../../node/settings.ts'
import { cleanText } from '../process/clean-text.ts'
import type { CommandIo } from '../process/io.ts'

type FlagValue = string | readonly string[] | boolean
export type Flags = Readonly<Partial<Record<SettingName, FlagValue>>>

export const allSettings: readonly SettingName[] = settingSpecs.map(({ name }) => name)

/** What only a directory does. */
const directoryOnly: readonly SettingName[] = [
  'join',
  'federate',
  'relay',
  'relayRate',
  'relayCircuits',
  'trustedProxy'
]

/** Those of a peer that chats. */
export const chatSettings: readonly SettingName[] = allSettings.filter((name) => !directoryOnly.includes(name))

/** All that a command needs which opens no network. */
export const onlyProfile: readonly SettingName[] = ['profile']

/** What PEER may be where it is looked for on the network, and where it must be kept in the profile. */
export const anyPeer = 'a name, a peer ID or its beginning, HOST:PORT, HOST PORT or a multiaddr'
export const keptPeer = 'a contact, a peer ID or its beginning'

/** A command of the program. Its examples end its help; the first one is shown too when an argument is missing. */
export class ProgramCommand extends Command {
  #example: string | undefined

  override createCommand(name?: string): ProgramCommand {
    return new ProgramCommand(name)
  }

  examples(...list: readonly Example[]): this {
    this.#example = list[0]?.[0]
    return this.addHelpText('after', examplesText(...list))
  }

  get example(): string | undefined {
    return this.#example
  }
}

/** Settings with several values: the option may be repeated. */
const repeatable: readonly SettingName[] = ['directory', 'join', 'trustedProxy']

/** Adds an option for each of these settings, in the order of the table. */
export function addSettings<C extends Command>(command: C, names: readonly SettingName[]): C {
  for (const spec of settingSpecs.filter(({ name }) => names.includes(name))) command.addOption(settingOption(spec))
  return command
}

/** The flag of a setting, as it is typed. A switch has one form: the one that changes its default. */
export function flagOf(spec: SettingSpec): string {
  const kebab = kebabCase(spec.name)
  return spec.placeholder === undefined && spec.isOffByDefault !== true ? `--no-${kebab}` : `--${kebab}`
}

function settingOption(spec: SettingSpec): Option {
  const flag = flagOf(spec)
  const isSwitchedOff = spec.placeholder === undefined && spec.isOffByDefault !== true
  const help = isSwitchedOff ? `do not ${spec.help}` : spec.help
  const value = spec.placeholder === undefined ? '' : ` <${spec.placeholder}>`
  const option = new Option(`${flag}${value}`, `${help} (env: ${spec.env})`)
  if (repeatable.includes(spec.name)) option.argParser(collect)
  return option
}

/** Reads an option that may be given again. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value]
}

/**
 * The settings given as flags, before or after the name of the command.
 *
 * @throws UsageError when one was given that this command doesn't have
 */
export function flagsOf(command: Command): Flags {
  const flags: Partial<Record<SettingName, FlagValue>> = {}
  for (let at: Command | null = command; at !== null; at = at.parent) {
    for (const spec of settingSpecs) {
      const isGiven = at.getOptionValueSource(spec.name) === 'cli'
      if (!isGiven || flags[spec.name] !== undefined) continue
      if (!command.options.some((option) => option.attributeName() === spec.name)) {
        throw new UsageError(`${flagOf(spec)} means nothing to parley ${command.name()}`)
      }
      flags[spec.name] = at.getOptionValue(spec.name)
    }
  }
  return flags
}

/** Whether a switch of the command line was given to the command or before it. */
export function hasSwitch(command: Command, name: string): boolean {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    if (at.getOptionValue(name) === true) return true
  }
  return false
}

export function settingLines(views: readonly SettingView[]): string[] {
  return views.map((view) => {
    const value = cleanText(view.value) || '-'
    return `${view.name.padEnd(20)} ${value.padEnd(24)} ${sourceText(view)}`
  })
}

function sourceText({ name, source }: SettingView): string {
  const spec = settingSpec(name)
  switch (source) {
    case 'flag':
      return `flag ${flagOf(spec)}`
    case 'environment':
      return `environment ${spec.env}`
    case 'file':
      return 'file'
    case 'profile':
      return 'profile'
    case 'default':
      return 'default'
  }
}

/** What a command does once it is chosen. */
type Work = (io: CommandIo, command: ProgramCommand) => Promise<ExitCode>

/** Makes an action of a command's work, which is loaded when the command is chosen. */
export type Run = (load: (command: ProgramCommand) => Promise<Work>) => (this: ProgramCommand) => Promise<void>

export const json = (help: string): Option => new Option('--json', help)

type Example = readonly [command: string, what: string]

export function examplesText(...list: readonly Example[]): string {
  const width = Math.max(...list.map(([command]) => command.length))
  return `\nExamples:\n${list.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`).join('\n')}\n`
}

/** A command as a person types it for this profile: the usual one needs no option. */
export function onProfile(words: string, profile: string): string {
  return profile === defaultProfile ? words : `${words} --profile ${profile}`
}
