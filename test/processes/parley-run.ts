// One run of the program, wherever it runs: what it prints, and how a test waits
// for that. It does not know how the program is started, nor how it is ended.
import { Patience } from '../patience.ts'
import { defaultDeadlineMs, OutputLog, type Shown } from './output-log.ts'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** From start to end. */
  readonly tookMs: number
}

/** What `parley --json` prints; its fields are for the test to look at. */
export type JsonEvent = Readonly<Record<string, unknown>> & { readonly event: string }

export abstract class ParleyRun {
  readonly name: string
  readonly output: OutputLog
  /** Lines before this one have been waited for. */
  #seen = 0
  readonly #events: JsonEvent[] = []
  /** Lines before this one have been read as events: each is read once, as some tests wait for hundreds at a time. */
  #readLines = 0

  constructor(name: string) {
    this.name = name
    this.output = new OutputLog(name)
  }

  /** Types a line. */
  abstract type(line: string): void

  /** Writes to standard input as it is and ends it. */
  abstract endInput(text?: string): void

  protected abstract get end(): Promise<Ended>

  get stdout(): string {
    return this.output.lines('stdout').join('\n')
  }

  get stderr(): string {
    return this.output.lines('stderr').join('\n')
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
    return [...this.#eventsSoFar()]
  }

  /** Waits for an event that `fits`. */
  async event(
    name: string,
    fits: (event: JsonEvent) => boolean = () => true,
    timeoutMs = defaultDeadlineMs
  ): Promise<JsonEvent> {
    return this.output.until(`a fitting event "${name}"`, timeoutMs, () =>
      this.#eventsSoFar().find((event) => event.event === name && fits(event))
    )
  }

  /** @throws when it has not ended in time, with all that it printed */
  async ended(timeoutMs = defaultDeadlineMs): Promise<Ended> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const patience = new Patience(timeoutMs, () =>
      reject(new Error(`${this.name} still runs after ${timeoutMs / 1000} s\n${this.output.describe()}`))
    )
    try {
      return await Promise.race([this.end, late])
    } finally {
      patience.end()
    }
  }

  #eventsSoFar(): readonly JsonEvent[] {
    const fresh = this.output.lines('stdout', this.#readLines)
    this.#events.push(...fresh.map((line) => readEvent(line, this.output)))
    this.#readLines = this.output.length
    return this.#events
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
