// A bare libp2p node that keeps to no rule of Parley's: it opens streams of any
// protocol and writes any bytes to them. It is built on what anyone can
// install, and of Parley it knows the frames, to break them.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection, PrivateKey, Stream, StreamHandler } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import * as lengthPrefixed from 'it-length-prefixed'
import { createLibp2p, type Libp2p, type Libp2pOptions } from 'libp2p'
import { randomBytes } from 'node:crypto'
import { Frame } from '../../src/chat-protocol/pb/frames.ts'
import { eventualMs, patientConnections } from '../patience.ts'

export const chatProtocol = '/chat/1.0.0'
export const recordProtocol = '/chat/record/1.0.0'
export const directoryProtocol = '/chat/directory/1.0.0'

/** An honest node answers in milliseconds; one that is busy with an attack, on a busy machine, is given more. */
const timeoutMs = eventualMs

/** `Parley`, a byte that is never in UTF-8, and the version: see docs/spec/chat-1.0.0.md. */
const marker = Uint8Array.of(0x50, 0x61, 0x72, 0x6c, 0x65, 0x79, 0xff, 0x01)

export type TransportFactory = NonNullable<Libp2pOptions['transports']>[number]

export interface AttackerInit {
  /** Somebody else's key, if it was stolen. */
  readonly key?: PrivateKey
  /** Passes for a Parley peer, by serving the protocol that marks one. */
  readonly looksLikeParley?: boolean
  /** The address that it dials from; else the system's choice. */
  readonly source?: string
  /** An address at which it listens; else it does not. */
  readonly listen?: string
  /** What it dials by; else TCP. */
  readonly transport?: TransportFactory
}

export class Attacker {
  readonly #node: Libp2p

  private constructor(node: Libp2p) {
    this.#node = node
  }

  static async start(init: AttackerInit = {}): Promise<Attacker> {
    const node = await createLibp2p({
      ...(init.key === undefined ? {} : { privateKey: init.key }),
      ...(init.listen === undefined ? {} : { addresses: { listen: [init.listen] } }),
      transports: [
        init.transport ?? tcp(init.source === undefined ? {} : { dialOpts: { localAddress: init.source } as object })
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [yamux()],
      // Nothing of its own shall hold it back.
      connectionMonitor: { enabled: false },
      connectionManager: patientConnections
    })
    if (init.looksLikeParley === true) {
      // Accepting the stream is all that the probe asks; what is said on it does not matter here.
      await node.handle(recordProtocol, (stream) => stream.addEventListener('message', () => undefined))
    }
    return new Attacker(node)
  }

  get peerId(): string {
    return this.#node.peerId.toString()
  }

  /** Takes streams of this protocol. */
  async serve(protocol: string, take: StreamHandler): Promise<void> {
    await this.#node.handle(protocol, take, { maxInboundStreams: 1_000 })
  }

  async connect(address: string): Promise<Connection> {
    return this.#node.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(timeoutMs) })
  }

  async stop(): Promise<void> {
    await this.#node.stop()
  }
}

export async function openStream(connection: Connection, protocol: string): Promise<Stream> {
  return connection.newStream(protocol, { signal: AbortSignal.timeout(timeoutMs), maxOutboundStreams: 1_000 })
}

/** A chat stream on which both Hellos have been exchanged, as Parley's own would be. */
export class ChatLine {
  readonly log = new Uint8Array(randomBytes(8))
  readonly stream: Stream
  readonly #frames: ReturnType<typeof lpStream<Stream>>
  #seq = 0

  private constructor(stream: Stream) {
    this.stream = stream
    this.#frames = lpStream(stream)
  }

  static async open(connection: Connection): Promise<ChatLine> {
    const line = new ChatLine(await openStream(connection, chatProtocol))
    line.write(helloBytes(line.log))
    const { hello } = await line.read()
    if (hello === undefined) throw new Error('the first frame was no Hello')
    return line
  }

  write(bytes: Uint8Array): void {
    this.stream.send(bytes)
  }

  /** A whole Message frame. `text` need not be text. */
  message(
    text: Uint8Array<ArrayBuffer>,
    files: NonNullable<Frame['message']>['files'] = []
  ): { readonly id: Uint8Array; readonly bytes: Uint8Array } {
    this.#seq += 1
    const id = new Uint8Array(randomBytes(16))
    const message = { id, log: this.log, seq: BigInt(this.#seq), sentAtMs: BigInt(Date.now()), text, files }
    return { id, bytes: framed(Frame.encode({ message })) }
  }

  /** @throws when the stream ends, or nothing comes in time */
  async read(): Promise<Frame> {
    return Frame.decode(await this.#frames.read({ signal: AbortSignal.timeout(timeoutMs) }))
  }

  /** Reads until a receipt or a refusal of this message comes, and says which it was. */
  async fateOf(id: Uint8Array): Promise<'stored' | 'held' | `refused for reason ${number}`> {
    for (;;) {
      const { receipt, refuse } = await this.read()
      if (refuse?.ids.some((one) => Buffer.compare(one, id) === 0)) return `refused for reason ${refuse.reason}`
      if (receipt?.ids.some((one) => Buffer.compare(one, id) === 0)) return receipt.state === 1 ? 'stored' : 'held'
    }
  }
}

function helloBytes(log: Uint8Array<ArrayBuffer>): Uint8Array {
  return framed(Frame.encode({ hello: { marker, log } }))
}

export function framed(bytes: Uint8Array): Uint8Array {
  return lengthPrefixed.encode.single(bytes).subarray()
}

/** Resolves when the other side has cut the stream: reset it, or closed it. */
export async function untilCut(stream: Stream): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs)
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      if (stream.status !== 'open' || stream.remoteWriteStatus !== 'writable') resolve()
    }
    signal.addEventListener('abort', () => reject(new Error(`the stream is still ${stream.status}`)))
    stream.addEventListener('close', done)
    stream.addEventListener('remoteCloseWrite', done)
    done()
  })
}
