// One terminal of the demonstration: a real process of `parley`, what is typed
// into it, and what it shows, printed with its name before each line.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { cleanText } from '../process/clean-text.ts'
import { readLines, MAX_INPUT_LINE_BYTES } from '../process/input-lines.ts'

/** How long one thing may take to be seen in the demo: most take milliseconds, on a busy machine a start takes half a minute. */
const DEMO_STEP_MS = 60_000

/** How long a client of the demo may take to end after QUIT. */
const DEMO_END_MS = 30_000

/** A terminal did not show what it should have. */
class NotShownError extends Error {
  override readonly name = 'NotShownError'
}

export interface DemoTerminalInit {
  readonly name: string
  readonly entryPoint: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly print: (line: string) => void
}

export class DemoTerminal {
  readonly name: string
  readonly #child: ChildProcessWithoutNullStreams
  readonly #print: (line: string) => void
  readonly #shown: string[] = []
  readonly #ended: Promise<number | null>
  /** Lines before this one have been looked at. */
  #seen = 0
  #wake: () => void = () => undefined

  constructor({ name, entryPoint, args, env, print }: DemoTerminalInit) {
    this.name = name
    this.#print = (line) => print(`${name.padEnd(nameColumn)} ${line}`)
    this.#print(`$ parley ${args.join(' ')}`)
    this.#child = spawn(process.execPath, [entryPoint, ...args], { env, stdio: 'pipe' })
    this.#ended = once(this.#child, 'exit').then(([code]) => (typeof code === 'number' ? code : null))
    this.#child.stdin.on('error', () => undefined) // a process that has ended reads no more; waitFor says so
    for (const stream of [this.#child.stdout, this.#child.stderr]) void this.#follow(stream)
  }

  /** Types a line, as a person would. */
  type(text: string): void {
    this.#print(`> ${text}`)
    this.#child.stdin.write(`${text}\n`)
  }

  /**
   * Waits for a line that was not yet waited for.
   *
   * @throws NotShownError
   */
  async shows(pattern: RegExp, timeoutMs = DEMO_STEP_MS): Promise<RegExpExecArray> {
    return this.#until(String(pattern), timeoutMs, () => {
      for (let index = this.#seen; index < this.#shown.length; index++) {
        const match = pattern.exec(this.#shown[index] ?? '')
        if (match === null) continue
        this.#seen = index + 1
        return match
      }
      return undefined
    })
  }

  /**
   * Waits until so many of all shown lines match, in any order.
   *
   * @throws NotShownError
   */
  async hasShown(pattern: RegExp, times = 1, timeoutMs = DEMO_STEP_MS): Promise<void> {
    await this.#until(`${String(pattern)} ${times} times`, timeoutMs, () =>
      this.#shown.filter((line) => pattern.test(line)).length >= times ? true : undefined
    )
  }

  /** Kills it as a power cut would. */
  kill(): void {
    this.#print('(killed with -9)')
    this.#child.kill('SIGKILL')
  }

  /** @throws NotShownError when it doesn't end, or not with 0 */
  async ends(): Promise<void> {
    const code = await Promise.race([this.#ended, sleep(DEMO_END_MS, 'running' as const, { ref: false })])
    if (code !== 0) throw new NotShownError(`${this.name} should have ended with 0: ${String(code)}`)
    this.#print('(ended)')
  }

  /** Ends it without a word, if it still runs. */
  async remove(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** @throws NotShownError */
  async #until<T>(what: string, timeoutMs: number, look: () => T | undefined): Promise<T> {
    const untilMs = Date.now() + timeoutMs
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      const leftMs = untilMs - Date.now()
      if (leftMs <= 0) throw new NotShownError(`${this.name} did not show ${what} within ${timeoutMs / 1000} s`)
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), sleep(leftMs)])
    }
  }

  async #follow(stream: AsyncIterable<Buffer>): Promise<void> {
    for await (const line of readLines(stream, { maxBytes: MAX_INPUT_LINE_BYTES })) {
      if (line.is !== 'line') continue
      this.#shown.push(line.text)
      this.#print(cleanText(line.text))
      this.#wake()
    }
  }
}

/** Wide enough for `directory 8000`. */
const nameColumn = 15
