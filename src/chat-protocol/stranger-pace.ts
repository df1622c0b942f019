// How fast strangers may send: their messages, streams and signals count against one
// rate a peer. Peers that are no strangers are not slowed. It does not decide who is one.
import type { PeerId } from '@libp2p/interface'
import { RateLimiter, steadyNow, type TokenBucket } from '../wire/index.ts'

/** What a stranger may send: a pasted page of lines passes, a flood does not. */
export const STRANGER_MESSAGES_PER_SECOND = 50

/** What a stranger's rate allows in ten seconds may come at once. */
const STRANGER_BURST = 500

/** Rates are kept for peers who used theirs up lately; beyond this many, the ones that have recovered are dropped. */
const MAX_TRACKED_RATES = 4096

export class StrangerPace {
  readonly #isStranger: (peer: PeerId) => boolean
  readonly #rates = new RateLimiter(
    { perSecond: STRANGER_MESSAGES_PER_SECOND, burst: STRANGER_BURST },
    MAX_TRACKED_RATES
  )

  constructor(isStranger: (peer: PeerId) => boolean) {
    this.#isStranger = isStranger
  }

  /** Takes up to so many from the peer's rate. @returns how many there were */
  granted(peer: PeerId, count: number): number {
    return this.#isStranger(peer) ? this.#rateOf(peer).take(count, steadyNow()) : count
  }

  /** Takes one from the peer's rate. @returns 0 when it was there; else in how many milliseconds it will be */
  slowedMs(peer: PeerId): number {
    return this.#isStranger(peer) ? this.#rateOf(peer).takeOne(steadyNow()) : 0
  }

  /** In how many milliseconds a stranger may send so many more. */
  waitMs(peer: PeerId, count: number): number {
    return this.#rateOf(peer).waitMs(count, steadyNow())
  }

  #rateOf(peer: PeerId): TokenBucket {
    return this.#rates.of(peer.toString(), steadyNow())
  }
}
