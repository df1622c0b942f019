// The attacker's ends of the wire, below every rule: a bare TCP socket, and an
// encrypted connection on which any bytes stand in the place of Yamux. Both count
// what they send and read only on request.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MessageStream, MultiaddrConnection, PrivateKey, StreamMuxerFactory, Transport } from '@libp2p/interface'
import { tcp, type TCPComponents } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { beforeUpgrade } from '../../src/transport/index.ts'
import type { AttackContext, Target } from './attack.ts'

const connectTimeoutMs = 20_000
/** Own streams of raw frames begin here, far from those that the libp2p node opens by itself. */
const firstRawStream = 1_000_001

export const frameTypes = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const
export const flags = { none: 0, syn: 1, ack: 2, fin: 4, rst: 8 } as const

export interface RawHeader {
  readonly version?: number
  readonly type: number
  readonly flags?: number
  readonly stream?: number
  readonly length?: number
}

/** One header of Yamux, or bytes that look like one. */
export function header({ version = 0, type, flags: bits = 0, stream = 0, length = 0 }: RawHeader): Uint8Array {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt8(version, 0)
  bytes.writeUInt8(type, 1)
  bytes.writeUInt16BE(bits, 2)
  bytes.writeUInt32BE(stream, 4)
  bytes.writeUInt32BE(length >>> 0, 8)
  return bytes
}

/** A TCP socket to the victim; `undefined` when it was not let in. */
export async function rawSocket(
  context: AttackContext,
  options: { readonly source?: string; readonly port?: number } = {}
): Promise<Socket | undefined> {
  const { target, signal, source } = context
  const socket = connect({
    host: target.host,
    port: options.port ?? target.port,
    localAddress: options.source ?? source
  })
  signal.addEventListener('abort', () => socket.destroy(), { once: true })
  socket.on('error', () => undefined)
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)]) })
    return socket
  } catch {
    socket.destroy()
    return undefined
  }
}

/** Writes for as long as the socket lives and the attack lasts, at the pace of the victim's reading. */
export async function pour(context: AttackContext, socket: Socket, bytes: Uint8Array): Promise<void> {
  while (!context.signal.aborted && !socket.destroyed) {
    context.sent(bytes.byteLength)
    if (socket.write(bytes)) await turn()
    else await drained(socket, context.signal)
  }
}

/** Repeats what an attacker does again and again, one after the other, whatever becomes of each. */
export async function again(
  context: AttackContext,
  act: () => Promise<unknown>,
  { while: goesOn = () => true }: { readonly while?: () => boolean } = {}
): Promise<void> {
  while (!context.signal.aborted && goesOn()) {
    await act().catch(() => undefined)
    await turn()
  }
}

/** One connection after the other, until the attack ends. */
export async function onLinks(context: AttackContext, act: (link: RawLink) => unknown): Promise<void> {
  await again(context, async () => {
    const link = await RawLink.dial(context)
    await act(link)
    await link.close()
  })
}

export class RawLink {
  readonly #node: Libp2p
  readonly #secured: MessageStream
  readonly #socket: Socket
  readonly #context: AttackContext
  #nextStream = firstRawStream

  private constructor(node: Libp2p, secured: MessageStream, socket: Socket, context: AttackContext) {
    this.#node = node
    this.#secured = secured
    this.#socket = socket
    this.#context = context
  }

  /** Connects with Noise and agrees on Yamux; from then on every byte is the attacker's own. */
  static async dial(
    context: AttackContext,
    options: { readonly key?: PrivateKey; readonly source?: string } = {}
  ): Promise<RawLink> {
    const { target, signal } = context
    const key = options.key ?? (await generateKeyPair('Ed25519'))
    let secured: MessageStream | undefined
    let socket: Socket | undefined
    const node = await createLibp2p({
      privateKey: key,
      addresses: { listen: [] },
      transports: [
        watched(options.source ?? context.source, (connection) => {
          if ('socket' in connection && connection.socket instanceof Socket) socket = connection.socket
        })
      ],
      connectionEncrypters: [noise()],
      streamMuxers: [deafYamux((connection) => (secured = connection))],
      connectionMonitor: { enabled: false }
    })
    context.identity(node.peerId.toString())
    signal.addEventListener('abort', () => void node.stop(), { once: true })
    await node.dial(addressOf(target), { signal: AbortSignal.any([signal, AbortSignal.timeout(connectTimeoutMs)]) })
    if (secured === undefined || socket === undefined) throw new Error('libp2p has made the connection another way')
    return new RawLink(node, secured, socket, context)
  }

  get isOpen(): boolean {
    return this.#secured.status === 'open' && !this.#socket.destroyed
  }

  /** Nothing more is taken from the system: what the victim sends waits in its own memory. */
  stopReading(): void {
    this.#socket.pause()
    this.#socket.removeAllListeners('data')
    this.#socket.removeAllListeners('readable')
    this.#socket.pause()
  }

  /** A stream ID of the attacker's that has not been used. */
  newStream(): number {
    this.#nextStream += 2
    return this.#nextStream
  }

  send(bytes: Uint8Array): void {
    this.#context.sent(bytes.byteLength)
    this.#secured.send(bytes)
  }

  /** Sends what `next` makes until the link or the attack ends, at the pace of the victim's reading. */
  async pour(next: () => Uint8Array): Promise<void> {
    while (!this.#context.signal.aborted && this.isOpen) {
      this.send(next())
      if (this.#secured.writableNeedsDrain || this.#socket.writableNeedDrain) {
        await drained(this.#socket, this.#context.signal)
      }
      await turn()
    }
  }

  async close(): Promise<void> {
    this.#socket.destroy()
    await this.#node.stop()
  }
}

export function addressOf(target: Target): ReturnType<typeof multiaddr> {
  return multiaddr(`/ip4/${target.host}/tcp/${target.port}/p2p/${target.peer}`)
}

/** TCP from a source address of one's own, which shows each connection before anything is sent on it. */
function watched(
  source: string,
  look: (connection: MultiaddrConnection) => void
): (components: TCPComponents) => Transport {
  return (components) => {
    const transport = tcp({ dialOpts: { localAddress: source } as object })(components)
    const dial = transport.dial.bind(transport)
    transport.dial = async (address, init) =>
      dial(address, { ...init, upgrader: beforeUpgrade(init.upgrader, ['upgradeOutbound'], look) })
    return transport
  }
}

/** Yamux that hears nothing, so that no rule of its own ends what the attacker does. */
function deafYamux(onConnection: (connection: MessageStream) => void): () => StreamMuxerFactory {
  const create = yamux({ enableKeepAlive: false })
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    return Object.assign(factory, {
      createStreamMuxer: (connection: MessageStream) => {
        onConnection(connection)
        return Object.assign(createStreamMuxer(connection), { onData: () => undefined })
      }
    })
  }
}

/** Resolves when the socket takes bytes again, is gone, or the attack is over. */
async function drained(socket: Socket, signal: AbortSignal): Promise<void> {
  if (socket.destroyed || signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off('drain', done)
      socket.off('close', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
    signal.addEventListener('abort', done)
  })
}

/** Gives sockets and timers a turn: a loop that never waits would starve its own connections. */
async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
}
