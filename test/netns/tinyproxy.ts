// A real HTTP proxy (tinyproxy) on a host of the test Internet.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { patienceMs } from '../fault/json-parley.ts'
import { untilListening } from './listening.ts'

const program = '/usr/bin/tinyproxy'

export const proxyPort = 3128

/** Why there is no such proxy here; undefined when there is one. */
export async function whyNoTinyproxy(): Promise<string | undefined> {
  try {
    await promisify(execFile)(program, ['-v'])
    return undefined
  } catch {
    return 'no tinyproxy here'
  }
}

export interface TinyproxyInit {
  /** Goes before a command that is to run on its host. */
  readonly wrapper: readonly string[]
  /** The one port that it connects to. */
  readonly connectPort: number
  /** A name and a password, with a space between them; default anyone may use it. */
  readonly login?: string
}

export class Tinyproxy {
  readonly #folder: string
  readonly #process: ChildProcess

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder
    this.#process = process
  }

  static async start({ wrapper, connectPort, login }: TinyproxyInit): Promise<Tinyproxy> {
    const folder = await mkdtemp(join(tmpdir(), 'parley-proxy-'))
    const file = join(folder, 'tinyproxy.conf')
    const lines = [
      `Port ${proxyPort}`,
      'Timeout 600',
      `LogFile "${join(folder, 'log')}"`,
      'MaxClients 50',
      `ConnectPort ${connectPort}`,
      ...(login === undefined ? [] : [`BasicAuth ${login}`])
    ]
    await writeFile(file, `${lines.join('\n')}\n`)
    const [command, ...rest] = [...wrapper, program, '-d', '-c', file]
    const proxy = new Tinyproxy(folder, spawn(command, rest, { stdio: 'ignore' }))
    try {
      await untilListening(proxy.#process.pid ?? 0, proxyPort, patienceMs)
      return proxy
    } catch (error) {
      await proxy.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM')
      await once(this.#process, 'exit')
    }
    await rm(this.#folder, { recursive: true, force: true })
  }
}
