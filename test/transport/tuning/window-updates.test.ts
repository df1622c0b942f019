import { Uint8ArrayList } from 'uint8arraylist'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { streamDuplex } from '../../../src/wire/index.ts'
import { boundedYamux } from '../../../src/transport/index.ts'
import { WINDOW_UPDATE_BYTES, withholdUpdates } from '../../../src/transport/tuning/window-updates.ts'
import { turn, until } from '../../wire/turns.ts'
import { header } from './yamux-header.ts'

const SYN = 1
const DATA = 0
const WINDOW_UPDATE = 1
const FIRST_WINDOW_BYTES = 256 * 1024

/** A connection on which what is sent is kept, with these streams open. */
function connection(open: readonly number[] = [1]) {
  const sent: Uint8Array[] = []
  const carrier = {
    send: (frame: Uint8Array | Uint8ArrayList) => {
      sent.push(frame.subarray())
      return true
    }
  }
  withholdUpdates(carrier, () => open.map((id) => ({ id: String(id) })))
  return { carrier, sent }
}

function granted(frames: readonly Uint8Array[], streamId: number): number {
  let bytes = 0
  for (const frame of frames) {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    if (view.getUint8(1) === WINDOW_UPDATE && view.getUint32(4) === streamId) bytes += view.getUint32(8)
  }
  return bytes
}

describe('withholding window updates', () => {
  test('what was received is granted again as soon as it is worth a frame, to the byte, whatever the sizes', () => {
    const sizes = fc.array(fc.tuple(fc.constantFrom(1, 3), fc.integer({ min: 1, max: 300_000 })), { maxLength: 200 })
    fc.assert(
      fc.property(sizes, (updates) => {
        const { carrier, sent } = connection([1, 3])
        const received = new Map([
          [1, 0],
          [3, 0]
        ])
        for (const [streamId, bytes] of updates) {
          received.set(streamId, (received.get(streamId) ?? 0) + bytes)
          carrier.send(header(WINDOW_UPDATE, 0, streamId, bytes))
          const owed = (received.get(streamId) ?? 0) - granted(sent, streamId)
          expect(owed).toBeGreaterThanOrEqual(0)
          expect(owed).toBeLessThan(WINDOW_UPDATE_BYTES)
        }
      })
    )
  })

  test('everything else goes out as it is and at once: data, flags, pings', () => {
    const { carrier, sent } = connection()
    const frames = [
      header(WINDOW_UPDATE, SYN, 1, 0),
      new Uint8ArrayList(header(DATA, 0, 1, 12), header(WINDOW_UPDATE, 0, 1, 5)),
      header(2, SYN, 0, 7),
      header(WINDOW_UPDATE, 4, 1, 0)
    ]
    for (const frame of frames) carrier.send(frame)
    expect(sent).toEqual(frames.map((frame) => frame.subarray()))
  })

  test('a stream that has ended leaves nothing behind that a later one of the same number would be granted', () => {
    const { carrier, sent } = connection([99])
    for (let streamId = 1; streamId < 99; streamId += 2) {
      carrier.send(header(WINDOW_UPDATE, 0, streamId, WINDOW_UPDATE_BYTES - 1))
    }
    carrier.send(header(WINDOW_UPDATE, 0, 1, 1))
    expect(granted(sent, 1)).toBe(0)
  })

  test('a sender of much is granted all of it and never waits for the rest', async () => {
    const [bare, carrier] = multiaddrConnectionPair()
    const fromMuxer: Uint8Array[] = []
    bare.addEventListener('message', ({ data }) => fromMuxer.push(data.subarray()))
    const muxer = boundedYamux()().createStreamMuxer(carrier)
    let read = 0
    muxer.addEventListener('stream', (event) => {
      void (async () => {
        for await (const bytes of streamDuplex(event.detail).source) read += bytes.byteLength
      })().catch(() => undefined)
    })
    bare.send(header(WINDOW_UPDATE, SYN, 1, 0))
    const piece = new Uint8Array(1_000)
    const total = 2_000 * piece.byteLength
    for (let sent = 0; sent < total; sent += piece.byteLength) {
      await until(() => FIRST_WINDOW_BYTES + granted(fromMuxer, 1) - sent >= piece.byteLength)
      bare.send(header(DATA, 0, 1, piece.byteLength))
      bare.send(piece)
      if (sent % (100 * piece.byteLength) === 0) await turn()
    }
    await until(() => read === total)
    expect(fromMuxer.length).toBeLessThan((2 * total) / WINDOW_UPDATE_BYTES)
    muxer.abort(new Error('the test is over'))
  })
})
