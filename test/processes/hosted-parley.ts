// One run of the built program within the process of the test, which starts in a
// sixth of the time of a process of its own. For what a command says, does and
// ends with. What takes a process stays one: signals, kills, terminals, and what
// bin/parley.js does before and after the command.
import { enableCompileCache, createRequire } from 'node:module'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { runCommandLine } from '../../src/cli/main.ts'
import { ParleyRun, type Ended } from './parley-run.ts'

interface Program {
  readonly runCommandLine: typeof runCommandLine
}

const root = join(import.meta.dirname, '..', '..')
// The scripts are plain JavaScript.
const { buildIfStale } = (await import(new URL('../../scripts/build.js', import.meta.url).href)) as {
  readonly buildIfStale: () => Promise<string>
}
let program: Promise<Program> | undefined

/** The program as it was built, and not its sources: loaded once in each process of the tests, by Node itself. */
async function builtProgram(): Promise<Program> {
  const folder = await buildIfStale()
  enableCompileCache(join(root, 'dist', 'compile-cache'))
  return createRequire(import.meta.url)(join(folder, 'cli', 'main.js')) as Program
}

export interface HostedParleyInit {
  /** For failures: `anna`, `directory 2`. */
  readonly name: string
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited. */
  readonly env: NodeJS.ProcessEnv
}

export class HostedParley extends ParleyRun {
  readonly #stdin = new PassThrough()
  readonly #interruption = new AbortController()
  readonly #ended: Promise<Ended>

  constructor({ name, args, env }: HostedParleyInit) {
    super(name)
    this.#ended = this.#run(args, env)
    this.#ended.catch(() => undefined) // ended() throws it
  }

  override type(line: string): void {
    this.#stdin.write(`${line}\n`)
  }

  override endInput(text = ''): void {
    this.#stdin.end(text)
  }

  /** As a signal that asks it to end. */
  async interrupt(): Promise<void> {
    this.#interruption.abort(new Error('interrupted by the test'))
    await this.#ended
  }

  protected override get end(): Promise<Ended> {
    return this.#ended
  }

  async #run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
    const startedAtMs = performance.now()
    try {
      program ??= builtProgram()
      const io = {
        stdin: this.#stdin,
        stdout: this.#written('stdout'),
        stderr: this.#written('stderr'),
        env,
        interrupted: this.#interruption.signal,
        surviveOutputFailure: () => undefined
      }
      const code = await (await program).runCommandLine(io, args)
      await Promise.all([io.stdout, io.stderr].map(async (stream) => drained(stream)))
      this.output.end(`ended (exit code ${code})`)
      return { code, signal: null, tookMs: performance.now() - startedAtMs }
    } catch (error) {
      this.output.end(`ended (${String(error)})`)
      throw error
    }
  }

  #written(name: 'stdout' | 'stderr'): PassThrough {
    const stream = new PassThrough()
    stream.setEncoding('utf8').on('data', (chunk: string) => this.output.append(name, chunk))
    return stream
  }
}

/** Resolves when all that was written has been read. */
async function drained(stream: PassThrough): Promise<void> {
  await new Promise<void>((resolve) => stream.once('end', () => resolve()).end())
}
