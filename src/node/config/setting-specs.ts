// Every setting, once: its name, which nodes it is for, its kind, default and help.
// Its type, its environment variable and its option follow from that. It knows no
// file and no command line.
import { userInfo } from 'node:os'
import { UsageError } from '../api/errors.ts'
import { readGivenName } from './given-name.ts'
import { setting, type Setting } from './setting.ts'
import {
  atMost,
  choice,
  durationText,
  exactSizeText,
  matching,
  parseCidrs,
  parseCount,
  parseDuration,
  parseHost,
  parseList,
  parsePort,
  parseProxy,
  parseSize,
  parseSwitch,
  type SettingValue
} from './setting-values.ts'

/** Bytes a second that a directory relays: enough for hundreds of people who write, and little of an operator's line. */
const DEFAULT_RELAY_RATE = 4 * 1024 * 1024

/** Each may hold 2 MiB at worst, of two peers that flood and do not read; a few hundred KB is usual. */
const DEFAULT_RELAY_CIRCUITS = 256

/** Relays that a peer may name: it stays connected with each of them. */
const MAX_NAMED_RELAYS = 4

/**
 * What the messages of one contact may take on the disk: a person who writes all day makes 10 MB a year and a chatty
 * program 1 MB a day, while a flood of 30 MB/s is stopped after half a minute.
 */
const DEFAULT_CONTACT_QUOTA_BYTES = 1024 * 1024 * 1024

/** Free space that messages of others leave: SQLite's log, copies that a migration makes, and all other users of the disk. */
const DEFAULT_MIN_FREE_BYTES = 256 * 1024 * 1024

/** A message that could not be delivered for a month is out of date: it fails, and the user is notified. */
const DEFAULT_GIVE_UP_MS = 30 * 24 * 60 * 60 * 1_000

/** The ports at which directories are looked for on this machine, as in the case study. */
export const DEFAULT_DIRECTORY_PORTS = [8000, 8001, 8002] as const

/** Values of the setting `files` that are no size. */
export const ASK_FOR_FILES = 0
export const NO_FILES = -1

export const defaultProfile = 'default'
const profilePattern = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,31}$/u
const networkPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/

const settings = [
  setting({
    name: 'profile',
    of: 'chat',
    placeholder: 'NAME',
    help: 'the identity to use, with its contacts',
    parse: matching(profilePattern, 'up to 32 letters, digits, dots, dashes and underscores'),
    byDefault: defaultProfile
  }),
  setting({
    name: 'network',
    of: 'both',
    placeholder: 'NAME',
    help: 'the network to be on; peers of different networks do not see each other',
    parse: matching(networkPattern, 'up to 32 letters (a-z), digits, dots, dashes and underscores'),
    byDefault: 'parley'
  }),
  setting({
    name: 'name',
    of: 'chat',
    placeholder: 'NICKNAME',
    help: 'the nickname that others see',
    parse: readGivenName,
    byDefault: defaultName
  }),
  setting({
    name: 'status',
    of: 'chat',
    placeholder: 'TEXT',
    help: 'a line about yourself on the roster',
    parse: (text) => text,
    byDefault: ''
  }),
  setting<'port', number | undefined>({
    name: 'port',
    of: 'both',
    placeholder: 'PORT',
    help: 'the TCP port to listen on, instead of the one of the first start',
    parse: parsePort,
    byDefault: undefined
  }),
  setting<'host', string | undefined>({
    name: 'host',
    of: 'both',
    placeholder: 'ADDRESS',
    help: 'the IP address to listen on, instead of all',
    parse: parseHost,
    byDefault: undefined
  }),
  setting({
    name: 'directory',
    of: 'chat',
    placeholder: 'PORT|ADDRESS',
    help: 'a directory to use, instead of those that are found; repeatable, or with commas in the file and environment',
    parse: parseList,
    byDefault: []
  }),
  setting({
    name: 'defaultDirectories',
    of: 'chat',
    help: `look for directories on this machine, ports ${DEFAULT_DIRECTORY_PORTS[0]} to ${DEFAULT_DIRECTORY_PORTS[2]}`,
    parse: parseSwitch,
    byDefault: true
  }),
  setting({
    name: 'relayVia',
    of: 'chat',
    placeholder: 'PORT|ADDRESS',
    help: 'a libp2p relay, through which you and others who name it reach each other; repeatable, or with commas in the file and environment',
    parse: (text) => atMost(MAX_NAMED_RELAYS, parseList(text)),
    byDefault: []
  }),
  setting<'proxy', string | undefined>({
    name: 'proxy',
    of: 'chat',
    placeholder: 'http://HOST:PORT',
    help: 'the HTTP proxy by which wss:// addresses are reached, where nothing else leads out; none for no proxy (default: that of HTTPS_PROXY)',
    parse: parseProxy,
    commonEnv: ['https_proxy', 'HTTPS_PROXY'],
    byDefault: undefined
  }),
  setting({
    name: 'proxyExcept',
    of: 'chat',
    placeholder: 'HOST',
    help: 'a host, with all below it, that is reached without the proxy; repeatable, or with commas in the file and environment (default: those of NO_PROXY)',
    parse: parseList,
    commonEnv: ['no_proxy', 'NO_PROXY'],
    byDefault: []
  }),
  setting({
    name: 'portMapping',
    of: 'chat',
    help: 'ask the router to let others in, by PCP, NAT-PMP or UPnP, until you quit',
    parse: parseSwitch,
    byDefault: true
  }),
  setting({
    name: 'join',
    of: 'directory',
    placeholder: 'PORT|ADDRESS',
    help: 'another directory to share one roster with; repeatable, or with commas in the file and environment',
    parse: parseList,
    byDefault: []
  }),
  setting({
    name: 'federate',
    of: 'directory',
    placeholder: 'named|all',
    help: 'which directories may join it: only those named with --join, or all',
    parse: choice('named', 'all'),
    byDefault: 'all'
  }),
  setting({
    name: 'relay',
    of: 'directory',
    placeholder: 'on|off',
    help: "whether it relays between its peers that can't reach each other; it never sees what they say",
    parse: choice('on', 'off'),
    byDefault: 'on'
  }),
  setting({
    name: 'relayOnly',
    of: 'directory',
    help: 'keep no roster, and relay between those who name it with --relay-via',
    parse: parseSwitch,
    byDefault: false
  }),
  // In bytes; Infinity for no limit.
  setting({
    name: 'relayRate',
    of: 'directory',
    placeholder: 'SIZE|none',
    help: 'how much it relays in a second, for all peers together, such as 4MiB',
    parse: (text) => parseSize(text, Infinity),
    write: (value) => exactSizeText(value, Infinity),
    byDefault: DEFAULT_RELAY_RATE
  }),
  setting({
    name: 'relayCircuits',
    of: 'directory',
    placeholder: 'COUNT',
    help: 'how many relayed connections it carries at a time',
    parse: parseCount,
    byDefault: DEFAULT_RELAY_CIRCUITS
  }),
  setting({
    name: 'stun',
    of: 'directory',
    placeholder: 'on|off',
    help: 'whether it tells its peers over UDP how they are seen from outside, so that those behind routers find a direct path',
    parse: choice('on', 'off'),
    byDefault: 'on'
  }),
  setting<'wsPort', number | undefined>({
    name: 'wsPort',
    of: 'directory',
    placeholder: 'PORT',
    help: 'listen for WebSocket on this port too, for a web server with TLS before it',
    parse: parsePort,
    byDefault: undefined
  }),
  setting<'wsHost', string | undefined>({
    name: 'wsHost',
    of: 'directory',
    placeholder: 'ADDRESS',
    help: 'listen for WebSocket on this IP address, not only on this machine',
    parse: parseHost,
    byDefault: undefined
  }),
  setting<'wsAnnounce', string | undefined>({
    name: 'wsAnnounce',
    of: 'directory',
    placeholder: 'URL',
    help: 'where clients reach that WebSocket, such as wss://directory.example',
    parse: (text) => text,
    byDefault: undefined
  }),
  setting({
    name: 'trustedProxy',
    of: 'directory',
    placeholder: 'CIDR',
    help: "a reverse proxy trusted to name its client's address, such as 10.0.0.0/8; repeatable, or with commas in the file and environment",
    parse: parseCidrs,
    byDefault: []
  }),
  setting({
    name: 'accept',
    of: 'chat',
    placeholder: 'ask|lan|all',
    help: 'who may write to you without asking: nobody, the LAN, or everyone',
    parse: choice('ask', 'lan', 'all'),
    byDefault: 'ask'
  }),
  setting({
    name: 'files',
    of: 'chat',
    placeholder: 'ask|SIZE|never',
    help: 'what becomes of files that contacts offer: you are asked, up to SIZE they are fetched by themselves, or nobody asks',
    parse: parseFiles,
    write: filesText,
    byDefault: ASK_FOR_FILES
  }),
  setting({
    name: 'direct',
    of: 'chat',
    placeholder: 'contacts|never',
    help: 'with whom a relayed conversation moves to a direct path through routers: contacts, who learn your IP address by it, or nobody',
    parse: choice('contacts', 'never'),
    byDefault: 'contacts'
  }),
  setting({
    name: 'mdns',
    of: 'both',
    help: 'find peers and directories on the LAN by mDNS',
    parse: parseSwitch,
    byDefault: true
  }),
  setting({
    name: 'mdnsLibp2p',
    of: 'chat',
    help: 'find other libp2p programs on the LAN too, and be found by them',
    parse: parseSwitch,
    byDefault: false
  }),
  setting({
    name: 'seen',
    of: 'chat',
    help: 'tell others when their messages are on your screen',
    parse: parseSwitch,
    byDefault: false
  }),
  setting({
    name: 'typing',
    of: 'chat',
    help: 'tell others that you are writing to them',
    parse: parseSwitch,
    byDefault: true
  }),
  // `smart`: only about a peer that the user is talking with.
  setting({
    name: 'presenceLines',
    of: 'chat',
    placeholder: 'all|smart|none',
    help: 'in a conversation, lines when the other side comes or goes: all, only while you are talking, or none',
    parse: choice('all', 'smart', 'none'),
    byDefault: 'smart'
  }),
  // Nothing; the sender; or the text too.
  setting({
    name: 'notify',
    of: 'chat',
    placeholder: 'off|names|texts',
    help: 'what the daemon shows on the desktop while no window is open: nothing, who wrote, or what was written too',
    parse: choice('off', 'names', 'texts'),
    byDefault: 'names'
  }),
  setting({
    name: 'secondWindow',
    of: 'chat',
    placeholder: 'ask|another|same',
    help: 'while a parley runs on the usual profile, a second one is another person, the same one, or asks',
    parse: choice('ask', 'another', 'same'),
    byDefault: 'ask'
  }),
  // In milliseconds; Infinity for never.
  setting({
    name: 'giveUp',
    of: 'chat',
    placeholder: 'TIME|never',
    help: 'after how long an undelivered message fails, such as 12h or 30d',
    parse: (text) => parseDuration(text, 'never'),
    write: (value) => durationText(value, 'never'),
    byDefault: DEFAULT_GIVE_UP_MS
  }),
  // In milliseconds; Infinity for ever.
  setting({
    name: 'keep',
    of: 'chat',
    placeholder: 'TIME|forever',
    help: 'how long messages are kept in the history, such as 90d',
    parse: (text) => parseDuration(text, 'forever'),
    write: (value) => durationText(value, 'forever'),
    byDefault: Infinity
  }),
  // In bytes; Infinity for no limit.
  setting({
    name: 'contactQuota',
    of: 'chat',
    placeholder: 'SIZE|none',
    help: "how much of the disk one contact's messages may take, such as 500MiB; more is refused",
    parse: (text) => parseSize(text, Infinity),
    write: (value) => exactSizeText(value, Infinity),
    byDefault: DEFAULT_CONTACT_QUOTA_BYTES
  }),
  // In bytes that messages of others leave free; 0 for none.
  setting({
    name: 'minFree',
    of: 'chat',
    placeholder: 'SIZE|none',
    help: 'how much of the disk stays free; with less, no messages are stored',
    parse: (text) => parseSize(text, 0),
    write: (value) => exactSizeText(value, 0),
    byDefault: DEFAULT_MIN_FREE_BYTES
  })
]

type Row = (typeof settings)[number]
export type SettingName = Row['name']
export type Settings = { readonly [One in Row as One['name']]: ReturnType<One['parse']> }
export type AcceptPolicy = Settings['accept']
export type PresenceLines = Settings['presenceLines']

export interface SettingSpec extends Setting<SettingName, SettingValue> {
  /** Its environment variable. */
  readonly env: string
}

export const settingSpecs: readonly SettingSpec[] = settings.map((row) => ({
  ...row,
  env: `PARLEY_${kebabCase(row.name).replaceAll('-', '_').toUpperCase()}`
}))

/** @param profile whose default name it is; undefined for the usual profile */
export function defaultSettings(profile: SettingValue): Settings {
  const values = settings.map(({ name, byDefault }) => [
    name,
    typeof byDefault === 'function' ? byDefault(profile) : byDefault
  ])
  // Each row has a value of its own type.
  return Object.fromEntries(values) as Settings
}

/** A profile other than the default shows its own name, so that two on one machine can be told apart. */
function parseFiles(text: string): number {
  if (text === 'ask') return ASK_FOR_FILES
  if (text === 'never') return NO_FILES
  try {
    if (text !== 'none') return parseSize(text, ASK_FOR_FILES)
  } catch {
    // Said below, with the other words.
  }
  throw new UsageError('expected ask, never, or a size with KiB, MiB, GiB or TiB, such as 20MiB')
}

function filesText(value: number): string {
  return value === ASK_FOR_FILES ? 'ask' : value === NO_FILES ? 'never' : exactSizeText(value, ASK_FOR_FILES)
}

export function defaultName(profile: SettingValue): string {
  if (typeof profile === 'string' && profile !== defaultProfile) return profile
  try {
    return userInfo().username
  } catch {
    return 'somebody' // a container may run under a user ID without an account
  }
}

/** What a setting is for, among those of all nodes. */
export function helpAmongAll({ of, help }: SettingSpec): string {
  return of === 'directory' ? `of a directory: ${help}` : help
}

/** The name of a setting as its option has it: `trusted-proxy`. */
export function kebabCase(name: SettingName): string {
  return name.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)
}
