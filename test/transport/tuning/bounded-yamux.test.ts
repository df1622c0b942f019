import type { MultiaddrConnection, StreamMuxer } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LinkWatch, MAX_STREAM_WINDOW_BYTES, MisbehaviourError, streamDuplex } from '../../../src/wire/index.ts'
import { boundedYamux } from '../../../src/transport/index.ts'
import { WIDEN_FROM_BYTES } from '../../../src/transport/tuning/bounded-yamux.ts'
import type { ByteDuplex } from '../../../src/wire/index.ts'
import { turn, until } from '../../wire/turns.ts'
import { header } from './yamux-header.ts'

const SYN = 1
const DATA = 0
const WINDOW_UPDATE = 1
const PING = 2

interface Guarded {
  /** The bare end: what is sent on it reaches the muxer as it is. */
  readonly bare: MultiaddrConnection
  readonly muxer: StreamMuxer
  /** The bounded ends of the streams that the bare side has opened. */
  readonly opened: ByteDuplex[]
}

function guarded(): Guarded {
  const [bare, carrier] = multiaddrConnectionPair()
  bare.addEventListener('message', () => undefined)
  const muxer = boundedYamux()().createStreamMuxer(carrier)
  const opened: ByteDuplex[] = []
  muxer.addEventListener('stream', (event) => opened.push(streamDuplex(event.detail)))
  return { bare, muxer, opened }
}

async function readAll(duplex: ByteDuplex, read: number[]): Promise<void> {
  for await (const bytes of duplex.source) {
    read.push(...bytes.subarray())
  }
}

describe('bounded Yamux', () => {
  test('a remote whose connection a service cuts is reported as one that is cut here', () => {
    const [, carrier] = multiaddrConnectionPair()
    const reported: string[] = []
    const muxer = boundedYamux({ onMisbehaviour: ({ breach }) => reported.push(breach) })().createStreamMuxer(carrier)
    muxer.abort(new MisbehaviourError('garbage', 'sent garbage'))
    muxer.abort(new Error('the node was stopped'))
    expect(reported).toEqual(['garbage'])
  })

  test('asks once how far the sender is when much comes, so that the window can widen', async () => {
    const [bare, carrier] = multiaddrConnectionPair()
    let pings = 0
    bare.addEventListener('message', ({ data }) => {
      const bytes = data.subarray()
      for (let at = 0; at < bytes.byteLength; at += 12) if (bytes[at + 1] === PING) pings++
    })
    const pace = { pingAfterMs: 60_000, answerWithinMs: 60_000 }
    const muxer = boundedYamux({ watch: new LinkWatch({ outbound: pace, inbound: pace }) })().createStreamMuxer(carrier)
    const read: number[] = []
    muxer.addEventListener('stream', (event) => void readAll(streamDuplex(event.detail), read).catch(() => undefined))
    bare.send(header(WINDOW_UPDATE, SYN, 1, 0))
    const piece = new Uint8Array(WIDEN_FROM_BYTES / 2)
    bare.send(header(DATA, 0, 1, piece.byteLength))
    bare.send(piece)
    await until(() => read.length === piece.byteLength)
    await turn()
    expect(pings).toBe(0)
    for (let sent = 0; sent < 3; sent++) {
      bare.send(header(DATA, 0, 1, piece.byteLength))
      bare.send(piece)
    }
    await until(() => read.length === 4 * piece.byteLength)
    await turn()
    expect(pings).toBe(1)
    muxer.abort(new Error('the test is over'))
  })

  test('cuts a remote at the announcement of a frame that no window allows, before any of it comes', async () => {
    const { bare, muxer, opened } = guarded()
    bare.send(header(WINDOW_UPDATE, SYN, 1, 0))
    bare.send(header(DATA, 0, 1, MAX_STREAM_WINDOW_BYTES + 1))
    await until(() => opened.length === 1)
    await expect(opened[0]?.source.next()).rejects.toMatchObject({
      name: 'StreamLostError',
      loss: 'aborted',
      cause: {
        name: 'WindowOverrunError',
        sizeBytes: MAX_STREAM_WINDOW_BYTES + 1,
        limitBytes: MAX_STREAM_WINDOW_BYTES
      }
    })
    expect(muxer.status).toBe('closed')
    await until(() => bare.status !== 'open')
  })

  test('also when the header comes byte by byte, or after the body of a frame that is allowed', async () => {
    const { bare, muxer, opened } = guarded()
    bare.send(header(DATA, SYN, 1, 5))
    bare.send(Uint8Array.of(1, 2, 3, 4, 5, ...header(DATA, 0, 1, 0xffff_ffff).subarray(0, 4)))
    await until(() => opened.length === 1)
    expect((await opened[0]?.source.next())?.value?.subarray()).toEqual(Uint8Array.of(1, 2, 3, 4, 5))
    expect(muxer.status).toBe('open')
    for (const byte of header(DATA, 0, 1, 0xffff_ffff).subarray(4)) {
      bare.send(Uint8Array.of(byte))
    }
    await until(() => muxer.status === 'closed')
  })

  test('cuts a remote that sends more in several frames than it was granted', async () => {
    const { bare, muxer, opened } = guarded()
    const piece = new Uint8Array(64 * 1024)
    bare.send(header(WINDOW_UPDATE, SYN, 1, 0))
    await until(() => opened.length === 1)
    for (let sent = 0; sent < 64 && muxer.status === 'open'; sent++) {
      bare.send(header(DATA, 0, 1, piece.byteLength))
      bare.send(piece)
      await turn()
    }
    await expect(opened[0]?.source.next()).rejects.toMatchObject({
      name: 'StreamLostError',
      cause: { name: 'ReceiveWindowExceededError' }
    })
  })

  test('lets everything pass that is allowed, however it is split, also lengths that are none in other frames', async () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 10 })
    await fc.assert(
      fc.asyncProperty(bodies, fc.array(fc.nat(), { maxLength: 20 }), async (frames, cuts) => {
        const { bare, muxer, opened } = guarded()
        const bytes = Uint8Array.from(
          frames.flatMap((body, index) => [
            // The length field of these two is a window and a ping's number, however large.
            ...header(WINDOW_UPDATE, index === 0 ? SYN : 0, 1, 0x0fff_0000),
            ...header(PING, SYN, 0, 0xffff_fff0),
            ...header(DATA, 0, 1, body.length),
            ...body
          ])
        )
        const places = [...cuts.map((cut) => cut % bytes.length), bytes.length].toSorted((a, b) => a - b)
        let from = 0
        for (const place of places) {
          if (place > from) {
            bare.send(bytes.subarray(from, place))
            from = place
          }
        }
        await until(() => opened.length === 1)
        const read: number[] = []
        const wanted = frames.flatMap((body) => [...body])
        const [duplex] = opened
        const reading = duplex === undefined ? Promise.resolve() : readAll(duplex, read)
        reading.catch(() => undefined)
        await until(() => read.length >= wanted.length)
        expect(read).toEqual(wanted)
        expect(muxer.status).toBe('open')
        muxer.abort(new Error('the test is over'))
      }),
      { numRuns: 50 }
    )
  })
})
