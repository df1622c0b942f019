/**
 * Measures what this side holds of a stream: what the duplex has taken from the
 * stream and its reader has not finished with, and what lies unread in the
 * stream. Knows nothing of how the duplex does it.
 */

import type { Stream } from '@libp2p/interface'

export class HeldMeter {
  readonly #stream: Stream
  #dispatchedBytes = 0
  #finishedBytes = 0
  #maxHeldBytes = 0

  constructor(stream: Stream) {
    this.#stream = stream
    stream.addEventListener('message', (event) => {
      this.#dispatchedBytes += event.data.byteLength
      this.sample()
    })
  }

  get maxHeldBytes(): number {
    return this.#maxHeldBytes
  }

  /** The reader is done with so many bytes. */
  finished(bytes: number): void {
    this.sample()
    this.#finishedBytes += bytes
  }

  sample(): number {
    const heldBytes = this.#dispatchedBytes - this.#finishedBytes + this.#stream.readBufferLength
    this.#maxHeldBytes = Math.max(this.#maxHeldBytes, heldBytes)
    return heldBytes
  }
}
