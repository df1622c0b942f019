// The numbers by which a person names peers at the prompt. A number is given
// when its peer is first shown and stays with it for the session, so that a
// number read off the screen never means somebody else.

export class RosterNumbers {
  readonly #numbers = new Map<string, number>()
  readonly #peers: string[] = []

  /** The number of the peer, from 1; the next free one when it has none yet. */
  of(peer: string): number {
    const known = this.#numbers.get(peer)
    if (known !== undefined) return known
    this.#peers.push(peer)
    this.#numbers.set(peer, this.#peers.length)
    return this.#peers.length
  }

  /** Peer IDs in the order of their numbers. */
  get peers(): readonly string[] {
    return this.#peers
  }
}
