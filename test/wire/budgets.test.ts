/** What one remote may cost, over real Yamux: each flood is cut and named, and what honest remotes do is not. */
import type { MessageStream, MultiaddrConnection, Stream, StreamMuxer } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { describe, expect, test } from 'vitest'
import {
  IDLE_FRAME_RATE,
  MAX_UNREAD_PIECES,
  MAX_UNSENT_BYTES,
  MAX_UNSENT_CONTROL_FRAMES,
  PING_RATE,
  STREAM_OPENING_RATE,
  TINY_FRAME_RATE
} from '../../src/wire/budgets.ts'
import type { MisbehaviourError } from '../../src/wire/errors.ts'
import { streamDuplex } from '../../src/wire/index.ts'
import { boundedYamux } from '../../src/transport/index.ts'
import type { Rate } from '../../src/wire/index.ts'
import { boundUnsent } from '../../src/transport/tuning/bounded-yamux.ts'
import { turn, until, untilStill } from './turns.ts'
import { header } from '../transport/tuning/yamux-header.ts'

const DATA = 0
const WINDOW_UPDATE = 1
const PING = 2
const GO_AWAY = 3
const SYN = 1
const ACK = 2
const FIN = 4
const RST = 8
/** The bare side has dialled: its streams have odd numbers. */
const FIRST = 1

interface Guarded {
  /** The bare end: what is sent on it reaches the muxer as it is. */
  readonly bare: MultiaddrConnection
  readonly carrier: MultiaddrConnection
  readonly muxer: StreamMuxer
  readonly streams: Stream[]
  readonly reports: MisbehaviourError[]
}

function guarded(): Guarded {
  const [bare, carrier] = multiaddrConnectionPair()
  bare.addEventListener('message', () => undefined)
  const reports: MisbehaviourError[] = []
  const onMisbehaviour = (error: MisbehaviourError, connection: MessageStream): void => {
    expect(connection).toBe(carrier)
    reports.push(error)
  }
  const muxer = boundedYamux({ onMisbehaviour })().createStreamMuxer(carrier)
  const streams: Stream[] = []
  muxer.addEventListener('stream', ({ detail }) => {
    streams.push(detail)
  })
  return { bare, carrier, muxer, streams, reports }
}

/** As one piece, so that they arrive in one turn. */
function repeated(count: number, frame: (index: number) => Uint8Array): Uint8Array {
  return Buffer.concat(Array.from({ length: count }, (_, index) => frame(index)))
}

/** The pace of this machine lets a few more through than come at once. */
function wellOver({ burst, perSecond }: Rate): number {
  return burst + 5 * perSecond
}

function odd(index: number): number {
  return FIRST + 2 * (index + 1)
}

async function expectCut({ muxer, carrier, reports }: Guarded, breach: string, what: RegExp): Promise<void> {
  await until(() => reports.length > 0)
  expect(reports.map((error) => error.breach)).toEqual([breach])
  expect(reports[0]?.what).toMatch(what)
  expect(muxer.status).toBe('closed')
  expect(carrier.status).toBe('aborted')
  expect(muxer.streams).toEqual([])
}

describe('a remote is cut and named', () => {
  test.each([
    ['pings', wellOver(PING_RATE), (index: number) => header(PING, SYN, 0, index), 'ping-rate', /too many pings/u],
    [
      'streams that it opens',
      wellOver(STREAM_OPENING_RATE),
      (index: number) => header(WINDOW_UPDATE, SYN, odd(index), 0),
      'stream-rate',
      /too many streams/u
    ],
    [
      'streams that it opens and resets at once',
      2 * wellOver(STREAM_OPENING_RATE),
      (index: number) => header(WINDOW_UPDATE, index % 2 === 0 ? SYN : RST, odd(Math.floor(index / 2)), 0),
      'stream-rate',
      /too many streams/u
    ],
    [
      'data for streams that do not exist',
      wellOver(IDLE_FRAME_RATE),
      () => Buffer.concat([header(DATA, 0, odd(7), 16), new Uint8Array(16)]),
      'frame-rate',
      /without effect/u
    ],
    ['farewells', wellOver(IDLE_FRAME_RATE), () => header(GO_AWAY, 0, 0, 0), 'frame-rate', /without effect/u],
    [
      'resets of streams that do not exist',
      wellOver(IDLE_FRAME_RATE),
      (index: number) => header(WINDOW_UPDATE, RST, odd(index), 0),
      'frame-rate',
      /without effect/u
    ]
  ])('for a flood of %s', async (_what, count, frame, breach, what) => {
    const all = guarded()
    all.bare.send(repeated(count, frame))
    await expectCut(all, breach, what)
  })

  test.each([
    ['data frames without data', wellOver(IDLE_FRAME_RATE), () => header(DATA, 0, FIRST, 0), /without effect/u],
    [
      'window updates that answer nothing',
      wellOver(IDLE_FRAME_RATE),
      () => header(WINDOW_UPDATE, 0, FIRST, 1),
      /without effect/u
    ],
    [
      'openings of one stream',
      wellOver(IDLE_FRAME_RATE),
      () => header(WINDOW_UPDATE, SYN, FIRST, 0),
      /without effect/u
    ],
    ['ends of one stream', wellOver(IDLE_FRAME_RATE), () => header(WINDOW_UPDATE, FIN, FIRST, 0), /without effect/u],
    [
      'frames of one byte',
      wellOver(TINY_FRAME_RATE),
      () => Buffer.concat([header(DATA, 0, FIRST, 1), Uint8Array.of(0)]),
      /frames of less than 16 bytes/u
    ]
  ])('for a flood on an open stream of %s', async (_what, count, frame, what) => {
    const all = guarded()
    all.bare.send(header(WINDOW_UPDATE, SYN, FIRST, 0))
    await until(() => all.streams.length === 1)
    all.bare.send(repeated(count, frame))
    await expectCut(all, 'frame-rate', what)
  })

  test.each([
    ['a version that there is not', Uint8Array.of(7, ...header(DATA, 0, FIRST, 0xffff_ffff).subarray(1)), /version/u],
    ['a type that there is not', header(9, 0, FIRST, 0), /frame type/u],
    ['flags that there are not', header(WINDOW_UPDATE, 0x8001, FIRST, 0), /the flags 32769/u],
    ['a ping on a stream', header(PING, SYN, FIRST, 0), /frame type/u],
    ['data outside of streams', header(DATA, 0, 0, 0), /frame type/u],
    ['a stream with a number of ours', header(WINDOW_UPDATE, SYN, 2, 0), /number 2/u],
    ['an answer to a ping that nobody sent', header(PING, ACK, 0, 5), /ping not requested/u]
  ])('for %s', async (_what, frame, what) => {
    const all = guarded()
    all.bare.send(frame)
    await expectCut(all, 'frames', what)
  })

  test('for a window that no number holds', async () => {
    const all = guarded()
    all.bare.send(header(WINDOW_UPDATE, SYN, FIRST, 0xffff_ffff))
    all.bare.send(header(WINDOW_UPDATE, 0, FIRST, 0xffff_ffff))
    await expectCut(all, 'window', /a window of more than 4294967295 bytes/u)
  })

  test('also when this side has dialled and the listener is the hostile one', async () => {
    const [carrier, bare] = multiaddrConnectionPair()
    const reports: MisbehaviourError[] = []
    const muxer = boundedYamux({ onMisbehaviour: (error) => reports.push(error) })().createStreamMuxer(carrier)
    muxer.addEventListener('stream', () => undefined)
    bare.send(repeated(wellOver(STREAM_OPENING_RATE), (index) => header(WINDOW_UPDATE, SYN, 2 * (index + 1), 0)))
    await until(() => reports.length === 1)
    expect(reports[0]?.breach).toBe('stream-rate')
    expect(muxer.status).toBe('closed')
  })
})

describe('a negotiation in a stream', () => {
  const registrar = { getProtocols: () => ['/chat/1.0.0'] }

  test('that never ends costs the remote its connection, and nothing of it is handed on', async () => {
    const [bare, carrier] = multiaddrConnectionPair()
    const reports: MisbehaviourError[] = []
    const init = { onMisbehaviour: (error: MisbehaviourError) => reports.push(error) }
    const muxer = boundedYamux(init)({ registrar }).createStreamMuxer(carrier)
    let handedOn = 0
    muxer.addEventListener('stream', ({ detail }) => {
      detail.addEventListener('message', ({ data }) => (handedOn += data.byteLength))
    })
    const piece = new Uint8Array(64 * 1024).fill(0x80)
    bare.send(Buffer.concat([header(DATA, SYN, FIRST, piece.byteLength), piece]))
    await until(() => reports.length === 1)
    expect(reports[0]).toMatchObject({ breach: 'negotiation' })
    expect(handedOn).toBe(0)
    expect(muxer.status).toBe('closed')
  })

  test('that this side began is held to the same rules', async () => {
    const [bare, carrier] = multiaddrConnectionPair()
    const reports: MisbehaviourError[] = []
    const init = { onMisbehaviour: (error: MisbehaviourError) => reports.push(error) }
    const muxer = boundedYamux(init)({ registrar }).createStreamMuxer(carrier)
    const stream = await muxer.createStream()
    stream.addEventListener('message', () => undefined)
    stream.send(Buffer.from('\u0013/multistream/1.0.0\n\u0007/other\n'))
    const piece = new Uint8Array(1024).fill(0x80)
    bare.send(Buffer.concat([header(DATA, ACK, 2, piece.byteLength), piece]))
    await until(() => reports.length === 1)
    expect(reports[0]).toMatchObject({ breach: 'negotiation' })
  })
})

describe('an honest remote is not cut', () => {
  test('for a transfer of many small frames that are answered as js-libp2p does', async () => {
    const { bare, muxer, streams, reports } = guarded()
    bare.send(header(WINDOW_UPDATE, SYN, FIRST, 0))
    await until(() => streams.length === 1)
    const [stream] = streams
    if (stream === undefined) throw new Error('there is a stream')
    let answered = 0
    let answeredBytes = 0
    bare.addEventListener('message', ({ data }) => {
      const bytes = data.subarray()
      if (bytes[1] !== DATA) return
      answered += 1
      answeredBytes += bytes.byteLength - 12
      bare.send(header(WINDOW_UPDATE, 0, FIRST, bytes.byteLength - 12))
    })
    // More than the frames without effect that are allowed.
    const frames = wellOver(IDLE_FRAME_RATE)
    for (let sent = 0; sent < frames; sent++) {
      stream.send(Uint8Array.of(1, 2, 3))
      // So that they leave as a frame each.
      if (sent % 4 === 0) await turn()
    }
    await until(() => answeredBytes === 3 * frames || muxer.status !== 'open')
    expect(answered).toBeGreaterThan(IDLE_FRAME_RATE.burst)
    await untilStill(() => answered)
    expect(reports).toEqual([])
    expect(muxer.status).toBe('open')
    muxer.abort(new Error('the test is over'))
  })

  test('for what was under way when this side reset a stream', async () => {
    const { bare, muxer, streams, reports } = guarded()
    bare.send(header(WINDOW_UPDATE, SYN, FIRST, 0))
    await until(() => streams.length === 1)
    streams[0]?.abort(new Error('on purpose'))
    const message = new Uint8Array(128)
    const window = 1 << 20
    bare.send(repeated(window / 128, () => Buffer.concat([header(DATA, 0, FIRST, 128), message])))
    bare.send(header(WINDOW_UPDATE, SYN, odd(0), 0))
    await until(() => streams.length === 2)
    expect(reports).toEqual([])
    expect(muxer.status).toBe('open')
    muxer.abort(new Error('the test is over'))
  })

  test('for saying goodbye', async () => {
    const { bare, carrier, muxer, reports } = guarded()
    bare.send(header(WINDOW_UPDATE, SYN, FIRST, 0))
    bare.send(header(GO_AWAY, 0, 0, 0))
    await until(() => muxer.status === 'closed')
    expect(carrier.status).toBe('open')
    expect(reports).toEqual([])
  })
})

describe('what waits for a remote that does not read', () => {
  function stalled() {
    const [bare, carrier] = multiaddrConnectionPair()
    bare.addEventListener('message', () => undefined)
    const breaches: MisbehaviourError[] = []
    boundUnsent(carrier, (error) => breaches.push(error))
    bare.pause()
    return { bare, carrier, breaches }
  }

  test('is bounded in frames without data', async () => {
    const { carrier, breaches } = stalled()
    await turn()
    let sent = 0
    while (breaches.length === 0 && sent < 2 * MAX_UNSENT_CONTROL_FRAMES) {
      carrier.send(header(PING, ACK, 0, sent))
      sent += 1
    }
    expect(breaches).toMatchObject([{ breach: 'unread-answers' }])
    // A few were on their way before the connection was full.
    expect(sent).toBeLessThan(MAX_UNSENT_CONTROL_FRAMES + 16)
  })

  test('is bounded in bytes, and what is sent after the cut goes nowhere', async () => {
    const { carrier, breaches } = stalled()
    await turn()
    const piece = new Uint8Array(64 * 1024)
    for (let sent = 0; sent < 2 * MAX_UNSENT_BYTES; sent += piece.byteLength) carrier.send(piece)
    expect(breaches).toMatchObject([{ breach: 'unread-answers' }])
    expect((carrier as MessageStream).writeBufferLength).toBeLessThanOrEqual(MAX_UNSENT_BYTES + piece.byteLength)
  })

  test('does not count what a slow remote has taken after all', async () => {
    const { bare, carrier, breaches } = stalled()
    for (let round = 0; round < 4; round++) {
      await turn()
      for (let sent = 0; sent < MAX_UNSENT_CONTROL_FRAMES / 2; sent++) carrier.send(header(PING, ACK, 0, sent))
      bare.resume()
      await until(() => (carrier as MessageStream).writeBufferLength === 0)
      await untilStill(() => (carrier as MessageStream).writeBufferLength)
      bare.pause()
    }
    expect(breaches).toEqual([])
  })
})

describe('unread data that comes in tiny pieces', () => {
  test('is joined, and not a byte of it is lost or moved', async () => {
    const { bare, muxer, streams } = guarded()
    bare.send(header(WINDOW_UPDATE, SYN, FIRST, 0))
    await until(() => streams.length === 1)
    const [stream] = streams
    if (stream === undefined) throw new Error('there is a stream')
    const duplex = streamDuplex(stream)
    const bytes = 8 * MAX_UNREAD_PIECES
    for (let sent = 0; sent < bytes; sent += MAX_UNREAD_PIECES) {
      bare.send(
        repeated(MAX_UNREAD_PIECES, (index) =>
          Buffer.concat([header(DATA, 0, FIRST, 1), Uint8Array.of((sent + index) % 251)])
        )
      )
      await turn()
    }
    await untilStill(() => stream.readBufferLength)
    let pieces = 0
    const read: number[] = []
    for await (const list of duplex.source) {
      for (const piece of list) {
        pieces += 1
        read.push(...piece)
      }
      if (read.length === bytes) break
    }
    expect(read).toEqual(Array.from({ length: bytes }, (_, index) => index % 251))
    // The first batch lies in the reader's queue, the rest in the stream; each joined with what came before.
    expect(pieces).toBeLessThan(3 * MAX_UNREAD_PIECES)
    muxer.abort(new Error('the test is over'))
  })
})
