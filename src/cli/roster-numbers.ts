// The numbers by which a person names peers at the prompt. A number is given
// when its peer is first shown and stays with it for the session, so that a
// number read off the screen never means somebody else. Peers that were shown
// longest ago are forgotten, and their numbers are not given again.
import { LruMap } from '../lib/index.ts'
import { MAX_NUMBERED_PEERS } from './constants.ts'

export class RosterNumbers {
  readonly #numbers = new LruMap<string, number>(MAX_NUMBERED_PEERS)
  #last = 0

  /** The number of the peer, from 1; the next free one when it has none yet. */
  of(peer: string): number {
    const number = this.#numbers.get(peer) ?? ++this.#last
    this.#numbers.set(peer, number)
    return number
  }

  /** Peer IDs at the place of their number, the first being 1; forgotten ones are absent. */
  get peers(): readonly string[] {
    return peersByNumber(this.#numbers)
  }
}

/** @returns the peers at the place of their number, the first being 1 */
export function peersByNumber(numbers: ReadonlyMap<string, number>): readonly string[] {
  const peers: string[] = []
  for (const [peer, number] of numbers) peers[number - 1] = peer
  return peers
}
