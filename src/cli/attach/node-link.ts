// The connection of a face to the node that it is attached to: messages in both
// directions, calls with their replies, and its end. It knows the shape of the
// lines and not what they mean.
import type { Duplex } from 'node:stream'
import { exitCodes, KeyLockedError, ParleyError, version, type ExitCode } from '../../node/settings.ts'
import { readLines } from '../process/input-lines.ts'
import {
  FACE_PROTOCOL_VERSION,
  heard,
  lineOf,
  MAX_NODE_LINE_BYTES,
  PING_MS,
  readMessage,
  SILENCE_MS,
  type ErrorFields,
  type FromFace
} from './face-protocol.ts'

export type NodeMessage = NonNullable<ReturnType<typeof readMessage>>

/** The node that holds the profile speaks another version of the protocol of faces. */
export class OtherVersionError extends ParleyError {
  override readonly name = 'OtherVersionError'
  override readonly exitCode = exitCodes.profileInUse
  /** What a window is told that was attached before: its program is the one that was replaced. */
  readonly toOlderWindow: string

  constructor(its: string) {
    // Two builds from source may have one number.
    const which =
      its === version ? `is another build of version ${version}` : `is version ${its}, and this is ${version}`
    const text = `the parley that runs on this profile ${which}`
    super(`${text}: restart it with parley daemon --restart, or close its window with QUIT`)
    this.toOlderWindow = `${text}: this window was opened before an update. Leave it with /quit, and open it again.`
  }
}

/** As many faces are attached to the node as it serves. */
class TooManyFacesError extends ParleyError {
  override readonly name = 'TooManyFacesError'
  override readonly exitCode = exitCodes.profileInUse

  constructor() {
    super('too many windows are attached to the node of this profile already: close one, and try again')
  }
}

/** The node has ended, or does not answer: what was asked for may or may not have been done. */
export class NodeGoneError extends ParleyError {
  override readonly name = 'NodeGoneError'
  override readonly exitCode = exitCodes.profileInUse
  /** Its process is there, and has said nothing in time. */
  readonly isSilent: boolean

  constructor({ isSilent = false }: { readonly isSilent?: boolean } = {}) {
    super('the node of this profile has stopped; Parley is reconnecting: try again when it is back')
    this.isSilent = isSilent
  }
}

/** A call failed in the node: its error, as if it had been thrown here. */
class NodeError extends ParleyError {
  override readonly name: string
  override readonly exitCode: ExitCode

  constructor({ name, message, exitCode }: ErrorFields) {
    super(message)
    this.name = name
    this.exitCode = Object.values(exitCodes).find((known) => known === exitCode) ?? exitCodes.unexpected
  }
}

interface Question {
  resolve(value: unknown): void
  reject(error: Error): void
}

export class NodeLink {
  /** What the node said of itself. */
  readonly hello: NodeMessage
  readonly #stream: Duplex
  readonly #lines: AsyncIterator<NodeMessage>
  readonly #heardAtMs: () => number
  readonly #questions = new Map<number, Question>()
  #lastId = 0
  #isOver = false

  /** Greets the node. @throws OtherVersionError, KeyLockedError, NodeGoneError */
  static async greet(
    stream: Duplex,
    face: GreetingOptions & { readonly isAttended: () => boolean }
  ): Promise<NodeLink> {
    const greeting = await greetingOf(stream, face)
    const { hello } = greeting
    const refusal =
      hello['protocol'] !== FACE_PROTOCOL_VERSION
        ? new OtherVersionError(String(hello['version']))
        : hello['isLocked'] === true
          ? new KeyLockedError(
              'the parley that runs on this profile waits for the passphrase of its key: parley unlock asks for it'
            )
          : undefined
    if (refusal !== undefined) {
      stream.destroy()
      throw refusal
    }
    const link = new NodeLink(stream, greeting)
    link.#write({ is: 'hello', protocol: FACE_PROTOCOL_VERSION, version, isAttended: face.isAttended() })
    return link
  }

  private constructor(stream: Duplex, { hello, lines, heardAtMs }: Greeting) {
    this.#stream = stream
    this.#lines = lines
    this.#heardAtMs = heardAtMs
    this.hello = hello
  }

  /** Hands on each message that answers no call, until the connection ends, or nothing has come for too long. */
  async read(take: (message: NodeMessage) => void): Promise<void> {
    const pings = setInterval(() => this.#ping(), PING_MS)
    try {
      for (;;) {
        const next = await this.#lines.next()
        if (next.done === true) return
        const { value: message } = next
        const { id } = message
        if (message.is === 'refusal') throw new TooManyFacesError()
        const question = typeof id === 'number' ? this.#questions.get(id) : undefined
        if (message.is === 'reply') question?.resolve(message['value'])
        else if (message.is === 'failure') question?.reject(new NodeError(errorIn(message)))
        else if (message.is !== 'pong') take(message)
      }
    } finally {
      clearInterval(pings)
      this.close()
    }
  }

  /** @throws NodeError as the node has thrown it; NodeGoneError; the signal's reason, and the call is given up */
  async call(method: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted()
    if (this.#isOver) throw new NodeGoneError()
    const id = ++this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#questions.set(id, { resolve, reject })
    const onAbort = (): void => {
      this.#write({ is: 'abort', id })
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#write({ is: 'call', id, method, args })
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#questions.delete(id)
    }
  }

  /** Tells the node whether a person attends to this face. */
  attended(isAttended: boolean): void {
    this.#write({ is: 'attended', isAttended })
  }

  close(): void {
    this.#isOver = true
    this.#stream.destroy()
    for (const { reject } of this.#questions.values()) reject(new NodeGoneError())
  }

  /** A line that was cut on its way ends no connection by itself. */
  #ping(): void {
    if (performance.now() - this.#heardAtMs() > SILENCE_MS) this.#stream.destroy()
    else this.#write({ is: 'ping' })
  }

  #write(message: FromFace): void {
    if (!this.#stream.destroyed && this.#stream.writable) this.#stream.write(lineOf(message))
  }
}

interface Greeting {
  readonly hello: NodeMessage
  /** What follows. */
  readonly lines: AsyncIterator<NodeMessage>
  /** When something came last. */
  readonly heardAtMs: () => number
}

interface GreetingOptions {
  readonly timeoutMs: number
  /** Ends the stream while it is waited for. */
  readonly signal: AbortSignal
}

/** What the node says of itself first, whatever its version. @throws NodeGoneError */
export async function greetingOf(stream: Duplex, { timeoutMs, signal }: GreetingOptions): Promise<Greeting> {
  stream.on('error', () => undefined) // the end of the lines reports it
  let atMs = performance.now()
  const lines = messagesOf(heard(stream, () => (atMs = performance.now())))
  const end = (): void => void stream.destroy()
  let isSilent = false
  const timer = setTimeout(() => {
    isSilent = true
    end()
  }, timeoutMs)
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  const { value: hello } = await lines.next().finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  })
  if (hello?.is === 'hello') return { hello, lines, heardAtMs: () => atMs }
  end()
  throw new NodeGoneError({ isSilent })
}

/** Lines that are no message are not for us. A reset is an end like any other. */
async function* messagesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<NodeMessage, undefined> {
  try {
    for await (const line of readLines(chunks, { maxBytes: MAX_NODE_LINE_BYTES })) {
      // The call that it answers would wait for ever.
      if (line.is === 'too long') return
      const message = readMessage(line.text)
      if (message !== undefined) yield message
    }
  } catch {
    return
  }
}

function errorIn(message: NodeMessage): ErrorFields {
  const error: unknown = message['error']
  const fields =
    typeof error === 'object' && error !== null ? new Map(Object.entries(error)) : new Map<string, unknown>()
  const exitCode = fields.get('exitCode')
  return {
    name: String(fields.get('name')),
    message: String(fields.get('message')),
    ...(typeof exitCode === 'number' ? { exitCode } : {})
  }
}
