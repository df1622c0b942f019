// One real `parley` process on pipes: what is typed into it, what it prints, how
// it ends. It knows how to start the command and how to be rid of it, and
// nothing of what the command does.
import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultDeadlineMs, OutputLog, type Shown } from './output-log.ts'

const root = join(import.meta.dirname, '..', '..')
const broughtNode = join(root, 'node_modules', '.bin', 'node')
/** The Node that `npm ci` brings; where there is none for the platform, the one that runs the tests. */
export const nodePath = existsSync(broughtNode) ? broughtNode : process.execPath
export const entryPoint = join(root, 'bin', 'parley.js')

/** Nothing outlives the tests, however they end. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
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

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** From start to end. */
  readonly tookMs: number
}

/** What `parley --json` prints; its fields are for the test to look at. */
export type JsonEvent = Readonly<Record<string, unknown>> & { readonly event: string }

export class ParleyProcess {
  readonly name: string
  readonly output: OutputLog
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<Ended>
  #isOver = false
  /** Lines before this one have been waited for. */
  #seen = 0

  constructor({ name, args, env, via = [], node = nodePath }: ParleyProcessInit) {
    this.name = name
    this.output = new OutputLog(name)
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

  get stdout(): string {
    return this.output.lines('stdout').join('\n')
  }

  get stderr(): string {
    return this.output.lines('stderr').join('\n')
  }

  /** Types a line. */
  type(line: string): void {
    this.#child.stdin.write(`${line}\n`)
  }

  /** Writes to standard input as it is and ends it. */
  endInput(text = ''): void {
    this.#child.stdin.end(text)
  }

  /**
   * Waits for a line that comes after the one that was waited for last.
   *
   * @throws NotShownError
   */
  async shows(pattern: RegExp, timeoutMs = defaultDeadlineMs): Promise<Shown> {
    const shown = await this.output.shows(pattern, { from: this.#seen, timeoutMs })
    const lines = this.output.lines()
    this.#seen = lines.indexOf(shown.line, this.#seen) + 1
    return shown
  }

  /** Waits for a line, wherever in the output it stands. */
  async hasShown(pattern: RegExp, timeoutMs = defaultDeadlineMs): Promise<Shown> {
    return this.output.shows(pattern, { timeoutMs })
  }

  /** Waits until so many lines match, and returns their first groups (or the whole lines) in order. */
  async showsAll(pattern: RegExp, count: number, timeoutMs = defaultDeadlineMs): Promise<readonly string[]> {
    return this.output.until(`${count} lines like ${String(pattern)}`, timeoutMs, () => {
      const found = this.matching(pattern)
      return found.length >= count ? found : undefined
    })
  }

  /** The first groups (or whole lines) of all lines so far that match. */
  matching(pattern: RegExp): readonly string[] {
    return this.output.lines().flatMap((line) => {
      const match = pattern.exec(line)
      return match === null ? [] : [match[1] ?? match[0]]
    })
  }

  /** All JSON events so far; a line of standard output that is none fails the test. */
  events(): readonly JsonEvent[] {
    return this.output.lines('stdout').map((line) => readEvent(line, this.output))
  }

  /** Waits for an event that `fits`. */
  async event(
    name: string,
    fits: (event: JsonEvent) => boolean = () => true,
    timeoutMs = defaultDeadlineMs
  ): Promise<JsonEvent> {
    return this.output.until(`a fitting event "${name}"`, timeoutMs, () =>
      this.events().find((event) => event.event === name && fits(event))
    )
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

  /** @throws when it has not ended in time, with all that it printed */
  async ended(timeoutMs = defaultDeadlineMs): Promise<Ended> {
    const cutOff = new AbortController()
    try {
      const late = sleep(timeoutMs, undefined, { signal: cutOff.signal }).then(() => {
        throw new Error(`${this.name} still runs after ${timeoutMs / 1000} s\n${this.output.describe()}`)
      })
      late.catch(() => undefined)
      return await Promise.race([this.#ended, late])
    } finally {
      cutOff.abort()
    }
  }
}

function readEvent(line: string, output: OutputLog): JsonEvent {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null && 'event' in value && typeof value.event === 'string') {
      return { ...value, event: value.event }
    }
  } catch {
    // said below, with the line
  }
  throw new Error(`this line of standard output is no JSON event: ${line}\n${output.describe()}`)
}
