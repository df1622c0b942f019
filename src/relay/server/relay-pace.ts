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
  /** The waiting pieces of each holder, the oldest first. The holder that passed something last comes last. */
  readonly #waiting = new Map<string, Piece[]>()

  /** @param perSecond bytes of all together; Infinity for no limit */
  constructor(perSecond: number, nowMs: number, ofPeer: Rate = RELAY_RATE_OF_PEER) {
    const burst = Math.max(perSecond, RELAY_PIECE_BYTES)
    this.#inAll = perSecond === Infinity ? undefined : new TokenBucket({ burst, perSecond }, nowMs)
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
      for (const [holder, pieces] of Array.from(this.#waiting)) {
        const ready = pieces.find(({ peer, bytes }) => this.#ofPeer.of(peer, nowMs).waitMs(bytes, nowMs) === 0)
        if (ready === undefined) {
          const waits = pieces.map(({ peer, bytes }) => this.#ofPeer.of(peer, nowMs).waitMs(bytes, nowMs))
          nextMs = Math.min(nextMs, ...waits)
          continue
        }
        const waitMs = this.#inAll?.waitMs(ready.bytes, nowMs) ?? 0
        if (waitMs > 0) return nowMs + waitMs
        this.#take(holder, pieces, ready, nowMs)
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

  #take(holder: string, pieces: readonly Piece[], piece: Piece, nowMs: number): void {
    const rest = pieces.filter((one) => one !== piece)
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
