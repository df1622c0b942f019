/**
 * A byte source whose beginning can be looked at before it is decided what reads it. What was looked at is not lost:
 * iterating yields it first. It knows no dialect.
 */
import { Uint8ArrayList } from 'uint8arraylist'

export class HeldSource implements AsyncIterable<Uint8ArrayList> {
  readonly #source: AsyncGenerator<Uint8ArrayList>
  readonly #held = new Uint8ArrayList()
  #pending: Promise<void> | undefined
  #ended = false

  constructor(source: AsyncGenerator<Uint8ArrayList>) {
    this.#source = source
  }

  /** What has arrived. It is as much as one read gives, and more only after `more()`. */
  peek(): Uint8Array {
    return this.#held.subarray()
  }

  get ended(): boolean {
    return this.#ended
  }

  /**
   * Resolves when there is more to look at than before, or the source has ended. A call while another one waits
   * shares its wait, so that the source is read by one reader only.
   *
   * @throws what the source throws
   */
  more(): Promise<void> {
    this.#pending ??= this.#read().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8ArrayList, void, undefined> {
    // What is held goes first: a read that is still under way may wait for bytes that never come.
    yield* this.#takeHeld()
    if (this.#pending !== undefined) {
      await this.#pending
      yield* this.#takeHeld()
    }
    if (!this.#ended) yield* this.#source
  }

  *#takeHeld(): Generator<Uint8ArrayList, void, undefined> {
    if (this.#held.byteLength === 0) return
    const held = this.#held.sublist()
    this.#held.consume(this.#held.byteLength)
    yield held
  }

  async #read(): Promise<void> {
    const next = await this.#source.next()
    if (next.done === true) this.#ended = true
    else this.#held.append(next.value)
  }
}
