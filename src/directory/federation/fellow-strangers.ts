// Directories of other networks that have been told of: each once, and never so
// many that a terminal is flooded. Pure: the time goes in.
import { TokenBucket } from '../../wire/index.ts'
import { MAX_BANS, NOTICE_RATE } from './constants.ts'

export class FellowStrangers {
  readonly #told = new Set<string>()
  readonly #rate: TokenBucket

  constructor(nowMs: number) {
    this.#rate = new TokenBucket(NOTICE_RATE, nowMs)
  }

  /** @returns whether this one is to be told of */
  isNews(peer: string, nowMs: number): boolean {
    if (this.#told.has(peer) || this.#rate.takeOne(nowMs) > 0) return false
    this.#told.add(peer)
    const [oldest] = this.#told
    if (this.#told.size > MAX_BANS && oldest !== undefined) this.#told.delete(oldest)
    return true
  }
}
