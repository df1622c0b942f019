/**
 * Finds links that are dead without having said so: a cut cable, a machine that
 * lost its power. It counts anything that is received as a sign of life, and
 * asks with a ping of the muxer, which costs twelve bytes and no stream, where
 * nothing was received. A link on which nothing leaves is cut too, whatever is
 * heard on it. Knows connections as bytes, and no protocol.
 *
 * @see https://github.com/hashicorp/yamux/blob/master/spec.md#flag-field
 */

import type { MessageStream, StreamMuxer } from '@libp2p/interface'
import { WRITE_STALL_TIMEOUT_MS } from '../duplex.ts'
import { DeadlineError, toError, WireError } from '../errors.ts'
import type { RoundTrip } from './round-trip.ts'

/** The other end of a connection has not been heard for too long, and did not answer a ping. */
class SilentLinkError extends WireError {
  override readonly name = 'SilentLinkError'
  readonly silentMs: number

  constructor(silentMs: number) {
    super('read', `Nothing received for ${Math.round(silentMs)} ms, not even the answer to a ping: connect again`)
    this.silentMs = silentMs
  }
}

/**
 * How often links are looked at for silence, in milliseconds: a small part of
 * any time in which silence is noticed. Ten thousand links are looked at in
 * less than a millisecond.
 */
const LINK_WATCH_TICK_MS = 500

export interface LinkPace {
  /** Nothing received for so long: a ping is sent. */
  readonly pingAfterMs: number
  /** Nothing received for so long after that: the link is cut. */
  readonly answerWithinMs: number
}

/** The side that is less patient is the one that pings. */
export interface LinkWatchInit {
  /** For links that this side has dialled. */
  readonly outbound: LinkPace
  readonly inbound: LinkPace
}

interface Link {
  readonly connection: MessageStream
  readonly muxer: StreamMuxer
  /** Pings. Its answer is not waited for: any bytes will do. */
  readonly roundTrip: RoundTrip
  readonly pace: LinkPace
  heardAtMs: number
  /** Set while a ping has brought nothing yet. */
  askedAtMs: number | undefined
  /** Since when nothing leaves, seen at a tick: what the other end sends is then no sign that it reads. */
  blockedAtMs: number | undefined
}

/** All links of one node, looked at by one timer, which runs while there are any. */
export class LinkWatch {
  readonly #init: LinkWatchInit
  readonly #now: () => number
  readonly #links = new Set<Link>()
  #timer: ReturnType<typeof setInterval> | undefined
  #tickedAtMs = 0

  constructor(init: LinkWatchInit, now: () => number = () => performance.now()) {
    this.#init = init
    this.#now = now
  }

  /** Watches the link until it closes. */
  add(connection: MessageStream, muxer: StreamMuxer, roundTrip: RoundTrip): void {
    const pace = this.#init[connection.direction]
    const link: Link = {
      connection,
      muxer,
      roundTrip,
      pace,
      heardAtMs: this.#now(),
      askedAtMs: undefined,
      blockedAtMs: undefined
    }
    connection.addEventListener('message', () => {
      link.heardAtMs = this.#now()
      link.askedAtMs = undefined
    })
    connection.addEventListener('drain', () => (link.blockedAtMs = undefined))
    connection.addEventListener('close', () => this.#remove(link))
    this.#links.add(link)
    // Yamux widens its windows by the round-trip time, which it knows from a ping.
    if (connection.direction === 'outbound') queueMicrotask(() => this.#ping(link))
    if (this.#timer !== undefined) return
    this.#tickedAtMs = this.#now()
    this.#timer = setInterval(() => this.#tick(), LINK_WATCH_TICK_MS)
    this.#timer.unref()
  }

  #remove(link: Link): void {
    this.#links.delete(link)
    if (this.#links.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    const nowMs = this.#now()
    // This process itself may have been asleep or busy: what came meanwhile is not read yet.
    const wasAway = nowMs - this.#tickedAtMs > 2 * LINK_WATCH_TICK_MS
    this.#tickedAtMs = nowMs
    for (const link of this.#links) {
      const { pace, heardAtMs, askedAtMs } = link
      if (askedAtMs === undefined) {
        if (nowMs - heardAtMs >= pace.pingAfterMs) this.#ask(link, nowMs)
      } else if (wasAway) link.askedAtMs = nowMs
      else if (nowMs - askedAtMs >= pace.answerWithinMs) this.#cut(link, new SilentLinkError(nowMs - heardAtMs))
      if (wasAway) link.blockedAtMs = undefined
      else this.#lookForStall(link, nowMs)
    }
  }

  /** A remote that is heard and does not read would keep what waits for it as long as it likes. */
  #lookForStall(link: Link, nowMs: number): void {
    if (!link.connection.writableNeedsDrain) return
    link.blockedAtMs ??= nowMs
    if (nowMs - link.blockedAtMs >= WRITE_STALL_TIMEOUT_MS)
      this.#cut(link, new DeadlineError('write', WRITE_STALL_TIMEOUT_MS))
  }

  #ask(link: Link, nowMs: number): void {
    link.askedAtMs = nowMs
    this.#ping(link)
  }

  #ping(link: Link): void {
    // A muxer that is closing can't ping; then its connection closes too.
    link.roundTrip.measure().catch((error: unknown) => link.connection.log('could not ping - %e', toError(error)))
  }

  #cut(link: Link, error: Error): void {
    this.#remove(link)
    link.muxer.abort(error)
    link.connection.abort(error)
  }
}
