// `/chat/share/1.0.0` as a libp2p service: it answers peers that look at what is shared with them. Who may see what is
// not its business.
import type { ComponentLogger, Stream } from '@libp2p/interface'
import { FrameStream, RateLimiter, ServedStreams, steadyNow } from '../wire/index.ts'
import type { Rate, StreamRegistrar } from '../wire/index.ts'
import {
  SHARE_PROTOCOL,
  shareFrames,
  ShareProtocolError,
  type Found,
  type Page,
  type ShareFrame,
  type ShareRequest
} from './share-frames.ts'

/** One that is used, and one that is ending. */
const MAX_SHARE_STREAMS_PER_CONNECTION = 2

/** Of all connections together; more are reset, and come again. */
const MAX_SHARE_STREAMS = 64

/** How long a stream stays open on which nothing is asked. */
const SHARE_STREAM_IDLE_MS = 60_000

/** Pages of one peer: a folder of 100,000 files in one go. */
const SHARE_LIST_RATE: Rate = { burst: 250, perSecond: 20 }

/** A person types no two searches within 5 seconds. */
const SHARE_FIND_RATE: Rate = { burst: 1, perSecond: 1 / 5 }

/** And no more than this within an hour; programs that search for words of a dictionary do. */
const SHARE_FIND_HOURLY_RATE: Rate = { burst: 30, perSecond: 30 / 3_600 }

/** Peers whose questions are counted at a time. */
const MAX_LOOKING_PEERS = 4_096

/** Refusals in a row after which the stream is cut: one that does not slow down is no client of ours. */
const MAX_REFUSALS_IN_A_ROW = 20

/** What is shared, as one peer may see it. All of it is in memory. */
export interface SharedWith {
  /** @returns undefined where there is no such folder for this peer */
  list(peer: string, path: string, after: string): Page | undefined
  find(peer: string, words: readonly string[]): Found
}

/** What libp2p gives to a service, as far as this one needs it. */
export interface ShareServiceComponents {
  readonly logger: ComponentLogger
  readonly registrar: StreamRegistrar
}

/**
 * A libp2p service: `createLibp2p({ services: { shares: shares(sharedWith) } })`.
 *
 * @param nowMs a clock that never goes back
 */
export function shares(
  sharedWith: SharedWith,
  nowMs = steadyNow
): (components: ShareServiceComponents) => ShareService {
  return (components) => new ShareService(components, sharedWith, nowMs)
}

export class ShareService {
  readonly [Symbol.toStringTag] = '@parley/share'
  readonly #sharedWith: SharedWith
  readonly #nowMs: () => number
  readonly #listed = new RateLimiter(SHARE_LIST_RATE, MAX_LOOKING_PEERS)
  readonly #found = new RateLimiter(SHARE_FIND_RATE, MAX_LOOKING_PEERS)
  readonly #foundInHour = new RateLimiter(SHARE_FIND_HOURLY_RATE, MAX_LOOKING_PEERS)
  readonly #streams: ServedStreams

  constructor({ logger, registrar }: ShareServiceComponents, sharedWith: SharedWith, nowMs: () => number) {
    this.#sharedWith = sharedWith
    this.#nowMs = nowMs
    this.#streams = new ServedStreams({
      registrar,
      protocol: SHARE_PROTOCOL,
      log: logger.forComponent('parley:share'),
      maxPerConnection: MAX_SHARE_STREAMS_PER_CONNECTION,
      maxOutboundPerConnection: MAX_SHARE_STREAMS_PER_CONNECTION,
      maxStreams: MAX_SHARE_STREAMS,
      onLimitedConnections: true,
      serve: async (stream, connection, signal) => this.#serve(stream, connection.remotePeer.toString(), signal)
    })
  }

  async start(): Promise<void> {
    await this.#streams.start()
  }

  async stop(): Promise<void> {
    await this.#streams.stop(new Error('nothing is shared any longer'))
  }

  async #serve(stream: Stream, peer: string, signal: AbortSignal): Promise<void> {
    const frames = new FrameStream(stream, shareFrames, signal)
    for (let refusals = 0; refusals < MAX_REFUSALS_IN_A_ROW && stream.readStatus === 'readable';) {
      const request = await frames.read(SHARE_STREAM_IDLE_MS)
      if (request.type !== 'list' && request.type !== 'find') {
        throw new ShareProtocolError(`an answer "${request.type}" to nothing`)
      }
      const answer = this.#answer(peer, request)
      refusals = answer.type === 'refuse' ? refusals + 1 : 0
      await frames.write(answer)
    }
    await frames.close()
  }

  #answer(peer: string, request: ShareRequest): ShareFrame {
    if (!this.#mayAsk(peer, request)) return { type: 'refuse', reason: 'too-fast' }
    if (request.type === 'find') return { type: 'hits', ...this.#sharedWith.find(peer, request.words) }
    const page = this.#sharedWith.list(peer, request.path, request.after)
    return page === undefined ? { type: 'refuse', reason: 'not-here' } : { type: 'listing', ...page }
  }

  #mayAsk(peer: string, { type }: ShareRequest): boolean {
    const nowMs = this.#nowMs()
    if (type === 'list') return this.#listed.of(peer, nowMs).takeOne(nowMs) === 0
    return this.#found.of(peer, nowMs).takeOne(nowMs) === 0 && this.#foundInHour.of(peer, nowMs).takeOne(nowMs) === 0
  }
}
