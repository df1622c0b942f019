/**
 * A real host on loopback, with the services of a chat, and an attacker's ends of the wire to it. Each connection
 * comes from an address of its own where the system allows that (all of 127/8 on Linux), so that what one input has
 * earned does not fall on the next.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { platform } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ConnectionEncrypter, Libp2p, MessageStream, StreamMuxerFactory, Transport } from '@libp2p/interface'
import { tcp, type TCPComponents } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { chat } from '../../src/chat-protocol/index.ts'
import type { ChatServiceInit } from '../../src/chat-protocol/index.ts'
import { recordExchange } from '../../src/directory/index.ts'
import { departedPeers } from '../../src/node/departed-peers.ts'
import { commonServices, hostOptions } from '../../src/node/host.ts'
import { chatLimits, ConnectionGuard } from '../../src/transport/index.ts'
import { fixedKey } from './fixed-keys.ts'

/** An input that the host has understood by then stays open: the attacker leaves. */
const patienceMs = 60
const dialTimeoutMs = 5_000

type NoiseComponents = Parameters<ReturnType<typeof noise>>[0]

export class HostUnderTest {
  readonly #host: Libp2p
  readonly #attacker: Libp2p
  readonly #port: number
  #secured: MessageStream | undefined

  private constructor(host: Libp2p, port: number, attacker: (onSecured: (stream: MessageStream) => void) => Libp2p) {
    this.#host = host
    this.#port = port
    this.#attacker = attacker((stream) => (this.#secured = stream))
  }

  static async start(): Promise<HostUnderTest> {
    const guard = new ConnectionGuard({
      limits: chatLimits,
      standings: () => () => 'stranger',
      onPressure: () => undefined
    })
    const host = await createLibp2p({
      ...hostOptions({
        key: fixedKey(1),
        host: '127.0.0.1',
        port: 0,
        guard,
        discovery: [],
        gater: {}
      }),
      services: {
        ...commonServices,
        departed: departedPeers(),
        places: guard.places(),
        records: recordExchange({ ownEnvelope: () => new Uint8Array(0), network: 'fuzz' }),
        chat: chat(application)
      }
    })
    await host.start()
    const port = Number(/\/tcp\/(\d+)/u.exec(host.getMultiaddrs()[0]?.toString() ?? '')?.[1])
    let onSecured: (stream: MessageStream) => void = () => undefined
    const attacker = await createLibp2p({
      privateKey: fixedKey(2),
      addresses: { listen: [] },
      transports: [fromAnywhere()],
      connectionEncrypters: [asAnyone()],
      streamMuxers: [deafYamux((stream) => onSecured(stream))],
      connectionMonitor: { enabled: false }
    })
    return new HostUnderTest(host, port, (listener) => {
      onSecured = listener
      return attacker
    })
  }

  /** Sends the pieces on a bare socket, ends it, and returns when the host has closed it too or has had its time. */
  async sendRaw(pieces: Iterable<Uint8Array>): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port: this.#port, ...source() })
    socket.on('error', () => undefined)
    socket.resume()
    await once(socket, 'connect').catch(() => undefined)
    for (const piece of pieces) {
      if (socket.destroyed) return
      socket.write(piece)
      await sleep(0)
    }
    socket.end()
    await closed(socket)
  }

  /** Agrees on Noise and Yamux like an honest peer; then the bytes stand where Yamux's frames would. */
  async sendSecured(pieces: Iterable<Uint8Array>): Promise<void> {
    const connection = await this.#attacker.dial(this.#host.getMultiaddrs(), {
      force: true,
      signal: AbortSignal.timeout(dialTimeoutMs)
    })
    const secured = this.#secured
    if (secured === undefined) throw new Error('the attacker has made the connection another way')
    for (const piece of pieces) {
      if (secured.status !== 'open') break
      secured.send(piece)
      await sleep(0)
    }
    const over = Promise.withResolvers<void>()
    secured.addEventListener('close', () => over.resolve(), { once: true })
    if (secured.status === 'open') await Promise.race([over.promise, sleep(patienceMs)])
    connection.abort(new Error('the input is over'))
  }

  /** Whether an honest peer is still let in. */
  async letsIn(): Promise<void> {
    const connection = await this.#attacker.dial(this.#host.getMultiaddrs(), {
      force: true,
      signal: AbortSignal.timeout(dialTimeoutMs)
    })
    connection.abort(new Error('that was all'))
  }

  async stop(): Promise<void> {
    await this.#attacker.stop()
    await this.#host.stop()
  }
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.destroyed) await Promise.race([once(socket, 'close').catch(() => undefined), sleep(patienceMs)])
  socket.destroy()
}

function source(): { readonly localAddress?: string } {
  if (platform() !== 'linux') return {}
  return { localAddress: `127.${randomInt(1, 255)}.${randomInt(0, 255)}.${randomInt(1, 255)}` }
}

/** Noise with a key of its own for each connection, as a peer that is cut for what it did is not let in again. */
function asAnyone(): (components: NoiseComponents) => ConnectionEncrypter {
  return (components) => {
    const encrypter = noise()(components)
    encrypter.secureOutbound = async (connection, options) => {
      const privateKey = await generateKeyPair('Ed25519')
      const { logger, upgrader } = components
      const other = { privateKey, peerId: peerIdFromPrivateKey(privateKey), logger, upgrader }
      return noise()(other).secureOutbound(connection, options)
    }
    return encrypter
  }
}

function fromAnywhere(): (components: TCPComponents) => Transport {
  return (components) => {
    const transport = tcp()(components)
    // Options of Node's sockets, which those of libp2p do not name.
    transport.dial = async (address, init) => tcp({ dialOpts: source() as object })(components).dial(address, init)
    return transport
  }
}

/** Yamux in name: what the host sends is not looked at, and nothing is sent but the input. */
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

/** What stands above the chat: it takes everything. */
const application: ChatServiceInit = {
  kindOf: async () => ({ kind: 'parley' }),
  helloFor: async () => ({ log: '0123456789abcdef' }),
  onHello: async () => undefined,
  onMessages: async (_peer, messages) => messages.map(() => ({ kind: 'stored' })),
  onPlainText: async () => undefined,
  onReceipts: async () => undefined,
  paceOf: () => 'contact'
}
