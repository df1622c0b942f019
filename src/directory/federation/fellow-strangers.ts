// Directories of other networks that have been told of: each once, and never so
// many that a terminal is flooded. Pure: the time goes in.
import { LruSet } from '../../lib/index.ts'
import { TokenBucket } from '../../wire/index.ts'
import { MAX_BANS, NOTICE_RATE } from './constants.ts'

export class FellowStrangers {
  readonly #told = new LruSet<string>(MAX_BANS)
  readonly #rate: TokenBucket

  constructor(nowMs: number) {
    this.#rate = new TokenBucket(NOTICE_RATE, nowMs)
  }

  /** @returns whether this one is to be told of */
  isNews(peer: string, nowMs: number): boolean {
    if (this.#told.has(peer) || this.#rate.takeOne(nowMs) > 0) return false
    this.#told.add(peer)
    return true
  }
}
