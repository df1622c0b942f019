import { noise } from '@chainsafe/libp2p-noise'
import type { MessageStream, Stream } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { createLibp2p } from 'libp2p'
import { Socket } from 'node:net'
import type { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import { MAX_GATHERING_SOCKETS, gatheringTcp, sendDirectly } from '../../../src/transport/tuning/lean-sends.ts'
import { boundedYamux } from '../../../src/transport/index.ts'

const PROTOCOL = '/gathering-test/1.0.0'

async function node() {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [gatheringTcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux()],
    connectionMonitor: { enabled: false }
  })
  onTestFinished(async () => libp2p.stop())
  return libp2p
}

it('writes what is sent in one turn in one call, and every byte of it', async () => {
  const [dialer, listener] = [await node(), await node()]
  const received: number[] = []
  await listener.handle(PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => received.push(...data.subarray()))
  })
  const stream = await dialer.dialProtocol(listener.getMultiaddrs(), PROTOCOL)
  // A socket writes what was gathered by its _writev, which its type does not show.
  const sockets = Socket.prototype as unknown as { _writev(all: readonly unknown[], done: () => void): void }
  const writes = vi.spyOn(sockets, '_writev')
  onTestFinished(() => writes.mockRestore())
  const sent = Array.from({ length: 50 }, (_, i) => i)
  for (const byte of sent) stream.send(Uint8Array.of(byte))
  await eventually(() => expect(received).toEqual(sent))
  expect(Math.max(...writes.mock.calls.map(([all]) => all.length))).toBeGreaterThanOrEqual(sent.length)
})

it('writes to the first of many while others are still to be told, in the same turn', async () => {
  const [teller, ...others] = await Promise.all(Array.from({ length: MAX_GATHERING_SOCKETS + 3 }, node))
  if (teller === undefined) throw new Error('no node')
  const heard: number[] = []
  const streams: Stream[] = []
  for (const [index, other] of others.entries()) {
    await other.handle(PROTOCOL, (stream) => {
      stream.addEventListener('message', () => heard.push(index))
    })
    streams.push(await teller.dialProtocol(other.getMultiaddrs(), PROTOCOL))
  }
  const sockets = Socket.prototype as unknown as { _write(...args: readonly unknown[]): void }
  const writes = vi.spyOn(sockets, '_write')
  onTestFinished(() => writes.mockRestore())
  for (const stream of streams) stream.send(Uint8Array.of(1))
  expect(writes).toHaveBeenCalledTimes(streams.length - MAX_GATHERING_SOCKETS)
  await eventually(() => expect(heard.toSorted((a, b) => a - b)).toEqual(streams.map((_, index) => index)))
})

/** A stream whose own way, and the direct one, note what goes over them. */
function noted(write: (bytes: Uint8Array | Uint8ArrayList) => boolean = () => true) {
  const [stream] = multiaddrConnectionPair()
  const queued: number[] = []
  const direct: number[] = []
  const send = stream.send.bind(stream)
  stream.send = (bytes) => {
    queued.push(bytes.byteLength)
    return send(bytes)
  }
  sendDirectly(stream, (bytes) => {
    direct.push(bytes.byteLength)
    return write(bytes)
  })
  return { stream: stream as MessageStream, queued, direct }
}

describe('sending directly', () => {
  it('goes past the queue while nothing waits', () => {
    const { stream, queued, direct } = noted()
    expect(stream.send(new Uint8Array(3))).toBe(true)
    expect({ queued, direct }).toEqual({ queued: [], direct: [3] })
  })

  it('queues in order what comes after the carrier was full, until it drains', async () => {
    let hasRoom = false
    const { stream, queued, direct } = noted(() => hasRoom)
    expect(stream.send(new Uint8Array(1))).toBe(false)
    expect(stream.writableNeedsDrain).toBe(true)
    expect(stream.send(new Uint8Array(2))).toBe(false)
    hasRoom = true
    expect({ queued, direct, waiting: stream.writeBufferLength }).toEqual({ queued: [2], direct: [1], waiting: 2 })
    stream.dispatchEvent(new Event('drain'))
    await Promise.resolve()
    expect(stream.writeBufferLength).toBe(0)
    expect(stream.send(new Uint8Array(3))).toBe(true)
    expect(direct).toEqual([1, 3])
  })

  it('a carrier that fails ends the stream, and the send fails', () => {
    const { stream } = noted(() => {
      throw new Error('the carrier is gone')
    })
    expect(() => stream.send(new Uint8Array(1))).toThrow('the carrier is gone')
    expect(stream.status).toBe('aborted')
    expect(() => stream.send(new Uint8Array(1))).toThrow('Cannot write')
  })
})
