// The daemon as a service of the user's own service manager: the file that
// systemd or launchd (macOS) reads, and the commands that start, stop and remove
// it. Words only: it writes no file and runs nothing.
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import {
  type Config,
  defaultProfile,
  exitCodes,
  packageFolder,
  settingSpecs,
  type SettingName,
  type SettingSpec
} from '../../node/settings.ts'
import type { Flags } from '../options/given-options.ts'
import { flagOf } from '../options/option-table.ts'

/** As in bin/parley, where its reason stands: a daemon is started without it. */
export const allocator = { MALLOC_ARENA_MAX: '2' } as const

/** The command that runs the daemon of this profile with these options: the program and its arguments. */
export function daemonCommand(
  { settings: { profile } }: Config,
  options: readonly string[]
): readonly [string, ...string[]] {
  const which = profile === defaultProfile ? [] : ['--profile', profile]
  return [process.execPath, join(packageFolder, 'bin', 'parley.js'), 'daemon', ...which, ...options]
}

/** The settings of a daemon as words of its command line, without its profile. */
export function daemonOptions(flags: Flags): readonly string[] {
  return settingSpecs.flatMap((spec) => (spec.name === 'profile' ? [] : optionWords(spec, flags[spec.name])))
}

function optionWords(spec: SettingSpec, value: Flags[SettingName]): string[] {
  if (value === undefined) return []
  if (typeof value === 'boolean') return [flagOf(spec, value)]
  return [value].flat().flatMap((one) => [flagOf(spec), one])
}

export interface Service {
  /** As the service manager knows it. */
  readonly name: string
  readonly file: string
  readonly text: string
  /** Fails when the service manager is not there; lets it read the file. */
  readonly look: readonly [string, ...string[]]
  /** Commands of the service manager, one after the other, when the service does not run. */
  readonly start: readonly (readonly [string, ...string[]])[]
  /** The first before its file is removed, the others afterwards. */
  readonly end: readonly [readonly [string, ...string[]], ...(readonly [string, ...string[]])[]]
  readonly restart: readonly [string, ...string[]]
  readonly stop: readonly [string, ...string[]]
  /** Prints the process ID of the daemon, as the service manager knows it, and perhaps more. */
  readonly pid: { readonly command: readonly [string, ...string[]]; readonly pattern: RegExp }
  /** What a person has to know of it. */
  readonly remarks: readonly string[]
}

/** https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html */
export function systemdUnit(config: Config, env: NodeJS.ProcessEnv, flags: Flags): Service {
  const { profile } = config.settings
  const name = profile === defaultProfile ? 'parley.service' : `parley-${profile}.service`
  const given = env['XDG_CONFIG_HOME']
  const configFolder = given !== undefined && isAbsolute(given) ? given : join(homedir(), '.config')
  const { usage, profileInUse } = exitCodes
  return {
    name,
    file: join(configFolder, 'systemd', 'user', name),
    text: [
      '[Unit]',
      `Description=Parley, peer-to-peer chat (profile ${escapeSpecifiers(profile)})`,
      'Documentation=man:systemd.service(5)',
      '',
      '[Service]',
      `ExecStart=${daemonCommand(config, daemonOptions(flags)).map(quoted).join(' ')}`,
      ...Object.entries(serviceVariables(env)).map(
        ([variable, value]) => `Environment=${quoted(`${variable}=${value}`)}`
      ),
      'Restart=always',
      'RestartSec=2',
      '# A wrong setting, or a profile that a window holds, is not mended by starting again.',
      `RestartPreventExitStatus=${usage} ${profileInUse}`,
      'NoNewPrivileges=yes',
      '',
      '[Install]',
      'WantedBy=default.target',
      ''
    ].join('\n'),
    look: ['systemctl', '--user', 'daemon-reload'],
    start: [['systemctl', '--user', 'enable', '--now', name]],
    end: [
      ['systemctl', '--user', 'disable', '--now', name],
      ['systemctl', '--user', 'daemon-reload']
    ],
    restart: ['systemctl', '--user', 'restart', name],
    stop: ['systemctl', '--user', 'stop', name],
    pid: { command: ['systemctl', '--user', 'show', '--property=MainPID', name], pattern: /^MainPID=(\d+)$/mu },
    remarks: [
      'It ends when you log out, unless lingering is on: loginctl enable-linger lets it run from the start of the machine.',
      `Its log: journalctl --user -u ${name}`
    ]
  }
}

/** The folders that a service would not find otherwise, and what the launcher sets. */
function serviceVariables({ XDG_DATA_HOME = '', XDG_CONFIG_HOME = '' }: NodeJS.ProcessEnv): Record<string, string> {
  return {
    ...(XDG_DATA_HOME === '' ? {} : { XDG_DATA_HOME }),
    ...(XDG_CONFIG_HOME === '' ? {} : { XDG_CONFIG_HOME }),
    ...allocator
  }
}

/** One word of a line of systemd, whatever it holds. */
function quoted(word: string): string {
  return `"${escapeSpecifiers(word)
    .replaceAll(/["\\]/gu, String.raw`\$&`)
    .replaceAll('$', '$$$$')}"`
}

function escapeSpecifiers(text: string): string {
  return text.replaceAll('%', '%%')
}

/** launchd.plist(5) */
export function launchAgent(config: Config, env: NodeJS.ProcessEnv, flags: Flags): Service {
  const { profile } = config.settings
  const name = `org.parley.${profile}`
  const file = join(homedir(), 'Library', 'LaunchAgents', `${name}.plist`)
  const words = daemonCommand(config, daemonOptions(flags)).map((word) => `    <string>${escapeXml(word)}</string>`)
  const variables = Object.entries(serviceVariables(env)).map(
    ([variable, value]) => `    <key>${variable}</key> <string>${escapeXml(value)}</string>`
  )
  const domain = `gui/${process.getuid?.() ?? ''}`
  return {
    name,
    file,
    text: [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
      '<plist version="1.0">',
      '<dict>',
      `  <key>Label</key> <string>${escapeXml(name)}</string>`,
      '  <key>ProgramArguments</key>',
      '  <array>',
      ...words,
      '  </array>',
      '  <key>EnvironmentVariables</key>',
      '  <dict>',
      ...variables,
      '  </dict>',
      '  <key>RunAtLoad</key> <true/>',
      '  <key>KeepAlive</key> <true/>',
      '</dict>',
      '</plist>',
      ''
    ].join('\n'),
    look: ['launchctl', 'print', domain],
    start: [['launchctl', 'bootstrap', domain, file]],
    end: [['launchctl', 'bootout', `${domain}/${name}`]],
    restart: ['launchctl', 'kickstart', '-k', `${domain}/${name}`],
    stop: ['launchctl', 'bootout', `${domain}/${name}`],
    pid: { command: ['launchctl', 'print', `${domain}/${name}`], pattern: /^\s*pid = (\d+)$/mu },
    remarks: ['This agent of launchd was written by the manual and has not been tried on macOS.']
  }
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
