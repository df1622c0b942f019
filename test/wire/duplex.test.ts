import { createHash } from 'node:crypto'
import { streamPair } from '@libp2p/utils'
import { pipe } from 'it-pipe'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, test } from 'vitest'
import { DeadlineError, MAX_HELD_BYTES, streamDuplex, StreamLostError } from '../../src/wire/index.ts'
import { collect } from './collect.ts'
import { HeldMeter } from './held-meter.ts'
import { addTo, fingerprintOf, testBytes } from './test-bytes.ts'
import { turn, until, untilStill } from './turns.ts'
import { yamuxPair } from '../transport/tuning/yamux-pair.ts'

const MB = 1_000_000

async function* never(): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined)
  yield Uint8Array.of()
}

async function* none(): AsyncGenerator<Uint8Array> {
  yield* []
}

async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

async function bytesOf(source: AsyncIterable<Uint8ArrayList>): Promise<Uint8Array> {
  return new Uint8ArrayList(...(await collect(source))).subarray()
}

describe('reading', () => {
  test('carries bytes both ways and leaves both ends closed', async () => {
    const [local, remote] = await streamPair()
    const here = streamDuplex(local)
    const there = streamDuplex(remote)
    const echo = pipe(there, (source) => source, there)
    const [received] = await Promise.all([bytesOf(here.source), here.sink(asyncOf(testBytes(MB))), echo])
    expect(createHash('sha256').update(received).digest('hex')).toBe(fingerprintOf(MB))
    expect([local.status, remote.status]).toEqual(['closed', 'closed'])
  })

  test('gives what arrived, and the end that came, before anybody listened', async () => {
    const [local, remote] = await streamPair()
    remote.send(Uint8Array.of(1, 2, 3))
    await remote.close()
    await until(() => local.remoteWriteStatus === 'closed')
    expect(local.readBufferLength).toBe(3)
    expect(await bytesOf(streamDuplex(local).source)).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('gives bytes that were put back on the stream by protocol negotiation', async () => {
    const [local, remote] = await streamPair()
    local.push(Uint8Array.of(1, 2))
    const { source } = streamDuplex(local)
    remote.send(Uint8Array.of(3))
    await remote.close()
    expect(await bytesOf(source)).toEqual(Uint8Array.of(1, 2, 3))
  })

  test('ends when the remote ends without a byte', async () => {
    const [local, remote] = await streamPair()
    const { source } = streamDuplex(local)
    const received = bytesOf(source)
    await remote.close()
    expect(await received).toEqual(new Uint8Array(0))
  })

  test('is not over while unread bytes lie in a paused stream whose remote has ended', async () => {
    await using pair = await yamuxPair()
    const { source } = streamDuplex(pair.local)
    const totalBytes = 700_000
    const sent = streamDuplex(pair.remote).sink(asyncOf(testBytes(totalBytes)))
    const hash = createHash('sha256')
    let waited = false
    for await (const bytes of source) {
      if (!waited) {
        // Everything after the first read, and the end itself, arrive while nobody asks.
        await untilStill(() => pair.local.readBufferLength)
        waited = true
      }
      addTo(hash, bytes)
    }
    await sent
    expect(hash.digest('hex')).toBe(fingerprintOf(totalBytes))
  })

  test('gives what came before the remote reset the stream, and then tells of the reset', async () => {
    const [local, remote] = await streamPair()
    const { source } = streamDuplex(local)
    remote.send(Uint8Array.of(1, 2, 3))
    remote.abort(new Error('gone'))
    expect((await source.next()).value).toEqual(new Uint8ArrayList(Uint8Array.of(1, 2, 3)))
    await expect(source.next()).rejects.toMatchObject({ name: 'StreamLostError', stage: 'read', loss: 'reset' })
  })

  test('tells of an abort on this side with its cause, also to a reader that waits', async () => {
    const [local] = await streamPair()
    const { source } = streamDuplex(local)
    const cause = new Error('had enough')
    const next = source.next()
    await turn()
    local.abort(cause)
    await expect(next).rejects.toMatchObject({ name: 'StreamLostError', loss: 'aborted', cause })
  })

  test('takes a connection that closes before the end of the stream for a loss, not for the end', async () => {
    await using pair = await yamuxPair()
    const { source } = streamDuplex(pair.local)
    pair.remote.send(Uint8Array.of(1))
    expect((await source.next()).value?.subarray()).toEqual(Uint8Array.of(1))
    const outcome = expect(source.next()).rejects.toMatchObject({ name: 'StreamLostError', loss: 'disconnected' })
    await turn()
    await pair.closeConnection()
    await outcome
  })

  test.each(['aborted', 'reset'] as const)('tells of a stream that was %s before anybody listened', async (loss) => {
    const [local, remote] = await streamPair()
    const aborted = loss === 'aborted' ? local : remote
    aborted.abort(new Error('early'))
    await until(() => local.status === loss)
    const duplex = streamDuplex(local)
    await expect(duplex.source.next()).rejects.toMatchObject({ name: 'StreamLostError', loss })
    await expect(duplex.sink(never())).rejects.toMatchObject({ name: 'StreamLostError', loss, stage: 'write' })
  })

  test('never holds more than its bound of a remote that sends 20 MB as fast as it can', async () => {
    await using pair = await yamuxPair()
    const totalBytes = 20 * MB
    const { source } = streamDuplex(pair.local)
    const meter = new HeldMeter(pair.local)
    const sent = streamDuplex(pair.remote).sink(asyncOf(testBytes(totalBytes)))
    const hash = createHash('sha256')
    let readBytes = 0
    for await (const bytes of source) {
      // The slowest reader that there is: it goes on only when nothing more can arrive.
      await untilStill(() => meter.sample())
      addTo(hash, bytes)
      meter.finished(bytes.byteLength)
      readBytes += bytes.byteLength
    }
    await sent
    expect(readBytes).toBe(totalBytes)
    expect(hash.digest('hex')).toBe(fingerprintOf(totalBytes))
    expect(meter.maxHeldBytes).toBeLessThanOrEqual(MAX_HELD_BYTES)
    expect(pair.remote.status).not.toBe('reset')
  })

  test('loses nothing of a sender that takes no notice of a full stream, and holds no more of it', async () => {
    await using pair = await yamuxPair()
    const totalBytes = 20 * MB
    const { source } = streamDuplex(pair.local)
    const meter = new HeldMeter(pair.local)
    let refusals = 0
    for (const piece of testBytes(totalBytes)) {
      refusals += pair.remote.send(piece) ? 0 : 1
    }
    expect(refusals).toBeGreaterThan(100)
    const closed = pair.remote.close()
    const hash = createHash('sha256')
    for await (const bytes of source) {
      await untilStill(() => meter.sample())
      addTo(hash, bytes)
      meter.finished(bytes.byteLength)
    }
    await closed
    expect(hash.digest('hex')).toBe(fingerprintOf(totalBytes))
    expect(meter.maxHeldBytes).toBeLessThanOrEqual(MAX_HELD_BYTES)
  })

  test('a reader that leaves early leaves the remote held back', async () => {
    await using pair = await yamuxPair()
    const { source } = streamDuplex(pair.local)
    const sent = streamDuplex(pair.remote).sink(asyncOf(testBytes(20 * MB)))
    for await (const bytes of source) {
      expect(bytes.byteLength).toBeGreaterThan(0)
      break
    }
    await untilStill(() => pair.local.readBufferLength)
    expect(pair.local.status).toBe('open')
    expect(pair.local.readBufferLength).toBeLessThanOrEqual(MAX_HELD_BYTES)
    pair.local.abort(new Error('left'))
    await expect(sent).rejects.toMatchObject({ name: 'StreamLostError', loss: 'reset' })
  })
})

describe('writing', () => {
  test('takes no more from its source than a remote that does not read lets through', async () => {
    await using pair = await yamuxPair()
    streamDuplex(pair.remote)
    let takenBytes = 0
    async function* counted(): AsyncGenerator<Uint8Array> {
      for (const piece of testBytes(20 * MB)) {
        takenBytes += piece.byteLength
        yield piece
      }
    }
    const sent = streamDuplex(pair.local).sink(counted())
    sent.catch(() => undefined)
    await untilStill(() => pair.remote.readBufferLength)
    const heldBackAt = takenBytes
    await untilStill(() => pair.remote.readBufferLength)
    expect(takenBytes).toBe(heldBackAt)
    expect(takenBytes).toBeLessThan(MAX_HELD_BYTES + MB)
    expect(pair.local.writeBufferLength).toBeLessThan(MB)
  })

  test('gives a remote up that lets nothing through, and resets the stream', async () => {
    await using pair = await yamuxPair()
    streamDuplex(pair.remote)
    const { sink } = streamDuplex(pair.local, { stallTimeoutMs: 30 })
    const outcome = sink(asyncOf(testBytes(20 * MB)))
    await expect(outcome).rejects.toMatchObject({ name: 'DeadlineError', stage: 'write', timeoutMs: 30 })
    await until(() => pair.remote.status === 'reset')
  })

  test('gives an endless close up as well', async () => {
    const [local] = await streamPair()
    local.close = () => new Promise(() => undefined)
    const outcome = streamDuplex(local, { stallTimeoutMs: 30 }).sink(none())
    await expect(outcome).rejects.toBeInstanceOf(DeadlineError)
    await expect(outcome).rejects.toMatchObject({ stage: 'close' })
    expect(local.status).toBe('aborted')
  })

  test('ends with a real Error when the stream is reset while it waits for room', async () => {
    await using pair = await yamuxPair()
    streamDuplex(pair.remote)
    const outcome = streamDuplex(pair.local).sink(asyncOf(testBytes(20 * MB)))
    outcome.catch(() => undefined)
    await untilStill(() => pair.remote.readBufferLength)
    pair.remote.abort(new Error('gone'))
    await expect(outcome).rejects.toBeInstanceOf(StreamLostError)
    await expect(outcome).rejects.toMatchObject({ stage: 'write', loss: 'reset' })
  })

  test('ends with a real Error when the stream is reset while its source has nothing to send', async () => {
    const [local, remote] = await streamPair()
    const outcome = streamDuplex(local).sink(never())
    await turn()
    remote.abort(new Error('gone'))
    await expect(outcome).rejects.toMatchObject({ name: 'StreamLostError', stage: 'write', loss: 'reset' })
  })

  test('tells its source when nobody reads it any more', async () => {
    const [local, remote] = await streamPair()
    let isLeft = false
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<IteratorResult<Uint8Array>>(() => undefined),
        return: async () => {
          isLeft = true
          return { done: true as const, value: undefined }
        }
      })
    }
    const outcome = streamDuplex(local).sink(source)
    await turn()
    remote.abort(new Error('gone'))
    await expect(outcome).rejects.toBeInstanceOf(StreamLostError)
    expect(isLeft).toBe(true)
  })

  test('passes on what its source throws and resets the stream, so that half a message is not taken for all', async () => {
    const [local, remote] = await streamPair()
    const failure = new Error('disk')
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1)
      throw failure
    }
    await expect(streamDuplex(local).sink(failing())).rejects.toBe(failure)
    await until(() => remote.status === 'reset')
  })

  test('still writes after the remote has ended its half', async () => {
    const [local, remote] = await streamPair()
    const here = streamDuplex(local)
    const there = streamDuplex(remote)
    await there.sink(none())
    expect(await collect(here.source)).toEqual([])
    const received = bytesOf(there.source)
    await here.sink(asyncOf([Uint8Array.of(1), new Uint8ArrayList(Uint8Array.of(2), Uint8Array.of(3))]))
    expect(await received).toEqual(Uint8Array.of(1, 2, 3))
    await until(() => local.status === 'closed' && remote.status === 'closed')
  })
})

describe('the signal', () => {
  test('aborts both directions with its reason', async () => {
    const [local, remote] = await streamPair()
    const controller = new AbortController()
    const { source, sink } = streamDuplex(local, { signal: controller.signal })
    const outcomes = Promise.allSettled([source.next(), sink(never())])
    await turn()
    const cause = new Error('stopping')
    controller.abort(cause)
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { name: 'StreamLostError', stage: 'read', loss: 'aborted', cause } },
      { status: 'rejected', reason: { name: 'StreamLostError', stage: 'write', loss: 'aborted', cause } }
    ])
    await until(() => remote.status === 'reset')
  })

  test('that had gone off before aborts the stream at once', async () => {
    const [local] = await streamPair()
    const { source } = streamDuplex(local, { signal: AbortSignal.abort('text') })
    await expect(source.next()).rejects.toMatchObject({ loss: 'aborted', cause: { cause: 'text' } })
  })
})
