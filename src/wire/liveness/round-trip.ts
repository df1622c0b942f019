/**
 * How far the other end of a link is: the time from a ping of the muxer to its
 * answer, of the last few. It asks when it is told to, one question at a time,
 * and never gives one up: an answer that nobody waits for ends a Yamux link. That
 * nobody answers is for whoever watches the link.
 */

import type { Connection, StreamMuxer } from '@libp2p/interface'

/** Of so many round trips the middle one is told: a single slow one, or a quick one, is not the distance. */
const ROUND_TRIPS = 3

/** A muxer that can ping: Yamux. */
export interface PingingMuxer extends StreamMuxer {
  /** Resolves when the answer has come. */
  ping(): Promise<unknown>
}

export class RoundTrip {
  readonly #muxer: PingingMuxer
  readonly #now: () => number
  /** The newest last. */
  #tookMs: readonly number[] = []
  #asked: { readonly atMs: number; readonly answer: Promise<void> } | undefined
  #heardAtMs = Number.NEGATIVE_INFINITY

  constructor(muxer: PingingMuxer, now: () => number) {
    this.#muxer = muxer
    this.#now = now
  }

  /**
   * Milliseconds with their fraction, or undefined before the first answer. The middle of the last few, as a busy
   * moment of either process is no distance; and no less than the answer that is waited for has taken already.
   */
  get ms(): number | undefined {
    const sorted = this.#tookMs.toSorted((a, b) => a - b)
    const middle = sorted[Math.floor((sorted.length - 1) / 2)]
    if (middle === undefined || this.#asked === undefined) return middle
    return Math.max(middle, this.#now() - this.#asked.atMs)
  }

  /** How long ago it was last measured, in milliseconds. */
  get ageMs(): number {
    return this.#now() - this.#heardAtMs
  }

  /**
   * Asks, or waits for the answer to what is asked already.
   *
   * @throws when the muxer is closing
   */
  async measure(): Promise<void> {
    if (this.#asked === undefined) {
      const atMs = this.#now()
      const answer = this.#muxer.ping().then(() => this.#heard(atMs))
      this.#asked = { atMs, answer: answer.finally(() => (this.#asked = undefined)) }
    }
    await this.#asked.answer
  }

  /**
   * Asks after what was sent so far: when it resolves, the other end has received all of that.
   *
   * @throws when the muxer is closing
   */
  async measureAnew(): Promise<void> {
    await this.#asked?.answer
    await this.measure()
  }

  #heard(askedAtMs: number): void {
    this.#heardAtMs = this.#now()
    this.#tookMs = [...this.#tookMs, this.#heardAtMs - askedAtMs].slice(-ROUND_TRIPS)
  }
}

const known = new WeakMap<object, RoundTrip>()

/** @returns the round trip of the muxer's link, if the muxer can ping; one for each */
export function roundTripOf(muxer: StreamMuxer, now: () => number): RoundTrip | undefined {
  // Checked here, as the interface of muxers has no ping.
  if (!('ping' in muxer && typeof muxer.ping === 'function')) return undefined
  const roundTrip = new RoundTrip(muxer as PingingMuxer, now)
  known.set(muxer, roundTrip)
  return roundTrip
}

/** How far the other end of a connection is, where its silence is watched. */
export function distanceOf(connection: Connection): RoundTrip | undefined {
  const muxer = muxerOf(connection)
  return muxer === undefined ? undefined : known.get(muxer)
}

/** What runs the streams of a connection. */
export function muxerOf(connection: Connection): object | undefined {
  // A field of libp2p's connections, which their interface does not show.
  if (!('muxer' in connection) || typeof connection.muxer !== 'object' || connection.muxer === null) return undefined
  return connection.muxer
}
