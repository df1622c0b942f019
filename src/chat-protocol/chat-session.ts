/**
 * What the layer above holds of a live session: sends under the window of unconfirmed messages, and signals. It does
 * not choose the stream that carries it, and it resends nothing: the next session does.
 */
import type { PeerId } from '@libp2p/interface'
import { DeadlineError, QueueClosedError, toError } from '../wire/index.ts'
import type { ChatSession } from './application.ts'
import type { ChatStream } from './chat-stream.ts'
import { MAX_UNCONFIRMED_BYTES, MAX_UNCONFIRMED_MESSAGES } from './constants.ts'
import { RECEIPT_TIMEOUT_MS } from './constants.ts'
import type { Dialect } from './dialect.ts'
import { SessionClosedError } from './errors.ts'
import type { ByeReason } from './errors.ts'
import { sized, sizedMessage } from './frame-transforms.ts'
import type { SizedMessage } from './frame-transforms.ts'
import type { ChatMessage, OutgoingFrame, ReceiptState, SeqRange } from './frames.ts'
import { receiptsById } from './receipts.ts'
import { SendWindow } from './window.ts'

/** What a session needs of the streams under it. */
export interface SessionCarrier {
  /** The stream to send on now, noted as used. */
  carrier(): ChatStream | undefined
  closeStreams(): Promise<void>
}

export class LiveSession implements ChatSession {
  readonly peer: PeerId
  readonly dialect: Dialect
  readonly #carrier: SessionCarrier
  readonly #window = new SendWindow({ maxMessages: MAX_UNCONFIRMED_MESSAGES, maxBytes: MAX_UNCONFIRMED_BYTES })
  readonly #ended = new AbortController()
  /** The stream that took the last message. */
  #messagesOn: ChatStream | undefined
  #roomMade = Promise.withResolvers<void>()
  /** Runs while something is unconfirmed, from the last answer on. */
  #receiptTimer: NodeJS.Timeout | undefined

  constructor(peer: PeerId, dialect: Dialect, carrier: SessionCarrier) {
    this.peer = peer
    this.dialect = dialect
    this.#carrier = carrier
  }

  async send(messages: readonly ChatMessage[], options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const frames = messages.map(sizedMessage)
    const ended = this.#ended.signal
    const signal = options.signal === undefined ? ended : AbortSignal.any([ended, options.signal])
    if (this.dialect === 'parley') {
      for (let sent = 0; sent < frames.length;) sent = await this.#sendGroup(frames, sent, signal)
    } else {
      for (const { text } of messages) await this.#stream(signal).write(text, signal)
    }
  }

  acknowledge(ids: readonly string[], state: ReceiptState): void {
    this.tell(receiptsById(ids, state))
  }

  enter(): void {
    this.tell([{ kind: 'enter' }])
  }

  typing(): void {
    // A hint that is late is worth nothing, so no room is no failure.
    if (this.dialect === 'parley' && !this.#ended.signal.aborted)
      this.#carrier.carrier()?.offer(sized({ kind: 'typing' }))
  }

  async bye(reason: ByeReason): Promise<void> {
    this.tell([{ kind: 'bye', reason }])
    if (reason === 'quit' || this.dialect !== 'parley') await this.close()
  }

  async close(): Promise<void> {
    if (!this.#ended.signal.aborted) await this.#carrier.closeStreams()
  }

  /** Queues frames that cannot wait. */
  tell(frames: readonly OutgoingFrame[]): void {
    if (this.dialect === 'parley' && !this.#ended.signal.aborted) this.#carrier.carrier()?.tell(frames)
  }

  /** Takes confirmed or refused messages out of the window; returns the ids that the ranges stand for, and `ids`. */
  settle(ids: readonly string[], ranges: readonly SeqRange[]): string[] {
    this.#window.settle(ids)
    const settled = this.#window.settleRanges(ranges)
    for (const id of ids) settled.push(id)
    this.#awaitReceipt()
    const { resolve } = this.#roomMade
    this.#roomMade = Promise.withResolvers()
    resolve()
    return settled
  }

  /** Takes refused messages out of the window; returns those that were in it: nothing else can be refused. */
  refused(ids: readonly string[]): string[] {
    const known = [...new Set(ids)].filter((id) => this.#window.has(id))
    if (known.length > 0) this.settle(known, [])
    return known
  }

  /** Called once, when the session has ended. */
  end(why: Error | undefined): void {
    clearTimeout(this.#receiptTimer)
    this.#ended.abort(new SessionClosedError(why === undefined ? {} : { cause: why }))
  }

  /**
   * Queues as many as there is room for in one turn of the event loop: they leave together, in one write.
   *
   * @returns the index of the next one: at least one was queued
   */
  async #sendGroup(frames: readonly SizedMessage[], from: number, signal: AbortSignal): Promise<number> {
    let stream: ChatStream | undefined
    for (let next = from; next < frames.length; next++) {
      const sizedFrame = frames[next]
      if (sizedFrame === undefined) break
      const { frame, sizeBytes } = sizedFrame
      if (stream === undefined) stream = await this.#streamWithRoom(sizeBytes, signal)
      else if (!this.#window.hasRoom(sizeBytes)) return next
      this.#window.add(frame.message, sizeBytes)
      if (this.#receiptTimer === undefined) this.#awaitReceipt()
      if (stream.offer(sizedFrame)) continue
      await this.#pushWhenRoom(stream, sizedFrame, signal)
      return next + 1
    }
    return frames.length
  }

  async #pushWhenRoom(stream: ChatStream, sizedFrame: SizedMessage, signal: AbortSignal): Promise<void> {
    try {
      await stream.push(sizedFrame, signal)
    } catch (error) {
      this.settle([sizedFrame.frame.message.id], []) // it was not sent, so no receipt will make its room free
      // The stream has ended, and its session does so in a moment.
      throw error instanceof QueueClosedError ? new SessionClosedError({ cause: error }) : error
    }
  }

  #awaitReceipt(): void {
    clearTimeout(this.#receiptTimer)
    this.#receiptTimer = undefined
    if (this.#window.size === 0 || this.#ended.signal.aborted) return
    this.#receiptTimer = setTimeout(() => {
      this.#carrier.carrier()?.abort(new DeadlineError('receipt', RECEIPT_TIMEOUT_MS))
    }, RECEIPT_TIMEOUT_MS)
  }

  /**
   * What is under way on another stream has no order with what is sent on this one: after a change of streams, as when
   * both sides open one at once, that is answered first.
   */
  async #streamWithRoom(sizeBytes: number, signal: AbortSignal): Promise<ChatStream> {
    for (;;) {
      const stream = this.#stream(signal)
      const isSame = this.#messagesOn === undefined || this.#messagesOn === stream
      if (this.#window.size === 0 || (isSame && this.#window.hasRoom(sizeBytes))) {
        this.#messagesOn = stream
        return stream
      }
      await orAborted(this.#roomMade.promise, signal)
    }
  }

  #stream(signal: AbortSignal): ChatStream {
    if (signal.aborted) throw toError(signal.reason)
    const stream = this.#carrier.carrier()
    if (stream === undefined) throw new SessionClosedError()
    return stream
  }
}

/** `promise`, or the reason of `signal` if that comes first. Leaves nothing behind on the signal. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(toError(signal.reason))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
