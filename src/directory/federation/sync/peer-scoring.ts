// The conduct of federation peers: how much each passes on, how often that was too
// much or forged, and which are banned for a while. Closes nothing itself.
import { EventEmitter } from 'node:events'
import type { PeerId } from '@libp2p/interface'
import { LruMap } from '../../../lib/index.ts'
import { TokenBucket } from '../../../wire/index.ts'

/** A directory that floods, or sends what it must know to be forged, is refused for so long. */
const FEDERATION_BAN_MS = 60_000

/** Messages over the rate, or forged, that are only dropped; one more costs the connection. */
export const STRIKE_RATE = { burst: 20, perSecond: 0.2 } as const

/** Bytes that one federation peer may pass on, by gossip or otherwise unasked: a stampede of 10,000 peers at once, and 400 a second. */
const FORWARDER_RATE = { burst: 8 * 1024 * 1024, perSecond: 256 * 1024 } as const

/** Bans that are remembered; the oldest is forgotten first. */
const MAX_BANS = 256

interface Conduct {
  readonly bytes: TokenBucket
  readonly strikes: TokenBucket
}

interface PeerScoringEvents {
  /** The peer is banned from now on, for so many milliseconds: everything with it is to end. */
  banned: [PeerId, number]
}

export class PeerScoring extends EventEmitter<PeerScoringEvents> {
  readonly #now: () => number
  readonly #conduct = new Map<string, Conduct>()
  readonly #bannedUntilMs = new LruMap<string, number>(MAX_BANS)

  constructor(now: () => number) {
    super()
    this.#now = now
  }

  isBanned(peer: string): boolean {
    const untilMs = this.#bannedUntilMs.get(peer)
    if (untilMs === undefined) return false
    if (untilMs > this.#now()) return true
    this.#bannedUntilMs.delete(peer)
    return false
  }

  /** The peer floods, beyond any doubt. */
  ban(peer: PeerId): void {
    const id = peer.toString()
    if (this.isBanned(id)) return
    this.#conduct.delete(id)
    this.#bannedUntilMs.set(id, this.#now() + FEDERATION_BAN_MS)
    this.emit('banned', peer, FEDERATION_BAN_MS)
  }

  /** Counts what a peer sends without being asked. @returns whether it may send it; if not, that is a strike */
  mayPass(peer: PeerId, sizeBytes: number): boolean {
    // The peer has been told, and what it still sends costs nothing more.
    if (this.isBanned(peer.toString())) return false
    const mayPass = this.#of(peer).bytes.take(sizeBytes, this.#now()) === sizeBytes
    if (!mayPass) this.strike(peer)
    return mayPass
  }

  /** The peer did what no honest directory does, so many times. One strike too many is a ban. */
  strike(peer: PeerId, count = 1): void {
    for (let i = 0; i < count && !this.isBanned(peer.toString()); i++) {
      if (this.#of(peer).strikes.takeOne(this.#now()) > 0) this.ban(peer)
    }
  }

  /** The peer is connected no more; a ban stays. */
  forget(peer: string): void {
    this.#conduct.delete(peer)
  }

  #of(peer: PeerId): Conduct {
    const nowMs = this.#now()
    const conduct = this.#conduct.get(peer.toString()) ?? {
      bytes: new TokenBucket(FORWARDER_RATE, nowMs),
      strikes: new TokenBucket(STRIKE_RATE, nowMs)
    }
    this.#conduct.set(peer.toString(), conduct)
    return conduct
  }
}
