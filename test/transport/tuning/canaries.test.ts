/**
 * Unchanged libp2p still has what each change of src/transport/tuning is for, and the fields by which it is made. A
 * test that fails here tells that upstream has changed: the change may be needed no more, or reach nothing.
 * docs/internals/libp2p-patches.md says what each is for.
 */
import { once } from 'node:events'
import { createServer, Server, Socket } from 'node:net'
import { noise, pureJsCrypto } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { ComponentLogger, Listener, Logger, MessageStream, Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { AbstractMultiaddrConnection, LengthPrefixedDecoder, multiaddrConnectionPair, streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2pOptions } from 'libp2p'
import { expect, onTestFinished, test, vi } from 'vitest'
import { yamuxInit } from '../../../src/transport/index.ts'
import { allTuning } from '../../../src/transport/tuning/tuning.ts'
import type { Tuning } from '../../../src/transport/tuning/tuning.ts'
import { eventually } from '../../eventually.ts'
import { patientConnections } from '../../patience.ts'
import { eventualMs } from '../../patience.ts'

const PROTOCOL = '/test/1.0.0'

async function stockNode(options: Libp2pOptions = {}) {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(yamuxInit)],
    connectionMonitor: { enabled: false },
    connectionManager: patientConnections,
    ...options
  })
  onTestFinished(async () => node.stop())
  return node
}

/** An open stream between two stock nodes, and what carries it. */
async function stockStream(): Promise<{ stream: Stream; secured: MessageStream; carrier: MessageStream }> {
  const secured: MessageStream[] = []
  const noted = yamux(yamuxInit)
  const dialler = await stockNode({
    streamMuxers: [
      () => {
        const factory = noted()
        const createStreamMuxer = factory.createStreamMuxer.bind(factory)
        return Object.assign(factory, {
          createStreamMuxer: (connection: MessageStream) => {
            secured.push(connection)
            return createStreamMuxer(connection)
          }
        })
      }
    ]
  })
  const listener = await stockNode()
  await listener.handle(PROTOCOL, () => undefined)
  const stream = await dialler.dialProtocol(listener.getMultiaddrs(), PROTOCOL)
  const [connection] = secured
  const carrier: unknown = connection === undefined ? undefined : Reflect.get(connection, 'stream')
  if (connection === undefined || !(carrier instanceof AbstractMultiaddrConnection)) {
    throw new TypeError('an encrypted connection shows what carries it')
  }
  return { stream, secured: connection, carrier }
}

const canaries: { readonly [Name in keyof Tuning]: () => void | Promise<void> } = {
  gatheredWrites: async () => {
    const { stream, carrier } = await stockStream()
    expect(Reflect.get(carrier, 'socket')).toBeInstanceOf(Socket)
    const written = vi.spyOn(Socket.prototype, 'write')
    onTestFinished(() => written.mockRestore())
    stream.send(new Uint8Array(100))
    // The length and the text of one message of Noise, apart.
    expect(written.mock.calls.length).toBeGreaterThan(1)
  },

  directSends: async () => {
    const { secured } = await stockStream()
    expect(Reflect.get(secured, 'sendData')).toBeTypeOf('function')
    const [stream] = await streamPair()
    const queue: unknown = Reflect.get(stream, 'writeBuffer')
    if (typeof queue !== 'object' || queue === null) throw new TypeError('what is sent lies in a queue')
    const queued = vi.spyOn(queue as { append(bytes: Uint8Array): void }, 'append')
    stream.send(Uint8Array.of(1))
    // Though nothing waits.
    expect(queued).toHaveBeenCalledOnce()
  },

  eagerNoise: async () => {
    for (const method of ['push', 'onData'] as const) {
      expect(Reflect.get(AbstractMultiaddrConnection.prototype, method)).toBeTypeOf('function')
    }
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const place = server.address()
    if (place === null || typeof place === 'string') throw new TypeError('a TCP server has an address')
    const dialler = await stockNode()
    const dial = dialler.dial(multiaddr(`/ip4/127.0.0.1/tcp/${place.port}`), {
      signal: AbortSignal.timeout(eventualMs)
    })
    dial.catch(() => undefined)
    const [socket] = (await once(server, 'connection')) as [Socket]
    onTestFinished(() => void socket.destroy())
    const [first] = (await once(socket, 'data')) as [Buffer]
    // The proposal, and nothing of the handshake before its answer.
    expect(first.toString()).toBe('\u0013/multistream/1.0.0\n\u0007/noise\n')
  },

  leanNoise: async () => {
    const { secured } = await stockStream()
    const decoder: unknown = Reflect.get(secured, 'decoder')
    if (!(decoder instanceof LengthPrefixedDecoder)) throw new TypeError('Noise cuts messages by a decoder')
    expect(Reflect.get(decoder, 'buffer')).toBeDefined()
    let failed = 0
    const lengths = new LengthPrefixedDecoder({
      lengthDecoder: (bytes) => {
        if (bytes.byteLength >= 2) return (bytes.subarray(0, 1)[0] ?? 0) * 256 + (bytes.subarray(1, 2)[0] ?? 0)
        failed += 1
        throw new RangeError('too few bytes')
      },
      encodingLength: () => 2
    })
    expect([...lengths.decode(Uint8Array.of(0, 1, 7))]).toHaveLength(1)
    // The end of each read is found by an exception.
    expect(failed).toBe(1)
  },

  libsodium: async () => {
    const opened = vi.fn(pureJsCrypto.chaCha20Poly1305Decrypt)
    const own = { ...pureJsCrypto, chaCha20Poly1305Decrypt: opened }
    const [dialler, listener] = [await stockNode({ connectionEncrypters: [noise({ crypto: own })] }), await stockNode()]
    await dialler.dial(listener.getMultiaddrs())
    expect(opened).toHaveBeenCalled()
  },

  heldWindowUpdates: async () => {
    const [near, far] = multiaddrConnectionPair()
    const muxers = [near, far].map((connection) => yamux(yamuxInit)().createStreamMuxer(connection))
    onTestFinished(() => {
      for (const muxer of muxers) muxer.abort(new Error('the test is over'))
    })
    const arrived = new Promise<Stream>((resolve) => {
      muxers[1]?.addEventListener('stream', ({ detail }) => resolve(detail), { once: true })
    })
    const stream = await muxers[0]?.createStream()
    const remote = await arrived
    const sent = vi.spyOn(far, 'send')
    const read = new Promise((resolve) => remote.addEventListener('message', resolve, { once: true }))
    stream?.send(new Uint8Array(100))
    await read
    // Twelve bytes for a hundred, whose window nobody waits for.
    const isUpdate = ([frame]: Parameters<typeof far.send>): boolean =>
      frame.byteLength === 12 && frame.subarray()[1] === 1 && frame.subarray()[11] === 100
    await eventually(() => expect(sent.mock.calls.some(isUpdate)).toBe(true))
  },

  connectionList: async () => {
    const node = await stockNode()
    // Made anew for each call.
    expect(node.getConnections()).not.toBe(node.getConnections())
  },

  quietLogger: async () => {
    const scopes: string[] = []
    const nothing = (): void => undefined
    const log: Logger = Object.assign(() => undefined, {
      enabled: false,
      error: nothing,
      trace: Object.assign(() => undefined, { enabled: false }),
      newScope: (name: string) => {
        scopes.push(name)
        return log
      }
    })
    const noting: ComponentLogger = { forComponent: () => log }
    const [dialler, listener] = [await stockNode({ logger: noting }), await stockNode()]
    const before = scopes.length
    await dialler.dial(listener.getMultiaddrs())
    // Scopes for one connection, though nothing is logged.
    expect(scopes.length).toBeGreaterThan(before)
  },

  zonedAddresses: async () => {
    const created: Listener[] = []
    await stockNode({
      transports: [
        (components) => {
          const transport = tcp()(components)
          const createListener = transport.createListener.bind(transport)
          transport.createListener = (options) => {
            const listener = createListener(options)
            created.push(listener)
            return listener
          }
          return transport
        }
      ]
    })
    const [listener] = created
    if (listener === undefined) throw new TypeError('TCP listens')
    expect(Reflect.get(listener, 'server')).toBeInstanceOf(Server)
    expect(Reflect.get(listener, 'context')).toBeTypeOf('object')
  }
}

test.each(Object.entries(canaries))('%s is still needed, and reaches what it changes', async (_, canary) => {
  await canary()
})

test('each change has one', () => {
  expect(Object.keys(canaries).toSorted()).toEqual(Object.keys(allTuning).toSorted())
})
