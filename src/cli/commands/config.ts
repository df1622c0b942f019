// `parley config`: each setting, its value, and where the value came from.
import type { Command } from 'commander'
import { cleanText, escapedJson } from '../clean-text.ts'
import { writeLines, type CommandIo } from '../io.ts'
import { settingLines } from '../setting-lines.ts'
import { flagsOf, hasSwitch } from '../setting-options.ts'
import { exitCodes, loadConfig, settingSpecs, withRemembered } from '../../node/settings.ts'
import type { Config, ExitCode } from '../../node/settings.ts'

export async function runConfig(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await withRemembered(await loadConfig({ flags: flagsOf(command), env: io.env }))
  writeLines(io.stdout, hasSwitch(command, 'json') ? [escapedJson(configJson(config))] : configLines(config))
  return exitCodes.ok
}

function configLines(config: Config): string[] {
  const rows = settingLines(config)
  return [...rows, '', `File of settings:  ${config.file}`, `Profiles and keys: ${config.folders.data}`].map((line) =>
    cleanText(line)
  )
}

function configJson(config: Config): unknown {
  const settings = settingSpecs.map(({ name }) => [
    name,
    { value: config.settings[name] ?? null, source: config.sources[name] }
  ])
  return { settings: Object.fromEntries(settings), file: config.file, folder: config.folders.data }
}
