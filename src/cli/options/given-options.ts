// What was given of the options that a command takes, before or after its name; and
// how a command is typed with them.
import type { Command } from 'commander'
import { defaultProfile, type SettingName, settingSpecs, UsageError } from '../../node/settings.ts'
import { flagOf, type RunOptionName } from './option-table.ts'

type FlagValue = string | readonly string[] | boolean
export type Flags = Readonly<Partial<Record<SettingName, FlagValue>>>

/**
 * The settings given as flags.
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
        throw new UsageError(`${flagOf(spec, at.getOptionValue(spec.name))} means nothing to parley ${command.name()}`)
      }
      flags[spec.name] = at.getOptionValue(spec.name)
    }
  }
  return flags
}

/** The value of an option of one run; undefined where it was not given. */
export function givenOption(command: Command, name: RunOptionName): unknown {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const value: unknown = at.getOptionValue(name)
    if (value !== undefined) return value
  }
  return undefined
}

/** Whether a switch is on. One that is on by default has an option that turns it off. */
export function hasSwitch(command: Command, name: RunOptionName): boolean {
  return givenOption(command, name) === true
}

export function textOption(command: Command, name: RunOptionName): string | undefined {
  const value = givenOption(command, name)
  return typeof value === 'string' ? value : undefined
}

/** @returns the values of an option that may be given again; undefined where it was not given */
export function listOption(command: Command, name: RunOptionName): readonly string[] | undefined {
  const values = givenOption(command, name)
  return Array.isArray(values) ? values.map(String) : undefined
}

/** A command as a person types it for this profile: the usual one needs no option. */
export function onProfile(words: string, profile: string): string {
  return profile === defaultProfile ? words : `${words} --profile ${profile}`
}

/** One word of a command as a person types it: quoted where the shell would read more into it. */
export function shellWord(word: string): string {
  return /^[\p{L}\p{N}_.:/@%+-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
