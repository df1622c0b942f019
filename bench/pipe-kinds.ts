/**
 * Ways to move bytes between two processes, one as good as another to the bench that
 * measures them: TCP as Node has it, an unchanged libp2p stream, the duplex of
 * src/wire on Parley's own host, and hyperdht on a test network of its own. What
 * is sent and what it costs is for pipe-side.ts.
 */

import { once } from 'node:events'
import { createRequire } from 'node:module'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { hostOptions } from '../src/transport/host.ts'
import { streamDuplex } from '../src/wire/index.ts'

export type PipeKind = 'tcp' | 'libp2p' | 'wire' | 'hyperdht'

/** A receiver is dialled. */
export type PipeRole = 'receiver' | 'sender'

/** Bytes both ways over one connection. */
export interface Pipe {
  /** Resolves when all of it was handed over, held back as the way itself holds a sender back. */
  send(pieces: Iterable<Uint8Array>): Promise<void>
  close(): Promise<void>
}

/** What the end that dials hears of a pipe. */
export interface PipeListener {
  /** What comes back. */
  bytes(bytes: Uint8Array): void
  /** The pipe is gone, also when this end has closed it. What was sent may not have arrived, and no answer comes. */
  gone(why: Error): void
}

export interface PipeEnd {
  /** For `dial` of the other end. */
  readonly address: string
  dial(address: string, listener: PipeListener): Promise<Pipe>
}

/** What is done with a pipe that the other end has opened: it may answer. */
export type Serve = (answer: (bytes: Uint8Array) => void) => (bytes: Uint8Array) => void

const protocol = '/pipe-bench/1.0.0'
/** Nodes of the test network: as few as find each other. */
const testnetNodes = 3

export async function makeEnd(kind: PipeKind, role: PipeRole, serve: Serve): Promise<PipeEnd> {
  switch (kind) {
    case 'tcp':
      return tcpEnd(serve)
    case 'libp2p':
      return libp2pEnd(await stockNode(), serve, eventPipe)
    case 'wire':
      return libp2pEnd(await parleyHost(), serve, duplexPipe)
    case 'hyperdht':
      return hyperdhtEnd(serve, role)
  }
}

/** @returns `gone` for the listener, and a signal that then ends whatever waits for room in the pipe */
function ending(listener: PipeListener): { readonly gone: (why: Error) => void; readonly signal: AbortSignal } {
  const end = new AbortController()
  const gone = (why: Error): void => {
    end.abort(why)
    listener.gone(why)
  }
  return { gone, signal: end.signal }
}

/** A pipe that is gone never has room. */
async function room(signal: AbortSignal, wait: (resolve: () => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const give = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', give, { once: true })
    wait(() => {
      signal.removeEventListener('abort', give)
      resolve()
    })
  })
}

// ------------------------------------------------------------------ TCP

async function tcpEnd(serve: Serve): Promise<PipeEnd> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on(
      'data',
      serve((bytes) => void socket.write(bytes))
    )
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const place = server.address()
  return {
    address: typeof place === 'object' && place !== null ? String(place.port) : '',
    dial: async (port, listener) => {
      const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
      await once(socket, 'connect')
      socket.on('error', () => undefined)
      return socketPipe(socket, listener)
    }
  }
}

/** @param socket its errors are listened to: each is followed by `close` */
function socketPipe(socket: Pick<Socket, 'on' | 'write' | 'once' | 'destroy'>, listener: PipeListener): Pipe {
  const { gone, signal } = ending(listener)
  socket.on('data', (bytes: Buffer) => listener.bytes(bytes))
  socket.once('close', () => gone(new Error('the socket has closed')))
  return {
    send: async (pieces) => {
      for (const piece of pieces) {
        signal.throwIfAborted()
        if (!socket.write(piece)) await room(signal, (resolve) => socket.once('drain', resolve))
      }
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
      socket.destroy()
      await closed
    }
  }
}

// ------------------------------------------------------------------ libp2p

type OpenPipe = (stream: Stream, listener: PipeListener) => Pick<Pipe, 'send'>

async function libp2pEnd(node: Libp2p, serve: Serve, open: OpenPipe): Promise<PipeEnd> {
  await node.handle(protocol, (stream) => {
    // The end that has dialled says why a pipe is gone.
    const take = serve((bytes) => void pipe.send([bytes]).catch(() => undefined))
    const pipe = open(stream, { bytes: (bytes) => take(bytes), gone: () => undefined })
  })
  return {
    address: node.getMultiaddrs().map(String)[0] ?? '',
    dial: async (address, listener) => {
      // With the addresses kept apart from the peer, so that each dial is one.
      const connection: Connection = await node.dial(multiaddr(address), { force: true })
      const stream = await connection.newStream(protocol)
      return { ...open(stream, listener), close: async () => connection.close() }
    }
  }
}

async function stockNode(): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000 }
  })
}

async function parleyHost(): Promise<Libp2p> {
  const limits = { discovery: [], gater: {} }
  const key = await generateKeyPair('Ed25519')
  const node = await createLibp2p(hostOptions({ key, host: '127.0.0.1', port: 0, ...limits }))
  await node.start()
  return node
}

function eventPipe(stream: Stream, listener: PipeListener): Pick<Pipe, 'send'> {
  stream.addEventListener('message', ({ data }) => {
    for (const bytes of data instanceof Uint8Array ? [data] : data) listener.bytes(bytes)
  })
  const { gone, signal } = ending(listener)
  stream.addEventListener('close', ({ error }) => gone(error ?? new Error('the stream has closed')))
  return {
    send: async (pieces) => {
      for (const piece of pieces) {
        signal.throwIfAborted()
        if (!stream.send(piece)) {
          await room(signal, (resolve) => stream.addEventListener('drain', resolve, { once: true }))
        }
      }
    }
  }
}

function duplexPipe(stream: Stream, listener: PipeListener): Pick<Pipe, 'send'> {
  const duplex = streamDuplex(stream)
  let next = Promise.withResolvers<{ readonly pieces: Iterable<Uint8Array>; readonly done: () => void }>()
  const feed = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      const { pieces, done } = await next.promise
      next = Promise.withResolvers()
      yield* pieces
      done()
    }
  }
  const read = async (): Promise<void> => {
    for await (const list of duplex.source) for (const bytes of list) listener.bytes(bytes)
    throw new Error('the stream has closed')
  }
  const { gone, signal } = ending(listener)
  const fail = (error: unknown): void => gone(error instanceof Error ? error : new Error(String(error)))
  duplex.sink(feed()).catch(fail)
  read().catch(fail)
  return {
    send: async (pieces) => {
      signal.throwIfAborted()
      await room(signal, (done) => next.resolve({ pieces, done }))
    }
  }
}

// ------------------------------------------------------------------ hyperdht

/** As far as it is used here; the package has no types. */
interface Hyperdht {
  createServer(onConnection: (socket: Socket) => void): {
    listen(keyPair: unknown): Promise<void>
    readonly publicKey: Buffer
  }
  connect(publicKey: Buffer): Socket
  fullyBootstrapped(): Promise<void>
}
interface HyperdhtModule {
  new (options: object): Hyperdht
  keyPair(): unknown
}
type CreateTestnet = (size: number) => Promise<{ readonly bootstrap: readonly unknown[] }>

async function hyperdhtEnd(serve: Serve, role: PipeRole): Promise<PipeEnd> {
  const require = createRequire(join(import.meta.dirname, 'comparators', 'package.json'))
  const Dht = require('hyperdht') as HyperdhtModule
  let own: Hyperdht | undefined
  const enter = async (bootstrap: readonly unknown[]): Promise<Hyperdht> => {
    // Nobody is behind a NAT here: without being told, it tries to make holes in one, and gives up half of the time.
    const node = new Dht({ bootstrap, ephemeral: true, firewalled: false, host: '127.0.0.1' })
    await node.fullyBootstrapped()
    return node
  }
  /** The end that is dialled brings the test network; the other joins the network that it is given. */
  const listen = async (): Promise<string> => {
    const { bootstrap } = await (require('hyperdht/testnet') as CreateTestnet)(testnetNodes)
    const server = (await enter(bootstrap)).createServer((socket) => {
      socket.on(
        'data',
        serve((bytes) => void socket.write(bytes))
      )
      socket.on('error', () => undefined)
    })
    await server.listen(Dht.keyPair())
    return JSON.stringify({ bootstrap, key: server.publicKey.toString('hex') })
  }
  return {
    address: role === 'receiver' ? await listen() : '',
    dial: async (address, listener) => {
      // Written above, by the other end.
      const { bootstrap, key } = JSON.parse(address) as { bootstrap: readonly unknown[]; key: string }
      own ??= await enter(bootstrap)
      const socket = own.connect(Buffer.from(key, 'hex'))
      const pipe = socketPipe(socket, listener)
      await new Promise<void>((resolve, reject) => {
        socket.once('open', () => resolve())
        socket.on('error', reject)
      })
      return pipe
    }
  }
}
