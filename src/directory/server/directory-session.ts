// One client's stream at a directory: what it may still ask, what it watches, what
// waits to be sent, and what is counted meanwhile. Knows the frames, and not the roster.
import type { Connection, Stream } from '@libp2p/interface'
import {
  FrameQueue,
  FrameTooLargeError,
  MAX_WRITE_BYTES,
  runFrames,
  toError,
  TokenBucket,
  joinFrames
} from '../../wire/index.ts'
import {
  MAX_DIRECTORY_FRAME_BYTES,
  SNAPSHOT_TIMEOUT_MS,
  decodeClientFrame,
  encodeDirectoryFrame,
  MAX_CLIENT_FRAME_BYTES
} from '../directory-frames.ts'
import type { ClientFrame, DirectoryFrame, WatchRange, RefuseReason } from '../directory-frames.ts'
import { PresenceProtocolError, SlowWatcherError } from '../../presence/index.ts'
import type { RosterEntry } from '../../presence/index.ts'
import type { FairQueue } from '../../wire/index.ts'

/** Frames that many watchers get. */
export class SharedFrames {
  readonly frames: readonly Uint8Array[]
  /** The same, as they are on the wire. */
  readonly joined: Uint8Array

  constructor(frames: readonly Uint8Array[]) {
    this.frames = frames
    this.joined = joinFrames(frames, MAX_DIRECTORY_FRAME_BYTES)
  }
}

export interface DirectoryMetrics {
  /** A record was taken: a new one or a renewal, or the one with which its owner leaves. */
  announced(outcome: 'accepted' | 'withdrawn'): void
  refused(reason: RefuseReason): void
  /** So many changes were sent to so many watchers, the oldest of them after this delay. */
  pushed(changes: number, watchers: number, delayMs: number): void
  /** A watcher did not read fast enough, and was reset. */
  watcherReset(): void
}

/** Bytes that may wait for one watcher before it counts as too slow; whole-roster frames are shared by all of them. */
const WATCHER_QUEUE_BYTES = 512 * 1024

/** Announcements on one connection; a verification costs a quarter of a millisecond. */
const ANNOUNCE_RATE = { burst: 10, perSecond: 1 } as const

/** Changes of what is watched: scrolling and typing a query. */
const WATCH_RATE = { burst: 20, perSecond: 5 } as const

/** Refusals in a row before a stream that won't listen is reset. */
const MAX_REFUSALS = 20

/** A stream that says nothing at all is not worth its place. */
const FIRST_CLIENT_FRAME_TIMEOUT_MS = 10_000

/** What one connection may ask, over all its streams. */
export class SessionRates {
  readonly announce: TokenBucket
  readonly watch: TokenBucket

  constructor(nowMs: number) {
    this.announce = new TokenBucket(ANNOUNCE_RATE, nowMs)
    this.watch = new TokenBucket(WATCH_RATE, nowMs)
  }
}

/** What a session has been told of the roster. */
type Watching =
  | { readonly what: 'nothing' }
  /** Its snapshot is being sent; these peers have changed since it was taken. */
  | { readonly what: 'snapshot'; readonly behind: Set<string> }
  | { readonly what: 'whole' }
  | {
      readonly what: 'page'
      readonly range: WatchRange
      readonly sent: readonly RosterEntry[]
      readonly total: number
      /** Of the matches, as they were sent. */
      readonly version: number
    }

export class DirectorySession {
  readonly connection: Connection
  readonly rates: SessionRates
  watching: Watching = { what: 'nothing' }
  readonly #stream: Stream
  readonly #metrics: DirectoryMetrics | undefined
  readonly #outgoing = new FrameQueue<Uint8Array>({
    maxBytes: WATCHER_QUEUE_BYTES,
    sizeOf: (bytes) => bytes.byteLength
  })
  #refusals = 0

  constructor(stream: Stream, connection: Connection, rates: SessionRates, metrics?: DirectoryMetrics) {
    this.#stream = stream
    this.connection = connection
    this.rates = rates
    this.#metrics = metrics
  }

  /**
   * Reads the client's frames until the stream ends.
   *
   * @throws what made it end, unless both sides closed it
   */
  async run(signal: AbortSignal, onFrame: (frame: ClientFrame) => Promise<void>): Promise<void> {
    await runFrames<ClientFrame, Uint8Array>({
      stream: this.#stream,
      codec: { decode: decodeBounded, encode: (bytes) => bytes },
      outgoing: this.#outgoing,
      maxFrameBytes: MAX_DIRECTORY_FRAME_BYTES,
      firstFrameTimeoutMs: FIRST_CLIENT_FRAME_TIMEOUT_MS,
      signal,
      onFrames: async (frames) => {
        for (const frame of frames) await onFrame(frame)
      }
    })
  }

  /** Sends an answer. */
  send(frame: DirectoryFrame): void {
    this.sendEncoded([encodeDirectoryFrame(frame)])
  }

  /**
   * Sends frames that other watchers get too. A watcher that is too slow for them is reset; one that is leaving, or that
   * was dismissed, gets no more of them.
   */
  sendEncoded(frames: readonly Uint8Array[]): void {
    for (const frame of frames) {
      if (this.#outgoing.offer(frame) || !this.#outgoing.isOpen) continue
      this.#metrics?.watcherReset()
      this.abort(new SlowWatcherError(this.#outgoing.queuedBytes + frame.byteLength, WATCHER_QUEUE_BYTES))
      return
    }
  }

  /** Sends frames that many watchers get: at once, where nothing waits before them. */
  sendShared(shared: SharedFrames): void {
    if (!this.#sendNow(shared)) this.sendEncoded(shared.frames)
  }

  /** Sends the pages of a snapshot, as fast as the client takes them and the directory has time for them. */
  async sendPages(pages: Iterable<SharedFrames>, turns: FairQueue, signal: AbortSignal): Promise<void> {
    let leftMs = SNAPSHOT_TIMEOUT_MS
    for (const page of pages) {
      await turns.take(page.joined.byteLength)
      if (this.#sendNow(page)) continue
      for (const frame of page.frames) leftMs = await this.#pushWithin(frame, leftMs, signal)
    }
  }

  /** @returns what is left of the time */
  async #pushWithin(frame: Uint8Array, leftMs: number, signal: AbortSignal): Promise<number> {
    if (this.#outgoing.offer(frame)) return leftMs
    // Only what the client takes counts.
    const startedAtMs = performance.now()
    await this.#outgoing.push(frame, { signal: AbortSignal.any([signal, AbortSignal.timeout(Math.max(0, leftMs))]) })
    return leftMs - Math.round(performance.now() - startedAtMs)
  }

  /** Past the queue, where it is empty and the stream takes bytes: nothing is overtaken, and nothing copied. */
  #sendNow({ joined }: SharedFrames): boolean {
    const { status, writeStatus, writableNeedsDrain } = this.#stream
    const isFree = status === 'open' && writeStatus === 'writable' && !writableNeedsDrain && this.#outgoing.isIdle
    if (!isFree || joined.byteLength > MAX_WRITE_BYTES) return false
    try {
      this.#stream.send(joined)
    } catch (error) {
      this.abort(error)
    }
    return true
  }

  /** @throws PresenceProtocolError when the client does not listen to refusals */
  refuse(reason: RefuseReason, retryAfterMs: number, newestEnvelope?: Uint8Array): void {
    this.#refusals++
    this.#metrics?.refused(reason)
    if (this.#refusals > MAX_REFUSALS) {
      throw new PresenceProtocolError(`a client went on after ${MAX_REFUSALS} refusals in a row`)
    }
    this.send({ type: 'refuse', reason, retryAfterMs, ...(newestEnvelope === undefined ? {} : { newestEnvelope }) })
  }

  /** The last word: the client is to leave, and to come back then. */
  dismiss(retryAfterMs: number): void {
    this.send({ type: 'refuse', reason: 'going-down', retryAfterMs })
    this.end()
  }

  /** Something that the client asked for was done. */
  accepted(): void {
    this.#refusals = 0
  }

  /** Closes our half once what waits is sent. */
  end(): void {
    this.#outgoing.end()
  }

  abort(error: unknown): void {
    this.#stream.abort(toError(error))
  }
}

/** A client's frames are small, whatever the stream's limit for ours is. */
function decodeBounded(bytes: Uint8Array): ClientFrame | undefined {
  if (bytes.byteLength > MAX_CLIENT_FRAME_BYTES) {
    throw new FrameTooLargeError('read', bytes.byteLength, MAX_CLIENT_FRAME_BYTES)
  }
  return decodeClientFrame(bytes)
}
