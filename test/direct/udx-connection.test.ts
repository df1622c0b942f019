import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, onTestFinished, test } from 'vitest'
import { loadUdx, type UdxSocket } from '../../src/direct/udx-library.ts'
import { UdxConnection } from '../../src/direct/udx-connection.ts'
import { until } from '../eventually.ts'

const udx = loadUdx()
const [{ log }] = await streamPair()

function boundSocket(): UdxSocket {
  if (udx === undefined) throw new Error('udx-native is not installed')
  const socket = udx.createSocket()
  socket.bind(0, '127.0.0.1')
  onTestFinished(() => void socket.close())
  return socket
}

/** The two ends of one path on loopback. */
function pair(): readonly [UdxConnection, UdxConnection] {
  const sockets = [boundSocket(), boundSocket()] as const
  const end = (at: 0 | 1): UdxConnection => {
    const [own, other] = at === 0 ? sockets : sockets.toReversed()
    const port = other?.address()?.port
    const stream = udx?.createStream(10 + at)
    if (own === undefined || port === undefined || stream === undefined) throw new Error('a socket is not bound')
    stream.connect(own, 11 - at, port, '127.0.0.1')
    onTestFinished(() => stream.destroy())
    const direction = at === 0 ? 'outbound' : 'inbound'
    return new UdxConnection({ stream, direction, log, remoteAddr: multiaddr(`/ip4/127.0.0.1/udp/${port}`) })
  }
  return [end(0), end(1)]
}

test('what was sent before a close arrives, and then the other end closes', async () => {
  const [one, other] = pair()
  const sent = Buffer.alloc(3_000_000, 'parley')
  const received: Uint8Array[] = []
  other.addEventListener('message', ({ data }) => received.push(data.slice()))
  one.send(sent)
  await one.close()
  await until(() => other.status === 'closed', 'the other end closes')
  expect(Buffer.concat(received).equals(sent)).toBe(true)
  expect(one.status).toBe('closed')
})

test('an end that is aborted resets the other one', async () => {
  const [one, other] = pair()
  one.send(Buffer.from('hello'))
  other.addEventListener('message', () => one.abort(new Error('enough')))
  await until(() => other.status === 'reset', 'the other end is reset')
  expect(one.status).toBe('aborted')
})

test('a sender that wrote more than fits waits, and then goes on', async () => {
  const [one, other] = pair()
  let drains = 0
  let received = 0
  one.addEventListener('drain', () => drains++)
  other.addEventListener('message', ({ data }) => (received += data.byteLength))
  const piece = Buffer.alloc(64 * 1024)
  let sent = 0
  while (one.send(piece)) sent += piece.byteLength
  sent += piece.byteLength
  await until(() => drains > 0 && received === sent, 'it drains, and all has arrived')
  expect(one.writableNeedsDrain).toBe(false)
  expect(one.send(Buffer.from('more'))).toBe(true)
})

test('what waits for an end that is silent is bounded', async () => {
  if (udx === undefined) throw new Error('udx-native is not installed')
  const [own, silent] = [boundSocket(), boundSocket()]
  const stream = udx.createStream(20)
  onTestFinished(() => stream.destroy())
  const port = silent.address()?.port ?? 0
  stream.connect(own, 21, port, '127.0.0.1')
  const remoteAddr = multiaddr(`/ip4/127.0.0.1/udp/${port}`)
  const one = new UdxConnection({ stream, direction: 'outbound', log, remoteAddr })
  const piece = Buffer.alloc(16 * 1024)
  let taken = 0
  for (let turn = 0; turn < 1_000; turn++) {
    if (!one.writableNeedsDrain) {
      taken += piece.byteLength
      one.send(piece)
    }
    await new Promise(setImmediate)
  }
  expect(taken).toBeGreaterThan(0)
  expect(taken).toBeLessThan(1_000_000)
})
