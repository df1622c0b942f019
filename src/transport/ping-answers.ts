// Answers `/ipfs/ping/1.0.0`, with which other libp2p programs check that a peer is
// alive: bytes received are sent back. It sends no pings of its own: Parley pings by
// the muxer, which needs no stream (see LinkWatch). An answer that is not read holds
// back the next, and answers are paced.
// https://github.com/libp2p/specs/blob/master/ping/ping.md
import type { ComponentLogger, Startable, Stream } from '@libp2p/interface'
import { setTimeout as delay } from 'node:timers/promises'
import type { Uint8ArrayList } from 'uint8arraylist'
import { ServedStreams, streamDuplex, TokenBucket, type StreamRegistrar } from '../wire/index.ts'

/** The payload of a ping of `/ipfs/ping/1.0.0`. */
export const PING_BYTES = 32

/** Other libp2p programs keep one stream for their pings; a second one while the first is ending. */
const MAX_PING_STREAMS = 2

/** A program that waits for each answer before it asks again is slowed to this, after its first few. */
export const PING_ANSWER_RATE = { burst: 64, perSecond: 64 } as const

export const PING_PROTOCOL = '/ipfs/ping/1.0.0'

export interface PingComponents {
  readonly registrar: StreamRegistrar
  readonly logger: ComponentLogger
}

/** More pings in one read than the burst allows. */
class TooManyPingsError extends Error {
  override readonly name = 'TooManyPingsError'

  constructor(sizeBytes: number) {
    super(`a remote sent ${sizeBytes} bytes of pings at once, and ${PING_ANSWER_RATE.burst * PING_BYTES} are the limit`)
  }
}

/** The libp2p service. */
export function pingAnswers(): (components: PingComponents) => Startable {
  return (components) => new PingAnswers(components)
}

class PingAnswers implements Startable {
  readonly #streams: ServedStreams

  constructor({ registrar, logger }: PingComponents) {
    this.#streams = new ServedStreams({
      registrar,
      protocol: PING_PROTOCOL,
      log: logger.forComponent('parley:ping'),
      maxPerConnection: MAX_PING_STREAMS,
      serve: async (stream, _connection, signal) => answer(stream, signal)
    })
  }

  async start(): Promise<void> {
    await this.#streams.start()
  }

  async stop(): Promise<void> {
    await this.#streams.stop(new Error('pings are no longer answered'))
  }
}

async function answer(stream: Stream, signal: AbortSignal): Promise<void> {
  const { source, sink } = streamDuplex(stream, { signal })
  await sink(paced(source, signal))
}

/** The bytes that arrive, no faster than the rate: a whole ping counts as one. */
async function* paced(source: AsyncIterable<Uint8ArrayList>, signal: AbortSignal): AsyncGenerator<Uint8ArrayList> {
  const bucket = new TokenBucket(PING_ANSWER_RATE, performance.now())
  for await (const bytes of source) {
    const pings = Math.ceil(bytes.byteLength / PING_BYTES)
    if (pings > PING_ANSWER_RATE.burst) throw new TooManyPingsError(bytes.byteLength)
    for (let waitMs = bucket.waitMs(pings, performance.now()); waitMs > 0;) {
      await delay(waitMs, undefined, { signal })
      waitMs = bucket.waitMs(pings, performance.now())
    }
    bucket.take(pings, performance.now())
    yield bytes
  }
}
