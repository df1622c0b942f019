// Every setting, once: its name, environment variable, kind, default and help.
// Values come from the default, the file, the environment and the flags, the
// later ones stronger, and each remembers where it came from.
import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { nearestWord } from '../../lib/index.ts'
import { readCidr, durationText, parseDuration, exactSizeText, parseSize } from './units.ts'
import { readConfigFile } from './config-file.ts'
import { UsageError } from '../api/errors.ts'
import { readGivenName } from './given-name.ts'
import { foldersOf, type Folders } from './folders.ts'

/**
 * What the messages of one contact may take on the disk: a person who writes all day makes 10 MB a year and a chatty
 * program 1 MB a day, while a flood of 30 MB/s is stopped after half a minute.
 */
const DEFAULT_CONTACT_QUOTA_BYTES = 1024 * 1024 * 1024

/** Free space that messages of others leave: SQLite's log, copies that a migration makes, and all other users of the disk. */
const DEFAULT_MIN_FREE_BYTES = 256 * 1024 * 1024

/** A message that could not be delivered for a month is out of date: it fails, and the user is notified. */
const DEFAULT_GIVE_UP_MS = 30 * 24 * 60 * 60 * 1_000

export type AcceptPolicy = 'ask' | 'lan' | 'all'
/** Nothing; the sender; or the text too. */
export type Notify = 'off' | 'names' | 'texts'
/** `smart`: only about a peer that the user is talking with. */
export type PresenceLines = 'all' | 'smart' | 'none'
/** `another` person, the `same` one, or `ask`: the user chooses. */
export type SecondWindow = 'ask' | 'another' | 'same'
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
  /** Of a directory: the federation peers to join with. */
  readonly join: readonly string[]
  /** Of a directory: whether directories that `join` does not name may join it. */
  readonly federate: FederatePolicy
  /** Of a directory: CIDR ranges of the reverse proxies that are trusted to name a client's address. */
  readonly trustedProxy: readonly string[]
  readonly accept: AcceptPolicy
  readonly mdns: boolean
  readonly mdnsLibp2p: boolean
  readonly seen: boolean
  /** Whether typing notices are sent to peers. */
  readonly typing: boolean
  /** Which lines say that the peer of the open conversation came or went. */
  readonly presenceLines: PresenceLines
  /** What a daemon shows on the desktop when a message comes and no window is open. */
  readonly notify: Notify
  /** What a second window on the usual profile is, while one is open. */
  readonly secondWindow: SecondWindow
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
  /** Writes the value in the form that `parse` reads; absent where that is the plain value. */
  readonly write?: (value: number) => string
}

/** The ports at which directories are looked for on this machine, as in the case study. */
export const DEFAULT_DIRECTORY_PORTS = [8000, 8001, 8002] as const

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
  {
    name: 'name',
    env: 'PARLEY_NAME',
    placeholder: 'NICKNAME',
    help: 'the nickname that others see',
    parse: readGivenName
  },
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
    parse: parseHost
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
    help: 'of a directory: another one to share one roster with; repeatable, or with commas in the file and environment',
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
    help: 'who may write to you without asking: nobody, the LAN, or everyone',
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
    name: 'mdnsLibp2p',
    env: 'PARLEY_MDNS_LIBP2P',
    placeholder: undefined,
    isOffByDefault: true,
    help: 'find other libp2p programs on the LAN too, and be found by them',
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
    name: 'typing',
    env: 'PARLEY_TYPING',
    placeholder: undefined,
    help: 'tell others that you are writing to them',
    parse: parseSwitch
  },
  {
    name: 'presenceLines',
    env: 'PARLEY_PRESENCE_LINES',
    placeholder: 'all|smart|none',
    help: 'in a conversation, lines when the other side comes or goes: all, only while you are talking, or none',
    parse: choice('all', 'smart', 'none')
  },
  {
    name: 'notify',
    env: 'PARLEY_NOTIFY',
    placeholder: 'off|names|texts',
    help: 'what the daemon shows on the desktop while no window is open: nothing, who wrote, or what was written too',
    parse: choice('off', 'names', 'texts')
  },
  {
    name: 'secondWindow',
    env: 'PARLEY_SECOND_WINDOW',
    placeholder: 'ask|another|same',
    help: 'while a parley runs on the usual profile, a second one is another person, the same one, or asks',
    parse: choice('ask', 'another', 'same')
  },
  {
    name: 'giveUp',
    env: 'PARLEY_GIVE_UP',
    placeholder: 'TIME|never',
    help: 'after how long an undelivered message fails, such as 12h or 30d',
    parse: (value) => parseDuration(value, 'never'),
    write: (value) => durationText(value, 'never')
  },
  {
    name: 'keep',
    env: 'PARLEY_KEEP',
    placeholder: 'TIME|forever',
    help: 'how long messages are kept in the history, such as 90d',
    parse: (value) => parseDuration(value, 'forever'),
    write: (value) => durationText(value, 'forever')
  },
  {
    name: 'contactQuota',
    env: 'PARLEY_CONTACT_QUOTA',
    placeholder: 'SIZE|none',
    help: "how much of the disk one contact's messages may take, such as 500MiB; more is refused",
    parse: (value) => parseSize(value, Infinity),
    write: (value) => exactSizeText(value, Infinity)
  },
  {
    name: 'minFree',
    env: 'PARLEY_MIN_FREE',
    placeholder: 'SIZE|none',
    help: 'how much of the disk stays free; with less, no messages are stored',
    parse: (value) => parseSize(value, 0),
    write: (value) => exactSizeText(value, 0)
  }
]

/** @returns the value as it is written in the environment and on the command line; empty where there is none */
export function settingText(spec: SettingSpec, value: SettingValue): string {
  if (typeof value === 'number' && spec.write !== undefined) return spec.write(value)
  return value === undefined ? '' : String(value)
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

export interface Config {
  readonly settings: Settings
  readonly sources: Readonly<Record<SettingName, SettingSource>>
  readonly folders: Folders
  /** The file that was looked for, whether it is there or not. */
  readonly file: string
}

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
export async function loadConfig(init: {
  flags: Readonly<Partial<Record<SettingName, string | readonly string[] | boolean>>>
  env: NodeJS.ProcessEnv
}): Promise<Config> {
  const folders = foldersOf(init.env)
  const file = configFileOf(init.env)
  const fromFile = await readConfigFile(file)
  for (const key of Object.keys(fromFile)) {
    if (!isSettingName(key)) throw new UsageError(`${file}: ${noSuchSetting(key)}`)
  }
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
    mdnsLibp2p: false,
    seen: false,
    typing: true,
    presenceLines: 'smart',
    notify: 'names',
    secondWindow: 'ask',
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

function parseHost(value: string): string {
  if (isIP(value) === 0) throw new UsageError('expected an IP address of this machine, such as 192.168.1.7 or ::')
  return value
}

/** @throws UsageError unless `value` is a whole number from 1 to 65535 */
export function parsePort(value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port >= 1 && port <= maxPort)) throw new UsageError(`expected a port from 1 to ${maxPort}`)
  return port
}
