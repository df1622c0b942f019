// One network of namespaces with real commands on its hosts, and `parley doctor` on one of
// them. Whatever a set-up starts ends with its stage.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DoctorCause, DoctorFinding } from '../../src/node/api/doctor-report.ts'
import { JsonParley, patienceMs, randomNetwork } from '../fault/json-parley.ts'
import { Internet, type SiteInit } from '../netns/internet.ts'
import { Lan, type LanInit } from '../netns/lan.ts'
import { untilListening } from '../netns/listening.ts'
import { homeEnv } from '../processes/homes.ts'
import { entryPoint, nodePath } from '../processes/parley-process.ts'

const run = promisify(execFile)

/** The port of peers that a set-up starts, unless it says otherwise. */
export const peerPort = 4001

export const directoryPort = 8000

/** A host of either kind of network. */
export interface StageHost {
  readonly address: string
  readonly wrapper: readonly string[]
}

type Finding = Omit<DoctorFinding, 'isLikely'> & { readonly likely: boolean }

export interface Examined {
  readonly findings: readonly Finding[]
  readonly code: number
  /** From the command to its answer; its end comes later. */
  readonly tookMs: number
}

/** What an answer may take, with the start of the command. */
export const EXAMINED_WITHIN_MS = 8_000

export class Stage {
  readonly network = randomNetwork()
  readonly #homes = new Map<string, string>()
  readonly #running: JsonParley[] = []
  readonly #ending: (() => unknown)[] = []

  async lan(init: LanInit): Promise<Lan> {
    const lan = await Lan.create(init)
    this.#ending.push(async () => lan.remove())
    return lan
  }

  async internet(sites: readonly SiteInit[]): Promise<Internet> {
    const internet = await Internet.create(sites)
    this.#ending.push(async () => internet.remove())
    return internet
  }

  /** A directory; how others name it is returned. */
  async directory(
    host: StageHost,
    { port = directoryPort, network = this.network, nodeOptions = '' } = {}
  ): Promise<string> {
    const args = ['directory', '--port', String(port), '--no-mdns', '--no-http']
    const started = await this.#spawn(host, { args, network, nodeOptions, home: await this.#home() })
    await untilListening(started.pid, port, patienceMs)
    return `${host.address}:${port}`
  }

  /** A peer that runs. Doctor on the same host with the same `home` asks it. */
  async peer(host: StageHost, name: string, args: readonly string[] = []): Promise<JsonParley> {
    const home = await this.home(name)
    const options = ['--name', name, '--port', String(peerPort), ...args]
    const started = await this.#spawn(host, { args: options, network: this.network, nodeOptions: '', home })
    await started.ready()
    return started
  }

  async home(name: string): Promise<string> {
    const home = this.#homes.get(name) ?? (await this.#home())
    this.#homes.set(name, home)
    return home
  }

  /** Runs `parley doctor` with these arguments. @param options.home of a peer that runs there, else one of its own */
  async doctor(
    host: StageHost,
    args: readonly string[] = [],
    { home = '', path = '', nodeOptions = '' } = {}
  ): Promise<Examined> {
    const env = homeEnv(home === '' ? await this.#home() : home, this.network)
    const [command = '', ...rest] = host.wrapper
    const startedAtMs = performance.now()
    const child = run(command, [...rest, nodePath, entryPoint, 'doctor', '--json', ...args], {
      env: {
        ...env,
        ...(path === '' ? {} : { PATH: `${path}:${env['PATH'] ?? ''}` }),
        ...(nodeOptions === '' ? {} : { NODE_OPTIONS: nodeOptions })
      }
    })
    let tookMs = Number.NaN
    child.child.stdout?.once('data', () => (tookMs = performance.now() - startedAtMs))
    const { stdout, code } = await child.then(
      (ended) => ({ stdout: ended.stdout, code: 0 }),
      (error: unknown) => outcomeOf(error)
    )
    const json = JSON.parse(stdout) as { readonly findings: readonly Finding[] }
    return { findings: json.findings, code, tookMs }
  }

  /** Runs a command of a shell on the host. */
  async shell(host: StageHost, script: string): Promise<string> {
    const [command = '', ...rest] = host.wrapper
    return (await run(command, [...rest, 'sh', '-ec', script])).stdout
  }

  /** A program that runs until the stage ends. */
  onEnd(end: () => unknown): void {
    this.#ending.unshift(end)
  }

  async end(): Promise<void> {
    await Promise.all(this.#running.splice(0).map(async (one) => one.stop()))
    for (const end of this.#ending.splice(0)) await end()
    await Promise.all([...this.#homes.values()].map(async (home) => rm(home, { recursive: true, force: true })))
  }

  async #spawn(
    { wrapper }: StageHost,
    init: {
      readonly args: readonly string[]
      readonly network: string
      readonly nodeOptions: string
      readonly home: string
    }
  ): Promise<JsonParley> {
    const { args, network, nodeOptions, home } = init
    const options = nodeOptions === '' ? {} : { nodeOptions }
    const started = await JsonParley.spawn({ wrapper, secluded: false, network, args, home, ...options })
    this.#running.push(started)
    return started
  }

  async #home(): Promise<string> {
    const home = await mkdtemp(join(tmpdir(), 'parley-doctor-'))
    this.onEnd(async () => rm(home, { recursive: true, force: true }))
    return home
  }
}

/** The causes that were named as problems. */
export function causesOf({ findings }: Examined): readonly DoctorCause[] {
  return findings.filter(({ verdict }) => verdict === 'problem').map(({ cause }) => cause)
}

/** @throws with all that is known, when it has ended without an answer */
function outcomeOf(error: unknown): { readonly stdout: string; readonly code: number } {
  if (!(error instanceof Error && 'stdout' in error && 'stderr' in error && 'code' in error)) throw error
  const { stdout, stderr, code } = error
  if (typeof code === 'number' && String(stdout) !== '') return { stdout: String(stdout), code }
  const signal = 'signal' in error ? String(error.signal) : 'none'
  const end = `exit code ${String(code)}, signal ${signal}`
  throw new Error(`doctor gave no answer (${end}); it printed: ${String(stdout)}${String(stderr)}`, { cause: error })
}
