// Each setting with its value and where the value came from, as lines for
// people: for `parley config`, and for the faces that show it.
import { cleanText } from './clean-text.ts'
import { flagOf } from './setting-options.ts'
import { settingSpecs, type Config, type SettingSpec } from '../node/settings.ts'

export function settingLines(config: Config): string[] {
  return settingSpecs.map((spec) => {
    const value = cleanText(JSON.stringify(config.settings[spec.name] ?? null))
    return `${spec.name.padEnd(20)} ${value.padEnd(24)} ${sourceText(config, spec)}`
  })
}

function sourceText(config: Config, spec: SettingSpec): string {
  const source = config.sources[spec.name]
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
