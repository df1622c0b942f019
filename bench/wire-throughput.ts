/**
 * How fast frames go through `runFrames` over TCP, Noise and Yamux on loopback,
 * beside the bare stream in the same run (both ends in this process).
 *
 * Run: npm run bench -- wire-throughput [--json FILE] [--smoke]
 */

import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { noise } from '@chainsafe/libp2p-noise'
import type { Stream } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'
import { Report, reportOptions } from './report.ts'
import { FrameQueue, runFrames } from '../src/wire/index.ts'
import { boundedYamux } from '../src/transport/index.ts'

const PROTOCOL = '/wire-bench/1.0.0'
const { values } = parseArgs({ options: reportOptions })
const TOTAL_BYTES = values.smoke ? 1_000_000 : 100_000_000
const QUEUE_BYTES = 1 << 20
const BARE_PIECE_BYTES = 64 * 1024
const FRAME_SIZES = [100, 1024, 16 * 1024, 64 * 1024]

const bytesCodec = { decode: (frame: Uint8Array) => frame, encode: (frame: Uint8Array) => frame }

function startNode(listen: string[]): Promise<Libp2p> {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux()]
  })
}

async function secondsOf(run: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now()
  await run()
  return (performance.now() - startedAtMs) / 1000
}

async function sendBare(stream: Stream): Promise<void> {
  const piece = new Uint8Array(BARE_PIECE_BYTES)
  for (let sentBytes = 0; sentBytes < TOTAL_BYTES; sentBytes += piece.byteLength) {
    if (!stream.send(piece)) {
      await once(stream, 'drain')
    }
  }
  await stream.close()
  await once(stream, 'close')
}

async function sendFrames(stream: Stream, frameBytes: number): Promise<void> {
  const maxFrameBytes = BARE_PIECE_BYTES
  const outgoing = new FrameQueue<Uint8Array>({ maxBytes: QUEUE_BYTES, sizeOf: (frame) => frame.byteLength })
  const done = runFrames({ stream, codec: bytesCodec, outgoing, maxFrameBytes, onFrames: async () => undefined })
  const frame = new Uint8Array(frameBytes)
  for (let sentBytes = 0; sentBytes < TOTAL_BYTES; sentBytes += frameBytes) {
    if (!outgoing.offer(frame)) {
      await outgoing.push(frame)
    }
  }
  outgoing.end()
  await done
}

const reader = await startNode(['/ip4/127.0.0.1/tcp/0'])
const sender = await startNode([])
let isBare = true
await reader.handle(PROTOCOL, async (stream) => {
  if (isBare) {
    stream.addEventListener('message', () => undefined)
    if (stream.remoteWriteStatus !== 'closed') {
      await once(stream, 'remoteCloseWrite')
    }
    await stream.close()
    return
  }
  const outgoing = new FrameQueue<Uint8Array>({ maxBytes: QUEUE_BYTES, sizeOf: (frame) => frame.byteLength })
  const maxFrameBytes = BARE_PIECE_BYTES
  await runFrames({ stream, codec: bytesCodec, outgoing, maxFrameBytes, onFrames: async () => undefined })
})
const address = reader.getMultiaddrs()
const megabytes = TOTAL_BYTES / 1_000_000

const report = new Report()
report.note(`${megabytes} MB each, both ends in one process`)
const bareSeconds = await secondsOf(async () => sendBare(await sender.dialProtocol(address, PROTOCOL)))
report.figure('bare stream, 64 KiB pieces', 'MB/s', [megabytes / bareSeconds])
isBare = false
for (const frameBytes of FRAME_SIZES) {
  const seconds = await secondsOf(async () => sendFrames(await sender.dialProtocol(address, PROTOCOL), frameBytes))
  report.figure(`frames of ${frameBytes} bytes`, 'MB/s', [megabytes / seconds])
  report.figure(`frames of ${frameBytes} bytes: frames`, '/s', [TOTAL_BYTES / frameBytes / seconds])
  report.figure(`frames of ${frameBytes} bytes: of the bare stream`, '×', [bareSeconds / seconds])
}
report.finish()
await sender.stop()
await reader.stop()
