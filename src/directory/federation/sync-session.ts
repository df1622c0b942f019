// One /chat/federation/1.0.0 stream: its frames both ways, when something last
// came, and answers that go out as fast as the fellow takes them. Knows neither
// what the frames mean nor which stream of several is kept.
import type { Connection, Stream } from '@libp2p/interface'
import { FrameQueue, runFrames, toError, TokenBucket } from '../../wire/index.ts'
import {
  FIRST_HELLO_TIMEOUT_MS,
  HELLO_RATE,
  MAX_FEDERATION_FRAME_BYTES,
  MAX_KNOWN_DIRECTORIES,
  SYNC_QUEUE_BYTES
} from './constants.ts'
import { decodeFederationFrame, encodeFederationFrame, isHello } from './federation-frames.ts'
import type { FederationFrame } from './federation-frames.ts'
import type { FellowRefusal, FellowRefusedError } from './fellow-errors.ts'

export class SyncSession {
  readonly connection: Connection
  readonly openedBy: 'us' | 'them'
  readonly openedAtMs: number
  /** When the other side said Hello, if it has, and is of our network. */
  greetedAtMs: number | undefined
  /** When the last frame came. */
  heardAtMs: number
  /** Why the other side ended it, once it has said so. */
  refusedBy: FellowRefusedError | undefined
  /** A frame of it is being handled, and nothing more is read until that is done. */
  isHandling = false
  #isDismissed = false
  readonly #stream: Stream
  readonly #outgoing = new FrameQueue<Uint8Array>({
    maxBytes: SYNC_QUEUE_BYTES,
    sizeOf: (bytes) => bytes.byteLength
  })
  /** What is still to be answered, by what was asked: asking twice gives one answer. */
  readonly #answers = new Map<string, () => Iterable<FederationFrame>>()
  #answering: Promise<void> | undefined

  constructor(stream: Stream, connection: Connection, openedBy: 'us' | 'them', nowMs: number) {
    this.#stream = stream
    this.connection = connection
    this.openedBy = openedBy
    this.openedAtMs = nowMs
    this.heardAtMs = nowMs
  }

  get isGreeted(): boolean {
    return this.greetedAtMs !== undefined
  }

  /**
   * Reads frames until the stream ends. No more is read while one is handled.
   *
   * @param init.onFlood Hellos come without end: they are not even decoded any more
   *
   * @throws what made it end, unless both sides closed it
   */
  async run(init: {
    readonly signal: AbortSignal
    readonly now: () => number
    readonly onFrame: (frame: FederationFrame, sizeBytes: number) => Promise<void>
    readonly onFlood: () => void
  }): Promise<void> {
    const hellos = new TokenBucket(HELLO_RATE, init.now())
    const decode = (bytes: Uint8Array): SizedFrame | undefined => {
      if (this.#isDismissed) return undefined
      if (!isHello(bytes) || hellos.takeOne(init.now()) === 0) return decodeSized(bytes)
      init.onFlood()
      return undefined
    }
    await runFrames<SizedFrame, Uint8Array>({
      stream: this.#stream,
      codec: { decode, encode: (bytes) => bytes },
      outgoing: this.#outgoing,
      maxFrameBytes: MAX_FEDERATION_FRAME_BYTES,
      firstFrameTimeoutMs: FIRST_HELLO_TIMEOUT_MS,
      closeTimeoutMs: FIRST_HELLO_TIMEOUT_MS,
      signal: init.signal,
      onFrames: async (frames) => {
        this.isHandling = true
        for (const { frame, sizeBytes } of frames) {
          this.heardAtMs = init.now()
          await init.onFrame(frame, sizeBytes)
        }
        this.heardAtMs = init.now()
        this.isHandling = false
      }
    })
    await this.#answering
  }

  /** Sends a frame. @returns false when too much waits already, or the stream is at its end */
  send(frame: FederationFrame): boolean {
    return this.#outgoing.offer(encodeFederationFrame(frame))
  }

  /**
   * Sends the frames of an answer one by one, after those of earlier answers.
   *
   * @param asked names what was asked: while that waits to be answered it is not answered twice
   */
  answer(asked: string, frames: () => Iterable<FederationFrame>): void {
    if (this.#answers.size > MAX_KNOWN_DIRECTORIES) return
    this.#answers.set(asked, frames)
    this.#answering ??= this.#answerAll().finally(() => {
      this.#answering = undefined
    })
  }

  /** A Refuse was sent: whatever the other side says no longer counts. */
  get isDismissed(): boolean {
    return this.#isDismissed
  }

  /** Tells the other side that it is not joined, and when to come back. Its stream ends with that. */
  dismiss(reason: FellowRefusal, retryAfterMs: number): void {
    this.#isDismissed = true
    this.send({ type: 'refuse', reason, retryAfterMs })
    this.end()
  }

  /** Closes our half once what waits is sent. */
  end(): void {
    this.#outgoing.end()
  }

  abort(error: unknown): void {
    this.#stream.abort(toError(error))
  }

  async #answerAll(): Promise<void> {
    for (;;) {
      const [next] = this.#answers
      if (next === undefined) return
      const [asked, frames] = next
      try {
        for (const frame of frames()) await this.#outgoing.push(encodeFederationFrame(frame))
      } catch (error) {
        // A queue that takes no more has its stream at its end: there is nobody left to answer.
        this.abort(error)
        return
      } finally {
        this.#answers.delete(asked)
      }
    }
  }
}

interface SizedFrame {
  readonly frame: FederationFrame
  readonly sizeBytes: number
}

function decodeSized(bytes: Uint8Array): SizedFrame | undefined {
  const frame = decodeFederationFrame(bytes)
  return frame === undefined ? undefined : { frame, sizeBytes: bytes.byteLength }
}
