// Clients that keep sending what no honest one sends, or what was just refused:
// for a while only some of their connections are taken, by address class, as
// others may share the address. Pure: the time goes in. It does not know what an
// offence is.
import { LruMap } from '../../lib/index.ts'
import { RateLimiter, TokenBucket } from '../../wire/index.ts'

/** Addresses whose pace is remembered; the oldest is forgotten, and begins anew. */
export const MAX_PACED_ADDRESSES = 4_096

/** Requests of one address that are no HTTP, or come faster than they may: a client that is broken, and no mistake. */
export const HTTP_OFFENCE_RATE = { burst: 100, perSecond: 2 } as const

/** Beyond that its connections are held back for so long after the last one … */
export const HTTP_HELD_BACK_MS = 30_000

/** … and so many of them are taken all the same: others may be behind the address. */
export const HTTP_HELD_BACK_RATE = { burst: 4, perSecond: 2 } as const

interface HeldBack {
  readonly untilMs: number
  readonly connections: TokenBucket
}

export class ThrottledClients {
  readonly #offences = new RateLimiter(HTTP_OFFENCE_RATE, MAX_PACED_ADDRESSES)
  readonly #heldBack = new LruMap<string, HeldBack>(MAX_PACED_ADDRESSES)

  /** Counts an offence. @returns whether it is by this one that the client is held back */
  note(holder: string, nowMs: number): boolean {
    if (this.#offences.of(holder, nowMs).takeOne(nowMs) === 0) return false
    const isNew = (this.#heldBack.get(holder)?.untilMs ?? -Infinity) <= nowMs
    const connections = this.#heldBack.get(holder)?.connections ?? new TokenBucket(HTTP_HELD_BACK_RATE, nowMs)
    this.#heldBack.set(holder, { untilMs: nowMs + HTTP_HELD_BACK_MS, connections })
    return isNew
  }

  /** Whether one more connection of the client is taken. */
  mayConnect(holder: string, nowMs: number): boolean {
    const held = this.#heldBack.get(holder)
    if (held === undefined) return true
    if (held.untilMs > nowMs) return held.connections.take(1, nowMs) === 1
    this.#heldBack.delete(holder)
    return true
  }
}
