// Every setting, once: its name, environment variable, kind, default and help, and
// how its text is read and written. It knows no file and no command line.
import { isIP } from 'node:net'
import { userInfo } from 'node:os'
import { UsageError } from '../api/errors.ts'
import { readGivenName } from './given-name.ts'
import { durationText, exactSizeText, parseDuration, parseSize, readCidr } from './units.ts'

/** Bytes a second that a directory relays: enough for hundreds of people who write, and little of an operator's line. */
const DEFAULT_RELAY_RATE = 4 * 1024 * 1024

/** Each may hold 4 MiB at worst, of two peers that flood and do not read; a few hundred KB is usual. */
const DEFAULT_RELAY_CIRCUITS = 256

export type AcceptPolicy = 'ask' | 'lan' | 'all'
/** Nothing; the sender; or the text too. */
type Notify = 'off' | 'names' | 'texts'
/** `smart`: only about a peer that the user is talking with. */
export type PresenceLines = 'all' | 'smart' | 'none'
/** `another` person, the `same` one, or `ask`: the user chooses. */
type SecondWindow = 'ask' | 'another' | 'same'
/** Whether a directory relays for its peers. */
type RelayPolicy = 'on' | 'off'
type FederatePolicy = 'named' | 'all'
export type SettingValue = string | number | boolean | readonly string[] | undefined

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
  /** Of a directory: whether it relays between peers that can't reach each other. */
  readonly relay: RelayPolicy
  /** Of a directory: bytes a second that it relays in all; Infinity for no limit. */
  readonly relayRate: number
  /** Of a directory: circuits that it relays at a time. */
  readonly relayCircuits: number
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
    name: 'relay',
    env: 'PARLEY_RELAY',
    placeholder: 'on|off',
    help: "of a directory: whether it relays between its peers that can't reach each other; it never sees what they say",
    parse: choice('on', 'off')
  },
  {
    name: 'relayRate',
    env: 'PARLEY_RELAY_RATE',
    placeholder: 'SIZE|none',
    help: 'of a directory: how much it relays in a second, for all peers together, such as 4MiB',
    parse: (value) => parseSize(value, Infinity),
    write: (value) => exactSizeText(value, Infinity)
  },
  {
    name: 'relayCircuits',
    env: 'PARLEY_RELAY_CIRCUITS',
    placeholder: 'COUNT',
    help: 'of a directory: how many relayed connections it carries at a time',
    parse: parseCount
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

/**
 * What the messages of one contact may take on the disk: a person who writes all day makes 10 MB a year and a chatty
 * program 1 MB a day, while a flood of 30 MB/s is stopped after half a minute.
 */
const DEFAULT_CONTACT_QUOTA_BYTES = 1024 * 1024 * 1024

/** Free space that messages of others leave: SQLite's log, copies that a migration makes, and all other users of the disk. */
const DEFAULT_MIN_FREE_BYTES = 256 * 1024 * 1024

/** A message that could not be delivered for a month is out of date: it fails, and the user is notified. */
const DEFAULT_GIVE_UP_MS = 30 * 24 * 60 * 60 * 1_000

/** @param profile whose default name it is; undefined for the usual profile */
export function defaultSettings(profile: SettingValue): Settings {
  return {
    profile: defaultProfile,
    network: 'parley',
    name: defaultName(profile),
    status: '',
    port: undefined,
    host: undefined,
    directory: [],
    defaultDirectories: true,
    join: [],
    federate: 'all',
    relay: 'on',
    relayRate: DEFAULT_RELAY_RATE,
    relayCircuits: DEFAULT_RELAY_CIRCUITS,
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

/** @returns the value as it is written in the environment and on the command line; empty where there is none */
export function settingText(spec: SettingSpec, value: SettingValue): string {
  if (typeof value === 'number' && spec.write !== undefined) return spec.write(value)
  return value === undefined ? '' : String(value)
}

/** The name of a setting as its option has it: `trusted-proxy`. */
export function kebabCase(name: SettingName): string {
  return name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)
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

/** @throws UsageError unless `value` is a whole number above 0 */
function parseCount(value: string): number {
  const count = /^\d{1,6}$/.test(value) ? Number(value) : 0
  if (count === 0) throw new UsageError('expected a whole number from 1')
  return count
}

/** @throws UsageError unless `value` is a whole number from 1 to 65535 */
export function parsePort(value: string): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port >= 1 && port <= maxPort)) throw new UsageError(`expected a port from 1 to ${maxPort}`)
  return port
}
