import type { MessageStream } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, it } from 'vitest'
import { sendDirectly } from '../../../src/transport/tuning/direct-sends.ts'

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
