/**
 * A process that dials a reader and sends to it in one of four ways: as the
 * duplex does, without any regard to `send()`'s false, or against Yamux's rules
 * with frames written by hand. It reports once and ends.
 */

import { once } from 'node:events'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { MessageStream, Stream, StreamMuxerFactory } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { Uint8ArrayList } from 'uint8arraylist'
import { streamDuplex } from '../../src/wire/index.ts'
import { testBytes } from '../wire/test-bytes.ts'
import { initOf, PROTOCOL, startNode, tell } from './wire-lab.ts'
import type { SenderInit, SendReport } from './wire-lab.ts'

const HEADER_BYTES = 12
const HUGE_FRAME_BYTES = 0xffff_ffff

const init = initOf() as SenderInit
const carriers: MessageStream[] = []
const node = await startNode({ streamMuxers: [tappedYamux] })
const stream = await node.dialProtocol(multiaddr(init.address), PROTOCOL)
await tell(await sendAs(init, stream))
await node.stop()
process.disconnect()

/** Real Yamux, for the handshake and the stream, of a connection that is written past it later. */
function tappedYamux(): StreamMuxerFactory {
  const factory = yamux()()
  const createStreamMuxer = factory.createStreamMuxer.bind(factory)
  return Object.assign(factory, {
    createStreamMuxer: (carrier: MessageStream) => {
      carriers.push(carrier)
      return createStreamMuxer(carrier)
    }
  })
}

async function sendAs({ kind, totalBytes }: SenderInit, to: Stream): Promise<SendReport> {
  switch (kind) {
    case 'obedient':
      return obey(to, totalBytes)
    case 'heedless':
      return heedNothing(to, totalBytes)
    case 'overrun':
      return writePast(to, withHeaders(to, totalBytes))
    case 'huge-frame':
      return writePast(to, asOneFrame(to, totalBytes))
  }
}

async function obey(to: Stream, totalBytes: number): Promise<SendReport> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield* testBytes(totalBytes)
  }
  await streamDuplex(to).sink(pieces())
  await closing(to)
  return { sentBytes: totalBytes, refusals: 0, status: to.status }
}

async function heedNothing(to: Stream, totalBytes: number): Promise<SendReport> {
  let refusals = 0
  for (const piece of testBytes(totalBytes)) {
    refusals += to.send(piece) ? 0 : 1
  }
  await to.close()
  await closing(to)
  return { sentBytes: totalBytes, refusals, status: to.status }
}

/** Writes to the connection under the muxer until all is sent or the other side has cut it. */
async function writePast(to: Stream, pieces: Iterable<Uint8ArrayList>): Promise<SendReport> {
  const [carrier] = carriers
  if (carrier === undefined) {
    throw new Error('There is no connection to write to')
  }
  let sentBytes = 0
  let refusals = 0
  for (const piece of pieces) {
    if (carrier.status !== 'open') {
      break
    }
    sentBytes += piece.byteLength
    if (!carrier.send(piece)) {
      refusals++
      await Promise.race([once(carrier, 'drain'), once(carrier, 'close')])
    }
  }
  await closing(to)
  return { sentBytes, refusals, status: to.status }
}

function* withHeaders(to: Stream, totalBytes: number): Generator<Uint8ArrayList> {
  for (const piece of testBytes(totalBytes)) {
    yield new Uint8ArrayList(dataHeader(to, piece.byteLength), piece)
  }
}

function* asOneFrame(to: Stream, totalBytes: number): Generator<Uint8ArrayList> {
  yield new Uint8ArrayList(dataHeader(to, HUGE_FRAME_BYTES))
  for (const piece of testBytes(totalBytes)) {
    yield new Uint8ArrayList(piece)
  }
}

/** A Yamux data header by hand: version 0, type 0, no flags, stream, length. */
function dataHeader(to: Stream, lengthBytes: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(HEADER_BYTES))
  header.setUint32(4, Number(to.id))
  header.setUint32(8, lengthBytes)
  return new Uint8Array(header.buffer)
}

async function closing(to: Stream): Promise<void> {
  if (to.status === 'open') {
    await once(to, 'close')
  }
}
