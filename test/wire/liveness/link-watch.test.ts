import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WRITE_STALL_TIMEOUT_MS } from '../../../src/wire/duplex.ts'
import { boundedYamux } from '../../../src/transport/index.ts'
import { DOUBTED_ANSWER_MS, LINK_WATCH_TICK_MS, LinkWatch } from '../../../src/wire/liveness/link-watch.ts'
import { RoundTrip } from '../../../src/wire/liveness/round-trip.ts'

const pace = { pingAfterMs: 3_000, answerWithinMs: 3_000 }
const silence = { outbound: pace, inbound: { pingAfterMs: 5_000, answerWithinMs: 4_000 } }

/** The two ends of a link: ours, that is watched, and what the other machine gets. */
interface Watched {
  readonly far: MultiaddrConnection
  readonly near: MultiaddrConnection
  readonly connection: Connection
  readonly received: Uint8Array[]
}

function watched(direction: 'outbound' | 'inbound', watch = new LinkWatch(silence)): Watched {
  const [outbound, inbound] = multiaddrConnectionPair()
  const [near, far] = direction === 'outbound' ? [outbound, inbound] : [inbound, outbound]
  const received: Uint8Array[] = []
  far.addEventListener('message', (event) => received.push(event.data.subarray()))
  const muxer = boundedYamux({ watch })().createStreamMuxer(near)
  // Of a connection only its muxer is looked at.
  return { far, near, connection: { muxer } as unknown as Connection, received }
}

describe('a link that is watched for silence', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test('is pinged after its time of quiet and cut when no answer comes', async () => {
    const { near, received } = watched('inbound')
    await vi.advanceTimersByTimeAsync(4_400)
    expect(received).toEqual([])
    await vi.advanceTimersByTimeAsync(600)
    expect(received.map((bytes) => bytes[1])).toEqual([2]) // Yamux's type of a ping
    await vi.advanceTimersByTimeAsync(3_500)
    expect(near.status).toBe('open')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(near.status).not.toBe('open')
  })

  test('is pinged at once by the side that has dialled, so that the round-trip time is known', async () => {
    const { received } = watched('outbound')
    await vi.advanceTimersByTimeAsync(10)
    expect(received.map((bytes) => bytes[1])).toEqual([2])
  })

  test('lives as long as anything is received, and costs no ping then', async () => {
    const { far, near, received } = watched('inbound')
    for (let i = 0; i < 20; i++) {
      far.send(Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, i)) // the far side pings
      await vi.advanceTimersByTimeAsync(3_000)
    }
    expect(near.status).toBe('open')
    expect(received.map((bytes) => bytes[3])).toEqual(Array.from({ length: 20 }, () => 2)) // answers, and no question
  })

  test('is cut when nothing leaves for a minute, whatever is received meanwhile', async () => {
    const { far, near } = watched('inbound')
    far.pause()
    await vi.advanceTimersByTimeAsync(10)
    // It pings and does not read the answers.
    for (let secondsPassed = 0; secondsPassed < WRITE_STALL_TIMEOUT_MS / 1_000; secondsPassed += 2) {
      expect(near.status).toBe('open')
      far.send(Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, secondsPassed))
      await vi.advanceTimersByTimeAsync(2_000)
    }
    await vi.advanceTimersByTimeAsync(20_000)
    expect(near.status).not.toBe('open')
  })

  test('lives when both ends watch it and nobody says anything', async () => {
    const [outbound, inbound] = multiaddrConnectionPair()
    boundedYamux({ watch: new LinkWatch(silence) })().createStreamMuxer(outbound)
    boundedYamux({ watch: new LinkWatch(silence) })().createStreamMuxer(inbound)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([outbound.status, inbound.status]).toEqual(['open', 'open'])
  })

  test('is not cut by a process that was itself away: it asks again first', async () => {
    let nowMs = 0
    const [outbound, inbound] = multiaddrConnectionPair()
    let pings = 0
    const muxer = Object.assign(boundedYamux()().createStreamMuxer(inbound), { ping: async () => ++pings })
    const watch = new LinkWatch(silence, () => nowMs)
    watch.add(inbound, muxer, new RoundTrip(muxer, () => nowMs))
    nowMs = 5_000
    await vi.advanceTimersByTimeAsync(LINK_WATCH_TICK_MS)
    expect(pings).toBe(1)
    nowMs = 600_000 // asleep
    await vi.advanceTimersByTimeAsync(LINK_WATCH_TICK_MS)
    expect(inbound.status).toBe('open')
    for (let passedMs = 0; passedMs <= silence.inbound.answerWithinMs; passedMs += LINK_WATCH_TICK_MS) {
      nowMs += LINK_WATCH_TICK_MS
      await vi.advanceTimersByTimeAsync(LINK_WATCH_TICK_MS)
    }
    expect(inbound.status).not.toBe('open')
    expect(outbound.status).not.toBe('open')
  })

  test('that is asked is pinged at once, and only once, and has as long to answer as after a silence', async () => {
    const watch = new LinkWatch(silence)
    const { near, connection, received } = watched('inbound', watch)
    for (let asked = 0; asked < 10; asked++) watch.ask(connection)
    await vi.advanceTimersByTimeAsync(silence.inbound.answerWithinMs - 100)
    expect(received.map((bytes) => bytes[1])).toEqual([2])
    expect(near.status).toBe('open')
    await vi.advanceTimersByTimeAsync(100 + LINK_WATCH_TICK_MS)
    expect(near.status).not.toBe('open')
  })

  test('that is in doubt is asked at once and has less time to answer', async () => {
    const watch = new LinkWatch(silence)
    const { near, received } = watched('inbound', watch)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(received).toEqual([])
    watch.doubt()
    await vi.advanceTimersByTimeAsync(DOUBTED_ANSWER_MS - 100)
    expect(received.map((bytes) => bytes[1])).toEqual([2])
    expect(near.status).toBe('open')
    await vi.advanceTimersByTimeAsync(200)
    expect(near.status).not.toBe('open')
  })

  test('that is in doubt lives when it answers, and is asked once, however often it is doubted', async () => {
    const [outbound, inbound] = multiaddrConnectionPair()
    const watch = new LinkWatch(silence)
    boundedYamux({ watch })().createStreamMuxer(inbound)
    boundedYamux()().createStreamMuxer(outbound)
    let questions = 0
    outbound.addEventListener('message', ({ data }) => {
      const bytes = data.subarray()
      if (bytes[1] === 2 && bytes[3] === 1) questions++
    })
    for (let i = 0; i < 100; i++) {
      watch.doubt()
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(questions).toBe(1)
    await vi.advanceTimersByTimeAsync(10_000)
    expect([outbound.status, inbound.status]).toEqual(['open', 'open'])
  })

  // As after a change of routes: what the other end sends still comes in by the old one.
  test('that is in doubt must answer: it is cut when the other end is heard and does not hear', async () => {
    const watch = new LinkWatch(silence)
    const { far, near } = watched('inbound', watch)
    watch.doubt()
    await vi.advanceTimersByTimeAsync(200)
    far.send(Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)) // the far side pings
    await vi.advanceTimersByTimeAsync(DOUBTED_ANSWER_MS - 300)
    expect(near.status).toBe('open')
    await vi.advanceTimersByTimeAsync(200)
    expect(near.status).not.toBe('open')
  })

  test('that is in doubt lives while its answer may wait behind what is received', async () => {
    const watch = new LinkWatch(silence)
    const { far, near } = watched('inbound', watch)
    watch.doubt()
    for (let i = 0; i < 40; i++) {
      far.send(Uint8Array.of(0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, i))
      await vi.advanceTimersByTimeAsync(200)
    }
    expect(near.status).toBe('open')
    await vi.advanceTimersByTimeAsync(LINK_WATCH_TICK_MS + 500)
    expect(near.status).not.toBe('open')
  })

  test('that was asked before it is in doubt has no more time than it had', async () => {
    const watch = new LinkWatch(silence)
    const { near } = watched('inbound', watch)
    await vi.advanceTimersByTimeAsync(8_500)
    watch.doubt()
    await vi.advanceTimersByTimeAsync(600)
    expect(near.status).not.toBe('open')
  })

  test('is not cut by a process that was itself away while the link was in doubt', async () => {
    let nowMs = 0
    const [, inbound] = multiaddrConnectionPair()
    const muxer = Object.assign(boundedYamux()().createStreamMuxer(inbound), { ping: async () => 0 })
    const watch = new LinkWatch(silence, () => nowMs)
    watch.add(inbound, muxer, new RoundTrip(muxer, () => nowMs))
    watch.doubt()
    nowMs = 600_000
    await vi.advanceTimersByTimeAsync(DOUBTED_ANSWER_MS + 100)
    expect(inbound.status).toBe('open')
  })
})
