// `parley daemon`: the node of a profile without a face. It receives, delivers and
// serves until it is stopped; faces attach to it and leave it. What it prints is
// for a log: who it is, what became of the network, never the words of a message.
import type { Command } from 'commander'
import {
  exitCodes,
  isProfileHeld,
  loadConfig,
  loadProfileConfig,
  processNote,
  profileHolder,
  ProfileInUseError,
  UsageError,
  type Config,
  type ExitCode
} from '../../node/settings.ts'
import { serveFaces, serveWhileLocked, type RunningDaemon } from '../attach/index.ts'
import type { ChatApi } from '../chat-api/chat-api.ts'
import { waitForUnlock } from '../control/index.ts'
import { identityOf } from '../chat-commands/chat-commands.ts'
import { cleanText, escapedJson } from '../process/clean-text.ts'
import { DesktopNotices, notifyDesktop } from '../process/desktop-notification.ts'
import { untilAborted, writeLines, type CommandIo } from '../process/io.ts'
import { droppedText, LineOutput } from '../process/line-output.ts'
import { unlockerOf } from '../process/unlocking.ts'
import { DirectoryNews } from '../wording/directory-wording.ts'
import { addressesForOthers } from '../wording/identity-wording.ts'
import { type Flags, flagsOf, hasSwitch, onProfile, shellWord } from '../options/given-options.ts'
import {
  installService,
  isInstalled,
  remarksOn,
  restartService,
  servicePid,
  settledDaemon,
  startDaemon,
  type StartedDaemon,
  startService,
  stopService,
  uninstallService,
  untilDaemonIsGone,
  untilDaemonRuns
} from './daemon-service.ts'
import { daemonOptions } from './service-files.ts'
import { inBoundedTime, withChatNode } from './with-chat-node.ts'

export async function runDaemon(io: CommandIo, command: Command): Promise<ExitCode> {
  const init = { flags: flagsOf(command), env: io.env }
  // A daemon can be ended whatever its settings have become.
  if (hasSwitch(command, 'stop')) return stop(io, await loadProfileConfig(init))
  if (hasSwitch(command, 'uninstall')) return uninstallService(io, await loadProfileConfig(init))
  const config = await loadConfig(init)
  if (hasSwitch(command, 'install')) return install(io, config, flagsOf(command))
  if (hasSwitch(command, 'restart')) return restart(io, config, flagsOf(command))
  return serve(io, command, config)
}

async function serve(io: CommandIo, command: Command, config: Config): Promise<ExitCode> {
  const options = daemonOptions(flagsOf(command))
  const unlock = await unlockerOf({ io, command, wait: waitForUnlock({ io, config, asJson: false }) })
  const log = new DaemonLog(io, hasSwitch(command, 'json'))
  const desktop = desktopOf(io, config)
  const onFailure = (error: unknown): void => {
    const why = error instanceof Error ? error.message : String(error)
    log.report('notice', { code: 'no-faces', text: why }, `no-faces: no window can attach: ${why}`)
  }
  await withChatNode({
    config,
    interactive: false,
    unlock: async (locked) => {
      // Until it is open, the daemon can be found, and ended.
      const end = await serveWhileLocked({
        config,
        profile: locked.profile ?? config.settings.profile,
        daemon: { options },
        onFailure
      })
      try {
        return await unlock(locked)
      } finally {
        await end()
      }
    },
    prepare: (node) => {
      follow(node, log)
      node.events.addEventListener('message', ({ detail: { message, label, arrival } }) => {
        if (arrival === 'accepted') desktop?.came(message.peer, label, message.text)
      })
    },
    run: async (node, screens) => {
      const endFaces = await serveFaces({
        node,
        config,
        screens,
        daemon: { options },
        onCount: (faces) => {
          log.report('faces', { count: faces.all }, `${faces.all} attached`)
          if (desktop !== undefined) desktop.isQuiet = faces.attended > 0
        },
        onFailure
      })
      log.report('running', { ...identityOf(node) }, whoAmI(node))
      await untilAborted(io.interrupted)
      await inBoundedTime(endFaces())
      desktop?.stop()
    }
  })
  log.report('stopped', {}, '')
  return exitCodes.ok
}

function desktopOf({ env }: CommandIo, config: Config): DesktopNotices | undefined {
  const { notify } = config.settings
  if (notify === 'off') return undefined
  return new DesktopNotices({
    withTexts: notify === 'texts',
    tell: (title, text) => notifyDesktop(title, text, { env })
  })
}

function whoAmI(node: ChatApi): string {
  const { nickname, shortId, profile, addresses } = node.snapshot().self
  const [address = ''] = addressesForOthers(addresses)
  return `${nickname} (${shortId}), profile ${profile.name}, ${address}`
}

/** What the daemon reports: for people, or one JSON object a line. */
class DaemonLog {
  readonly #output: LineOutput
  readonly #isJson: boolean

  /** It serves whether its log is read, and can be written, or not. */
  constructor(io: CommandIo, isJson: boolean) {
    this.#isJson = isJson
    io.surviveOutputFailure(({ message }) =>
      writeLines(io.stderr, [`parley: ${message}. The daemon goes on; lines are dropped until then.`])
    )
    this.#output = new LineOutput({
      stream: io.stdout,
      droppedLines: (dropped, why) => [
        isJson
          ? escapedJson({ event: 'dropped', events: Object.fromEntries(dropped) })
          : `DROPPED ${droppedText(dropped, why)}`
      ]
    })
  }

  report(event: string, fields: Readonly<Record<string, unknown>>, text: string): void {
    const line = this.#isJson
      ? escapedJson({ event, ...fields })
      : `${event.toUpperCase()} ${cleanText(text)}`.trimEnd()
    this.#output.print([line], event)
  }
}

function follow(node: ChatApi, log: DaemonLog): void {
  const directories = new DirectoryNews()
  node.events.addEventListener('directory', ({ detail }) => {
    for (const text of directories.changed(detail, Date.now())) log.report('directory', { text }, text)
  })
  node.events.addEventListener('notice', ({ detail: { code, text } }) => {
    log.report('notice', { code, text }, `${code}: ${text}`)
  })
}

/** @returns `notRunning` when no daemon runs on the profile */
async function stop(io: CommandIo, config: Config): Promise<ExitCode> {
  const { profile } = config.settings
  const daemon = await settledDaemon(config, io.interrupted)
  if (daemon === undefined) {
    const holder = (await isProfileHeld(config)) ? `: a window has it${await holderNote(config)}` : ''
    writeLines(io.stdout, [`No daemon runs on the profile ${profile}${holder}.`])
    return exitCodes.notRunning
  }
  await endDaemon(io, config, daemon)
  writeLines(io.stdout, [`The daemon of the profile ${profile} has stopped. What waits to be sent is kept.`])
  return exitCodes.ok
}

/** A daemon that runs already makes room for the service, which has its own options. */
async function install(io: CommandIo, config: Config, flags: Flags): Promise<ExitCode> {
  const makeRoom = async (): Promise<void> => {
    const daemon = await settledDaemon(config, io.interrupted)
    if (daemon === undefined) await refuseWindow(config)
    else await endDaemon(io, config, daemon)
  }
  return installService(io, { config, flags, makeRoom })
}

async function restart(io: CommandIo, config: Config, flags: Flags): Promise<ExitCode> {
  const { profile } = config.settings
  const daemon = await settledDaemon(config, io.interrupted)
  const given = daemonOptions(flags)
  const isOfService = daemon === undefined ? isInstalled(config, io.env) : await isService(io, config, daemon)
  if (isOfService && given.length > 0) throw serviceOptionsError(config, given)
  let started: StartedDaemon | undefined
  if (daemon !== undefined && isOfService) await restartService(config, io.env)
  else {
    if (daemon !== undefined) await endDaemon(io, config, daemon)
    else await refuseWindow(config)
    // A service that was stopped comes back as one, with its own options.
    if (isOfService) await startService(config, io.env)
    else started = startDaemon(config, given.length > 0 ? given : (daemon?.options ?? []), io.env)
  }
  const next = await untilDaemonRuns(config, io.interrupted, started)
  writeLines(io.stdout, [`The daemon of the profile ${profile} runs. parley opens its chat.`, ...remarksOn(next)])
  return exitCodes.ok
}

/** The service starts with the options of its file: those of one restart would be gone at the next login. */
function serviceOptionsError(config: Config, given: readonly string[]): UsageError {
  const { profile } = config.settings
  const command = [onProfile('parley daemon', profile), '--install', ...given.map(shellWord)].join(' ')
  return new UsageError(
    `the daemon of the profile ${profile} is a service, which starts with the options that it was installed with: ` +
      `${command} installs it again with these, and --restart without options restarts it`
  )
}

/** @throws ProfileInUseError when a window has the profile */
async function refuseWindow(config: Config): Promise<void> {
  if (!(await isProfileHeld(config))) return
  const { profile } = config.settings
  throw new ProfileInUseError(`the profile ${profile} is in use by a window${await holderNote(config)}: close it first`)
}

async function holderNote(config: Config): Promise<string> {
  return processNote(await profileHolder(config))
}

/** The service manager has started it, and would start it again. */
async function isService(io: CommandIo, config: Config, { pid }: RunningDaemon): Promise<boolean> {
  return (await servicePid(config, io.env)) === pid
}

async function endDaemon(io: CommandIo, config: Config, daemon: RunningDaemon): Promise<void> {
  if (await isService(io, config, daemon)) await stopService(config, io.env)
  else process.kill(daemon.pid, 'SIGTERM')
  await untilDaemonIsGone(config, io.interrupted)
}
