// Random numbers that can be had again from a seed, for runs whose failures
// one wants to see twice. Not for secrets. Knows nothing of what is drawn.

export class SeededRandom {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, and without, 1: Mulberry32, whose 32 bits of state are the seed. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let bits = this.#state
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }

  upTo(limit: number): number {
    return this.next() * limit
  }

  isOne(outOf: number): boolean {
    return this.next() * outOf < 1
  }

  /** @throws RangeError when there is nothing to choose from */
  choose<T>(choices: readonly T[]): T {
    const chosen = choices[Math.floor(this.upTo(choices.length))]
    if (chosen === undefined) throw new RangeError('nothing to choose from')
    return chosen
  }
}
