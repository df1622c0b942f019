/**
 * A bounded queue between code that has something to send and the stream that
 * sends it. Its one reader gets everything that waits as one batch; writers wait
 * their turn when it is full. It does not know what an item is, only its size.
 */

import { orAborted } from './deadline.ts'
import { FrameTooLargeError, toError, WireError } from './errors.ts'

/** The outgoing queue takes no more: it was ended, aborted, or its reader has left. */
export class QueueClosedError extends WireError {
  override readonly name = 'QueueClosedError'

  constructor(how: 'ended' | 'aborted' | 'unread', cause?: Error) {
    super('write', `The outgoing queue is closed (${how})`, cause === undefined ? undefined : { cause })
  }
}

export interface FrameQueueInit<T> {
  /** The most bytes that wait here. As many again may be on their way in the batch being written. */
  readonly maxBytes: number
  /** The bytes that an item counts for. Called once per item; must not throw. */
  sizeOf(item: T): number
}

interface Entry<T> {
  readonly item: T
  readonly sizeBytes: number
}

interface Waiter<T> extends Entry<T> {
  resolve(): void
  reject(error: Error): void
}

type QueueState =
  | { readonly state: 'open' }
  | { readonly state: 'ended' }
  | { readonly state: 'failed'; readonly error: Error; readonly refusal: QueueClosedError }

const DONE: Promise<void> = Promise.resolve()

/**
 * @example
 * const outgoing = new FrameQueue<Frame>({ maxBytes: 1 << 20, sizeOf: (frame) => frame.text.length })
 * await outgoing.push(frame, { signal })
 * outgoing.end()
 */
export class FrameQueue<T> implements AsyncIterable<T[]> {
  readonly #maxBytes: number
  readonly #sizeOf: (item: T) => number
  #items: T[] = []
  #queuedBytes = 0
  readonly #waiters = new Set<Waiter<T>>()
  #state: QueueState = { state: 'open' }
  #isRead = false
  #wakeReader: (() => void) | undefined

  constructor(init: FrameQueueInit<T>) {
    this.#maxBytes = init.maxBytes
    this.#sizeOf = (item) => init.sizeOf(item)
  }

  /** Bytes that wait for the reader; never more than `maxBytes`. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** It still takes items, when there is room. */
  get isOpen(): boolean {
    return this.#state.state === 'open'
  }

  /** The reader waits for the next item: it has taken, and done with, everything that was queued. */
  get isIdle(): boolean {
    return this.#state.state === 'open' && this.#items.length === 0 && this.#wakeReader !== undefined
  }

  /**
   * Resolves when there is room and the item is queued, in the order of the calls.
   *
   * @throws {QueueClosedError} when the queue is or gets closed first
   * @throws {FrameTooLargeError} when the item alone is larger than the queue
   * @throws the reason of `signal`, as an Error, when that aborts first; the item is not queued then
   */
  push(item: T, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    const { signal } = options
    if (signal?.aborted === true) {
      return Promise.reject(toError(signal.reason))
    }
    const refusal = this.#refusal()
    if (refusal !== undefined) {
      return Promise.reject(refusal)
    }
    const sizeBytes = this.#sizeOf(item)
    if (sizeBytes > this.#maxBytes) {
      return Promise.reject(new FrameTooLargeError('write', sizeBytes, this.#maxBytes))
    }
    if (this.#hasRoomFor(sizeBytes)) {
      this.#add(item, sizeBytes)
      return DONE
    }
    return this.#waitForRoom({ item, sizeBytes }, signal)
  }

  /** Queues the item if there is room now. False when the queue is full or closed. */
  offer(item: T): boolean {
    if (this.#state.state !== 'open') {
      return false
    }
    const sizeBytes = this.#sizeOf(item)
    if (!this.#hasRoomFor(sizeBytes)) {
      return false
    }
    this.#add(item, sizeBytes)
    return true
  }

  /** Takes no more. What is queued still goes out, then the source ends; writers that wait for room are refused. */
  end(): void {
    if (this.#state.state === 'open') {
      this.#state = { state: 'ended' }
      this.#refuseWaiters(new QueueClosedError('ended'))
      this.#wakeReader?.()
    }
  }

  /** Drops what is queued; the source throws `error`. Does nothing after an earlier abort. */
  abort(error: Error): void {
    this.#fail(error, new QueueClosedError('aborted', error))
  }

  /** The batches, for one reader. When the reader leaves early the queue is closed. */
  [Symbol.asyncIterator](): AsyncIterator<T[], undefined> {
    if (this.#isRead) {
      throw new TypeError('A FrameQueue has one reader')
    }
    this.#isRead = true
    return {
      next: () => this.#next(),
      return: async () => {
        const refusal = new QueueClosedError('unread')
        this.#fail(refusal, refusal)
        return { done: true, value: undefined }
      }
    }
  }

  async #next(): Promise<IteratorResult<T[], undefined>> {
    for (;;) {
      if (this.#state.state === 'failed') {
        throw this.#state.error
      }
      if (this.#items.length > 0) {
        return { done: false, value: this.#takeBatch() }
      }
      if (this.#state.state === 'ended') {
        return { done: true, value: undefined }
      }
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve
      })
      this.#wakeReader = undefined
    }
  }

  #takeBatch(): T[] {
    const batch = this.#items
    this.#items = []
    this.#queuedBytes = 0
    for (const waiter of this.#waiters) {
      if (this.#queuedBytes + waiter.sizeBytes > this.#maxBytes) {
        break
      }
      this.#waiters.delete(waiter)
      this.#add(waiter.item, waiter.sizeBytes)
      waiter.resolve()
    }
    return batch
  }

  #hasRoomFor(sizeBytes: number): boolean {
    // First come, first served.
    return this.#waiters.size === 0 && this.#queuedBytes + sizeBytes <= this.#maxBytes
  }

  #add(item: T, sizeBytes: number): void {
    this.#items.push(item)
    this.#queuedBytes += sizeBytes
    this.#wakeReader?.()
  }

  async #waitForRoom(entry: Entry<T>, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiter: Waiter<T> = { ...entry, resolve, reject }
    this.#waiters.add(waiter)
    try {
      await orAborted(promise, signal)
    } finally {
      this.#waiters.delete(waiter)
    }
  }

  #refusal(): QueueClosedError | undefined {
    switch (this.#state.state) {
      case 'open':
        return undefined
      case 'ended':
        return new QueueClosedError('ended')
      case 'failed':
        return this.#state.refusal
    }
  }

  #fail(error: Error, refusal: QueueClosedError): void {
    if (this.#state.state === 'failed') {
      return
    }
    this.#state = { state: 'failed', error, refusal }
    this.#items = []
    this.#queuedBytes = 0
    this.#refuseWaiters(refusal)
    this.#wakeReader?.()
  }

  #refuseWaiters(refusal: QueueClosedError): void {
    for (const waiter of this.#waiters) {
      waiter.reject(refusal)
    }
    this.#waiters.clear()
  }
}
