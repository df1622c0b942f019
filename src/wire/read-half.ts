/**
 * The reading half of a libp2p stream as a pull source with a hard bound. libp2p
 * pushes; this pauses the stream whenever its reader is not asking, so that the
 * remote is held back by Yamux's window. It knows nothing of frames.
 *
 * Three things about libp2p 3 shape it:
 * - `resume()` first dispatches what was buffered and then tells Yamux to go on,
 *   so a `pause()` made inside that dispatch is undone: it waits for a microtask.
 * - `remoteCloseWrite` fires while unread bytes still lie in the stream: the end
 *   is the end only when the queue and the stream are both empty.
 * - an exception in a listener ends the process: listeners here only note facts.
 */

import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { MAX_UNREAD_PIECES } from './budgets.ts'
import { toError } from './errors.ts'
import { lossOf, lossOnClose } from './stream-loss.ts'
import type { StreamLostError } from './stream-loss.ts'

export class ReadHalf {
  readonly #stream: Stream
  #queue = new Uint8ArrayList()
  /** How often something was put on the queue since it was empty. */
  #pieces = 0
  #remoteEnded: boolean
  #lost: StreamLostError | undefined
  #wake: (() => void) | undefined

  constructor(stream: Stream) {
    this.#stream = stream
    this.#lost = lossOf(stream, 'read')
    this.#remoteEnded = this.#lost === undefined && stream.remoteWriteStatus === 'closed'
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteEnd)
    stream.addEventListener('message', this.#onMessage)
  }

  /** Everything that has arrived, one list at a time. Bytes that came before a loss are yielded before it is thrown. */
  async *source(): AsyncGenerator<Uint8ArrayList> {
    try {
      for (;;) {
        if (this.#queue.byteLength > 0) {
          const taken = this.#queue
          this.#queue = new Uint8ArrayList()
          this.#pieces = 0
          yield taken
        } else if (this.#stream.readStatus === 'paused' && this.#stream.readBufferLength > 0) {
          this.#resume()
        } else if (this.#isOver()) {
          if (this.#lost !== undefined) {
            throw this.#lost
          }
          return
        } else {
          if (this.#stream.readStatus === 'paused') {
            this.#resume()
          }
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
          this.#wake = undefined
        }
      }
    } finally {
      this.#detach()
    }
  }

  readonly #onMessage = (event: StreamMessageEvent): void => {
    this.#queue.append(event.data)
    this.#pieces += 1
    // A read may bring thousands of tiny frames before the pause takes effect.
    if (this.#pieces >= MAX_UNREAD_PIECES) {
      this.#queue = new Uint8ArrayList(this.#queue.slice())
      this.#pieces = 1
    }
    queueMicrotask(this.#pause)
    this.#wake?.()
  }

  readonly #onRemoteEnd = (): void => {
    this.#remoteEnded = true
    this.#wake?.()
  }

  readonly #onClose = (event: StreamCloseEvent): void => {
    this.#lost ??= lossOnClose(event, 'read', this.#remoteEnded)
    if (this.#lost?.loss === 'aborted') {
      this.#queue = new Uint8ArrayList()
    }
    this.#wake?.()
  }

  readonly #pause = (): void => {
    if (this.#stream.readStatus === 'readable') {
      this.#stream.pause()
    }
  }

  #resume(): void {
    try {
      this.#stream.resume()
    } catch (error) {
      // The buffered bytes have been dispatched; only telling a muxer that is gone has failed.
      this.#stream.log('could not tell the muxer to go on - %e', toError(error))
    }
  }

  /** Nothing more will come, neither from the remote nor from the stream's own buffer. */
  #isOver(): boolean {
    const { readStatus, readBufferLength } = this.#stream
    const isReadable = readStatus === 'readable' || readStatus === 'paused'
    return (this.#remoteEnded || this.#lost !== undefined || !isReadable) && !(isReadable && readBufferLength > 0)
  }

  /** A reader that left early leaves the stream paused: the remote is held back until the stream is ended. */
  #detach(): void {
    if (!this.#isOver()) {
      this.#pause()
    }
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onRemoteEnd)
    this.#stream.removeEventListener('close', this.#onClose)
  }
}
