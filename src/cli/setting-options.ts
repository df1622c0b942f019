// The settings of the node as options of the commands: flag, placeholder, help
// and environment variable all come from the one table of settings.
import { Option, type Command } from 'commander'
import { kebabCase, settingSpecs, UsageError, type SettingName, type SettingSpec } from '../node/settings.ts'

type FlagValue = string | readonly string[] | boolean
export type Flags = Readonly<Partial<Record<SettingName, FlagValue>>>

export const allSettings: readonly SettingName[] = settingSpecs.map(({ name }) => name)
/** What only a directory does. */
const directoryOnly: readonly SettingName[] = ['join', 'federate', 'trustedProxy']
/** Those of a peer that chats. */
export const chatSettings: readonly SettingName[] = allSettings.filter((name) => !directoryOnly.includes(name))
/** Settings with several values: the option may be repeated. */
const repeatable: readonly SettingName[] = ['directory', 'join', 'trustedProxy']

/** Adds an option for each of these settings, in the order of the table. */
export function addSettings(command: Command, names: readonly SettingName[]): Command {
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
