// What one test needs around its processes: a network that nobody else is on,
// homes that no user has, free ports, and an end at which all of it is gone.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { endAtExit, killProcessesIn } from './ending.ts'
import { HostedParley } from './hosted-parley.ts'
import { nodePath, ParleyProcess } from './parley-process.ts'
import type { Ended, ParleyRun } from './parley-run.ts'
import { Terminal, type TerminalInit } from './terminal.ts'
import { secludedEnv } from './homes.ts'

export interface StartOptions {
  /** Processes of one home share profiles; the default is a home of the process's own. */
  readonly home?: string
  /** For failures; the default is the command line. */
  readonly name?: string
  readonly env?: NodeJS.ProcessEnv
  readonly via?: readonly string[]
  readonly node?: string
}

export type HostOptions = Pick<StartOptions, 'home' | 'name' | 'env'>

export interface Finished extends Ended {
  readonly stdout: string
  readonly stderr: string
  /** All output and how it ended, for a failure. */
  readonly told: string
}

/** Each waits for some seconds. */
const triesOfBusyDaemon = 10

/** Processes that start at the same time must not all find stale sources and build them. */
let built: Promise<unknown> | undefined
const buildOnce = async (): Promise<unknown> =>
  promisify(execFile)(nodePath, [join(import.meta.dirname, '..', '..', 'scripts', 'build.js'), '--if-stale'])

export class TestBed implements AsyncDisposable {
  readonly network = `test-${randomBytes(6).toString('hex')}`
  readonly folder: string
  readonly #processes: ParleyProcess[] = []
  readonly #hosted: HostedParley[] = []
  readonly #terminals: Terminal[] = []
  readonly #cleanups: (() => unknown)[] = []
  readonly #staysAtExit: () => void
  #homes = 0

  static async make(): Promise<TestBed> {
    built ??= buildOnce()
    await built
    return new TestBed(await mkdtemp(join(tmpdir(), 'parley-test-')))
  }

  private constructor(folder: string) {
    this.folder = folder
    this.#staysAtExit = endAtExit(() => killProcessesIn(folder))
  }

  /** The path of a new home; it is made when something is started in it. */
  home(): string {
    return join(this.folder, `home-${++this.#homes}`)
  }

  /** What a process of this test sees of the world, and nothing else: loopback, no mDNS, no page, this test's network. */
  env(home: string): NodeJS.ProcessEnv {
    return { ...secludedEnv(home, this.network), PARLEY_HTTP: 'off' }
  }

  /** Starts `parley` on pipes. */
  async start(args: readonly string[], options: StartOptions = {}): Promise<ParleyProcess> {
    const { home = this.home(), name = `parley ${args.join(' ')}`, env = {}, ...rest } = options
    await mkdir(home, { recursive: true })
    const parley = new ParleyProcess({ ...rest, name, args, env: { ...this.env(home), ...env } })
    this.#processes.push(parley)
    return parley
  }

  /** Starts `parley` within this process: see {@link HostedParley}. */
  async host(args: readonly string[], options: HostOptions = {}): Promise<HostedParley> {
    const { home = this.home(), name = `parley ${args.join(' ')}`, env = {} } = options
    await mkdir(home, { recursive: true })
    const parley = new HostedParley({ name, args, env: { ...this.env(home), ...env } })
    this.#hosted.push(parley)
    return parley
  }

  /** Starts `parley` in a real terminal. */
  async terminal(
    args: readonly string[],
    options: Pick<StartOptions, 'home' | 'name' | 'env'> & Pick<TerminalInit, 'size' | 'within'> = {}
  ): Promise<Terminal> {
    const { home = this.home(), name = `parley ${args.join(' ')}`, env = {}, ...rest } = options
    await mkdir(home, { recursive: true })
    const terminal = await Terminal.open({
      ...rest,
      name,
      args,
      env: { ...this.env(home), ...env },
      folder: this.folder
    })
    this.#terminals.push(terminal)
    return terminal
  }

  /** Runs `parley` to its end. */
  async run(
    args: readonly string[],
    options: StartOptions & { input?: string; timeoutMs?: number } = {}
  ): Promise<Finished> {
    const { input, timeoutMs, ...rest } = options
    return finished(await this.start(args, rest), input, timeoutMs)
  }

  /**
   * Runs `parley daemon` with these words to its end: again where it says that the daemon may be busy and to try again,
   * as on a busy machine it may be.
   */
  async runDaemon(words: readonly string[], options: StartOptions = {}): Promise<Finished> {
    for (let tries = 1; ; tries++) {
      const run = await this.run(['daemon', ...words], options)
      const isToTryAgain = run.code === exitCodes.profileInUse && /try again/iu.test(run.stderr)
      if (!isToTryAgain || tries === triesOfBusyDaemon) return run
    }
  }

  /** Runs `parley` to its end, within this process. */
  async command(args: readonly string[], options: HostOptions & { input?: string } = {}): Promise<Finished> {
    const { input, ...rest } = options
    return finished(await this.host(args, rest), input)
  }

  /** Starts a directory and waits until it listens. */
  async directory(port: number, options: StartOptions = {}): Promise<ParleyProcess> {
    const directory = await this.start(['directory', '--port', String(port)], { name: `directory ${port}`, ...options })
    await directory.shows(/^directory .*listening on /u)
    return directory
  }

  /** A directory within this process, when it listens. */
  async hostDirectory(port: number, options: HostOptions = {}): Promise<HostedParley> {
    const directory = await this.host(['directory', '--port', String(port)], {
      name: `directory ${port}`,
      ...options
    })
    await directory.shows(/^directory .*listening on /u)
    return directory
  }

  /** Something to be undone at the end, before the folder goes. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup)
  }

  /** Kills what still runs and removes every file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([
      ...[...this.#processes, ...this.#terminals].map(async (one) => one.kill()),
      ...this.#hosted.map(async (one) => one.interrupt())
    ])
    await Promise.allSettled(this.#cleanups.map(async (cleanup) => cleanup()))
    // A daemon that a failed test has not stopped.
    killProcessesIn(this.folder)
    this.#staysAtExit()
    await rm(this.folder, { recursive: true, force: true })
  }
}

async function finished(parley: ParleyRun, input?: string, timeoutMs?: number): Promise<Finished> {
  parley.endInput(input)
  const ended = await parley.ended(timeoutMs)
  const how = ended.signal ?? `exit code ${ended.code}`
  const told = `${parley.output.describe()}\n--- ${how} after ${Math.round(ended.tookMs)} ms`
  return { ...ended, stdout: parley.stdout, stderr: parley.stderr, told }
}
