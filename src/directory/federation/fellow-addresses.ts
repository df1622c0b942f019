// Where fellows may be reached: by their own word, and by that of others, who may
// make addresses up. Pure; dials nobody.
import type { Multiaddr } from '@multiformats/multiaddr'
import { MAX_ADDRESSES } from '../constants.ts'

interface Words {
  readonly own: readonly Multiaddr[]
  readonly told: readonly Multiaddr[]
}

export class FellowAddresses {
  readonly #words = new Map<string, Words>()

  /** Takes somebody's newest word: the fellow's own, or another's. */
  learn(peer: string, whose: keyof Words, addresses: readonly Multiaddr[]): void {
    const before = this.#words.get(peer) ?? { own: [], told: [] }
    this.#words.set(peer, { ...before, [whose]: addresses.slice(0, MAX_ADDRESSES) })
  }

  /** @returns its own word first. It may have moved since, so that neither crowds out the other */
  of(peer: string): readonly Multiaddr[] {
    const { own, told } = this.#words.get(peer) ?? { own: [], told: [] }
    const others = told.filter((address) => !own.some((one) => one.equals(address)))
    const ownCount = Math.max(MAX_ADDRESSES / 2, MAX_ADDRESSES - others.length)
    return [...own.slice(0, ownCount), ...others].slice(0, MAX_ADDRESSES)
  }

  forget(peer: string): void {
    this.#words.delete(peer)
  }

  clear(): void {
    this.#words.clear()
  }
}
