import type { Connection, Stream, StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import {
  BadLengthPrefixError,
  BrokenProtocolError,
  FrameTooLargeError,
  GARBAGE_STREAM_RATE,
  MisbehaviourError,
  ServedStreams,
  type StreamRegistrar
} from '../../src/wire/index.ts'

const PROTOCOL = '/test/1.0.0'

class Registrar implements StreamRegistrar {
  readonly handlers = new Map<string, StreamHandler>()
  options: StreamHandlerOptions | undefined

  async handle(protocol: string, handler: StreamHandler, options?: StreamHandlerOptions): Promise<void> {
    this.handlers.set(protocol, handler)
    this.options = options
  }

  async unhandle(protocol: string): Promise<void> {
    this.handlers.delete(protocol)
  }
}

/** Streams that are answered until their signal aborts, or the returned function fails them. */
function served({ maxStreams = Infinity } = {}) {
  const registrar = new Registrar()
  const fails: ((error: Error) => void)[] = []
  const ends: string[] = []
  const logged: unknown[] = []
  const clock = { nowMs: 0 }
  const log = Object.assign((_format: string, ...values: unknown[]) => void logged.push(...values), {
    enabled: true,
    error: () => undefined,
    trace: () => undefined,
    newScope: () => log
  })
  const streams = new ServedStreams({
    registrar,
    protocol: PROTOCOL,
    log,
    maxPerConnection: 2,
    maxStreams,
    now: () => clock.nowMs,
    serve: async (_stream, _connection, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      fails.push(reject)
      signal.addEventListener('abort', () => resolve())
      await promise
      ends.push(String(signal.reason))
    }
  })
  const come = async (): Promise<Stream> => {
    const [stream] = await streamPair()
    // The service looks at nothing else of it.
    void registrar.handlers.get(PROTOCOL)?.(stream, { remotePeer: 'anna' } as unknown as Connection)
    return stream
  }
  /** A stream of this address on which the remote does what fails like this. @returns why its connection was cut */
  const fail = async (error: Error, address = '203.0.113.7'): Promise<Error | undefined> => {
    const [stream] = await streamPair()
    let cutFor: Error | undefined
    const connection: Pick<Connection, 'remoteAddr' | 'abort'> = {
      remoteAddr: multiaddr(`/ip4/${address}/tcp/4001`),
      abort: (why) => (cutFor = why)
    }
    void registrar.handlers.get(PROTOCOL)?.(stream, { ...connection, remotePeer: 'anna' } as unknown as Connection)
    fails.at(-1)?.(error)
    await streams.settled()
    return cutFor
  }
  return { streams, registrar, come, fail, fails, ends, logged, clock }
}

class Garbage extends BrokenProtocolError {}

describe('a remote that breaks the protocol on one stream after the other', () => {
  const upToTheLimit = Array.from({ length: GARBAGE_STREAM_RATE.burst })

  test.each([
    ['a frame that is none', new Garbage('these bytes are no frame')],
    ['a frame that is too large', new FrameTooLargeError('read', 70_000, 65_536)],
    ['a bad length', new BadLengthPrefixError('ten bytes')]
  ])('loses its connection, and what it did is named: %s', async (_what, garbage) => {
    const { streams, fail } = served()
    await streams.start()
    for (const _ of upToTheLimit) expect(await fail(garbage)).toBeUndefined()
    const cutFor = await fail(garbage)
    expect(cutFor).toBeInstanceOf(MisbehaviourError)
    expect(cutFor).toMatchObject({ breach: 'garbage', what: expect.stringContaining(`streams of ${PROTOCOL}`) })
  })

  test('is known by its address class: a new connection does not help it, and no other class is cut', async () => {
    const { streams, fail } = served()
    await streams.start()
    for (const _ of [...upToTheLimit, 'one more']) await fail(new Garbage('garbage'))
    expect(await fail(new Garbage('garbage'), '203.0.113.8')).toBeUndefined()
    expect(await fail(new Garbage('garbage'))).toMatchObject({ breach: 'garbage' })
  })

  test('is let alone when it does so seldom', async () => {
    const { streams, fail, clock } = served()
    await streams.start()
    for (const _ of [...upToTheLimit, ...upToTheLimit]) {
      expect(await fail(new Garbage('garbage'))).toBeUndefined()
      clock.nowMs += 1_000 / GARBAGE_STREAM_RATE.perSecond
    }
  })

  test('is another than one whose streams are lost, or fail by what this side does', async () => {
    const { streams, fail } = served()
    await streams.start()
    for (const _ of [...upToTheLimit, 'one more']) {
      expect(await fail(new Error('the stream was reset'))).toBeUndefined()
      expect(await fail(new FrameTooLargeError('write', 70_000, 65_536))).toBeUndefined()
    }
  })
})

test('the protocol is served from start to stop, and again after it', async () => {
  const { streams, registrar, come, ends } = served()
  await streams.start()
  await streams.start()
  expect(registrar.options).toEqual({ maxInboundStreams: 2, runOnLimitedConnection: false })
  expect(streams.signal?.aborted).toBe(false)
  await come()
  await streams.stop(new Error('enough'))
  await streams.stop(new Error('more than enough'))
  expect([...registrar.handlers.keys()]).toEqual([])
  expect(ends).toEqual(['Error: enough'])
  expect(streams.signal).toBeUndefined()
  await streams.start()
  expect(registrar.handlers.has(PROTOCOL)).toBe(true)
})

test('a stream whose answer fails is aborted, and the reason logged', async () => {
  const { streams, come, fails, logged } = served()
  await streams.start()
  const stream = await come()
  const broken = new Error('a bad frame')
  fails[0]?.(broken)
  await streams.settled()
  expect(stream.status).toBe('aborted')
  expect(logged).toEqual(['anna', broken])
})

test('streams beyond the limit are aborted until one has ended', async () => {
  const { streams, come, fails } = served({ maxStreams: 1 })
  await streams.start()
  const first = await come()
  const second = await come()
  expect([first.status, second.status]).toEqual(['open', 'aborted'])
  fails[0]?.(new Error('gone'))
  await streams.settled()
  expect((await come()).status).toBe('open')
})

test('a stream that libp2p hands over after the stop is aborted', async () => {
  const { streams, registrar, come } = served()
  await streams.start()
  const [handler] = registrar.handlers.values()
  await streams.stop(new Error('enough'))
  if (handler !== undefined) registrar.handlers.set(PROTOCOL, handler)
  expect((await come()).status).toBe('aborted')
})

test('after a withdrawal the streams that are open go on', async () => {
  const { streams, registrar, come, ends } = served()
  await streams.start()
  const stream = await come()
  await streams.withdraw()
  expect([...registrar.handlers.keys()]).toEqual([])
  expect([stream.status, ends]).toEqual(['open', []])
  await streams.stop(new Error('enough'))
  expect(ends).toEqual(['Error: enough'])
})
