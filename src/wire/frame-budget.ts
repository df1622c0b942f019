/**
 * What a remote's Yamux frames may cost: pings, streams that it opens, frames
 * without effect and frames of a few bytes have a rate each. Knows headers and
 * which streams are open, and nothing of what the frames carry. The time is an
 * argument, and is asked for only when a frame takes from a budget.
 *
 * @see https://github.com/hashicorp/yamux/blob/master/spec.md#framing
 */

import type { Stream } from '@libp2p/interface'
import {
  IDLE_FRAME_RATE,
  MAX_GRANT_CREDIT,
  PING_RATE,
  STREAM_OPENING_RATE,
  TINY_FRAME_BYTES,
  TINY_FRAME_RATE
} from './budgets.ts'
import { MisbehaviourError } from './errors.ts'
import type { Breach } from './errors.ts'
import { TokenBucket } from '../lib/index.ts'
import type { Rate } from '../lib/index.ts'

/** As Yamux decodes it. */
export interface FrameHeader {
  readonly type: number
  readonly flag: number
  readonly streamID: number
  readonly length: number
}

/** A stream of Yamux, as far as a frame for it may be without effect. */
export type OpenStream = Pick<Stream, 'remoteWriteStatus'> & { readonly sendWindowCapacity?: number }

/** The header of a frame of Yamux: how many bytes it has, and where each field of it begins. */
export const YAMUX_HEADER = { bytes: 12, type: 1, flags: 2, stream: 4, length: 8 } as const

const FrameType = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const
const FrameFlag = { syn: 1, ack: 2, fin: 4, rst: 8 } as const
const ALL_FLAGS = 0xf
/** A window is a number of 32 bits. */
const MAX_WINDOW = 0xffff_ffff

export class FrameBudget {
  readonly #now: () => number
  /** The remainder of the stream IDs that the remote gives, divided by two. */
  readonly #remoteParity: 0 | 1
  readonly #pings: TokenBucket
  readonly #openings: TokenBucket
  readonly #idle: TokenBucket
  readonly #tiny: TokenBucket
  /** Data frames that this side has sent and no window update has answered. */
  #credit = 0
  #hasSaidGoodbye = false

  /** @param init.isDialer this side has dialled; the dialer's stream IDs are odd */
  constructor(init: { readonly isDialer: boolean; readonly now: () => number }) {
    this.#now = init.now
    this.#remoteParity = init.isDialer ? 0 : 1
    const nowMs = init.now()
    this.#pings = new TokenBucket(PING_RATE, nowMs)
    this.#openings = new TokenBucket(STREAM_OPENING_RATE, nowMs)
    this.#idle = new TokenBucket(IDLE_FRAME_RATE, nowMs)
    this.#tiny = new TokenBucket(TINY_FRAME_RATE, nowMs)
  }

  /** This side has sent data, or has opened a stream: one window update may answer that. */
  sent(): void {
    if (this.#credit < MAX_GRANT_CREDIT) this.#credit += 1
  }

  /**
   * @param stream the open stream that the frame is for
   * @throws {MisbehaviourError} when the frame is beyond a budget, or is none
   */
  received(header: FrameHeader, stream: OpenStream | undefined): void {
    const { type, flag, streamID } = header
    if (flag > ALL_FLAGS) throw new MisbehaviourError('frames', `sent a Yamux frame with the flags ${flag}`)
    if (type === FrameType.ping) {
      if (flag === FrameFlag.syn) this.#take(this.#pings, PING_RATE, 'ping-rate', 'pings')
      return
    }
    if (type === FrameType.goAway) {
      if (this.#hasSaidGoodbye) this.#idles()
      this.#hasSaidGoodbye = true
      return
    }
    // Yamux itself knows no others.
    if (type !== FrameType.data && type !== FrameType.windowUpdate) return
    const isOpening = (flag & FrameFlag.syn) !== 0
    if (isOpening && stream === undefined) this.#opens(streamID)
    else if (stream === undefined || isOpening || stream.remoteWriteStatus === 'closed')
      this.#lateOrIdle(header, stream)
    else if (type === FrameType.windowUpdate) this.#granted(header, stream)
    if (type === FrameType.data) this.#carried(header)
  }

  #opens(streamID: number): void {
    if (streamID % 2 !== this.#remoteParity) {
      throw new MisbehaviourError('frames', `opened a stream with the number ${streamID}, which is not one of its own`)
    }
    this.#take(this.#openings, STREAM_OPENING_RATE, 'stream-rate', 'streams')
  }

  /** For a stream that is gone, or that the remote has opened or ended already. */
  #lateOrIdle(header: FrameHeader, stream: OpenStream | undefined): void {
    // A stream that the remote has ended still takes window updates, and may be reset.
    if (stream !== undefined && header.type === FrameType.windowUpdate && header.flag === 0)
      this.#granted(header, stream)
    else if (stream === undefined || header.flag !== FrameFlag.rst) this.#idles()
  }

  #granted({ flag, length }: FrameHeader, stream: OpenStream): void {
    if ((stream.sendWindowCapacity ?? 0) + length > MAX_WINDOW) {
      throw new MisbehaviourError('window', `granted a window of more than ${MAX_WINDOW} bytes`)
    }
    // The end of a stream answers nothing, and there is one for each.
    if ((flag & (FrameFlag.fin | FrameFlag.rst)) !== 0) return
    if (this.#credit > 0) this.#credit -= 1
    else this.#idles()
  }

  #carried({ flag, length }: FrameHeader): void {
    if (length >= TINY_FRAME_BYTES) return
    if (length > 0)
      this.#take(this.#tiny, TINY_FRAME_RATE, 'frame-rate', `frames of less than ${TINY_FRAME_BYTES} bytes`)
    else if (flag === 0) this.#idles()
  }

  #idles(): void {
    this.#take(this.#idle, IDLE_FRAME_RATE, 'frame-rate', 'frames without effect')
  }

  #take(bucket: TokenBucket, rate: Rate, breach: Breach, what: string): void {
    if (bucket.take(1, this.#now()) === 1) return
    const limit = `at most ${rate.burst} at once and ${rate.perSecond} a second are allowed`
    throw new MisbehaviourError(breach, `sent too many ${what}: ${limit}`)
  }
}
