// The parley that runs on a profile, seen from another process: commands as JSON
// lines over its socket, each answered under its tag, and its events. It knows
// the shape of the lines and not what the commands mean.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { CONTROL_ANSWER_MS, CONTROL_CONNECT_MS, MAX_ANSWER_LINE_BYTES } from '../constants.ts'
import { readLines } from '../input-lines.ts'
import { defaultProfile, KeyLockedError, profileFolder } from '../../node/settings.ts'
import type { Config } from '../../node/settings.ts'
import { pathsToCall } from './control-path.ts'
import { NoAnswerError, RunningCommandError, TooManyConnectionsError } from './errors.ts'

export type Json = Readonly<Record<string, unknown>>

export interface AskOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

interface MeetOptions extends AskOptions {
  /** One whose key is locked answers too: it is asked to unlock it, or what it is doing. */
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
    if (socket !== undefined) return RunningParley.meet(socket, options)
  }
  return undefined
}

/** @returns undefined when nobody listens there */
async function call(path: string, signal: AbortSignal | undefined): Promise<Socket | undefined> {
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
  /** Aborts when the connection has ended: that parley has, or we have closed it. */
  readonly ended: AbortSignal
  readonly #socket: Socket
  readonly #questions: Map<string, Question>
  readonly #listeners: Set<(event: Json) => void>
  #lastTag = 0

  /** Waits for the event `ready`. @throws NoAnswerError, TooManyConnectionsError, RunningCommandError, KeyLockedError */
  static async meet(socket: Socket, options: MeetOptions = {}): Promise<RunningParley> {
    const questions = new Map<string, Question>()
    const listeners = new Set<(event: Json) => void>()
    const ended = new AbortController()
    const first = Promise.withResolvers<Json>()
    questions.set(greeting, { answer: first.resolve, fail: first.reject })
    socket.on('error', () => undefined) // the end of the lines tells it
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
   * @throws RunningCommandError as the other process told it; NoAnswerError
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

/** Hands out each line until the connection ends. Lines that can't be read are not for us. */
async function listen(socket: Socket, { questions, listeners }: Reader): Promise<void> {
  try {
    for await (const line of readLines(socket, { maxBytes: MAX_ANSWER_LINE_BYTES })) {
      const json = line.is === 'line' ? readJson(line.text) : undefined
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

function readJson(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
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
  answer.catch(() => undefined) // it may come after nobody waits for it
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
