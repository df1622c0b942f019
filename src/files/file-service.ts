// `/chat/file/1.0.0` as a libp2p service: it answers peers that fetch what they were offered, and opens streams for
// downloads of this side. It knows no offers, no messages and no screen.
import type { ComponentLogger, Connection, Stream } from '@libp2p/interface'
import { DeadlineTimer } from '../lib/index.ts'
import { NEGOTIATE_TIMEOUT_MS, RateLimiter, ServedStreams, steadyNow, withDeadline } from '../wire/index.ts'
import type { StreamRegistrar } from '../wire/index.ts'
import { FILE_PROTOCOL } from './file-frames.ts'
import { UploadSession, type FilesOnOffer } from './upload-session.ts'
import { UploadSlots } from './upload-slots.ts'

/** A stream for each file that is fetched: some at a time, and some that are ending. */
const MAX_FILE_STREAMS_PER_CONNECTION = 8

/** Streams of all connections that are served or wait; more are reset, and come again. */
const MAX_FILE_STREAMS = 256

/** Questions of one peer about files, two for each: a folder of many small ones in one go. Leaves are bounded by slots. */
const FILE_REQUEST_RATE = { burst: 1_000, perSecond: 200 } as const

/** Peers whose questions are counted at a time. */
const MAX_ASKING_PEERS = 4_096

export interface FileServiceInit {
  readonly offers: FilesOnOffer
  /** Bytes of a file were given to a stream to this peer. */
  readonly onSent?: (peer: string, file: string, bytes: number) => void
  readonly uploadSlots?: number
}

/** What libp2p gives to a service, as far as this one needs it. */
export interface FileServiceComponents {
  readonly logger: ComponentLogger
  readonly registrar: StreamRegistrar
}

/** A libp2p service: `createLibp2p({ services: { files: files({ … }) } })`. */
export function files(init: FileServiceInit): (components: FileServiceComponents) => FileService {
  return (components) => new FileService(components, init)
}

export class FileService {
  readonly [Symbol.toStringTag] = '@parley/files'
  readonly #init: FileServiceInit
  readonly #slots: UploadSlots
  readonly #asked = new RateLimiter(FILE_REQUEST_RATE, MAX_ASKING_PEERS)
  readonly #streams: ServedStreams
  readonly #stalls = new DeadlineTimer(steadyNow, () => {
    this.#slots.yieldStalled(steadyNow())
    return this.#slots.deadlineMs
  })

  constructor({ logger, registrar }: FileServiceComponents, init: FileServiceInit) {
    this.#init = init
    this.#slots = new UploadSlots({
      slots: init.uploadSlots,
      onDeadline: () => this.#stalls.dueAt(this.#slots.deadlineMs)
    })
    this.#streams = new ServedStreams({
      registrar,
      protocol: FILE_PROTOCOL,
      log: logger.forComponent('parley:files'),
      maxPerConnection: MAX_FILE_STREAMS_PER_CONNECTION,
      maxOutboundPerConnection: MAX_FILE_STREAMS_PER_CONNECTION,
      maxStreams: MAX_FILE_STREAMS,
      onLimitedConnections: true,
      serve: async (stream, connection, signal) => this.#serve(stream, connection, signal)
    })
  }

  async start(): Promise<void> {
    await this.#streams.start()
  }

  async stop(): Promise<void> {
    await this.#streams.stop(new Error('files are served no longer'))
    this.#stalls.stop()
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

  async #serve(stream: Stream, connection: Connection, signal: AbortSignal): Promise<void> {
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
    await session.run()
  }
}
