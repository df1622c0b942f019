// `parley config`: each setting, its value, and where the value came from; and
// the file of settings, changed by one value at a time.
import type { Command } from 'commander'
import { cleanText, escapedJson } from '../process/clean-text.ts'
import { writeLines, type CommandIo } from '../process/io.ts'
import { flagsOf, hasSwitch } from '../options/given-options.ts'
import { flagOf } from '../options/option-table.ts'
import { nearestWord } from '../../lib/index.ts'
import {
  changeConfigFile,
  configFileOf,
  exitCodes,
  fileValue,
  loadConfig,
  readConfigFile,
  settingSpec,
  settingSpecs,
  settingText,
  settingViews,
  UsageError,
  withProfileDefaults
} from '../../node/settings.ts'
import type { Config, ExitCode, SettingSpec, SettingView } from '../../node/settings.ts'

export async function runConfig(io: CommandIo, command: Command): Promise<ExitCode> {
  const [name] = command.args
  const spec = name === undefined ? undefined : settingNamed(name, command)
  const config = await withProfileDefaults(await loadConfig({ flags: flagsOf(command), env: io.env }))
  if (hasSwitch(command, 'json')) writeLines(io.stdout, [escapedJson(configJson(config, spec))])
  else writeLines(io.stdout, spec === undefined ? configLines(config) : [cleanText(valueText(config, spec))])
  return exitCodes.ok
}

/** @throws UsageError with the nearest setting or command: what is no setting may be a mistyped `set` */
function settingNamed(name: string, command: Command): SettingSpec {
  const commands = command.commands.map((one) => one.name())
  const settings = settingSpecs.map((spec) => spec.name)
  const near = settings.some((one) => one === name) ? undefined : nearestWord(name, [...commands, ...settings])
  if (near === undefined || !commands.includes(near)) return settingSpec(name)
  throw new UsageError(
    `parley config has no setting or command ${JSON.stringify(name)}: did you mean parley config ${near}?`
  )
}

/** Writes one setting into the file. */
export async function runConfigSet(io: CommandIo, command: Command): Promise<ExitCode> {
  const [name = '', ...texts] = command.args
  const spec = settingSpec(name)
  const value = fileValue(spec, texts)
  const file = configFileOf(io.env)
  await changeConfigFile(file, spec.name, value)
  // Reports other errors in the file now, not at the next start.
  const config = await loadConfig({ flags: {}, env: io.env })
  writeLines(io.stdout, [
    cleanText(`${spec.name} is ${JSON.stringify(value)} in ${file}.`),
    ...(config.sources[spec.name] === 'environment' ? [`${spec.env} in the environment overrides it.`] : []),
    'A running parley takes it at its next start.'
  ])
  return exitCodes.ok
}

/** Takes one setting out of the file; also one that Parley does not know, which keeps it from starting. */
export async function runConfigUnset(io: CommandIo, command: Command): Promise<ExitCode> {
  const [given = ''] = command.args
  const file = configFileOf(io.env)
  const inFile = await readConfigFile(file)
  const name = Object.hasOwn(inFile, given) ? given : settingSpec(given).name
  if (!Object.hasOwn(inFile, name)) throw new UsageError(`${name} is not set in ${file}`)
  await changeConfigFile(file, name, undefined)
  writeLines(io.stdout, [cleanText(`${name} is no longer in ${file}.`)])
  return exitCodes.ok
}

function configLines(config: Config): string[] {
  const rows = settingLines(settingViews(config))
  return [...rows, '', `File of settings:  ${config.file}`, `Profiles and keys: ${config.folders.data}`].map((line) =>
    cleanText(line)
  )
}

/** Each setting on a line. */
export function settingLines(views: readonly SettingView[]): string[] {
  return views.map((view) => {
    const value = cleanText(view.value) || '-'
    return `${view.name.padEnd(20)} ${value.padEnd(24)} ${sourceText(view)}`
  })
}

function sourceText({ name, value, source }: SettingView): string {
  const spec = settingSpec(name)
  const isOff = spec.placeholder === undefined && value === 'false'
  switch (source) {
    case 'flag':
      return `flag ${flagOf(spec, !isOff)}`
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

function valueText(config: Config, spec: SettingSpec): string {
  return settingText(spec, config.settings[spec.name])
}

function configJson(config: Config, only: SettingSpec | undefined): unknown {
  const settings = settingSpecs
    .filter((spec) => only === undefined || spec === only)
    .map((spec) => [
      spec.name,
      {
        value: config.settings[spec.name] ?? null,
        written: valueText(config, spec),
        source: config.sources[spec.name]
      }
    ])
  return { settings: Object.fromEntries(settings), file: config.file, folder: config.folders.data }
}
