// One real `parley` process on pipes: what is typed into it, what it prints, how
// it ends. It knows how to start the command and how to be rid of it, and
// nothing of what the command does.
import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { endAtExit } from './ending.ts'
import { ParleyRun, type Ended } from './parley-run.ts'

const root = join(import.meta.dirname, '..', '..')
const broughtNode = join(root, 'node_modules', '.bin', 'node')
/** The Node that `npm ci` brings; where there is none for the platform, the one that runs the tests. */
export const nodePath = existsSync(broughtNode) ? broughtNode : process.execPath
export const entryPoint = join(root, 'bin', 'parley.js')

/** Nothing outlives the tests, however they end. */
const running = new Set<ChildProcess>()
endAtExit(() => {
  for (const child of running) child.kill('SIGKILL')
})

export interface ParleyProcessInit {
  /** For failures: `anna`, `directory 2`. */
  readonly name: string
  readonly args: readonly string[]
  /** The whole environment: nothing is inherited. */
  readonly env: NodeJS.ProcessEnv
  /** Another program to start it with, such as `ip netns exec lan1`. */
  readonly via?: readonly string[]
  readonly node?: string
}

export class ParleyProcess extends ParleyRun {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<Ended>
  #isOver = false

  constructor({ name, args, env, via = [], node = nodePath }: ParleyProcessInit) {
    super(name)
    const startedAtMs = performance.now()
    const [program = node, ...rest] = [...via, node, entryPoint, ...args]
    this.#child = spawn(program, rest, { env, stdio: 'pipe' })
    const { stdin, stdout, stderr } = this.#child
    stdin.on('error', () => undefined) // it has ended: shows() and ended() say so
    stdout.setEncoding('utf8').on('data', (chunk: string) => this.output.append('stdout', chunk))
    stderr.setEncoding('utf8').on('data', (chunk: string) => this.output.append('stderr', chunk))
    running.add(this.#child)
    this.#ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        this.#isOver = true
        running.delete(this.#child)
        this.output.end(`ended (${signal ?? `exit code ${code}`})`)
        resolve({ code, signal, tookMs: performance.now() - startedAtMs })
      })
    })
    this.#ended.catch(() => undefined) // ended() throws it
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  override type(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  override endInput(text = ''): void {
    this.#child.stdin.end(text)
  }

  protected override get end(): Promise<Ended> {
    return this.#ended
  }

  /** Sends a signal to this process alone. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    if (!this.#isOver) this.#child.kill('SIGKILL')
    await this.#ended
  }
}
