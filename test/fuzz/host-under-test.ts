/**
 * A real host on loopback, with the services of a chat or of a directory, and an attacker's ends of the wire to it. Each connection
 * comes from an address of its own where the system allows that (all of 127/8 on Linux), so that what one input has
 * earned does not fall on the next.
 */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { yamux } from '@chainsafe/libp2p-yamux'
import type {
  Connection,
  ConnectionEncrypter,
  Libp2p,
  MessageStream,
  PrivateKey,
  StreamMuxerFactory,
  Transport
} from '@libp2p/interface'
import { tcp, type TCPComponents } from '@libp2p/tcp'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { chat } from '../../src/chat-protocol/index.ts'
import type { ChatServiceInit } from '../../src/chat-protocol/index.ts'
import { recordExchange } from '../../src/presence/index.ts'
import { departedPeers } from '../../src/transport/departed-peers.ts'
import { commonServices, hostOptions } from '../../src/transport/host.ts'
import { loadConfig } from '../../src/node/index.ts'
import { DirectoryNode } from '../../src/node/server/index.ts'
import { chatLimits, ConnectionGuard } from '../../src/transport/index.ts'
import { fixedKey } from './fixed-keys.ts'
import { patientConnections } from '../patience.ts'

/** An input that the host has understood by then stays open: the attacker leaves. */
const patienceMs = 60
/** For a machine that is busy: a host that refuses says so at once. */
const dialTimeoutMs = 120_000
/** What the host is on, and what it serves in it. */
export const network = 'fuzz'

type NoiseComponents = Parameters<ReturnType<typeof noise>>[0]

/** The node that is attacked. */
interface Host {
  readonly addresses: readonly Multiaddr[]
  stop(): Promise<void>
}

/** What the attacker's own node says of the connection that it has made last. */
interface Made {
  secured?: MessageStream
  key?: PrivateKey
}

export class HostUnderTest {
  readonly #host: Host
  readonly #attacker: Libp2p
  readonly #made: Made

  private constructor(host: Host, attacker: Libp2p, made: Made) {
    this.#host = host
    this.#attacker = attacker
    this.#made = made
  }

  static async start(kind: 'chat' | 'directory'): Promise<HostUnderTest> {
    const host = kind === 'chat' ? await startChat() : await startDirectory()
    const made: Made = {}
    const attacker = await createLibp2p({
      privateKey: fixedKey(2),
      addresses: { listen: [] },
      transports: [fromAnywhere()],
      connectionEncrypters: [asAnyone(made)],
      streamMuxers: [deafYamux(made)],
      connectionMonitor: { enabled: false },
      connectionManager: patientConnections
    })
    return new HostUnderTest(host, attacker, made)
  }

  /** Sends the pieces on a bare socket, ends it, and returns when the host has closed it too or has had its time. */
  async sendRaw(pieces: Iterable<Uint8Array>): Promise<void> {
    const socket = connect({ host: '127.0.0.1', port: this.#port(), ...source() })
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

  /**
   * Agrees on Noise and Yamux like an honest peer; then the bytes stand where Yamux's frames would.
   *
   * @param make is given the key that the attacker has named itself by
   */
  async sendSecured(make: (key: PrivateKey) => Promise<Iterable<Uint8Array>>): Promise<void> {
    const connection = await this.#dial()
    const { secured, key } = this.#made
    if (secured === undefined || key === undefined) throw new Error('the attacker has made the connection another way')
    for (const piece of await make(key)) {
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
    const connection = await this.#dial()
    connection.abort(new Error('that was all'))
  }

  async stop(): Promise<void> {
    await this.#attacker.stop()
    await this.#host.stop()
  }

  async #dial(): Promise<Connection> {
    return this.#attacker.dial([...this.#host.addresses], { force: true, signal: AbortSignal.timeout(dialTimeoutMs) })
  }

  #port(): number {
    return Number(/\/tcp\/(\d+)/u.exec(this.#host.addresses[0]?.toString() ?? '')?.[1])
  }
}

async function startChat(): Promise<Host> {
  const guard = new ConnectionGuard({
    limits: chatLimits,
    standings: () => () => 'stranger',
    onPressure: () => undefined
  })
  const libp2p = await createLibp2p({
    ...hostOptions({ key: fixedKey(1), host: '127.0.0.1', port: 0, guard, discovery: [], gater: {} }),
    services: {
      ...commonServices,
      departed: departedPeers(),
      places: guard.places(),
      records: recordExchange({ ownEnvelope: () => new Uint8Array(0), network }),
      chat: chat(application)
    }
  })
  await libp2p.start()
  return { addresses: libp2p.getMultiaddrs(), stop: async () => libp2p.stop() }
}

async function startDirectory(): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-fuzz-'))
  const config = await loadConfig({
    flags: { network, mdns: false, host: '127.0.0.1' },
    env: { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  })
  const directory = await DirectoryNode.create({ config, port: 0 })
  await directory.start()
  return {
    addresses: directory.addresses().map((address) => multiaddr(address)),
    stop: async () => {
      await directory.stop()
      await rm(folder, { recursive: true, force: true })
    }
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
function asAnyone(made: Made): (components: NoiseComponents) => ConnectionEncrypter {
  return (components) => {
    const encrypter = noise()(components)
    encrypter.secureOutbound = async (connection, options) => {
      const privateKey = await generateKeyPair('Ed25519')
      made.key = privateKey
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
function deafYamux(made: Made): () => StreamMuxerFactory {
  const create = yamux({ enableKeepAlive: false })
  return () => {
    const factory = create()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    return Object.assign(factory, {
      createStreamMuxer: (connection: MessageStream) => {
        made.secured = connection
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
  onPlainText: async () => true,
  onReceipts: async () => undefined,
  paceOf: () => 'contact'
}
