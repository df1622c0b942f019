/**
 * The life of a libp2p service, as far as it answers the streams of one protocol:
 * registers it, bounds and counts the streams, and ends them when it stops. What is
 * said on a stream is the service's own part.
 *
 * @example
 * const streams = new ServedStreams({ registrar, protocol, log, maxPerConnection: 4, serve })
 * await streams.start()
 * await streams.stop(new Error('invitations were stopped'))
 */
import { setMaxListeners } from 'node:events'
import type { Connection, Logger, Stream, StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import { InvalidDataLengthError, InvalidDataLengthLengthError } from '@libp2p/utils'
import { RateLimiter, steadyNow } from '../lib/index.ts'
import { addressClassOf } from './address-class.ts'
import { GARBAGE_STREAM_RATE, MAX_GARBAGE_CLASSES } from './budgets.ts'
import { BrokenProtocolError, FrameTooLargeError, MisbehaviourError, toError } from './errors.ts'
import { BadLengthPrefixError } from './frames.ts'

/** What such a service needs of libp2p's registrar. */
export interface StreamRegistrar {
  handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
  unhandle(protocol: string): Promise<void>
}

export interface ServedStreamsInit {
  readonly registrar: StreamRegistrar
  readonly protocol: string
  readonly log: Logger
  /** Streams that one connection may have open. */
  readonly maxPerConnection: number
  /** Streams that this side opens on one connection. Default: as many as libp2p allows. */
  readonly maxOutboundPerConnection?: number
  /** Streams of all connections together: one more is aborted. Default: no limit of its own. */
  readonly maxStreams?: number
  /** Whether connections that a relay limits may have streams too. Default false. */
  readonly onLimitedConnections?: boolean
  /**
   * Answers one stream. When it throws, the stream is aborted, and the reason logged. When it throws because the remote
   * broke the protocol, that counts against the remote's address class, and beyond a rate its connection is cut.
   *
   * @param signal aborts when the service stops
   */
  serve(stream: Stream, connection: Connection, signal: AbortSignal): Promise<void>
  /** For the rate of garbage, in milliseconds. Default {@link steadyNow}. */
  readonly now?: () => number
}

export class ServedStreams {
  readonly #init: ServedStreamsInit
  readonly #served = new Set<Promise<void>>()
  readonly #garbage = new RateLimiter(GARBAGE_STREAM_RATE, MAX_GARBAGE_CLASSES)
  #life: AbortController | undefined
  /** Why new streams are aborted, while they are. */
  #stopped = new Error('the service has not been started')

  constructor(init: ServedStreamsInit) {
    this.#init = init
  }

  /** Aborts when the service stops; undefined while it is stopped. */
  get signal(): AbortSignal | undefined {
    return this.#life?.signal
  }

  async start(): Promise<void> {
    if (this.#life !== undefined) return
    this.#life = new AbortController()
    setMaxListeners(Infinity, this.#life.signal)
    const { registrar, protocol, maxPerConnection, maxOutboundPerConnection, onLimitedConnections = false } = this.#init
    await registrar.handle(protocol, this.#onStream, {
      maxInboundStreams: maxPerConnection,
      ...(maxOutboundPerConnection === undefined ? {} : { maxOutboundStreams: maxOutboundPerConnection }),
      runOnLimitedConnection: onLimitedConnections
    })
  }

  /** Takes no more streams, and leaves those that are open. */
  async withdraw(): Promise<void> {
    await this.#init.registrar.unhandle(this.#init.protocol)
  }

  /** Resolves when the streams that are open now have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#served)
  }

  /**
   * Takes no more streams, and ends those that are open.
   *
   * @param why the reason of the signal
   */
  async stop(why: Error): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    this.#stopped = why
    await this.withdraw()
    life.abort(why)
    await this.settled()
  }

  readonly #onStream: StreamHandler = (stream, connection) => {
    const { maxStreams = Infinity, log, serve } = this.#init
    const signal = this.#life?.signal
    if (signal === undefined) return stream.abort(this.#stopped)
    if (this.#served.size >= maxStreams)
      return stream.abort(new Error(`${maxStreams} streams are open: try again later`))
    const run = serve(stream, connection, signal)
      .catch((error: unknown) => {
        log('a stream of %p ended - %e', connection.remotePeer, error)
        stream.abort(toError(error))
        if (isBrokenProtocol(error)) this.#onGarbage(connection)
      })
      .finally(() => this.#served.delete(run))
    this.#served.add(run)
  }

  /** A new connection and a new key cost little: the remote is known by its address class. */
  #onGarbage(connection: Connection): void {
    const { protocol, now = steadyNow } = this.#init
    const nowMs = now()
    if (this.#garbage.of(addressClassOf(connection.remoteAddr), nowMs).takeOne(nowMs) === 0) return
    const limit = `at most ${GARBAGE_STREAM_RATE.burst} at once and ${GARBAGE_STREAM_RATE.perSecond} a second are allowed`
    const what = `opened too many streams of ${protocol} for what is no message of it: ${limit}`
    connection.abort(new MisbehaviourError('garbage', what))
  }
}

/** Whether a stream failed because its remote broke the rules of the protocol. */
function isBrokenProtocol(error: unknown): boolean {
  return (
    error instanceof BrokenProtocolError ||
    error instanceof BadLengthPrefixError ||
    (error instanceof FrameTooLargeError && error.stage === 'read') ||
    error instanceof InvalidDataLengthError ||
    error instanceof InvalidDataLengthLengthError
  )
}
