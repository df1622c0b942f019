// Every setting, once: its name, environment variable, kind, default and help.
// Values come from the default, the file, the environment and the flags, the
// later ones stronger, and each remembers where it came from.
import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { readCidr } from './cidr.ts'
import { DEFAULT_CONTACT_QUOTA_BYTES, DEFAULT_GIVE_UP_MS, DEFAULT_MIN_FREE_BYTES } from './constants.ts'
import { parseDuration } from './duration.ts'
import { UsageError } from './errors.ts'
import { foldersOf, type Folders } from './folders.ts'
import { parseSize } from './size.ts'

export type AcceptPolicy = 'ask' | 'lan' | 'all'
export type FederatePolicy = 'named' | 'all'
export type SettingSource = 'default' | 'profile' | 'file' | 'environment' | 'flag'
type SettingValue = string | number | boolean | readonly string[] | undefined

export interface Settings {
  readonly profile: string
  readonly network: string
  readonly name: string
  readonly status: string
  readonly port: number | undefined
  readonly host: string | undefined
  readonly directory: readonly string[]
  readonly defaultDirectories: boolean
  /** Of a directory: the fellow directories to join with. */
  readonly join: readonly string[]
  /** Of a directory: whether others than those that `join` names may join it. */
  readonly federate: FederatePolicy
  /** Of a directory: CIDR ranges of the reverse proxies whose word about a client's address counts. */
  readonly trustedProxy: readonly string[]
  readonly accept: AcceptPolicy
  readonly mdns: boolean
  readonly seen: boolean
  /** Messages that are still pending after this many milliseconds fail; Infinity for never. */
  readonly giveUp: number
  /** Messages older than this many milliseconds are deleted; Infinity for never. */
  readonly keep: number
  /** Bytes on the disk that the messages of one contact may take; Infinity for no limit. */
  readonly contactQuota: number
  /** Bytes of the disk that messages of others leave free; 0 for none. */
  readonly minFree: number
}

export type SettingName = keyof Settings

export interface SettingSpec {
  readonly name: SettingName
  readonly env: string
  /** How the value looks on the command line; undefined for a switch. */
  readonly placeholder: string | undefined
  /** Of a switch: it takes an option to turn it on, and not off. */
  readonly isOffByDefault?: true
  readonly help: string
  readonly parse: (text: string) => SettingValue
}

export const defaultProfile = 'default'
const profilePattern = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,31}$/u
const networkPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/
const maxPort = 65_535

export const settingSpecs: readonly SettingSpec[] = [
  {
    name: 'profile',
    env: 'PARLEY_PROFILE',
    placeholder: 'NAME',
    help: 'the identity to use, with its contacts',
    parse: matching(profilePattern, 'up to 32 letters, digits, dots, dashes and underscores')
  },
  {
    name: 'network',
    env: 'PARLEY_NETWORK',
    placeholder: 'NAME',
    help: 'the network to be on; peers of different networks do not see each other',
    parse: matching(networkPattern, 'up to 32 letters (a-z), digits, dots, dashes and underscores')
  },
  { name: 'name', env: 'PARLEY_NAME', placeholder: 'NICKNAME', help: 'the nickname that others see', parse: text },
  {
    name: 'status',
    env: 'PARLEY_STATUS',
    placeholder: 'TEXT',
    help: 'a line about yourself on the roster',
    parse: text
  },
  {
    name: 'port',
    env: 'PARLEY_PORT',
    placeholder: 'PORT',
    help: 'the TCP port to listen on, instead of the one of the first start',
    parse: parsePort
  },
  {
    name: 'host',
    env: 'PARLEY_HOST',
    placeholder: 'ADDRESS',
    help: 'the IP address to listen on, instead of all',
    parse: text
  },
  {
    name: 'directory',
    env: 'PARLEY_DIRECTORY',
    placeholder: 'PORT|ADDRESS',
    help: 'a directory to use, instead of those that are found; repeatable, or with commas in the file and environment',
    parse: list
  },
  {
    name: 'defaultDirectories',
    env: 'PARLEY_DEFAULT_DIRECTORIES',
    placeholder: undefined,
    help: 'look for directories on this machine, ports 8000 to 8002',
    parse: parseSwitch
  },
  {
    name: 'join',
    env: 'PARLEY_JOIN',
    placeholder: 'PORT|ADDRESS',
    help: 'of a directory: a fellow to share one roster with; repeatable, or with commas in the file and environment',
    parse: list
  },
  {
    name: 'federate',
    env: 'PARLEY_FEDERATE',
    placeholder: 'named|all',
    help: 'of a directory: which directories may join it: only those named with --join, or all',
    parse: choice('named', 'all')
  },
  {
    name: 'trustedProxy',
    env: 'PARLEY_TRUSTED_PROXY',
    placeholder: 'CIDR',
    help: "of a directory: a reverse proxy trusted to name its client's address, such as 10.0.0.0/8; repeatable, or with commas in the file and environment",
    parse: cidrs
  },
  {
    name: 'accept',
    env: 'PARLEY_ACCEPT',
    placeholder: 'ask|lan|all',
    help: 'whose first message needs no question: nobody, peers on the LAN, or all',
    parse: choice('ask', 'lan', 'all')
  },
  {
    name: 'mdns',
    env: 'PARLEY_MDNS',
    placeholder: undefined,
    help: 'find peers and directories on the LAN by mDNS',
    parse: parseSwitch
  },
  {
    name: 'seen',
    env: 'PARLEY_SEEN',
    placeholder: undefined,
    isOffByDefault: true,
    help: 'tell others when their messages are on your screen',
    parse: parseSwitch
  },
  {
    name: 'giveUp',
    env: 'PARLEY_GIVE_UP',
    placeholder: 'TIME|never',
    help: 'after how long a message that could not be delivered fails, such as 12h or 30d',
    parse: (value) => parseDuration(value, 'never')
  },
  {
    name: 'keep',
    env: 'PARLEY_KEEP',
    placeholder: 'TIME|forever',
    help: 'how long messages are kept in the history, such as 90d',
    parse: (value) => parseDuration(value, 'forever')
  },
  {
    name: 'contactQuota',
    env: 'PARLEY_CONTACT_QUOTA',
    placeholder: 'SIZE|none',
    help: "how much of the disk one contact's messages may take, such as 500MiB; more is refused",
    parse: (value) => parseSize(value, Infinity)
  },
  {
    name: 'minFree',
    env: 'PARLEY_MIN_FREE',
    placeholder: 'SIZE|none',
    help: 'how much of the disk stays free; with less, no messages are stored',
    parse: (value) => parseSize(value, 0)
  }
]

export interface Config {
  readonly settings: Settings
  readonly sources: Readonly<Record<SettingName, SettingSource>>
  readonly folders: Folders
  /** The file that was looked for, whether it is there or not. */
  readonly file: string
}

/**
 * Reads all settings.
 *
 * @param flags values as typed; absent where the flag was not given
 * @throws UsageError naming the setting, its value and where it came from
 */
export async function loadConfig(init: {
  flags: Readonly<Partial<Record<SettingName, string | readonly string[] | boolean>>>
  env: NodeJS.ProcessEnv
}): Promise<Config> {
  const folders = foldersOf(init.env)
  const file = join(folders.config, 'config.json')
  const fromFile = await readConfigFile(file)
  const values: Partial<Record<SettingName, SettingValue>> = {}
  const sources: Partial<Record<SettingName, SettingSource>> = {}
  for (const spec of settingSpecs) {
    const candidates: readonly [SettingSource, unknown][] = [
      ['flag', init.flags[spec.name]],
      ['environment', emptyIsAbsent(init.env[spec.env])],
      ['file', fromFile[spec.name]]
    ]
    const [source, raw] = candidates.find(([, value]) => value !== undefined) ?? ['default', undefined]
    sources[spec.name] = source
    values[spec.name] = source === 'default' ? undefined : parseSetting(spec, raw, describe(source, spec, file))
  }
  const settings = withDefaults(values)
  // Each entry of settingSpecs has set its source above.
  return { settings, sources: sources as Record<SettingName, SettingSource>, folders, file }
}

function withDefaults(values: Partial<Record<SettingName, SettingValue>>): Settings {
  const defaults: Settings = {
    profile: defaultProfile,
    network: 'parley',
    name: defaultName(values['profile']),
    status: '',
    port: undefined,
    host: undefined,
    directory: [],
    defaultDirectories: true,
    join: [],
    federate: 'all',
    trustedProxy: [],
    accept: 'ask',
    mdns: true,
    seen: false,
    giveUp: DEFAULT_GIVE_UP_MS,
    keep: Infinity,
    contactQuota: DEFAULT_CONTACT_QUOTA_BYTES,
    minFree: DEFAULT_MIN_FREE_BYTES
  }
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
  return { ...defaults, ...given }
}

/** A profile other than the default shows its own name, so that two on one machine can be told apart. */
export function defaultName(profile: SettingValue): string {
  if (typeof profile === 'string' && profile !== defaultProfile) return profile
  try {
    return userInfo().username
  } catch {
    return 'somebody' // a container may run under a user ID without an account
  }
}

async function readConfigFile(file: string): Promise<Record<string, unknown>> {
  let content: string
  try {
    content = await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw new UsageError(`the settings in ${file} can't be read: ${String(error)}`, { cause: error })
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(content)
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : ''}`, { cause: error })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`${file} must hold one JSON object, such as {"name": "anna"}`)
  }
  const known = new Set<string>(settingSpecs.map((spec) => spec.name))
  for (const key of Object.keys(parsed)) {
    if (!known.has(key)) {
      throw new UsageError(`${file}: there is no setting ${JSON.stringify(key)}; there are ${[...known].join(', ')}`)
    }
  }
  return { ...parsed }
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

/** The name of a setting as its option has it: `trusted-proxy`. */
export function kebabCase(name: SettingName): string {
  return name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)
}

function emptyIsAbsent(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}

function text(value: string): string {
  return value
}

function list(value: string): readonly string[] {
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

/** @throws UsageError naming the range that is none */
function cidrs(value: string): readonly string[] {
  const ranges = list(value)
  for (const range of ranges) readCidr(range)
  return ranges
}

function matching(pattern: RegExp, expected: string): (value: string) => string {
  return (value) => {
    if (!pattern.test(value)) throw new UsageError(`expected ${expected}`)
    return value
  }
}

function choice(...allowed: readonly string[]): (value: string) => string {
  return (value) => {
    if (!allowed.includes(value)) throw new UsageError(`expected one of ${allowed.join(', ')}`)
    return value
  }
}

function parseSwitch(value: string): boolean {
  if (/^(1|true|yes|on)$/i.test(value)) return true
  if (/^(0|false|no|off)$/i.test(value)) return false
  throw new UsageError('expected true or false')
}

/** @throws UsageError unless `value` is a whole number from 1 to 65535 */
export function parsePort(value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port >= 1 && port <= maxPort)) throw new UsageError(`expected a port from 1 to ${maxPort}`)
  return port
}
