// Which peer holds which number at a directory, within bounds for each peer and each
// address class. Pure; it knows no streams and no other directory.
import { MAX_INVITATIONS } from '../open-invitations.ts'

/** Numbers that the peers of one address class hold: a house or a hall behind one address. */
export const MAX_NUMBERS_OF_CLASS = 256

/** Numbers at one directory: a fifth of those there are, so that free ones are found by trying. */
const MAX_NUMBERS = 20_000

/** One stream of a peer: a number belongs to the last one on which the peer has claimed it. */
export interface Holder {
  readonly peer: string
  readonly addressClass: string
}

export class NumberRegister {
  readonly #held = new Map<number, Holder>()
  readonly #ofPeer = new Map<string, number>()
  readonly #ofClass = new Map<string, number>()

  get size(): number {
    return this.#held.size
  }

  /** The peer ID of the holder. */
  holder(number: number): string | undefined {
    return this.#held.get(number)?.peer
  }

  /** A peer that has the number already keeps it, from now on by this stream. */
  claim(number: number, holder: Holder): 'claimed' | 'taken' | 'full' {
    const before = this.#held.get(number)
    if (before !== undefined && before.peer !== holder.peer) return 'taken'
    if (before !== undefined) this.release(number, before)
    const isFull =
      this.#held.size >= MAX_NUMBERS ||
      (this.#ofPeer.get(holder.peer) ?? 0) >= MAX_INVITATIONS ||
      (this.#ofClass.get(holder.addressClass) ?? 0) >= MAX_NUMBERS_OF_CLASS
    if (isFull) return 'full'
    this.#held.set(number, holder)
    count(this.#ofPeer, holder.peer, 1)
    count(this.#ofClass, holder.addressClass, 1)
    return 'claimed'
  }

  /** Does nothing for a number that belongs to another stream, of the same peer too. */
  release(number: number, holder: Holder): void {
    if (this.#held.get(number) !== holder) return
    this.#held.delete(number)
    count(this.#ofPeer, holder.peer, -1)
    count(this.#ofClass, holder.addressClass, -1)
  }
}

function count(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const now = (counts.get(key) ?? 0) + change
  if (now === 0) counts.delete(key)
  else counts.set(key, now)
}
