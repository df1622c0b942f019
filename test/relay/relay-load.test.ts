import { peerIdFromString } from '@libp2p/peer-id'
import type { Stream } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { hopFrames, stopFrames, HOP_PROTOCOL, STOP_PROTOCOL } from '../../src/relay/relay-frames.ts'
import { SPLICED_WINDOW_BYTES } from '../../src/relay/server/splice.ts'
import { FrameStream, streamDuplex } from '../../src/wire/index.ts'
import { echo, echoed, peerNode, relayNode, type TestPeer, type TestRelay } from './nodes.ts'

const PIECE = new Uint8Array(64 * 1024)
/** Far more than a relay may hold. */
const FLOOD_PIECES = 1_024

test('a receiver that has stopped reading costs the relay no more than the bound of a circuit', async () => {
  const relay = await relayNode()
  const [anna, bob] = [await peerNode(), await peerNode(echo)]
  await Promise.all([anna.reserve(relay), bob.reserve(relay)])
  const flood = await rawPair(relay, (stream) => stream.pause())

  // Whatever is still under way has had the time of many round trips.
  const connection = await anna.dial(relay, bob)
  for (let turn = 0; turn < 20; turn++) await echoed(connection, PIECE)
  expect(flood.sentBytes()).toBeGreaterThan(PIECE.byteLength)
  // Two windows at the relay, one at the receiver, and what waits to be sent.
  expect(flood.sentBytes()).toBeLessThan(5 * SPLICED_WINDOW_BYTES)
  expect(relay.service.figures().circuits).toBe(2)
})

test('a pair that sends as fast as it can leaves others their turn', async () => {
  const relay = await relayNode({ bytesPerSecond: 512 * 1024 })
  const [anna, bob] = [await peerNode(), await peerNode(echo)]
  await Promise.all([anna.reserve(relay), bob.reserve(relay)])
  const connection = await anna.dial(relay, bob)
  const flood = await rawPair(relay, (stream) => stream.addEventListener('message', () => undefined))
  for (let turn = 0; turn < 5; turn++) expect(await echoed(connection, Buffer.from('a line'))).toHaveLength(6)
  expect(flood.sentBytes()).toBeLessThan(PIECE.byteLength * FLOOD_PIECES)
})

/**
 * A pair without Noise or Yamux of their own: one side writes as much as the relay takes.
 *
 * @param onCircuit what the other side does with it
 */
async function rawPair(
  relay: TestRelay,
  onCircuit: (stream: Stream) => void
): Promise<{ readonly sentBytes: () => number }> {
  const [sender, receiver] = [await peerNode(), await peerNode()]
  await receiver.libp2p.unhandle(STOP_PROTOCOL)
  await receiver.libp2p.handle(STOP_PROTOCOL, (stream) => {
    const offered = new FrameStream(stream, stopFrames, new AbortController().signal)
    void offered
      .read()
      .then(async () => offered.write({ type: 'status', status: 'ok' }))
      .then(() => onCircuit(offered.release()))
  })
  const connection = await sender.reserve(relay)
  await receiver.reserve(relay)
  const hop = new FrameStream(await connection.newStream(HOP_PROTOCOL), hopFrames, new AbortController().signal)
  await hop.write({ type: 'connect', peer: peerOf(receiver) })
  expect(await hop.read()).toEqual({ type: 'status', status: 'ok' })
  let sentBytes = 0
  const flood = async function* (): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < FLOOD_PIECES; sent++) {
      yield PIECE
      sentBytes += PIECE.byteLength
    }
  }
  streamDuplex(hop.release())
    .sink(flood())
    .catch(() => undefined) // it ends with the test
  return { sentBytes: () => sentBytes }
}

function peerOf({ id }: TestPeer): ReturnType<typeof peerIdFromString> {
  return peerIdFromString(id)
}
