// The settings of this process: their values come from the default, the file, the
// environment and the flags, the later ones stronger, and each remembers where it
// came from.
import { join } from 'node:path'
import { nearestWord } from '../../lib/index.ts'
import type { SettingView } from '../api/chat-api.ts'
import { UsageError } from '../api/errors.ts'
import { readConfigFile } from './config-file.ts'
import { foldersOf, type Folders } from './folders.ts'
import {
  defaultSettings,
  kebabCase,
  settingSpecs,
  type SettingName,
  type Settings,
  type SettingSpec
} from './setting-specs.ts'
import { settingText, type SettingValue } from './setting-values.ts'

type SettingSource = SettingView['source']

export interface Config {
  readonly settings: Settings
  readonly sources: Readonly<Record<SettingName, SettingSource>>
  readonly folders: Folders
  /** The file that was looked for, whether it is there or not. */
  readonly file: string
}

type Flags = Readonly<Partial<Record<SettingName, string | readonly string[] | boolean>>>

/** The file of settings, whether it is there or not. */
export function configFileOf(env: NodeJS.ProcessEnv): string {
  return join(foldersOf(env).config, 'config.json')
}

/**
 * Reads all settings.
 *
 * @param flags values as typed; absent where the flag was not given
 * @throws UsageError naming the setting, its value and where it came from
 */
export async function loadConfig(init: { readonly flags: Flags; readonly env: NodeJS.ProcessEnv }): Promise<Config> {
  const file = configFileOf(init.env)
  const fromFile = await readConfigFile(file)
  for (const key of Object.keys(fromFile)) {
    if (!isSettingName(key)) throw new UsageError(`${file}: ${noSuchSetting(key)}`)
  }
  return { ...settingsFrom({ ...init, file, fromFile }), folders: foldersOf(init.env), file }
}

function settingsFrom(init: {
  readonly flags: Flags
  readonly env: NodeJS.ProcessEnv
  readonly file: string
  readonly fromFile: Readonly<Record<string, unknown>>
}): Pick<Config, 'settings' | 'sources'> {
  const { file, fromFile } = init
  const values: Partial<Record<SettingName, SettingValue>> = {}
  const sources: Partial<Record<SettingName, SettingSource>> = {}
  for (const spec of settingSpecs) {
    const candidates: readonly [SettingSource, unknown][] = [
      ['flag', init.flags[spec.name]],
      ['environment', emptyIsAbsent(init.env[spec.env])],
      ['file', fromFile[spec.name]],
      ['environment', commonValue(spec, init.env)]
    ]
    const [source, raw] = candidates.find(([, value]) => value !== undefined) ?? ['default', undefined]
    sources[spec.name] = source
    values[spec.name] = source === 'default' ? undefined : parseSetting(spec, raw, describe(source, spec, file))
  }
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
  const settings = { ...defaultSettings(values.profile), ...given }
  // Each entry of settingSpecs has set its source above.
  return { settings, sources: sources as Record<SettingName, SettingSource> }
}

/**
 * The settings of a command that needs the profile alone, and works with errors in all others: they count as not set.
 *
 * @throws UsageError when the profile has no usable name
 */
export async function loadProfileConfig(init: Parameters<typeof loadConfig>[0]): Promise<Config> {
  try {
    return await loadConfig(init)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const file = configFileOf(init.env)
    const { profile } = await readConfigFile(file).catch((): Readonly<Record<string, unknown>> => ({}))
    const env = { PARLEY_PROFILE: init.env['PARLEY_PROFILE'] }
    const flags = init.flags.profile === undefined ? {} : { profile: init.flags.profile }
    return { ...settingsFrom({ flags, env, file, fromFile: { profile } }), folders: foldersOf(init.env), file }
  }
}

export function settingViews({ settings, sources }: Config): readonly SettingView[] {
  return settingSpecs.map((spec) => ({
    name: spec.name,
    value: withoutPassword(settingText(spec, settings[spec.name])),
    source: sources[spec.name]
  }))
}

/** Of a URL with a name and a password. */
function withoutPassword(text: string): string {
  return text.replace(/^(\w+:\/\/[^/@:]*):[^/@]*@/u, '$1:…@')
}

function isSettingName(name: string): name is SettingName {
  return settingSpecs.some((spec) => spec.name === name)
}

function noSuchSetting(name: string): string {
  const names = settingSpecs.map((spec) => spec.name)
  const near = nearestWord(name, names)
  return `there is no setting ${JSON.stringify(name)}${near === undefined ? '' : `, did you mean ${near}`}; there are ${names.join(', ')}`
}

/** @throws UsageError when there is no setting of that name; the name of its option is accepted too */
export function settingSpec(name: string): SettingSpec {
  const spec = settingSpecs.find((one) => one.name === name || kebabCase(one.name) === name)
  if (spec === undefined) throw new UsageError(noSuchSetting(name))
  return spec
}

/**
 * A value for the file, read as if it were there already.
 *
 * @param texts one, or several of a list
 * @throws UsageError
 */
export function fileValue(spec: SettingSpec, texts: readonly string[]): string | number | boolean | readonly string[] {
  const value = parseSetting(spec, texts, spec.name)
  if (typeof value === 'boolean' || Array.isArray(value)) return value
  if (texts.length > 1)
    throw new UsageError(`${spec.name} takes one value, and ${texts.length} were given: quote a text with spaces`)
  return spec.name === 'port' && typeof value === 'number' ? value : texts.join('')
}

/** What other programs are told, where Parley understands it: a SOCKS proxy is none of its. */
function commonValue(spec: SettingSpec, env: NodeJS.ProcessEnv): string | undefined {
  const raw = (spec.commonEnv ?? []).map((name) => emptyIsAbsent(env[name])).find((one) => one !== undefined)
  try {
    if (raw !== undefined) spec.parse(raw)
    return raw
  } catch {
    return undefined
  }
}

/** As it was typed: a list of the command line is one option, given several times. */
function shown(raw: unknown): string {
  return (Array.isArray(raw) ? raw : [raw]).map((one) => JSON.stringify(one)).join(' ')
}

function parseSetting(spec: SettingSpec, raw: unknown, where: string): SettingValue {
  try {
    if (typeof raw === 'boolean') {
      if (spec.placeholder !== undefined) throw new UsageError(`expected ${spec.placeholder}`)
      return raw
    }
    if (Array.isArray(raw)) return spec.parse(raw.map(String).join(','))
    return spec.parse(String(raw))
  } catch (error) {
    const what = error instanceof Error ? error.message : ''
    throw new UsageError(`${where}: ${shown(raw)} can't be used: ${what}`, { cause: error })
  }
}

function describe(source: SettingSource, spec: SettingSpec, file: string): string {
  switch (source) {
    case 'flag':
      return `--${kebabCase(spec.name)}`
    case 'environment':
      return spec.env
    case 'file':
      return `${file}, ${spec.name}`
    case 'default':
    case 'profile':
      return spec.name
  }
}

function emptyIsAbsent(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}
