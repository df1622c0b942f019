// How a daemon is started and ended: as a process of its own, which outlives the
// terminal, or by the service manager of the user (systemd, or launchd on macOS),
// for which it is installed as a service. It never asks for more rights than the
// user's own.
import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Config,
  exitCodes,
  type ExitCode,
  isProfileHeld,
  ParleyError,
  processNote,
  profileHolder
} from '../../node/settings.ts'
import { daemonAt, faceSocket, type RunningDaemon } from '../attach/index.ts'
import { runningParley } from '../control/index.ts'
import { writeLines, type CommandIo } from '../process/io.ts'
import { onProfile, type Flags } from '../options/given-options.ts'
import { allocator, daemonCommand, launchAgent, type Service, systemdUnit } from './service-files.ts'

/** A daemon starts within seconds; one that waits for its lock, or says goodbye to many, takes longer. */
const DAEMON_WAIT_MS = 20_000

/** How often it is looked for. */
const DAEMON_POLL_MS = 100

/** The daemon did not start, or did not end, in time. */
class DaemonWaitError extends ParleyError {
  override readonly name = 'DaemonWaitError'
  override readonly exitCode = exitCodes.profileInUse
}

/** A daemon that this process has started. */
export interface StartedDaemon {
  /** How it has ended; undefined while it runs. */
  end(): string | undefined
}

/** Starts it in a session of its own, without a terminal. @param options see {@link daemonOptions} */
export function startDaemon(config: Config, options: readonly string[], env: NodeJS.ProcessEnv): StartedDaemon {
  const [program, ...args] = daemonCommand(config, options)
  const daemon = spawn(program, args, { detached: true, stdio: 'ignore', cwd: '/', env: { ...allocator, ...env } })
  let end: string | undefined
  daemon.once('error', ({ message }) => (end = message))
  daemon.once('exit', (code, signal) => (end = code === null ? `signal ${signal}` : `exit code ${code}`))
  daemon.unref()
  return { end: () => end }
}

/**
 * @param started the daemon, where this process has started it
 * @throws DaemonWaitError; the signal's reason
 */
export async function untilDaemonRuns(
  config: Config,
  signal: AbortSignal,
  started?: StartedDaemon
): Promise<RunningDaemon> {
  const { profile } = config.settings
  const hint = `${onProfile('parley daemon', profile)} in this terminal shows why`
  return polled(
    async () => {
      const end = started?.end()
      const daemon = await daemonAt(config, signal).catch(() => undefined)
      if (daemon === undefined && end !== undefined)
        throw new DaemonWaitError(`the daemon ended at once (${end}): ${hint}`)
      return daemon
    },
    { signal, late: (seconds) => `the daemon did not start within ${seconds} s: ${hint}` }
  )
}

/**
 * The daemon on the profile. A process that holds the profile and answers nowhere is a daemon that has just been
 * unlocked, or any parley that starts or ends: this waits until it is known which.
 *
 * @returns undefined when no daemon runs: the profile is free, or a window or another command has it
 * @throws DaemonWaitError; the signal's reason
 */
export async function settledDaemon(config: Config, signal: AbortSignal): Promise<RunningDaemon | undefined> {
  const { profile } = config.settings
  const holder = processNote(await profileHolder(config))
  const { daemon } = await polled(
    async () => {
      if (await hasFaces(config, signal)) return { daemon: await daemonAt(config, signal) }
      const isSettled = !(await isProfileHeld(config)) || (await isCommand(config, signal))
      return isSettled ? { daemon: undefined } : undefined
    },
    {
      signal,
      late: (seconds) => `the parley that has the profile ${profile}${holder} did not answer within ${seconds} s`
    }
  )
  return daemon
}

/** Daemons and windows serve faces; commands don't. */
async function hasFaces(config: Config, signal: AbortSignal): Promise<boolean> {
  const socket = await faceSocket(config, signal)
  socket?.destroy()
  return socket !== undefined
}

/** A command has the profile until it ends by itself, such as `parley send`. */
async function isCommand(config: Config, signal: AbortSignal): Promise<boolean> {
  const parley = await runningParley(config, { signal, mayBeLocked: true }).catch(() => undefined)
  parley?.close()
  return parley?.ready['command'] !== undefined
}

/**
 * It is gone when the profile is free: until then the next one would find it in use.
 *
 * @throws DaemonWaitError; the signal's reason
 */
export async function untilDaemonIsGone(config: Config, signal: AbortSignal): Promise<void> {
  await polled(async () => ((await isProfileHeld(config)) ? undefined : true), {
    signal,
    late: (seconds) => `the daemon did not end within ${seconds} s: it may be saying goodbye to many; try again`
  })
}

async function polled<T>(
  look: () => Promise<T | undefined>,
  { signal, late }: { readonly signal: AbortSignal; readonly late: (seconds: number) => string }
): Promise<T> {
  const startedAtMs = performance.now()
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() - startedAtMs > DAEMON_WAIT_MS) throw new DaemonWaitError(late(DAEMON_WAIT_MS / 1000))
    await sleep(DAEMON_POLL_MS, undefined, { signal })
  }
}

/** What a person has to know of a daemon that has just been started. */
export function remarksOn({ isLocked }: RunningDaemon): readonly string[] {
  return isLocked ? ['It waits for the passphrase of its key: parley unlock asks for it.'] : []
}

/** A service manager answers within seconds. */
const SERVICE_TIMEOUT_MS = 20_000

/** The service manager is not there, or refused. */
class ServiceError extends ParleyError {
  override readonly name = 'ServiceError'
  override readonly exitCode = exitCodes.unexpected
}

/** The file of the service can't be written. */
class ServiceFileError extends ParleyError {
  override readonly name = 'ServiceFileError'
  override readonly exitCode = exitCodes.storage
}

/** @param makeRoom ends the daemon that runs on the profile; it is called when the service manager is known to answer */
export async function installService(
  io: CommandIo,
  {
    config,
    flags,
    makeRoom
  }: { readonly config: Config; readonly flags: Flags; readonly makeRoom: () => Promise<void> }
): Promise<ExitCode> {
  const service = serviceOf(config, io.env, flags)
  const before = await readFile(service.file, 'utf8').catch(() => undefined)
  try {
    await mkdir(dirname(service.file), { recursive: true })
    await writeFile(service.file, service.text, { mode: 0o644 })
  } catch (error) {
    const hint = 'give its folder write permission, or run parley daemon under another supervisor'
    throw new ServiceFileError(`${service.file} can't be written: ${hint}`, { cause: error })
  }
  writeLines(io.stdout, [`Written: ${service.file}`])
  try {
    await run(service.look, io.env)
    await makeRoom()
    for (const command of service.start) await run(command, io.env)
  } catch (error) {
    await (before === undefined ? rm(service.file, { force: true }) : writeFile(service.file, before))
    writeLines(
      io.stdout,
      before === undefined
        ? [
            `Removed again: ${service.file}`,
            `Without a service: ${onProfile('parley daemon --restart', config.settings.profile)} starts the daemon in the background.`
          ]
        : [`As it was before: ${service.file}`]
    )
    throw error
  }
  const daemon = await untilDaemonRuns(config, io.interrupted)
  writeLines(io.stdout, [
    `The daemon of the profile ${config.settings.profile} runs now, and starts when you log in.`,
    ...remarksOn(daemon),
    ...service.remarks
  ])
  return exitCodes.ok
}

export async function uninstallService(io: CommandIo, config: Config): Promise<ExitCode> {
  const service = serviceOf(config, io.env)
  const [stop, ...afterwards] = service.end
  await run(stop, io.env).catch(() => undefined) // it may not have been installed
  await rm(service.file, { force: true })
  for (const command of afterwards) await run(command, io.env).catch(() => undefined)
  const other = await daemonAt(config, io.interrupted).catch(() => undefined)
  writeLines(io.stdout, [
    `The daemon of the profile ${config.settings.profile} is no service any more: ${service.file} is removed.`,
    'Its messages and its identity are kept: parley opens the chat as before.',
    ...(other === undefined ? [] : ['A daemon that was started otherwise still runs: parley daemon --stop ends it.'])
  ])
  return exitCodes.ok
}

/** Whether the service manager has a file of it. */
export function isInstalled(config: Config, env: NodeJS.ProcessEnv): boolean {
  return existsSync(serviceOf(config, env).file)
}

export async function startService(config: Config, env: NodeJS.ProcessEnv): Promise<void> {
  for (const command of serviceOf(config, env).start) await run(command, env)
}

/** The process of the service, as the service manager knows it; undefined when it runs none, or is not there. */
export async function servicePid(config: Config, env: NodeJS.ProcessEnv): Promise<number | undefined> {
  const { command, pattern } = serviceOf(config, env).pid
  const output = await run(command, env).catch(() => '')
  const pid = Number(pattern.exec(output)?.[1])
  return pid > 0 ? pid : undefined
}

export async function stopService(config: Config, env: NodeJS.ProcessEnv): Promise<void> {
  await run(serviceOf(config, env).stop, env)
}

export async function restartService(config: Config, env: NodeJS.ProcessEnv): Promise<void> {
  await run(serviceOf(config, env).restart, env)
}

/** @param flags options that the daemon is to be given at each start */
function serviceOf(config: Config, env: NodeJS.ProcessEnv, flags: Flags = {}): Service {
  return process.platform === 'darwin' ? launchAgent(config, env, flags) : systemdUnit(config, env, flags)
}

/** @returns what the command prints */
async function run([program, ...args]: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  execFile(program, args, { timeout: SERVICE_TIMEOUT_MS, env }, (error, stdout, stderr) => {
    if (error === null) return resolve(stdout)
    const line = [program, ...args].join(' ')
    const why =
      error.code === 'ENOENT' ? `there is no ${program} here` : stderr.trim().split('\n').at(-1) || error.message
    const hint = 'parley daemon runs it in this terminal, or under another supervisor'
    reject(new ServiceError(`${line} failed: ${why}. ${hint}`, { cause: error }))
  })
  return promise
}
