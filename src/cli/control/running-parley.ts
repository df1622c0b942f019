// The parley that runs on a profile, seen from another process: commands as JSON
// lines over its socket, each answered under its tag, its events, and the errors
// of a parley that doesn't answer. It knows the shape of the lines and not what
// the commands mean.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import {
  type Config,
  defaultProfile,
  type ExitCode,
  exitCodes,
  KeyLockedError,
  ParleyError,
  processNote,
  profileFolder,
  profileHolder
} from '../../node/settings.ts'
import { type Json, parseJson } from '../../lib/index.ts'
import { readLines } from '../process/input-lines.ts'
import { pathsToCall } from './control-path.ts'

/** Too many programs speak to the running parley at once. */
export class TooManyConnectionsError extends ParleyError {
  override readonly name = 'TooManyConnectionsError'
  override readonly exitCode = exitCodes.profileInUse
}

/** A command failed in the running parley, for the reason that it gave. */
export class RunningCommandError extends ParleyError {
  override readonly name = 'RunningCommandError'
  override readonly exitCode: ExitCode
  /** As in the JSON lines: `peer-not-found`. */
  readonly code: string

  constructor(code: string, message: string, exitCode: unknown) {
    super(message)
    this.code = code
    this.exitCode = Object.values(exitCodes).find((known) => known === exitCode) ?? codesWithoutNumber(code)
  }
}

/** Connecting to a running parley, which is on this machine: it answers at once or hangs. */
const CONTROL_CONNECT_MS = 2000

/** How long a running parley may take to answer a command: looking up a peer (RESOLVE_TIMEOUT_MS), and some more. */
const CONTROL_ANSWER_MS = 12_000

/** Longest line read from a running parley: a roster of ten thousand; a page of messages is smaller. */
const MAX_ANSWER_LINE_BYTES = 128 * 1024 * 1024

interface AskOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

interface MeetOptions extends AskOptions {
  /** Meets one whose key is locked too, to unlock it or to ask for its state. */
  readonly mayBeLocked?: boolean
}

interface Question {
  answer(json: Json): void
  fail(error: Error): void
}

/**
 * Connects to the parley that runs on the profile of these settings.
 *
 * @returns undefined when none answers there
 * @throws NoAnswerError when one is there and says nothing; TooManyConnectionsError; KeyLockedError when it waits for
 *   the passphrase of its key
 */
export async function runningParley(config: Config, options: MeetOptions = {}): Promise<RunningParley | undefined> {
  const { folders, settings } = config
  for (const path of await pathsToCall(folders, profileFolder(folders.data, settings.profile))) {
    const socket = await call(path, options.signal)
    if (socket !== undefined) return RunningParley.meet(socket, options).catch(async (error) => named(error, config))
  }
  return undefined
}

/** Of one that is there and says nothing, the error names the process. */
async function named(error: unknown, config: Config): Promise<never> {
  if (!(error instanceof NoAnswerError) || error.timeoutMs === undefined) throw error
  throw new NoAnswerError(error.timeoutMs, { cause: error, pid: await profileHolder(config) })
}

/** @returns undefined when nobody listens there */
export async function call(path: string, signal: AbortSignal | undefined): Promise<Socket | undefined> {
  const socket = connect({ path })
  const deadline = AbortSignal.timeout(CONTROL_CONNECT_MS)
  try {
    await once(socket, 'connect', { signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]) })
    return socket
  } catch (error) {
    socket.on('error', () => undefined).destroy()
    if (signal?.aborted === true) throw signal.reason
    if (deadline.aborted) throw new NoAnswerError(CONTROL_CONNECT_MS, { cause: error })
    return undefined
  }
}

export class RunningParley {
  /** What it said first: the event `ready` of the JSON lines, or `locked`. */
  readonly ready: Json
  /** Aborts when the connection has ended, from either side. */
  readonly ended: AbortSignal
  readonly #socket: Socket
  readonly #questions: Map<string, Question>
  readonly #listeners: Set<(event: Json) => void>
  #lastTag = 0

  /**
   * Waits for the event `ready`. @throws NoAnswerError, TooManyConnectionsError, RunningCommandError, KeyLockedError
   */
  static async meet(socket: Socket, options: MeetOptions = {}): Promise<RunningParley> {
    const questions = new Map<string, Question>()
    const listeners = new Set<(event: Json) => void>()
    const ended = new AbortController()
    const first = Promise.withResolvers<Json>()
    questions.set(greeting, { answer: first.resolve, fail: first.reject })
    socket.on('error', () => undefined) // the end of the lines reports it
    void listen(socket, { questions, listeners }).finally(() => {
      ended.abort()
      socket.destroy()
      for (const { fail } of questions.values()) fail(new NoAnswerError(undefined))
    })
    try {
      const ready = await inTime(first.promise, options)
      if (ready['event'] === 'locked' && options.mayBeLocked !== true) throw lockedError(ready)
      return new RunningParley(socket, ready, { questions, listeners, ended: ended.signal })
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      questions.delete(greeting)
    }
  }

  private constructor(
    socket: Socket,
    ready: Json,
    init: Reader & {
      readonly ended: AbortSignal
    }
  ) {
    this.#socket = socket
    this.ready = ready
    this.ended = init.ended
    this.#questions = init.questions
    this.#listeners = init.listeners
  }

  /**
   * Gives a command, such as `{ do: 'log', peer: 'bob' }`, and returns the `done` that answers it.
   *
   * @throws RunningCommandError as the other process reported it; NoAnswerError
   */
  async ask(command: object, options: AskOptions = {}): Promise<Json> {
    const tag = String(++this.#lastTag)
    const { promise, resolve, reject } = Promise.withResolvers<Json>()
    if (this.ended.aborted) throw new NoAnswerError(undefined)
    this.#questions.set(tag, { answer: resolve, fail: reject })
    this.#socket.write(`${JSON.stringify({ ...command, tag })}\n`)
    try {
      return await inTime(promise, options)
    } finally {
      this.#questions.delete(tag)
    }
  }

  /** Calls for each event from now on that is no answer. @returns what ends it */
  onEvent(listener: (event: Json) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Ends the connection; the other parley goes on. */
  close(): void {
    this.#socket.destroy()
  }
}

/** Events that answer a question; all others go to the listeners. */
const answers: ReadonlySet<unknown> = new Set(['ready', 'locked', 'done'])

/** The place of the event `ready` among the questions: no tag is empty. */
const greeting = ''

interface Reader {
  readonly questions: Map<string, Question>
  readonly listeners: Set<(event: Json) => void>
}

/** Hands out each line until the connection ends. Skips lines that it can't read. */
async function listen(socket: Socket, { questions, listeners }: Reader): Promise<void> {
  try {
    for await (const line of readLines(socket, { maxBytes: MAX_ANSWER_LINE_BYTES })) {
      const json = line.is === 'line' ? parseJson(line.text) : undefined
      if (json === undefined) continue
      const question = questions.get(typeof json['tag'] === 'string' ? json['tag'] : greeting)
      if (json['event'] === 'error') question?.fail(errorOf(json))
      else if (answers.has(json['event'])) question?.answer(json)
      else for (const listener of listeners) listener(json)
    }
  } catch {
    // A reset is an end like any other.
  }
}

function errorOf({ code, message, exitCode }: Json): Error {
  if (code === 'too-many-connections') return new TooManyConnectionsError(String(message))
  return new RunningCommandError(String(code), String(message), exitCode)
}

function lockedError({ profile }: Json): KeyLockedError {
  const option = profile === defaultProfile ? '' : ` --profile ${String(profile)}`
  return new KeyLockedError(
    `the parley that runs on the profile ${String(profile)} waits for the passphrase of its key: parley unlock${option} asks for it`
  )
}

async function inTime<T>(answer: Promise<T>, { timeoutMs = CONTROL_ANSWER_MS, signal }: AskOptions): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new NoAnswerError(timeoutMs)), timeoutMs)
  const onAbort = (): void => reject(signal?.reason)
  answer.catch(() => undefined) // it may come after the caller has given up
  promise.catch(() => undefined)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    signal?.throwIfAborted()
    return await Promise.race([answer, promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** A parley runs on the profile and does not answer, or has ended before it did. */
export class NoAnswerError extends ParleyError {
  override readonly name = 'NoAnswerError'
  override readonly exitCode = exitCodes.profileInUse
  /** Undefined when the connection ended. */
  readonly timeoutMs: number | undefined

  constructor(timeoutMs: number | undefined, options?: ErrorOptions & { readonly pid?: number | undefined }) {
    super(
      timeoutMs === undefined
        ? 'the parley that runs on this profile ended before it answered: the command may or may not have been carried out'
        : `the parley that runs on this profile${processNote(options?.pid)} gave no answer within ${timeoutMs / 1000} s: ` +
            'end that one, or choose another profile with --profile',
      options
    )
    this.timeoutMs = timeoutMs
  }
}

/** Errors of the JSON lines that are no command's own. */
function codesWithoutNumber(code: string): ExitCode {
  if (code === 'bad-arguments' || code === 'unknown-command' || code === 'line-too-long') return exitCodes.usage
  return code === 'timeout' ? exitCodes.unreachable : exitCodes.unexpected
}
