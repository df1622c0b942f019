// The questions about single peers that wait for their answers on one stream.
// Knows neither the stream nor what an answer means.
import type { PeerId } from '@libp2p/interface'
import { MAX_OPEN_LOOKUPS } from './constants.ts'
import type { FoundFrame } from './directory-frames.ts'
import { TooManyLookupsError } from './errors.ts'

interface Waiting {
  readonly found: Promise<FoundFrame>
  resolve(found: FoundFrame): void
  reject(error: Error): void
}

export class OpenLookups {
  readonly #waiting = new Map<string, Waiting>()

  /**
   * Waits for the answer about a peer; who asks while one is awaited shares it.
   *
   * @param ask sends the question; not called when it is already under way
   * @throws TooManyLookupsError, and what {@link fail} is given
   */
  async wait(peer: PeerId, signal: AbortSignal, ask: () => void): Promise<FoundFrame> {
    const id = peer.toString()
    const known = this.#waiting.get(id)
    if (known !== undefined) return known.found
    if (this.#waiting.size >= MAX_OPEN_LOOKUPS) throw new TooManyLookupsError(MAX_OPEN_LOOKUPS)
    const { promise: found, resolve, reject } = Promise.withResolvers<FoundFrame>()
    const waiting: Waiting = { found, resolve, reject }
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#waiting.set(id, waiting)
    try {
      ask()
      return await found
    } finally {
      signal.removeEventListener('abort', onAbort)
      if (this.#waiting.get(id) === waiting) this.#waiting.delete(id)
    }
  }

  /** An answer that nobody asked for is nothing. */
  answered(found: FoundFrame): void {
    this.#waiting.get(found.peer.toString())?.resolve(found)
  }

  /** None of them will be answered. */
  fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
  }
}
