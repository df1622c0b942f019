/**
 * A client of a directory for its benchmarks: a libp2p node of its own with
 * Parley's host options, its own key and connection. It registers with a sealed
 * record, renews when asked, and watches the whole roster. It counts what
 * comes and does not check it, and what there is to do with a change that it has
 * opened waits for a moment: in a real network each client does that on a machine
 * of its own, and not in the time of the next one.
 */

import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Ed25519PrivateKey, Libp2p, MessageStream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Uint8ArrayList } from 'uint8arraylist'
import { DIRECTORY_PROTOCOL } from '../src/directory/index.ts'
import { nextSeq, sealRecord } from '../src/presence/index.ts'
import { decodeDirectoryFrame, encodeClientFrame, DirectoryRefusedError } from '../src/directory/directory-frames.ts'
import type { ClientFrame } from '../src/directory/directory-frames.ts'
import { commonServices, hostOptions } from '../src/transport/host.ts'
import { FrameQueue, runFrames, toError } from '../src/wire/index.ts'
import { nowMs } from './bench-process.ts'

/** First bytes of a directory's frame: which field is set. */
const SNAPSHOT_TAG = 0x12
const CHANGES_TAG = 0x1a
const MAX_FRAME_BYTES = 128 * 1024
const CONNECT_TIMEOUT_MS = 10_000
const YAMUX_HEADER_BYTES = 12
/** The header of Yamux, the length of a frame, and its first byte. */
const LOOKED_AT_BYTES = YAMUX_HEADER_BYTES + 4
/** Longer than it takes until all clients of a benchmark have opened a change. */
const AFTERWARDS_MS = 250

/** One registration, which ends with its stream. */
interface Session {
  readonly outgoing: FrameQueue<ClientFrame>
  readonly registered: PromiseWithResolvers<void>
  readonly hasSnapshot: PromiseWithResolvers<void>
}

export class LightClient {
  readonly #libp2p: Libp2p
  readonly #key: Ed25519PrivateKey
  readonly #network: string
  #connection: Connection | undefined
  #session: Session | undefined
  #renewal: ReturnType<typeof setTimeout> | undefined
  #seq = 0n
  #envelope = new Uint8Array()
  #changedAtMs: number | undefined

  private constructor(libp2p: Libp2p, key: Ed25519PrivateKey, network: string) {
    this.#libp2p = libp2p
    this.#key = key
    this.#network = network
  }

  static async create(network: string): Promise<LightClient> {
    const key = await generateKeyPair('Ed25519')
    const limits = { discovery: [], gater: {} }
    const options = hostOptions({ key, host: '127.0.0.1', port: 0, ...limits })
    let client: LightClient | undefined
    const libp2p = await createLibp2p({
      ...options,
      streamMuxers: (options.streamMuxers ?? []).map((create) => (components) => {
        const muxers = create(components)
        const createStreamMuxer = muxers.createStreamMuxer.bind(muxers)
        return Object.assign(muxers, {
          createStreamMuxer: (connection: MessageStream) => {
            lookFirst(connection, () => {
              if (client !== undefined) client.#changedAtMs ??= nowMs()
            })
            return createStreamMuxer(connection)
          }
        })
      }),
      addresses: { listen: [] },
      services: commonServices
    })
    await libp2p.start()
    client = new LightClient(libp2p, key, network)
    return client
  }

  async connect(address: string): Promise<void> {
    this.#connection = await this.#libp2p.dial(multiaddr(address), { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) })
  }

  /** @returns when it is registered; `ended` tells of the end of that */
  async register(): Promise<{ readonly ended: Promise<Error> }> {
    if (this.#connection === undefined) throw new Error('not connected')
    const stream = await this.#connection.newStream(DIRECTORY_PROTOCOL, {
      signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS)
    })
    const session: Session = {
      outgoing: new FrameQueue<ClientFrame>({ maxBytes: 1 << 20, sizeOf: () => 1_024 }),
      registered: Promise.withResolvers<void>(),
      hasSnapshot: Promise.withResolvers<void>()
    }
    this.#session = session
    session.registered.promise.catch(() => undefined)
    session.hasSnapshot.promise.catch(() => undefined)
    const run = runFrames<Uint8Array, ClientFrame>({
      stream,
      codec: { decode: (bytes) => bytes, encode: encodeClientFrame },
      outgoing: session.outgoing,
      maxFrameBytes: MAX_FRAME_BYTES,
      onFrames: async (frames) => {
        for (const frame of frames) this.#onFrame(session, frame)
      }
    })
    const ended = run.then(
      () => new Error('the directory has closed the stream'),
      (error: unknown) => toError(error)
    )
    void ended.then((error) => {
      clearTimeout(this.#renewal)
      session.registered.reject(error)
      session.hasSnapshot.reject(error)
    })
    await this.announce()
    await session.registered.promise
    return { ended }
  }

  /** @returns when it was sent */
  async announce(): Promise<number> {
    this.#envelope = await this.#seal(false)
    return this.#send({ type: 'announce', envelope: this.#envelope })
  }

  async withdraw(): Promise<number> {
    clearTimeout(this.#renewal)
    return this.#send({ type: 'withdraw', envelope: await this.#seal(true) })
  }

  async watch(): Promise<void> {
    this.#send({ type: 'watch', query: '', offset: 0, limit: 0 })
    await this.#session?.hasSnapshot.promise
  }

  /** When the first change came since this was asked last. */
  takeArrival(): number | undefined {
    const atMs = this.#changedAtMs
    this.#changedAtMs = undefined
    return atMs
  }

  /** Loses the connection, as when the network goes. */
  cut(): void {
    this.#connection?.abort(new Error('cut by the benchmark'))
  }

  async leave(): Promise<void> {
    clearTimeout(this.#renewal)
    await this.#libp2p.stop()
  }

  #send(frame: ClientFrame): number {
    const atMs = nowMs()
    this.#session?.outgoing.offer(frame)
    return atMs
  }

  async #seal(withdrawn: boolean): Promise<Uint8Array<ArrayBuffer>> {
    this.#seq = nextSeq(this.#seq, Date.now())
    const sealed = await sealRecord(
      {
        seq: this.#seq,
        issuedAtMs: Date.now(),
        nickname: `client ${this.#libp2p.peerId.toString().slice(-6)}`,
        status: '',
        addresses: [multiaddr('/ip4/192.168.1.20/tcp/40123'), multiaddr('/ip6/fd00::20/tcp/40123')],
        capabilities: ['chat/1'],
        network: this.#network,
        withdrawn
      },
      this.#key
    )
    return new Uint8Array(sealed.envelope)
  }

  #onFrame({ registered, hasSnapshot }: Session, bytes: Uint8Array): void {
    if (bytes[0] === CHANGES_TAG) {
      this.#changedAtMs ??= nowMs()
      return
    }
    if (bytes[0] === SNAPSHOT_TAG) {
      // `last`, the snapshot's only field behind the entries, is its end.
      if (bytes.at(-2) === 0x18 && bytes.at(-1) === 1) hasSnapshot.resolve()
      return
    }
    const frame = decodeDirectoryFrame(bytes)
    if (frame?.type === 'refuse') throw new DirectoryRefusedError(frame.reason, frame.retryAfterMs)
    if (frame?.type !== 'welcome' || frame.acceptedSeq === undefined) return
    registered.resolve()
    clearTimeout(this.#renewal)
    this.#renewal = setTimeout(() => this.#send({ type: 'announce', envelope: this.#envelope }), frame.refreshAfterMs)
  }
}

/** Notes each change as soon as it is opened; what opens it gets its bytes, and all that follow, later. */
function lookFirst(connection: MessageStream, onChange: () => void): void {
  // Called by libp2p's streams for what has come; their interface does not show it.
  if (!('onData' in connection) || typeof connection.onData !== 'function') return
  const onData = connection.onData.bind(connection) as (bytes: Uint8Array | Uint8ArrayList) => void
  let waiting: (Uint8Array | Uint8ArrayList)[] = []
  const goOn = (): void => {
    const opened = waiting
    waiting = []
    for (const bytes of opened) onData(bytes)
  }
  connection.onData = (bytes: Uint8Array | Uint8ArrayList): void => {
    const isChange = holdsChange(bytes)
    if (isChange) onChange()
    if (isChange && waiting.length === 0) setTimeout(goOn, AFTERWARDS_MS)
    if (isChange || waiting.length > 0) waiting.push(bytes)
    else onData(bytes)
  }
}

/** A data frame of Yamux that begins with a directory's frame of changes, behind its length. */
function holdsChange(opened: Uint8Array | Uint8ArrayList): boolean {
  if (opened.byteLength < LOOKED_AT_BYTES) return false
  const bytes = opened.subarray(0, LOOKED_AT_BYTES)
  if (bytes[1] !== 0) return false
  let at = YAMUX_HEADER_BYTES
  while ((bytes[at] ?? 0) >= 0x80) at++
  return bytes[at + 1] === CHANGES_TAG
}
