import { once } from 'node:events'
import { createServer, connect, type Server, type Socket } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p, Logger, Transport, Upgrader } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { AbstractMultiaddrConnection } from '@libp2p/utils'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, onTestFinished, test } from 'vitest'
import { eagerNoise } from '../../../src/transport/tuning/eager-noise.ts'
import { eventualMs } from '../../patience.ts'

const proposal = Buffer.from('\u0013/multistream/1.0.0\n\u0007/noise\n')
/** The first message of the handshake is a key, behind its length. */
const firstMessageBytes = 2 + 32

test('the proposal and the first message of the handshake leave before any answer', async () => {
  const dialler = await node(eagerNoise(tcp()))
  const read = Promise.withResolvers<Buffer>()
  let got = Buffer.alloc(0)
  const address = await server((socket) => {
    socket.on('data', (bytes) => {
      got = Buffer.concat([got, bytes])
      if (got.byteLength >= proposal.byteLength + firstMessageBytes) read.resolve(got)
    })
  })
  const dial = dialler.dial(address, { signal: AbortSignal.timeout(eventualMs) })
  dial.catch(() => undefined)
  const bytes = await read.promise
  expect(bytes.subarray(0, proposal.byteLength)).toEqual(proposal)
  expect(bytes.byteLength).toBe(proposal.byteLength + firstMessageBytes)
})

test('a peer that knows nothing of this is dialled, also when its answer comes byte by byte', async () => {
  const [dialler, listener] = [await node(eagerNoise(tcp())), await node(tcp())]
  const [direct] = listener.getMultiaddrs()
  if (direct === undefined) throw new Error('the listener has an address')
  expect((await dialler.dial(direct)).remotePeer.equals(listener.peerId)).toBe(true)
  const port = Number(/\/tcp\/(\d+)/u.exec(direct.toString())?.[1])
  const slow = await server((socket) => {
    const onward = connect(port, '127.0.0.1')
    const onError = (): void => void socket.destroy()
    onward.on('error', onError)
    socket.pipe(onward)
    onward.on('data', (bytes) => {
      for (const byte of bytes) setImmediate(() => socket.writable && socket.write(Buffer.of(byte)))
    })
  })
  const through = await dialler.dial(slow, { force: true })
  expect(through.remotePeer.equals(listener.peerId)).toBe(true)
})

test('who answers anything else is left at once', async () => {
  const dialler = await node(eagerNoise(tcp()))
  for (const answer of ['HTTP/1.1 400 Bad Request\r\n\r\n', '\u0013/multistream/1.0.0\n\u0003na\n']) {
    const closed = Promise.withResolvers<void>()
    const address = await server((socket) => {
      socket.once('close', () => closed.resolve())
      socket.once('data', () => socket.write(answer))
    })
    await expect(dialler.dial(address)).rejects.toMatchObject({ name: 'EncryptionFailedError' })
    await closed.promise
  }
})

test('who dials to be spoken to waits for the proposal of the other', async () => {
  const held: number[] = []
  // As far as a transport is used here.
  const fake = {
    dial: async (_address: Multiaddr, init: Parameters<Transport['dial']>[1]) =>
      init.upgrader.upgradeOutbound(new Silent(), init),
    createListener: () => undefined
  } as unknown as Transport
  const upgrader = {
    upgradeOutbound: async (connection: Silent) => void held.push(connection.readBufferLength)
  } as unknown as Upgrader
  const transport = eagerNoise(() => fake)({})
  const address = multiaddr('/ip4/127.0.0.1/tcp/1')
  const signal = AbortSignal.timeout(eventualMs)
  await transport.dial(address, { upgrader, signal, initiator: false } as Parameters<Transport['dial']>[1])
  await transport.dial(address, { upgrader, signal })
  expect(held).toEqual([0, proposal.byteLength])
})

/** A connection on which nothing is sent. */
class Silent extends AbstractMultiaddrConnection {
  constructor() {
    const log = Object.assign(() => undefined, { enabled: false, error: () => undefined, trace: () => undefined })
    super({
      remoteAddr: multiaddr('/ip4/127.0.0.1/tcp/1'),
      direction: 'outbound',
      log: Object.assign(log, { newScope: () => log }) as unknown as Logger
    })
  }
  sendData = (): { sentBytes: number; canSendMore: boolean } => ({ sentBytes: 0, canSendMore: true })
  sendReset = (): void => undefined
  sendPause = (): void => undefined
  sendResume = (): void => undefined
  sendClose = async (): Promise<void> => undefined
}

async function node(transport: ReturnType<typeof tcp>): Promise<Libp2p> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [transport],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()]
  })
  onTestFinished(() => libp2p.stop())
  return libp2p
}

async function server(onConnection: (socket: Socket) => void): Promise<Multiaddr> {
  const sockets = new Set<Socket>()
  const listening: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    listening.close()
  })
  const place = listening.address()
  if (place === null || typeof place === 'string') throw new TypeError('a TCP server has an address')
  return multiaddr(`/ip4/127.0.0.1/tcp/${place.port}`)
}
