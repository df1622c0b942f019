// One process of the cluster: started on a host of its own, told what to do, killed
// at any moment. A process that ends without having been told to is a fault. It
// knows nothing of what runs in it.
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLog } from './event-log.ts'
import { eventualMs } from '../patience.ts'

export interface ChildInit {
  readonly name: string
  /** Program and arguments. */
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly log: EventLog
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

/** Nothing that is asked of a process takes this long: it hangs. */
const requestTimeoutMs = eventualMs
/** What was told to end and doesn't is killed. */
const endTimeoutMs = eventualMs

/** The process has gone, with whatever was asked of it. */
export class ChildEndedError extends Error {
  override readonly name = 'ChildEndedError'
}

/** Nothing outlives the run, however it ends. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class Child {
  readonly name: string
  readonly spawnedAtMs = performance.now()
  readonly #process: ChildProcess
  readonly #log: EventLog
  readonly #ended: Promise<void>
  readonly #waiting = new Map<number, Waiting>()
  readonly #lines: string[] = []
  readonly #lookers = new Set<() => void>()
  #isOver = false
  #mayEnd = false
  #ids = 0

  constructor({ name, command, env, log }: ChildInit) {
    this.name = name
    this.#log = log
    const [program = '', ...args] = command
    this.#process = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
    running.add(this.#process)
    log.write(name, `started as process ${this.#process.pid}`)
    this.#follow()
    this.#process.on('message', (message) => this.#onAnswer(message as Answer)) // written by answering.ts
    this.#ended = new Promise((resolve) => {
      this.#process.once('error', (error) => {
        log.fault(name, String(error))
        this.#onEnd('it could not be started')
        resolve()
      })
      this.#process.once('close', (code, signal) => {
        this.#onEnd(signal ?? `exit code ${code}`)
        resolve()
      })
    })
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /**
   * The first line of its output that matches.
   *
   * @throws ChildEndedError
   */
  async says(pattern: RegExp, timeoutMs: number): Promise<string> {
    const deadlineMs = performance.now() + timeoutMs
    for (;;) {
      const line = this.#lines.find((one) => pattern.test(one))
      if (line !== undefined) return line
      if (this.#isOver) throw new ChildEndedError(`${this.name} ended before it said ${String(pattern)}`)
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw new Error(`${this.name} did not say ${String(pattern)} within ${timeoutMs} ms`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#lookers.add(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  /**
   * Asks and waits for the answer: see answering.ts for the other side.
   *
   * @throws ChildEndedError when it ends first, else Error with the words of a refusal
   */
  async ask(what: string, details: unknown = {}): Promise<unknown> {
    if (this.#isOver) throw new ChildEndedError(`${this.name} has ended`)
    const id = ++this.#ids
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.set(id, { resolve, reject })
    const late = setTimeout(
      () => reject(new Error(`${this.name} did not answer ${what} within ${requestTimeoutMs} ms`)),
      requestTimeoutMs
    )
    // A process that has just been killed: its end answers.
    this.#process.send({ id, what, details }, () => undefined)
    try {
      return await promise
    } finally {
      clearTimeout(late)
      this.#waiting.delete(id)
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#mayEnd = true
    if (!this.#isOver) this.#process.kill('SIGKILL')
    await this.#ended
  }

  /** As a service manager stops it. */
  async terminate(): Promise<void> {
    this.#mayEnd = true
    this.#process.kill('SIGTERM')
    const cutOff = new AbortController()
    const late = sleep(endTimeoutMs, 'late', { signal: cutOff.signal }).catch(() => 'in time')
    if ((await Promise.race([this.#ended, late])) === 'late') {
      this.#log.fault(this.name, `did not end within ${endTimeoutMs} ms of SIGTERM`)
      await this.kill()
    }
    cutOff.abort()
  }

  /** Holds it where it is, as a machine that has no time for it does; SIGCONT lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal)
  }

  #follow(): void {
    for (const [stream, mark] of [
      [this.#process.stdout, ''],
      [this.#process.stderr, '! ']
    ] as const) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => {
        this.#log.write(this.name, `${mark}${line}`)
        this.#lines.push(line)
        this.#look()
      })
    }
  }

  #onAnswer({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(`${this.name}: ${error}`))
  }

  #onEnd(how: string): void {
    this.#isOver = true
    running.delete(this.#process)
    if (this.#mayEnd) this.#log.write(this.name, `ended (${how})`)
    else this.#log.fault(this.name, `ended by itself (${how})`)
    for (const { reject } of this.#waiting.values()) reject(new ChildEndedError(`${this.name} ended (${how})`))
    this.#look()
  }

  #look(): void {
    for (const look of this.#lookers) look()
    this.#lookers.clear()
  }
}
