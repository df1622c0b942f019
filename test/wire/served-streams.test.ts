import type { Connection, Stream, StreamHandler, StreamHandlerOptions } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { expect, test } from 'vitest'
import { ServedStreams, type StreamRegistrar } from '../../src/wire/index.ts'

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
  return { streams, registrar, come, fails, ends, logged }
}

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
