// `/chat/file/1.0.0` as a libp2p service: it answers peers that fetch what they were offered, and opens streams for
// downloads of this side. It knows no offers, no messages and no screen.
import { setMaxListeners } from 'node:events'
import type { ComponentLogger, Connection, Stream, StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import { RateLimiter, steadyNow, toError, withDeadline } from '../wire/index.ts'
import { FILE_PROTOCOL } from './file-frames.ts'
import { UploadSession, type FilesOnOffer } from './upload-session.ts'
import { UploadSlots } from './upload-slots.ts'

/** A stream for each file that is fetched: some at a time, and some that are ending. */
const MAX_FILE_STREAMS_PER_CONNECTION = 8

/** Streams of all connections that are served or wait; more are reset, and come again. */
const MAX_FILE_STREAMS = 256

/** Questions of one peer about files: a folder of many small ones in one go. Leaves are bounded by slots. */
const FILE_REQUEST_RATE = { burst: 200, perSecond: 20 } as const

/** Peers whose questions are counted at a time. */
const MAX_ASKING_PEERS = 4_096

/** Opening the stream: libp2p's own limit for negotiating a protocol. */
const NEGOTIATE_TIMEOUT_MS = 10_000

export interface FileServiceInit {
  readonly offers: FilesOnOffer
  /** Bytes of a file were given to a stream to this peer. */
  readonly onSent?: (peer: string, file: string, bytes: number) => void
  readonly uploadSlots?: number
}

/** What libp2p gives to a service, as far as this one needs it. */
export interface FileServiceComponents {
  readonly logger: ComponentLogger
  readonly registrar: {
    handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void>
    unhandle(protocol: string): Promise<void>
  }
}

/** A libp2p service: `createLibp2p({ services: { files: files({ … }) } })`. */
export function files(init: FileServiceInit): (components: FileServiceComponents) => FileService {
  return (components) => new FileService(components, init)
}

export class FileService {
  readonly [Symbol.toStringTag] = '@parley/files'
  readonly #components: FileServiceComponents
  readonly #init: FileServiceInit
  readonly #log: ReturnType<ComponentLogger['forComponent']>
  readonly #slots: UploadSlots
  readonly #asked = new RateLimiter(FILE_REQUEST_RATE, MAX_ASKING_PEERS)
  readonly #serving = new Set<Promise<void>>()
  #life: AbortController | undefined

  constructor(components: FileServiceComponents, init: FileServiceInit) {
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('parley:files')
    this.#slots = new UploadSlots(init.uploadSlots)
  }

  async start(): Promise<void> {
    if (this.#life !== undefined) return
    this.#life = new AbortController()
    setMaxListeners(Infinity, this.#life.signal)
    await this.#components.registrar.handle(FILE_PROTOCOL, this.#onStream, {
      maxInboundStreams: MAX_FILE_STREAMS_PER_CONNECTION,
      maxOutboundStreams: MAX_FILE_STREAMS_PER_CONNECTION,
      runOnLimitedConnection: true
    })
  }

  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    await this.#components.registrar.unhandle(FILE_PROTOCOL)
    life.abort(new Error('files are served no longer'))
    await Promise.allSettled(this.#serving)
  }

  /**
   * A stream to a peer that may have a file.
   *
   * @throws WireError when it does not come about in time; what libp2p says when the peer does not serve the protocol
   */
  async open(connection: Connection, options: { readonly signal: AbortSignal }): Promise<Stream> {
    return withDeadline('negotiate', NEGOTIATE_TIMEOUT_MS, options.signal, async (signal) =>
      connection.newStream(FILE_PROTOCOL, { signal, runOnLimitedConnection: true })
    )
  }

  readonly #onStream: StreamHandler = (stream: Stream, connection: Connection) => {
    const signal = this.#life?.signal
    if (signal === undefined || this.#serving.size >= MAX_FILE_STREAMS) {
      stream.abort(new Error('no more files are served now'))
      return
    }
    const { offers, onSent } = this.#init
    const peer = connection.remotePeer.toString()
    const session = new UploadSession({
      stream,
      peer,
      offers,
      slots: this.#slots,
      signal,
      mayAsk: () => this.#asked.of(peer, steadyNow()).takeOne(steadyNow()) === 0,
      onSent: (file, bytes) => onSent?.(peer, file, bytes)
    })
    const run = session.run().catch((error: unknown) => {
      this.#log('the stream of %p ended - %e', connection.remotePeer, toError(error))
    })
    this.#serving.add(run)
    void run.finally(() => this.#serving.delete(run))
  }
}
