// Every option of every command, once: the settings that a command takes, each of
// which is an option, and the options of one run. The commands, their help and the
// reference are made from it. It reads no command line.
import {
  DEFAULT_DIRECTORY_PORTS,
  helpAmongAll,
  kebabCase,
  type SettingName,
  type SettingSpec,
  settingSpecs,
  type SettingValue
} from '../../node/settings.ts'

/**
 * How long `parley send` waits for the receipt unless --wait says otherwise: longer than any one dial, and done in 8 s.
 */
export const DEFAULT_SEND_WAIT_SECONDS = 6

/** `parley log` and `parley search` list this many messages unless --limit says otherwise: some screens full. */
export const DEFAULT_LISTED_MESSAGES = 100

export const allSettings: readonly SettingName[] = settingSpecs.map(({ name }) => name)

/** Those of a peer that chats. */
export const chatSettings: readonly SettingName[] = namesOf(({ of }) => of !== 'directory')
const directorySettings = namesOf(({ of }) => of !== 'chat')

/** Of a node that only looks at the roster. */
const lookSettings: readonly SettingName[] = [
  'profile',
  'network',
  'directory',
  'defaultDirectories',
  'mdns',
  'proxy',
  'proxyExcept'
]

/** All that a command needs which opens no network. */
const onlyProfile: readonly SettingName[] = ['profile']

/** The commands, as they are typed after `parley`, and the settings that each takes. */
const settingsOfCommands = {
  parley: chatSettings,
  chat: chatSettings,
  send: chatSettings,
  log: onlyProfile,
  await: onlyProfile,
  search: onlyProfile,
  export: onlyProfile,
  forget: onlyProfile,
  contact: [],
  'contact list': onlyProfile,
  'contact rename': onlyProfile,
  'contact remove': onlyProfile,
  roster: lookSettings,
  doctor: [...lookSettings, 'port', 'host', 'relayVia'],
  directory: directorySettings,
  id: ['profile', 'network', 'name', 'port', 'host'],
  invite: chatSettings,
  share: [],
  'share add': onlyProfile,
  'share list': onlyProfile,
  'share remove': onlyProfile,
  browse: chatSettings,
  get: chatSettings,
  find: chatSettings,
  verify: lookSettings,
  status: onlyProfile,
  daemon: chatSettings,
  attach: onlyProfile,
  unlock: onlyProfile,
  profile: [],
  'profile protect': onlyProfile,
  'profile export': onlyProfile,
  'profile import': onlyProfile,
  config: allSettings,
  'config set': [],
  'config unset': [],
  demo: []
} as const satisfies Readonly<Record<string, readonly SettingName[]>>

export type CommandName = keyof typeof settingsOfCommands
export const commandNames: readonly string[] = Object.keys(settingsOfCommands)

/** Settings that mean something more to a command, and their help there. */
const settingHelp: Readonly<Partial<Record<CommandName, Readonly<Partial<Record<SettingName, string>>>>>> = {
  directory: { port: 'the TCP port to listen on; each port has a key of its own' }
}

interface RunOption {
  /** By which a command reads it: the name of the flag, without `no`. */
  readonly sets: string
  /** As it is typed: a switch, or a flag and the name of its value. */
  readonly flags: string
  readonly isRepeatable?: true
  /** The variable that gives it where the command line does not. */
  readonly env?: string
  /** The commands that take it, and its help there. */
  readonly of: Readonly<Partial<Record<CommandName, string>>>
}

/** The same help in each of these commands. */
const inEach = (commands: readonly CommandName[], help: string): RunOption['of'] =>
  Object.fromEntries(commands.map((command) => [command, help]))

/** In the order in which the help lists them, before the settings. */
const runOptions = [
  {
    sets: 'wait',
    flags: '--wait <SECONDS>',
    of: { send: `how long to wait for the receipt (default: ${DEFAULT_SEND_WAIT_SECONDS})` }
  },
  { sets: 'queue', flags: '--no-queue', of: { send: 'fail instead of queueing if it is not delivered in time' } },
  {
    sets: 'trustName',
    flags: '--trust-name',
    of: { send: 'PEER may be a nickname, even of a peer that is not a contact' }
  },
  {
    sets: 'since',
    flags: '--since <TIME>',
    of: { log: 'only from then on: 2026-11-22, 2026-11-22T10:00, or 2h, 3d ago' }
  },
  { sets: 'until', flags: '--until <TIME>', of: { log: 'only before then; a day is included' } },
  { sets: 'from', flags: '--from <PEER>', of: { await: 'only from this peer' } },
  { sets: 'match', flags: '--match <REGEXP>', of: { await: 'only a text that this regular expression matches' } },
  { sets: 'timeout', flags: '--timeout <TIME>', of: { await: 'give up after this time: 30 (seconds), 5m, 2h' } },
  { sets: 'text', flags: '--text', of: { export: 'lines for people (the default)' } },
  {
    sets: 'peer',
    flags: '--peer <PEER>',
    of: { search: 'only in the conversation with PEER', export: 'only the conversation with PEER' }
  },
  {
    sets: 'after',
    flags: '--after <POSITION>',
    of: { export: 'only what came after the message with this position' }
  },
  {
    sets: 'limit',
    flags: '--limit <NUMBER>',
    of: {
      log: `how many of them, the last ones (default: ${DEFAULT_LISTED_MESSAGES})`,
      search: `how many of them, the newest first (default: ${DEFAULT_LISTED_MESSAGES})`
    }
  },
  {
    sets: 'follow',
    flags: '--follow',
    of: { log: 'go on with each message that comes or is sent; one printed as waiting comes again when delivered' }
  },
  {
    sets: 'query',
    flags: '--query <TEXT>',
    of: { roster: 'those with TEXT in their nickname, or at the start of their peer ID' }
  },
  { sets: 'watch', flags: '--watch', of: { roster: 'keep running and print each change' } },
  {
    sets: 'http',
    flags: '--http <PORT>',
    env: 'PARLEY_HTTP',
    of: { directory: 'the port of the roster page; 0 for any that is free' }
  },
  { sets: 'http', flags: '--no-http', of: { directory: 'show no roster page' } },
  {
    sets: 'httpHost',
    flags: '--http-host <ADDRESS>',
    env: 'PARLEY_HTTP_HOST',
    of: { directory: 'serve the page on this IP address, not only on this machine' }
  },
  {
    sets: 'httpName',
    flags: '--http-name <NAME>',
    isRepeatable: true,
    env: 'PARLEY_HTTP_NAME',
    of: { directory: 'answer to this name too, as behind a reverse proxy; repeatable' }
  },
  { sets: 'confirm', flags: '--confirm', of: { verify: 'the numbers match: mark the peer as verified' } },
  { sets: 'undo', flags: '--undo', of: { verify: 'remove that mark' } },
  { sets: 'qr', flags: '--qr', of: { id: 'also as a QR code', verify: 'also print the number as a QR code' } },
  {
    sets: 'with',
    flags: '--with <WHOM>',
    isRepeatable: true,
    of: { 'share add': 'who sees it: contacts (the default), lan (contacts on the LAN), or a PEER; repeatable' }
  },
  { sets: 'searchable', flags: '--searchable', of: { 'share add': 'its files are found by words too' } },
  { sets: 'as', flags: '--as <NAME>', of: { 'share add': 'what others call it (default: the name of the folder)' } },
  { sets: 'wait', flags: '--wait', of: { find: 'go on asking, and print what turns up, until Ctrl-C' } },
  { sets: 'many', flags: '--many <N>', of: { invite: 'a code for N people, who do not become contacts' } },
  { sets: 'for', flags: '--for <TIME>', of: { invite: 'with --many, how long it is open: 2h, 3d (default: 1d)' } },
  { sets: 'list', flags: '--list', of: { invite: 'print the codes that are open' } },
  { sets: 'end', flags: '--end <NUMBER>', of: { invite: 'take a code back' } },
  { sets: 'install', flags: '--install', of: { daemon: 'run it as a service, from each login on' } },
  { sets: 'uninstall', flags: '--uninstall', of: { daemon: 'remove that service' } },
  { sets: 'stop', flags: '--stop', of: { daemon: 'end the daemon that runs on the profile' } },
  { sets: 'restart', flags: '--restart', of: { daemon: 'end it and start it anew, as after an update' } },
  {
    sets: 'remoteCommand',
    flags: '--remote-command <COMMAND>',
    of: { attach: 'how parley is called there (default: parley)' }
  },
  {
    sets: 'pipe',
    flags: '--pipe',
    of: { attach: 'the far end: pass bytes between this command and the node that runs here' }
  },
  { sets: 'remove', flags: '--remove', of: { 'profile protect': 'remove the passphrase' } },
  {
    sets: 'directoryPort',
    flags: '--directory-port <PORT>',
    of: { 'profile protect': 'the key of the directory on this port, not of a profile' }
  },
  {
    sets: 'recipient',
    flags: '--recipient <AGE1>',
    isRepeatable: true,
    of: { 'profile export': 'encrypt to this recipient of age, not to a passphrase; repeatable' }
  },
  {
    sets: 'identity',
    flags: '--identity <FILE>',
    of: { 'profile import': 'the identity file of age that opens it, when it was encrypted to a recipient' }
  },
  {
    sets: 'force',
    flags: '--force',
    of: {
      'profile export': 'replace FILE if it exists',
      'profile import': 'rename the profile that has this name, instead of refusing'
    }
  },
  { sets: 'yes', flags: '--yes', of: { 'contact remove': 'do not ask', forget: 'do not ask' } },
  {
    sets: 'ports',
    flags: '--ports <A,B,C>',
    of: { demo: `the ports of the directories (default: ${DEFAULT_DIRECTORY_PORTS.join(',')})` }
  },
  {
    sets: 'plain',
    flags: '--plain',
    of: inEach(['parley', 'chat', 'attach'], 'plain lines, also on a terminal: for screen readers')
  },
  {
    sets: 'passphraseFd',
    flags: '--passphrase-fd <N>',
    of: {
      ...inEach(
        ['parley', 'chat', 'send', 'invite', 'browse', 'get', 'find', 'log', 'await', 'directory', 'daemon', 'unlock'],
        'read the passphrase of the identity key from this file descriptor'
      ),
      'profile protect': 'read the present passphrase from this file descriptor',
      'profile export': 'read the passphrase for the file from this file descriptor',
      'profile import': 'read the passphrase of the file from this file descriptor'
    }
  },
  {
    sets: 'newPassphraseFd',
    flags: '--new-passphrase-fd <N>',
    of: { 'profile protect': 'read the new passphrase from this file descriptor' }
  },
  {
    sets: 'json',
    flags: '--json',
    of: {
      ...inEach(['parley', 'chat', 'attach'], 'one JSON object a line, in and out'),
      ...inEach(['log', 'search'], 'print one JSON object a message'),
      ...inEach(['contact list', 'contact rename', 'contact remove'], 'print one JSON object'),
      ...inEach(['doctor', 'id', 'verify', 'status', 'unlock', 'config'], 'print one JSON object'),
      ...inEach(['profile protect', 'profile export', 'profile import'], 'print one JSON object'),
      send: 'print the outcome as one JSON object',
      ...inEach(['share add', 'share list', 'share remove', 'browse'], 'print one JSON object'),
      ...inEach(['get', 'find'], 'print what happens as one JSON object a line'),
      invite: 'print what happens as one JSON object a line',
      await: 'print it as one JSON object',
      export: 'one JSON object a message',
      forget: 'print one JSON object that says how many',
      roster: 'print the roster as one JSON object a line',
      directory: 'print events as one JSON object a line',
      daemon: 'print its log as one JSON object a line'
    }
  }
] as const satisfies readonly RunOption[]

/** An option of one run, by what it sets. */
export type RunOptionName = (typeof runOptions)[number]['sets']

/** An option as one command takes it. */
export interface CommandOption {
  readonly sets: string
  readonly flags: string
  readonly help: string
  readonly isRepeatable: boolean
  /** The help does not list it: it is the other form of a switch that is listed. */
  readonly isUnlisted: boolean
}

/** All options of a command, in the order of its help. */
export function optionsOf(command: CommandName): readonly CommandOption[] {
  const settings: readonly SettingName[] = settingsOfCommands[command]
  return [
    ...runOptions.flatMap((option: RunOption) => {
      const { sets, flags, isRepeatable = false, env, of } = option
      const help = of[command]
      return help === undefined ? [] : [{ sets, flags, help: withVariable(help, env), isRepeatable, isUnlisted: false }]
    }),
    ...settingSpecs.filter(({ name }) => settings.includes(name)).flatMap((spec) => settingOptions(spec, command))
  ]
}

/** The flag of an option of one run. */
export function runFlagOf(name: RunOptionName): string {
  const option = runOptions.find(({ sets }) => sets === name)
  return option?.flags.split(' ')[0] ?? ''
}

/** The flag of a setting, as it is typed. @param value of a switch; default the one that is not its default */
export function flagOf(spec: SettingSpec, value: SettingValue = spec.byDefault !== true): string {
  const kebab = kebabCase(spec.name)
  return value === false ? `--no-${kebab}` : `--${kebab}`
}

/** A switch has two forms: what the file or the environment says can be turned on, and off, for one run. */
function settingOptions(spec: SettingSpec, command: CommandName): readonly CommandOption[] {
  const { name: sets, placeholder, byDefault, env } = spec
  const text = command === 'directory' ? spec.help : helpAmongAll(spec)
  const help = settingHelp[command]?.[sets] ?? (byDefault === true ? `do not ${text}` : text)
  const option = { sets, help: withVariable(help, env), isRepeatable: Array.isArray(byDefault), isUnlisted: false }
  if (placeholder !== undefined) return [{ ...option, flags: `${flagOf(spec)} <${placeholder}>` }]
  return [
    { ...option, flags: flagOf(spec) },
    { ...option, flags: flagOf(spec, byDefault === true), isUnlisted: true }
  ]
}

function withVariable(help: string, env: string | undefined): string {
  return env === undefined ? help : `${help} (env: ${env})`
}

function namesOf(isMeant: (spec: SettingSpec) => boolean): readonly SettingName[] {
  return settingSpecs.filter(isMeant).map(({ name }) => name)
}
