/**
 * What the layer above holds of a session until it ends: it sends and signals with it. It decides nothing: which stream
 * carries what it is given, the link knows.
 */
import type { Connection, PeerId } from '@libp2p/interface'
import { SessionClosedError } from './application.ts'
import type { ChatSession } from './application.ts'
import type { ChatStream } from './chat-stream.ts'
import type { Dialect } from './dialect.ts'
import { sized, sizedMessage } from './frame-codec.ts'
import type { SizedMessage } from './frame-codec.ts'
import type { ByeReason, ChatMessage, OutgoingFrame, ReceiptState } from './frames.ts'
import { receiptsById } from './receipts.ts'

/** The streams of one peer, as its session uses them. */
export interface SessionLink {
  /** The stream to send on now, noted as used. */
  carrier(): ChatStream | undefined
  /** The connection of that stream. */
  readonly connection: Connection | undefined
  /** Resolves when all are with a stream. */
  send(messages: readonly SizedMessage[], signal: AbortSignal | undefined): Promise<void>
  closeStreams(): Promise<void>
}

export class LiveSession implements ChatSession {
  readonly peer: PeerId
  readonly dialect: Dialect
  readonly #link: SessionLink
  #ended: SessionClosedError | undefined

  constructor(peer: PeerId, dialect: Dialect, link: SessionLink) {
    this.peer = peer
    this.dialect = dialect
    this.#link = link
  }

  get connection(): Connection | undefined {
    return this.#ended === undefined ? this.#link.connection : undefined
  }

  async send(messages: readonly ChatMessage[], options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const frames = messages.map(sizedMessage)
    if (this.#ended !== undefined) throw this.#ended
    await this.#link.send(frames, options.signal)
  }

  acknowledge(ids: readonly string[], state: ReceiptState): void {
    this.#tell(receiptsById(ids, state))
  }

  enter(): void {
    this.#tell([{ kind: 'enter' }])
  }

  typing(): void {
    // A hint that is late is worth nothing, so no room is no failure.
    if (this.dialect === 'parley' && this.#ended === undefined) this.#link.carrier()?.offer(sized({ kind: 'typing' }))
  }

  async bye(reason: ByeReason): Promise<void> {
    this.#tell([{ kind: 'bye', reason }])
    if (reason === 'quit') await this.close()
  }

  async close(): Promise<void> {
    if (this.#ended === undefined) await this.#link.closeStreams()
  }

  /** Called once, when the session has ended. */
  end(why: Error | undefined): void {
    this.#ended = new SessionClosedError(why === undefined ? {} : { cause: why })
  }

  /** Queues frames that cannot wait. */
  #tell(frames: readonly OutgoingFrame[]): void {
    if (this.dialect === 'parley' && this.#ended === undefined) this.#link.carrier()?.tell(frames)
  }
}
