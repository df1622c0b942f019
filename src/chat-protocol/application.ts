/**
 * The contract with the layer above, which owns storage, trust and screens: what it must answer (callbacks that are
 * awaited), what it can ask of a session, how that fails, and which events follow a fact.
 */
import type { Connection, PeerId } from '@libp2p/interface'
import type { Dialect, PeerKind } from './dialect.ts'
import { ChatError } from './frames.ts'
import type { ByeReason, ChatMessage, HeldMark, ReceiptState, RefuseReason } from './frames.ts'

/** What became of a message that arrived. */
export type Disposition =
  | { readonly kind: 'stored' }
  | { readonly kind: 'held' }
  | { readonly kind: 'refused'; readonly reason: RefuseReason; readonly retryAfterMs: number }

/**
 * What the layer above answers. A callback that rejects cuts the stream that it was called for. None of them may
 * wait for `ChatSession.send`: the receipts that make room for it are read by the same loop that waits for them.
 */
export interface ChatServiceInit {
  /** What the program at the other end is. Rejecting or taking too long counts as `undecided`. */
  kindOf(connection: Connection, options: { signal: AbortSignal }): Promise<PeerKind>
  /** The log in which this side numbers its messages to the peer, and what it holds of the peer's. */
  helloFor(peer: PeerId): Promise<{ log: string; held?: HeldMark }>
  /** The peer's Hello: what it holds of ours. Awaited before the session opens. */
  onHello(peer: PeerId, held: HeldMark | undefined): Promise<void>
  /**
   * Resolves when each message is stored or refused, in the order given; only then do receipts go out. The same
   * message can come again, also at the same time on a second stream: `(peer, id)` decides.
   */
  onMessages(peer: PeerId, messages: readonly ChatMessage[]): Promise<readonly Disposition[]>
  /**
   * A text of a peer that speaks a plain dialect, without its line end. Never empty. Nothing more is read before it
   * resolves: it may take its time until there is room.
   *
   * @param source.lost aborts when the stream is gone, and with it the peer that would be held back
   * @returns whether the text was kept
   */
  onPlainText(
    peer: PeerId,
    text: string,
    source: { readonly dialect: Dialect; readonly lost: AbortSignal }
  ): Promise<boolean>
  /** The peer has stored, holds or has seen these. The ids may be unknown here: a receipt can come twice. */
  onReceipts(peer: PeerId, ids: readonly string[], state: ReceiptState): Promise<void>
  /** Strangers are rate-limited; contacts are only slowed, by backpressure. */
  paceOf(peer: PeerId): 'stranger' | 'contact'
}

/** A live conversation channel with one peer. It ends with the event `session:close`; a new one is a new object. */
export interface ChatSession {
  readonly peer: PeerId
  readonly dialect: Dialect
  /** The connection that messages go on now; undefined when it is over, or has lost its stream and waits for the next. */
  readonly connection: Connection | undefined
  /**
   * Parley: resolves when all are in the bounded send queue, which has room while the unconfirmed messages of this
   * session are below their limits. A plain dialect: resolves when the stream has taken the text.
   *
   * @throws {TextTooLongError} before any of `messages` is sent
   * @throws {SessionClosedError} when the session ends first; what has no receipt goes out in the next session
   */
  send(messages: readonly ChatMessage[], options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Tells that messages which were held are now stored, or that they were seen. Does nothing in a plain dialect. */
  acknowledge(ids: readonly string[], state: ReceiptState): void
  /** Tells that this side has opened the conversation on its screen. Does nothing in a plain dialect. */
  enter(): void
  /** Tells that the user types. Left out when the peer is slow to read. Does nothing in a plain dialect. */
  typing(): void
  /** EXIT is `left`, which keeps the session; QUIT is `quit`, which closes it. A plain dialect has no word for either. */
  bye(reason: ByeReason): Promise<void>
  /** Sends what is queued, then closes; a plain stream only its own half. Never rejects. */
  close(): Promise<void>
}

/** The session ended before the call was done. What has no receipt is to be sent again in the next session. */
export class SessionClosedError extends ChatError {
  override readonly name = 'SessionClosedError'
  constructor(options?: ErrorOptions) {
    super('The chat session has ended: what has no receipt must be sent again in the next one', options)
  }
}

/** What was lost of a peer that can't be told so. */
type Unkept = { readonly peer: PeerId } & (
  | { readonly why: 'too-long'; readonly sizeBytes: number }
  /** The stream was gone before there was room. */
  | { readonly why: 'no-room'; readonly texts: number }
)

/** Past-tense facts. A listener must not throw: the runtime ends the process for it. */
export interface ChatEvents {
  /**
   * A session begins: send again what has no receipt, and `enter()` when the conversation is on screen. Also follows
   * a `session:close` at once when the stream in use was lost and another one lives. `resumed`: the session before it
   * goes on as this one, on another stream, without a `session:close`. The same is to be done.
   */
  'session:open': CustomEvent<{ readonly session: ChatSession; readonly resumed: boolean }>
  /** `why` is undefined when one of the two sides closed it as it should. */
  'session:close': CustomEvent<{ readonly peer: PeerId; readonly why: Error | undefined }>
  /** What is sent goes on another connection from now on. */
  'session:moved': CustomEvent<{ readonly peer: PeerId; readonly connection: Connection }>
  enter: CustomEvent<{ readonly peer: PeerId }>
  typing: CustomEvent<{ readonly peer: PeerId }>
  bye: CustomEvent<{ readonly peer: PeerId; readonly reason: ByeReason }>
  /** Texts of a plain dialect that were read and are not kept: nothing can tell their sender. */
  unkept: CustomEvent<Unkept>
  /** The peer did not take these, which were sent in this session. No receipt will come for them in it. */
  refuse: CustomEvent<{
    readonly peer: PeerId
    readonly reason: RefuseReason
    readonly retryAfterMs: number
    readonly ids: readonly string[]
  }>
}
