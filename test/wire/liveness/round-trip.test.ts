import { multiaddrConnectionPair } from '@libp2p/utils'
import { describe, expect, test } from 'vitest'
import { boundedYamux } from '../../../src/transport/index.ts'
import { eventually } from '../../eventually.ts'
import { RoundTrip, roundTripOf } from '../../../src/wire/liveness/round-trip.ts'

/** A link whose answers come when the test says so, on its own clock. */
class FakeLink {
  nowMs = 1_000
  pings = 0
  #answers = Promise.withResolvers<number>()
  readonly roundTrip: RoundTrip

  constructor() {
    const [outbound] = multiaddrConnectionPair()
    const ping = async (): Promise<number> => {
      this.pings++
      this.#answers = Promise.withResolvers()
      return this.#answers.promise
    }
    const muxer = Object.assign(boundedYamux()().createStreamMuxer(outbound), { ping })
    this.roundTrip = new RoundTrip(muxer, () => this.nowMs)
  }

  async measure(tookMs: number): Promise<number | undefined> {
    const measured = this.roundTrip.measure()
    this.nowMs += tookMs
    this.#answers.resolve(0)
    await measured
    return this.roundTrip.ms
  }

  answer(): void {
    this.#answers.resolve(0)
  }

  fail(): void {
    this.#answers.reject(new Error('the muxer is closed'))
  }
}

describe('the round trip of a link', () => {
  test('is not known before the first answer', async () => {
    const link = new FakeLink()
    expect(link.roundTrip.ms).toBeUndefined()
    expect(link.roundTrip.ageMs).toBe(Infinity)
    expect(await link.measure(7)).toBe(7)
    link.nowMs += 500
    expect(link.roundTrip.ageMs).toBe(500)
  })

  test('is the middle one of the last three: one slow answer does not show, two in a row do', async () => {
    const link = new FakeLink()
    await link.measure(2)
    await link.measure(3)
    expect(await link.measure(900)).toBe(3)
    expect(await link.measure(2)).toBe(3)
    expect(await link.measure(2)).toBe(2)
    expect(await link.measure(80)).toBe(2)
    expect(await link.measure(80)).toBe(80)
  })

  test('can be asked for anew: the answer is to a ping that came after all that was sent', async () => {
    const link = new FakeLink()
    const before = link.measure(2)
    expect(link.pings).toBe(1)
    let isReceived = false
    const received = link.roundTrip.measureAnew().then(() => (isReceived = true))
    await before
    await eventually(() => expect(link.pings).toBe(2))
    expect(isReceived).toBe(false)
    link.answer()
    await received
  })

  test('is no less than what the answer that is waited for has taken already', async () => {
    const link = new FakeLink()
    await link.measure(2)
    const measured = link.roundTrip.measure()
    link.nowMs += 4_000
    expect(link.roundTrip.ms).toBe(4_000)
    link.fail()
    await expect(measured).rejects.toThrow(/closed/)
    expect(link.roundTrip.ms).toBe(2)
  })

  test('is asked for once at a time, by however many', async () => {
    const link = new FakeLink()
    const other = link.roundTrip.measure()
    await link.measure(5)
    await other
    expect(link.pings).toBe(1)
    await link.measure(5)
    expect(link.pings).toBe(2)
  })

  test('is unknown for a muxer that can not ping', () => {
    const [outbound] = multiaddrConnectionPair()
    const muxer = Object.assign(boundedYamux()().createStreamMuxer(outbound), { ping: undefined })
    expect(roundTripOf(muxer, () => 0)).toBeUndefined()
  })
})
