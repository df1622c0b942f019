// The streams with other directories: opens and serves them, reads no further frame
// before the machine has handled the one before, and sends answers as fast as the
// other side takes them. Knows neither what frames mean nor which stream is kept.
import type { Connection, Logger, PeerId, Stream } from '@libp2p/interface'
import { FrameQueue, runFrames, toError, TokenBucket, withDeadline } from '../../../wire/index.ts'
import type { Opener } from '../../../wire/index.ts'
import {
  MAX_KNOWN_DIRECTORIES,
  decodeFederationFrame,
  encodeFederationFrame,
  FederationRefusedError,
  isHello,
  MAX_FEDERATION_FRAME_BYTES
} from '../../federation-frames.ts'
import type { FederationFrame } from '../../federation-frames.ts'
import { FederationSession } from '../sync/federation-step.ts'
import type { FederationEffect, FederationEvent } from '../sync/federation-step.ts'

/** The stream on which two directories bring each other up to date. */
export const FEDERATION_PROTOCOL = '/chat/federation/1.0.0'

/** Connecting and agreeing on the protocol: a partition that heals is noticed at the next dial. */
export const FEDERATION_DIAL_TIMEOUT_MS = 3_000

/** Hellos of one stream: one more follows each join of another directory, and these may come at once. More is a flood. */
const HELLO_RATE = { burst: 40, perSecond: 2 } as const

/** The first Hello. */
const FIRST_HELLO_TIMEOUT_MS = 3_000

/** The most that may wait for one federation peer: some pages of an answer. */
const SYNC_QUEUE_BYTES = 512 * 1024

/** What answers there serves no federation. */
export class NotAFederationPeerError extends Error {
  override readonly name = 'NotAFederationPeerError'

  constructor(options?: { cause?: unknown }) {
    super('that node is no Parley directory that joins with others: check the address', options)
  }
}

interface FederationStreamsInit {
  readonly now: () => number
  readonly log: Logger
  readonly connections: { getConnections(peer: PeerId): readonly Connection[] }
  /** The machine decides what follows. */
  step(event: FederationEvent): void
}

/** What the machine does with streams. */
type StreamEffect = Extract<
  FederationEffect,
  { kind: 'send' | 'answer' | 'read-on' | 'break' | 'end' | 'abort' | 'replace' | 'cut' }
>

export class FederationStreams {
  readonly #init: FederationStreamsInit
  readonly #streams = new Map<FederationSession, FederationStream>()
  readonly #served = new Set<Promise<FederationSession>>()

  constructor(init: FederationStreamsInit) {
    this.#init = init
  }

  /**
   * Opens a stream and stays with it.
   *
   * Resolves when it has ended, if the peer was joined by it.
   *
   * @throws NotAFederationPeerError, OtherNetworkError, FederationRefusedError
   */
  async open(connection: Connection, signal: AbortSignal): Promise<void> {
    let stream: Stream
    try {
      stream = await withDeadline('negotiate', FEDERATION_DIAL_TIMEOUT_MS, signal, (inTime) =>
        connection.newStream(FEDERATION_PROTOCOL, { signal: inTime })
      )
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedProtocolError')
        throw new NotAFederationPeerError({ cause: error })
      // A connection on which no stream can be opened in time is not worth keeping for the next try.
      if (!signal.aborted) connection.abort(toError(error))
      throw error
    }
    const session = await this.#tracked(this.#serve(stream, connection, 'us', signal))
    if (session.refusedBy !== undefined) throw session.refusedBy
    if (!session.isGreeted) throw new FederationRefusedError()
  }

  /** Stays with a stream that a directory opened to us. */
  accept(stream: Stream, connection: Connection, signal: AbortSignal): void {
    this.#tracked(this.#serve(stream, connection, 'them', signal)).catch((error: unknown) =>
      this.#init.log('the stream of %p ended - %e', connection.remotePeer, error)
    )
  }

  async #tracked(served: Promise<FederationSession>): Promise<FederationSession> {
    this.#served.add(served)
    try {
      return await served
    } finally {
      this.#served.delete(served)
    }
  }

  /** Resolves when all streams have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#served)
  }

  /** The connection of a stream that has not ended. */
  connectionOf(session: FederationSession): Connection | undefined {
    return this.#streams.get(session)?.connection
  }

  perform(effect: StreamEffect): void {
    switch (effect.kind) {
      case 'send': {
        const { session, frame } = effect
        if (this.#streams.get(session)?.send(frame) !== true) this.#init.step({ type: 'unsent', session, frame })
        return
      }
      case 'answer':
        this.#streams.get(effect.session)?.answer(effect.asked, effect.frames)
        return
      case 'read-on':
        this.#streams.get(effect.session)?.readOn()
        return
      case 'break':
        this.#streams.get(effect.session)?.break(effect.error)
        return
      case 'end':
        this.#streams.get(effect.session)?.end()
        return
      case 'abort':
        this.#streams.get(effect.session)?.abort(effect.error)
        return
      case 'replace':
        this.#replace(effect.before, effect.after)
        return
      case 'cut':
        for (const connection of this.#init.connections.getConnections(effect.peer)) connection.abort(effect.error)
    }
  }

  #replace(before: FederationSession, after: FederationSession): void {
    const replaced = this.#streams.get(before)
    const error = new Error('the federation peer has opened another stream')
    replaced?.abort(error)
    if (replaced?.connection !== this.connectionOf(after)) replaced?.connection.abort(error)
  }

  async #serve(
    stream: Stream,
    connection: Connection,
    openedBy: Opener,
    signal: AbortSignal
  ): Promise<FederationSession> {
    const { now, step } = this.#init
    const session = new FederationSession(connection, openedBy, now())
    const served = new FederationStream(session, stream, connection)
    this.#streams.set(session, served)
    step({ type: 'opened', session })
    try {
      await served.run({
        signal,
        now,
        onFlood: () => step({ type: 'flooded', session }),
        onFrame: (frame, sizeBytes) => step({ type: 'frame', session, frame, sizeBytes })
      })
      session.wasClosed = true
    } finally {
      this.#streams.delete(session)
      step({ type: 'ended', session })
    }
    return session
  }
}

class FederationStream {
  readonly connection: Connection
  readonly #session: FederationSession
  readonly #stream: Stream
  readonly #outgoing = new FrameQueue<Uint8Array>({
    maxBytes: SYNC_QUEUE_BYTES,
    sizeOf: (bytes) => bytes.byteLength
  })
  /** Open answers, by their question: asking twice gives one answer. */
  readonly #answers = new Map<string, () => Iterable<FederationFrame>>()
  #answering: Promise<void> | undefined
  /** The frame that the machine has. */
  #handling: PromiseWithResolvers<void> | undefined

  constructor(session: FederationSession, stream: Stream, connection: Connection) {
    this.#session = session
    this.#stream = stream
    this.connection = connection
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
    readonly onFrame: (frame: FederationFrame, sizeBytes: number) => void
    readonly onFlood: () => void
  }): Promise<void> {
    const hellos = new TokenBucket(HELLO_RATE, init.now())
    const decode = (bytes: Uint8Array): SizedFrame | undefined => {
      if (this.#session.isDismissed) return undefined
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
        for (const { frame, sizeBytes } of frames) {
          this.#handling = Promise.withResolvers()
          init.onFrame(frame, sizeBytes)
          await this.#handling.promise
        }
      }
    })
    await this.#answering
  }

  /** The machine has handled the frame. */
  readOn(): void {
    this.#handling?.resolve()
  }

  /** The machine does not take the frame. */
  break(error: Error): void {
    this.#handling?.reject(error)
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
