// A server program on a host of the test Internet, in a folder of its own that goes with it.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { patienceMs } from '../fault/json-parley.ts'
import { untilListening } from './listening.ts'

export interface ServerProgramInit {
  /** Holds its configuration; removed when it stops. */
  readonly folder: string
  readonly command: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly port: number
}

export class ServerProgram {
  readonly #folder: string
  readonly #process: ChildProcess

  private constructor(folder: string, process: ChildProcess) {
    this.#folder = folder
    this.#process = process
  }

  /** Resolves when it listens. */
  static async start({
    folder,
    command: [command = '', ...rest],
    env,
    port
  }: ServerProgramInit): Promise<ServerProgram> {
    const child = spawn(command, rest, { stdio: 'ignore', ...(env === undefined ? {} : { env }) })
    const program = new ServerProgram(folder, child)
    try {
      await untilListening(child.pid ?? 0, port, patienceMs)
      return program
    } catch (error) {
      await program.stop()
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
