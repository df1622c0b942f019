// A real `parley --json` process that a test talks to: commands in, answers and
// events out, each with the time at which it was read. It knows the JSON face
// and nothing of what a test expects of it. It reads each line once, as these
// tests have tens of thousands of them.
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { eventualMs, Patience } from '../patience.ts'
import { entryPoint, nodePath } from '../processes/parley-process.ts'
import { endAtExit } from '../processes/ending.ts'
import { homeEnv, secludedEnv } from '../processes/homes.ts'

/** One line of the JSON face. Which fields there are depends on `event`; a test names those that it reads. */
export interface ParleyEvent {
  readonly event: string
  /** On this process's monotonic clock (`performance.now()`). */
  readonly atMs: number
  readonly [field: string]: unknown
}

export interface JsonParleyInit {
  /** Beyond `--json`. */
  readonly args?: readonly string[]
  /** Processes of one network see each other; the default is one of its own. */
  readonly network?: string
  /** Goes before the command: `['ip', 'netns', 'exec', NAME]`. */
  readonly wrapper?: readonly string[]
  /** A folder to keep over several processes; else one of its own, which stop() removes. */
  readonly home?: string
  /** Options of Node itself for the process. */
  readonly nodeOptions?: string
  /** Loopback only and no mDNS, unless the test brings a machine of its own. */
  readonly secluded?: boolean
  /** Lines that are dropped unread: under a flood, reading and keeping them must not be what is slow. */
  readonly skips?: (line: string) => boolean
}

interface Waiter {
  readonly look: () => void
  readonly fail: (error: Error) => void
}

const run = promisify(execFile)

/** For one event. */
export const patienceMs = eventualMs
/** At the end of a test nobody waits for a farewell. */
const stopMs = 2_000
/** More than a test says in one conversation. */
const historyLimit = 1_000
/** Enough for a stack trace in the message of a failed test. */
const keptStderrChars = 4_000

/** Something that was waited for did not come, or the process ended first. */
export class ParleyProcessError extends Error {
  override readonly name = 'ParleyProcessError'
}

export class JsonParley {
  /** Everything that the process has printed, oldest first. */
  readonly events: ParleyEvent[] = []
  readonly startedAtMs = performance.now()
  readonly #child: ChildProcessWithoutNullStreams
  readonly #exited: Promise<unknown>
  readonly #waiters = new Set<Waiter>()
  readonly #ownHome: string | undefined
  readonly #env: NodeJS.ProcessEnv
  readonly #texts = new Map<string, string[]>()
  #stderr = ''
  #failure: Error | undefined
  #tags = 0

  private constructor(init: JsonParleyInit, home: string, ownHome: string | undefined) {
    this.#ownHome = ownHome
    const [command, ...args] = [...(init.wrapper ?? []), nodePath, entryPoint, ...(init.args ?? []), '--json']
    const envIn = (init.secluded ?? true) ? secludedEnv : homeEnv
    const env = {
      ...envIn(home, init.network ?? randomNetwork()),
      ...(init.nodeOptions === undefined ? {} : { NODE_OPTIONS: init.nodeOptions })
    }
    this.#env = env
    this.#child = spawn(command, args, { stdio: 'pipe', env })
    const ended = endAtExit(() => this.#child.kill('SIGKILL'))
    this.#exited = once(this.#child, 'close').catch((error: unknown) => error)
    void this.#exited.then(ended)
    this.#child.on('error', (error) => this.#fail(error))
    this.#child.on('close', (code, signal) => {
      this.#fail(new ParleyProcessError(`parley ended (${signal ?? code})\n${this.#stderr}`))
    })
    // Writing to a process that has just died; its end tells why.
    this.#child.stdin.on('error', () => undefined)
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptStderrChars)
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (init.skips?.(line) !== true) this.#take(line)
    })
  }

  /** Spawns it; {@link ready} waits until it is on the network. A directory says `listening` instead. */
  static async spawn(init: JsonParleyInit = {}): Promise<JsonParley> {
    const ownHome = init.home === undefined ? await mkdtemp(join(tmpdir(), 'parley-test-')) : undefined
    return new JsonParley(init, init.home ?? ownHome ?? '', ownHome)
  }

  /** Spawns it and waits until it is ready. */
  static async start(init: JsonParleyInit = {}): Promise<JsonParley> {
    const parley = await JsonParley.spawn(init)
    try {
      await parley.ready()
      return parley
    } catch (error) {
      await parley.stop()
      throw error
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Null while it runs, and when a signal has ended it. */
  get exitCode(): number | null {
    return this.#child.exitCode
  }

  get stderr(): string {
    return this.#stderr
  }

  async ready(): Promise<ParleyEvent> {
    return this.until('"ready"', () => this.events.find(({ event }) => event === 'ready'), patienceMs)
  }

  async peerId(): Promise<string> {
    return String((await this.ready())['peer'])
  }

  /** The first of its addresses, with the peer ID. */
  async address(): Promise<string> {
    const { addresses } = await this.ready()
    return Array.isArray(addresses) ? String(addresses[0]) : ''
  }

  /** What `parley status --json` says of it. */
  async status(): Promise<unknown> {
    const { stdout } = await run(nodePath, [entryPoint, 'status', '--json'], { env: this.#env })
    return JSON.parse(stdout) as unknown
  }

  /** Texts of the messages that came from a peer, in the order in which they were told. */
  textsFrom(peer: string): readonly string[] {
    return this.#texts.get(peer) ?? []
  }

  /** The state of the conversation with a peer as it was told last. */
  conversation(peer: string): string | undefined {
    return this.conversationStates(peer).at(-1)
  }

  /** All its states, oldest first. */
  conversationStates(peer: string): readonly string[] {
    const told = this.events.filter((one) => one.event === 'conversation' && one['peer'] === peer)
    return told.map((one) => String(one['state']))
  }

  /**
   * Gives a command and waits for its answer.
   *
   * @throws ParleyProcessError with the words of an `error` answer
   */
  async do(command: Readonly<Record<string, unknown>>): Promise<ParleyEvent> {
    const answer = await this.answerTo(command)
    if (answer.event === 'error') throw new ParleyProcessError(`${String(command['do'])}: ${JSON.stringify(answer)}`)
    return answer
  }

  /** The answer to a command, whichever it is. */
  async answerTo(command: Readonly<Record<string, unknown>>): Promise<ParleyEvent> {
    this.#tags += 1
    const tag = `t${this.#tags}`
    const from = this.events.length
    this.#child.stdin.write(`${JSON.stringify({ ...command, tag })}\n`)
    return this.until(`answer to ${String(command['do'])}`, () => {
      for (let i = from; i < this.events.length; i++) if (this.events[i]?.['tag'] === tag) return this.events[i]
      return undefined
    })
  }

  /** Gives commands without waiting for their answers. */
  tell(commands: readonly Readonly<Record<string, unknown>>[]): void {
    this.#child.stdin.write(commands.map((command) => `${JSON.stringify(command)}\n`).join(''))
  }

  /**
   * The first result of `find` that is not undefined, tried now and after each event. The time counts from the last
   * event: on a busy machine it is progress that matters.
   *
   * @throws ParleyProcessError when it does not come in time, or the process ends first
   */
  async until<R>(what: string, find: () => R | undefined, timeoutMs = patienceMs): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const finish = (act: () => void): void => {
        patience.end()
        this.#waiters.delete(waiter)
        act()
      }
      const waiter: Waiter = {
        look: () => {
          const found = find()
          if (found !== undefined) finish(() => resolve(found))
          else patience.renew()
        },
        fail: (error) => finish(() => reject(error))
      }
      const patience = new Patience(timeoutMs, () => {
        const last = this.events.slice(-5).map((event) => JSON.stringify(event).slice(0, 300))
        const message = `no ${what} within ${timeoutMs} ms; the last events are\n${last.join('\n')}\n${this.#stderr}`
        waiter.fail(new ParleyProcessError(message))
      })
      this.#waiters.add(waiter)
      waiter.look()
      if (this.#failure !== undefined && this.#waiters.has(waiter)) waiter.fail(this.#failure)
    })
  }

  async untilTexts(peer: string, count: number, timeoutMs?: number): Promise<readonly string[]> {
    const enough = (): readonly string[] | undefined =>
      this.textsFrom(peer).length >= count ? this.textsFrom(peer) : undefined
    return this.until(`${count} texts (there are ${this.textsFrom(peer).length})`, enough, timeoutMs)
  }

  async untilConversation(peer: string, state: string, timeoutMs?: number): Promise<void> {
    await this.until(
      `conversation with ${peer} that is ${state}`,
      () => (this.conversation(peer) === state ? true : undefined),
      timeoutMs
    )
  }

  /** Waits until the conversation with a peer runs over one of these paths. @returns the event that says so */
  async untilPath(peer: string, ...paths: readonly string[]): Promise<ParleyEvent> {
    let seen = 0
    let last: ParleyEvent | undefined
    return this.until(`path to ${peer} that is ${paths.join(' or ')}`, () => {
      // Of thousands of events each is looked at once.
      for (; seen < this.events.length; seen++) {
        const told = this.events[seen]
        if (told?.event === 'conversation' && told['peer'] === peer) last = told
      }
      return last !== undefined && paths.includes(String(last['path'])) ? last : undefined
    })
  }

  /** What its history holds of the conversation with a peer, oldest first. */
  async messagesWith(peer: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { messages } = await this.do({ do: 'history', peer, limit: historyLimit })
    return Array.isArray(messages) ? messages : []
  }

  /** The texts of those in one state. */
  async textsWith(peer: string, state: string): Promise<readonly unknown[]> {
    const messages = await this.messagesWith(peer)
    return messages.filter((message) => message['state'] === state).map(({ text }) => text)
  }

  /** Waits until so many of its messages have arrived, since it was started. */
  async untilDelivered(count: number): Promise<void> {
    await this.until(`${count} deliveries`, () => {
      const delivered = this.events.filter((one) => one.event === 'delivery' && one['state'] === 'delivered')
      return delivered.length >= count ? true : undefined
    })
  }

  /** Resident memory now, from the system's books. */
  async residentBytes(): Promise<number> {
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(this.pid)])
    return Number(stdout.trim()) * 1024
  }

  /** QUIT, and waits for the end. Resolves to the exit code or signal. */
  async quit(): Promise<number | string | null> {
    this.tell([{ do: 'quit' }])
    return this.#ended()
  }

  /** kill -9, and waits for the end. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  /** For the end of a test: closes its input, and removes a folder that was made for it. */
  async stop(): Promise<void> {
    this.#child.stdin.end()
    // A directory reads no input.
    await this.#ended(stopMs)
    if (this.#ownHome !== undefined) await rm(this.#ownHome, { recursive: true, force: true })
  }

  async #ended(killAfterMs = patienceMs): Promise<number | string | null> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), killAfterMs)
    await this.#exited
    clearTimeout(timer)
    return this.#child.signalCode ?? this.#child.exitCode
  }

  #take(line: string): void {
    let event: ParleyEvent
    try {
      // What the face prints is an object with `event`: the rest is checked where it is read.
      event = { ...(JSON.parse(line) as ParleyEvent), atMs: performance.now() }
    } catch (cause) {
      this.#fail(new ParleyProcessError(`parley printed something other than JSON: ${line.slice(0, 300)}`, { cause }))
      return
    }
    this.events.push(event)
    if (event.event === 'message' && event['direction'] === 'in') {
      const peer = String(event['peer'])
      const texts = this.#texts.get(peer) ?? []
      texts.push(String(event['text']))
      this.#texts.set(peer, texts)
    }
    for (const { look } of this.#waiters) look()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { fail } of this.#waiters) fail(this.#failure)
  }
}

/** The name of a network that nobody else is on. */
export function randomNetwork(): string {
  return `test-${Math.random().toString(36).slice(2, 12)}`
}
