/**
 * Finds links that are dead without having said so: a cut cable, a machine that
 * lost its power. It counts anything that is received as a sign of life, and
 * asks with a ping of the muxer, which costs twelve bytes and no stream, where
 * nothing was received. A link on which nothing leaves is cut too, whatever is
 * heard on it. When there is reason to doubt links, because the network has changed,
 * they are asked at once, have less time, and must answer: after a change of routes the
 * other end may be heard without hearing this one. Knows connections as bytes, and no protocol.
 *
 * @see https://github.com/hashicorp/yamux/blob/master/spec.md#flag-field
 */

import type { Connection, MessageStream, StreamMuxer } from '@libp2p/interface'
import { alignedInterval } from '../../lib/index.ts'
import { WRITE_STALL_TIMEOUT_MS } from '../duplex.ts'
import { DeadlineError, toError, WireError } from '../errors.ts'
import { muxerOf, type RoundTrip } from './round-trip.ts'

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
 * less than a millisecond. Other looks of a node come at the same moments.
 */
export const LINK_WATCH_TICK_MS = 1_000

/**
 * How long a link has to answer when it is doubted: several round trips around the world, with a packet lost on the
 * way, and short enough for a conversation to go on within three seconds of a change of the network.
 */
export const DOUBTED_ANSWER_MS = 1_500

/**
 * The answer of a doubted link may wait behind other bytes of the remote, so a link is not cut while these still arrive: on
 * a line that is full they don't pause for so long.
 */
const DOUBTED_QUIET_MS = 500

/** A timer counts from when its turn of the event loop began, which may be so long ago. */
const TIMER_SLACK_MS = 50

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
  /** Pings. */
  readonly roundTrip: RoundTrip
  readonly pace: LinkPace
  heardAtMs: number
  /** Set while a ping has brought nothing yet. Any bytes will do, unless the link is in doubt. */
  asked: Question | undefined
  /** When it was doubted last. */
  doubtedAtMs: number
  /** Since when nothing leaves, seen at a tick: what the other end sends is then no sign that it reads. */
  blockedAtMs: number | undefined
}

interface Question {
  readonly atMs: number
  readonly withinMs: number
  /** Only the answer to the ping counts. */
  readonly isDoubt: boolean
}

/** All links of one node, looked at by one timer, which runs while there are any. */
export class LinkWatch {
  readonly #init: LinkWatchInit
  readonly #now: () => number
  readonly #links = new Set<Link>()
  #stopLooking: (() => void) | undefined
  #doubt: ReturnType<typeof setTimeout> | undefined
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
      asked: undefined,
      doubtedAtMs: Number.NEGATIVE_INFINITY,
      blockedAtMs: undefined
    }
    connection.addEventListener('message', () => {
      link.heardAtMs = this.#now()
      if (link.asked?.isDoubt !== true) link.asked = undefined
    })
    connection.addEventListener('drain', () => (link.blockedAtMs = undefined))
    connection.addEventListener('close', () => this.#remove(link))
    this.#links.add(link)
    // Yamux widens its windows by the round-trip time, which it knows from a ping.
    if (connection.direction === 'outbound') queueMicrotask(() => this.#ping(link))
    if (this.#stopLooking !== undefined) return
    this.#tickedAtMs = this.#now()
    this.#stopLooking = alignedInterval(() => this.#tick(), LINK_WATCH_TICK_MS)
  }

  /** Pings the link now, unless it is asked already: it has as long to answer as after a silence. */
  ask(connection: Connection): void {
    const muxer = muxerOf(connection)
    const link = [...this.#links].find((one) => muxer !== undefined && one.muxer === muxer)
    if (link !== undefined && link.asked === undefined) this.#ask(link, silence(link, this.#now()))
  }

  /**
   * There is reason to believe that links are dead: they are asked now, and those that don't answer within
   * {@link DOUBTED_ANSWER_MS} are cut, when nothing else is received on them. A link that was doubted so short a time ago is not asked again.
   *
   * @param connection the one that is doubted; without it, all
   */
  doubt(connection?: Connection): void {
    const nowMs = this.#now()
    const muxer = connection === undefined ? undefined : muxerOf(connection)
    if (connection !== undefined && muxer === undefined) return
    const doubted = [...this.#links].filter(
      (link) => (muxer === undefined || link.muxer === muxer) && nowMs - link.doubtedAtMs >= DOUBTED_ANSWER_MS
    )
    if (doubted.length === 0) return
    for (const link of doubted) {
      link.doubtedAtMs = nowMs
      this.#ask(link, { atMs: nowMs, withinMs: DOUBTED_ANSWER_MS, isDoubt: true })
    }
    // Looked at when their time is over, and not at the tick after that.
    this.#doubt ??= setTimeout(() => {
      this.#doubt = undefined
      this.#tick()
    }, DOUBTED_ANSWER_MS + TIMER_SLACK_MS).unref()
  }

  #remove(link: Link): void {
    this.#links.delete(link)
    if (this.#links.size > 0) return
    this.#stopLooking?.()
    clearTimeout(this.#doubt)
    this.#stopLooking = undefined
    this.#doubt = undefined
  }

  #tick(): void {
    const nowMs = this.#now()
    // This process itself may have been asleep or busy: what came meanwhile is not read yet.
    const wasAway = nowMs - this.#tickedAtMs > 2 * LINK_WATCH_TICK_MS
    this.#tickedAtMs = nowMs
    for (const link of this.#links) {
      const { pace, heardAtMs, asked } = link
      if (asked === undefined) {
        if (nowMs - heardAtMs >= pace.pingAfterMs) this.#ask(link, silence(link, nowMs))
      } else if (wasAway) link.asked = { ...asked, atMs: nowMs }
      else if (isUnanswered(link, asked, nowMs)) this.#cut(link, new SilentLinkError(nowMs - heardAtMs))
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

  /** One that was asked before keeps the time that it had, where that is sooner over. */
  #ask(link: Link, question: Question): void {
    const { asked = question } = link
    const endsMs = ({ atMs, withinMs }: Question): number => atMs + withinMs
    const sooner = endsMs(asked) < endsMs(question) ? asked : question
    link.asked = { ...sooner, isDoubt: asked.isDoubt || question.isDoubt }
    this.#ping(link)
  }

  #ping(link: Link): void {
    link.roundTrip.measure().then(
      () => {
        if (link.asked?.isDoubt === true) link.asked = undefined
      },
      // A muxer that is closing can't ping; then its connection closes too.
      (error: unknown) => link.connection.log('could not ping - %e', toError(error))
    )
  }

  #cut(link: Link, error: Error): void {
    this.#remove(link)
    link.muxer.abort(error)
    link.connection.abort(error)
  }
}

/** After a silence. */
function silence({ pace }: Link, nowMs: number): Question {
  return { atMs: nowMs, withinMs: pace.answerWithinMs, isDoubt: false }
}

function isUnanswered({ heardAtMs }: Link, { atMs, withinMs, isDoubt }: Question, nowMs: number): boolean {
  return nowMs - atMs >= withinMs && (!isDoubt || nowMs - heardAtMs >= DOUBTED_QUIET_MS)
}
