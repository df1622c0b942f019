/**
 * A process that listens and reads every stream at a fixed rate through the
 * bounded duplex, and reports what it saw of each. It runs until it is killed.
 */

import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { streamDuplex, StreamLostError, toError } from '../../src/wire/index.ts'
import { HeldMeter } from '../wire/held-meter.ts'
import { addTo } from '../wire/test-bytes.ts'
import { initOf, PROTOCOL, startNode, tell } from './wire-lab.ts'
import type { ReaderInit, ReadReport } from './wire-lab.ts'

const SAMPLE_MS = 10

const { bytesPerSecond } = initOf() as ReaderInit
const node = await startNode({ addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] } })
await node.handle(PROTOCOL, async (stream) => {
  await tell({ type: 'read', report: await readSlowly(stream) })
})
await tell({ type: 'listening', address: String(node.getMultiaddrs()[0]) })

async function readSlowly(stream: Stream): Promise<ReadReport> {
  const startedAtMs = performance.now()
  const startRssBytes = process.memoryUsage.rss()
  const duplex = streamDuplex(stream)
  const meter = new HeldMeter(stream)
  const sampler = setInterval(() => meter.sample(), SAMPLE_MS)
  const closed = new AbortController()
  stream.addEventListener('close', () => closed.abort())
  const hash = createHash('sha256')
  let readBytes = 0
  let loss: ReadReport['loss'] = null
  try {
    for await (const bytes of duplex.source) {
      addTo(hash, bytes)
      readBytes += bytes.byteLength
      const dueMs = startedAtMs + (1000 * readBytes) / bytesPerSecond
      await delay(Math.max(0, dueMs - performance.now()), undefined, closed).catch(() => undefined)
      meter.finished(bytes.byteLength)
    }
    await stream.close()
  } catch (thrown) {
    const error = toError(thrown)
    loss = {
      name: error.name,
      loss: error instanceof StreamLostError ? error.loss : 'none',
      causeName: error.cause instanceof Error ? error.cause.name : 'none'
    }
  }
  clearInterval(sampler)
  return {
    readBytes,
    sha256: hash.digest('hex'),
    seconds: (performance.now() - startedAtMs) / 1000,
    maxHeldBytes: meter.maxHeldBytes,
    rssRiseBytes: 1024 * process.resourceUsage().maxRSS - startRssBytes,
    loss
  }
}
