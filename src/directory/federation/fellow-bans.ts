// What fellows have done that they should not: how much each passes on, how
// often that was too much or forged, and whom to refuse for a while. Pure: the
// time goes in.
import { LruMap } from '../../lib/index.ts'
import { TokenBucket } from '../../wire/index.ts'
import { FELLOW_BAN_MS, FORWARDER_RATE, MAX_BANS, STRIKE_RATE } from './constants.ts'

interface Conduct {
  readonly bytes: TokenBucket
  readonly strikes: TokenBucket
}

export class FellowBans {
  readonly #conduct = new Map<string, Conduct>()
  readonly #bannedUntilMs = new LruMap<string, number>(MAX_BANS)

  /** Counts bytes of gossip that the fellow passed on. @returns whether it may */
  mayPass(peer: string, sizeBytes: number, nowMs: number): boolean {
    return this.#of(peer, nowMs).bytes.take(sizeBytes, nowMs) === sizeBytes
  }

  /** The fellow did what it should not. @returns whether that was once too often; then it is banned */
  strike(peer: string, nowMs: number): boolean {
    if (this.#of(peer, nowMs).strikes.takeOne(nowMs) === 0) return false
    this.ban(peer, nowMs)
    return true
  }

  /** From now on it is refused for a while. */
  ban(peer: string, nowMs: number): void {
    this.#conduct.delete(peer)
    this.#bannedUntilMs.set(peer, nowMs + FELLOW_BAN_MS)
  }

  isBanned(peer: string, nowMs: number): boolean {
    const untilMs = this.#bannedUntilMs.get(peer)
    if (untilMs === undefined) return false
    if (untilMs > nowMs) return true
    this.#bannedUntilMs.delete(peer)
    return false
  }

  /** It is connected no more; a ban stays. */
  forget(peer: string): void {
    this.#conduct.delete(peer)
  }

  #of(peer: string, nowMs: number): Conduct {
    const conduct = this.#conduct.get(peer) ?? {
      bytes: new TokenBucket(FORWARDER_RATE, nowMs),
      strikes: new TokenBucket(STRIKE_RATE, nowMs)
    }
    this.#conduct.set(peer, conduct)
    return conduct
  }
}
