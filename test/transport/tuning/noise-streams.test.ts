import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { tcp } from '@libp2p/tcp'
import fc from 'fast-check'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { Uint8ArrayList } from 'uint8arraylist'
import { expect, it, onTestFinished, vi } from 'vitest'
import { gatheringTcp } from '../../../src/transport/tuning/lean-sends.ts'
import { leanNoise, Messages } from '../../../src/transport/tuning/noise-streams.ts'
import { streamDuplex } from '../../../src/wire/index.ts'
import { boundedYamux } from '../../../src/transport/index.ts'
import { eventualMs } from '../../patience.ts'
import { cpuMsOf } from '../../cpu-time.ts'

const PROTOCOL = '/noise-streams-test/1.0.0'

it('gives the sealed messages as they were, however the reads are cut', () => {
  const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(messages, fc.array(fc.nat(), { maxLength: 30 }), (sealed, cuts) => {
      const wire = Uint8Array.from(sealed.flatMap((bytes) => [bytes.length >> 8, bytes.length & 0xff, ...bytes]))
      const places = [...cuts.map((cut) => cut % wire.length), wire.length].toSorted((a, b) => a - b)
      const reader = new Messages()
      const taken: Uint8Array[] = []
      let from = 0
      for (const place of places) {
        for (const bytes of reader.take(wire.subarray(from, place))) taken.push(bytes.subarray())
        from = place
      }
      expect(taken).toEqual(sealed)
    })
  )
})

it('a message of no bytes is skipped, one that has only begun is waited for', () => {
  const reader = new Messages()
  expect(reader.take(Uint8Array.of(0, 0, 0, 1, 7, 0))).toEqual([Uint8Array.of(7)])
  expect(reader.take(Uint8Array.of(2, 8))).toEqual([])
  expect(reader.take(Uint8Array.of(9))).toEqual([Uint8Array.of(8, 9)])
})

it('messages that hold no frame are counted, those that come in pieces and empty ones too', () => {
  const reader = new Messages()
  const sealed = (bytes: number): Uint8Array => Uint8Array.from([0, bytes, ...new Uint8Array(bytes)])
  reader.take(Buffer.concat([sealed(0), sealed(16), sealed(27), sealed(28), sealed(200)]))
  expect(reader.takeTinyCount()).toBe(3)
  for (const byte of sealed(17)) reader.take(Uint8Array.of(byte))
  reader.take(sealed(90).subarray(0, 50))
  reader.take(sealed(90).subarray(50))
  expect(reader.takeTinyCount()).toBe(1)
})

it('a long message that comes byte by byte, and many small ones behind it, cost no more than small ones alone', () => {
  const [longest, small] = [0xffff, 17]
  const message = (length: number): number[] => [length >> 8, length & 0xff, ...new Uint8Array(length)]
  const behind = Array.from({ length: 3_000 }, () => message(small)).flat()
  /** Byte by byte but for the last one, which comes with the small messages in one piece. */
  const cpuMs = (first: readonly number[]): { ms: number; lengths: number[] } => {
    const reader = new Messages()
    const lengths: number[] = []
    const take = (bytes: readonly number[]): void => {
      for (const { byteLength } of reader.take(new Uint8ArrayList(Uint8Array.from(bytes)))) lengths.push(byteLength)
    }
    const ms = cpuMsOf(() => {
      for (const byte of first.slice(0, -1)) take([byte])
      take([...first.slice(-1), ...behind])
    })
    return { ms, lengths }
  }
  const asManyBytes = Array.from({ length: Math.ceil(longest / (2 + small)) }, () => message(small)).flat()
  const alone = cpuMs(asManyBytes)
  const long = cpuMs(message(longest))
  expect(long.lengths).toEqual([longest, ...Array<number>(3_000).fill(small)])
  // Looked for behind all those bytes each time, the small ones would take some hundred times as long.
  expect(long.ms).toBeLessThan(20 * alone.ms)
})

it.each([
  ['lean', 'lean'],
  ['lean', 'stock'],
  ['stock', 'lean']
] as const)('a %s dialler and a %s listener read each other to the last byte', async (dialler, listener) => {
  const node = async (kind: 'lean' | 'stock') => {
    const libp2p = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [kind === 'lean' ? gatheringTcp() : tcp()],
      connectionEncrypters: [kind === 'lean' ? leanNoise({}) : noise()],
      streamMuxers: [boundedYamux()],
      connectionMonitor: { enabled: false }
    })
    onTestFinished(async () => libp2p.stop())
    return libp2p
  }
  const [one, other] = [await node(dialler), await node(listener)]
  const taken = vi.spyOn(Messages.prototype, 'take')
  onTestFinished(() => taken.mockRestore())
  let echoed = 0
  await other.handle(PROTOCOL, async (stream) => {
    const { source, sink } = streamDuplex(stream)
    await sink(source)
  })
  const { source, sink } = streamDuplex(await one.dialProtocol(other.getMultiaddrs(), PROTOCOL))
  // Sizes on both sides of every border: one message of Noise, what is joined, a window.
  const pieces = [1, 80, 4_096, 65_507, 65_508, 200_000, 1_000_000].map((size) => new Uint8Array(size).fill(size))
  const total = pieces.reduce((sum, { length }) => sum + length, 0)
  const sending = sink(
    (async function* () {
      yield* pieces
    })()
  )
  const read: Uint8ArrayList[] = []
  for await (const bytes of source) {
    echoed += bytes.byteLength
    read.push(bytes)
  }
  await sending
  expect(echoed).toBe(total)
  // Else Noise has changed, and reads by other means.
  expect(taken).toHaveBeenCalled()
  expect(Buffer.compare(Buffer.concat(read.flatMap((list) => [...list])), Buffer.concat(pieces))).toBe(0)
})

it('a message that begins right behind the handshake and is cut there is read to its end', async () => {
  const node = async () => {
    const libp2p = await createLibp2p({
      addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
      transports: [gatheringTcp()],
      connectionEncrypters: [leanNoise({})],
      streamMuxers: [boundedYamux()],
      connectionMonitor: { enabled: false }
    })
    onTestFinished(async () => libp2p.stop())
    return libp2p
  }
  const [one, other] = [await node(), await node()]
  await other.handle(PROTOCOL, async (stream) => {
    const { source, sink } = streamDuplex(stream)
    await sink(source)
  })
  const connection = await one.dial(await cutting(other.getMultiaddrs()))
  // Opened in the turn of the dial: its first bytes leave with the last message of the handshake.
  const stream = await connection.newStream(PROTOCOL, { signal: AbortSignal.timeout(eventualMs) })
  expect(stream.protocol).toBe(PROTOCOL)
})

/** What is sent there arrives in two pieces; the second comes later: the last five bytes. */
async function cutting([address]: readonly Multiaddr[]): Promise<Multiaddr> {
  const port = Number(/\/tcp\/(\d+)/u.exec(String(address))?.[1])
  const server = createServer({ noDelay: true }, (socket) => {
    const onward = connect({ port, host: '127.0.0.1', noDelay: true })
    onTestFinished(() => void onward.destroy())
    for (const end of [socket, onward]) end.on('error', () => undefined)
    onward.pipe(socket)
    socket.on('data', (bytes) => {
      socket.pause()
      onward.write(bytes.subarray(0, -5))
      setTimeout(() => {
        onward.write(bytes.subarray(-5))
        socket.resume()
      }, 20)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const place = server.address()
  if (place === null || typeof place === 'string') throw new TypeError('a TCP server has an address')
  return multiaddr(`/ip4/127.0.0.1/tcp/${place.port}`)
}
