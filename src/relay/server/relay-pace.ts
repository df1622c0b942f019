// How fast a relay passes bytes on: so much of each peer, and so much in all, which
// the address classes share in turns. Whoever sends little is not slowed by those
// who send much.
import { setTimeout as sleep } from 'node:timers/promises'
import { DeadlineTimer } from '../../lib/index.ts'
import { orAborted, RateLimiter, TINY_FRAME_BYTES, TokenBucket, type Rate } from '../../wire/index.ts'

/**
 * Bytes of each peer: a person who writes needs none of it, and a file of a few MB passes at once. Without it, messages
 * beside a greedy pair took 30 ms in place of 6.
 */
const RELAY_RATE_OF_PEER: Rate = { burst: 4 * 1024 * 1024, perSecond: 4 * 1024 * 1024 }

/**
 * Bytes that pass on at a time. A circuit leaves one piece in the connection of a peer that does not read: of all
 * circuits that one peer may have, the pieces together stay below {@link MAX_UNSENT_BYTES}.
 */
export const RELAY_PIECE_BYTES = 16 * 1024

/**
 * Pieces of less than `TINY_FRAME_BYTES` to one peer, from all senders together: each becomes a frame, and the receiver
 * cuts a relay at `TINY_FRAME_RATE`, which is well above this. Bytes that arrive while a piece waits are joined to it.
 */
const TINY_PIECE_RATE_TO_PEER: Rate = { burst: 1_024, perSecond: 1_024 }

/** What a line of a conversation takes, with all that carries it; a receipt takes less. */
const SMALL_PIECE_BYTES = 1_024

/**
 * Small pieces of one holder that pass before large ones that wait for the rate of all: a line does not wait behind a
 * file, and nobody keeps files waiting by small pieces alone.
 */
const OVERTAKING_RATE: Rate = { burst: 64 * 1024, perSecond: 64 * 1024 }

/** What all holders together may overtake with, as a part of the rate of all: however many they are, large pieces have the rest. */
const OVERTAKING_PART_OF_ALL = 0.5

/** Peers whose rate is remembered; each has a circuit, or had one a moment ago. */
const MAX_PACED_PEERS = 1_024

/** Bytes that wait to pass on. */
export interface Piece {
  /** Who sent them. */
  readonly peer: string
  /** Whose share they count for: the address class of that peer. */
  readonly holder: string
  readonly bytes: number
  readonly go: () => void
}

/** A piece as the circuit hands it over. */
interface PieceToPass extends Omit<Piece, 'go'> {
  /** Who receives them. */
  readonly to: string
  /** Ends the wait. */
  readonly signal: AbortSignal
}

/** Who may pass on how much, and when: pure, the time goes in. */
export class PaceQueue {
  readonly #inAll: TokenBucket | undefined
  readonly #ofPeer: RateLimiter
  readonly #overtaking = new RateLimiter(OVERTAKING_RATE, MAX_PACED_PEERS)
  readonly #overtakingInAll: TokenBucket | undefined
  /** The waiting pieces of each holder, the oldest first. The holder that passed something last comes last. */
  readonly #waiting = new Map<string, Piece[]>()

  /** @param perSecond bytes of all together; Infinity for no limit */
  constructor(perSecond: number, nowMs: number, ofPeer: Rate = RELAY_RATE_OF_PEER) {
    const burst = Math.max(perSecond, RELAY_PIECE_BYTES)
    this.#inAll = perSecond === Infinity ? undefined : new TokenBucket({ burst, perSecond }, nowMs)
    const overtaking = perSecond * OVERTAKING_PART_OF_ALL
    const overtakingBurst = Math.max(overtaking, SMALL_PIECE_BYTES)
    this.#overtakingInAll = this.#inAll && new TokenBucket({ burst: overtakingBurst, perSecond: overtaking }, nowMs)
    this.#ofPeer = new RateLimiter(ofPeer, MAX_PACED_PEERS)
  }

  add(piece: Piece): void {
    const pieces = this.#waiting.get(piece.holder)
    if (pieces === undefined) this.#waiting.set(piece.holder, [piece])
    else pieces.push(piece)
  }

  /** The piece waits no more. */
  remove(piece: Piece): void {
    const rest = (this.#waiting.get(piece.holder) ?? []).filter((one) => one !== piece)
    if (rest.length > 0) this.#waiting.set(piece.holder, rest)
    else this.#waiting.delete(piece.holder)
  }

  /** Lets pass what may. @returns when to ask again; Infinity when nothing waits */
  pass(nowMs: number): number {
    for (;;) {
      let [hasPassed, nextMs] = [false, Infinity]
      for (const pieces of Array.from(this.#waiting.values())) {
        const ready = pieces.find((piece) => this.#waitOfPeer(piece, nowMs) === 0)
        if (ready === undefined) {
          nextMs = Math.min(nextMs, ...pieces.map((piece) => this.#waitOfPeer(piece, nowMs)))
          continue
        }
        const waitMs = this.#inAll?.waitMs(ready.bytes, nowMs) ?? 0
        if (waitMs > 0) return nowMs + Math.min(waitMs, this.#passSmall(nowMs))
        this.#take(ready, nowMs)
        hasPassed = true
      }
      if (!hasPassed) return nowMs + nextMs
    }
  }

  /** Lets everything pass, at the end. */
  release(): void {
    const waiting = [...this.#waiting.values()].flat()
    this.#waiting.clear()
    for (const { go } of waiting) go()
  }

  /** A large piece waits for the rate of all: lets small ones pass meanwhile. @returns when to ask for the next of them */
  #passSmall(nowMs: number): number {
    for (;;) {
      let [hasPassed, nextMs] = [false, Infinity]
      // One of each holder in turn: what all may overtake with is shared as well.
      for (const pieces of Array.from(this.#waiting.values())) {
        const small = pieces.filter(({ bytes }) => bytes <= SMALL_PIECE_BYTES)
        const ready = small.find((piece) => this.#waitToOvertake(piece, nowMs) === 0)
        if (ready === undefined) {
          nextMs = Math.min(nextMs, ...small.map((piece) => this.#waitToOvertake(piece, nowMs)))
          continue
        }
        this.#overtaking.of(ready.holder, nowMs).take(ready.bytes, nowMs)
        this.#overtakingInAll?.take(ready.bytes, nowMs)
        this.#take(ready, nowMs)
        hasPassed = true
      }
      if (!hasPassed) return nextMs
    }
  }

  #waitToOvertake(piece: Piece, nowMs: number): number {
    const buckets = [this.#inAll, this.#overtakingInAll, this.#overtaking.of(piece.holder, nowMs)]
    const waits = buckets.map((bucket) => bucket?.waitMs(piece.bytes, nowMs) ?? 0)
    return Math.max(this.#waitOfPeer(piece, nowMs), ...waits)
  }

  #waitOfPeer({ peer, bytes }: Piece, nowMs: number): number {
    return this.#ofPeer.of(peer, nowMs).waitMs(bytes, nowMs)
  }

  #take(piece: Piece, nowMs: number): void {
    const { holder } = piece
    const rest = (this.#waiting.get(holder) ?? []).filter((one) => one !== piece)
    this.#waiting.delete(holder)
    if (rest.length > 0) this.#waiting.set(holder, rest)
    this.#inAll?.take(piece.bytes, nowMs)
    this.#ofPeer.of(piece.peer, nowMs).take(piece.bytes, nowMs)
    piece.go()
  }
}

export class RelayPace {
  readonly #tinyTo = new RateLimiter(TINY_PIECE_RATE_TO_PEER, MAX_PACED_PEERS)
  readonly #queue: PaceQueue
  readonly #now: () => number
  readonly #timer: DeadlineTimer

  constructor(perSecond: number, now: () => number) {
    this.#now = now
    this.#queue = new PaceQueue(perSecond, now())
    this.#timer = new DeadlineTimer(now, () => this.#queue.pass(now()))
  }

  /**
   * Resolves when the bytes may pass on.
   *
   * @throws the reason of the signal, which takes the bytes out of the queue
   */
  async take({ to, signal, ...of }: PieceToPass): Promise<void> {
    if (of.bytes < TINY_FRAME_BYTES) await this.#tinyTurn(to, signal)
    const { promise, resolve } = Promise.withResolvers<void>()
    const piece = { ...of, go: resolve }
    this.#queue.add(piece)
    this.#timer.dueAt(this.#queue.pass(this.#now()))
    try {
      await orAborted(promise, signal)
    } catch (error) {
      this.#queue.remove(piece)
      throw error
    }
  }

  async #tinyTurn(to: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const nowMs = this.#now()
      const waitMs = this.#tinyTo.of(to, nowMs).takeOne(nowMs)
      if (waitMs === 0) return
      await sleep(waitMs, undefined, { signal })
    }
  }

  stop(): void {
    this.#timer.stop()
    this.#queue.release()
  }
}
