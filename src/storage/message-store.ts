// The contract of a message store: messages, their order and their states. It knows neither a database nor a network.

/** How far an own message has come. There is no state called "sent". */
export type DeliveryState = 'pending' | 'held' | 'delivered' | 'unconfirmed' | 'failed'

/** Whether an incoming message is in the history or waits as a stranger's request. */
export type ArrivalState = 'held' | 'accepted'

/** A file that a message offers: its bytes are fetched by its ID. */
export interface OfferedFile {
  /** Its file ID, as 64 hexadecimal digits. */
  readonly file: string
  /** As its sender calls it: any text. */
  readonly name: string
  readonly sizeBytes: number
  /** Of a folder: how many files are in it, and their bytes. */
  readonly folder?: { readonly files: number; readonly sizeBytes: number }
}

interface MessageFields {
  /** The other side's peer ID as text. */
  readonly peer: string
  /** 32 hexadecimal digits, unique with `peer` for good. */
  readonly id: string
  /** 16 hexadecimal digits: the sender's sequence that `seq` counts in. */
  readonly log: string
  readonly seq: number
  /** The sender's clock, in milliseconds since 1970. */
  readonly sentAtMs: number
  /** Our clock when the message was stored. */
  readonly storedAtMs: number
  readonly text: string
  readonly replyTo?: string
  /** At least one where there are any. */
  readonly files?: readonly OfferedFile[]
}

export interface OutgoingMessage extends MessageFields {
  readonly direction: 'out'
  readonly state: DeliveryState
  /** Why it failed, in words for the user. */
  readonly reason?: string
  /** When the other side said that it was read; delivered messages only. */
  readonly seenAtMs?: number
}

export interface IncomingMessage extends MessageFields {
  readonly direction: 'in'
  readonly state: ArrivalState
}

export type StoredMessage = OutgoingMessage | IncomingMessage

/** A place in one of a sender's logs. */
export interface LogPosition {
  readonly log: string
  readonly seq: number
}

/** The last place in our own log to a peer. */
export interface OwnPosition extends LogPosition {
  /** The highest number that may have been sent: the peer can't hold a higher one of this history. */
  readonly sentSeq: number
  /** The log that the peer held when this one began, if it held another one. */
  readonly follows?: string
}

export interface NewOutgoing {
  readonly text: string
  /** 32 hexadecimal digits that no message to this peer has. Default: a new id. */
  readonly id?: string
  readonly sentAtMs: number
  readonly replyTo?: string
  readonly files?: readonly OfferedFile[]
}

export interface NewIncoming {
  readonly id: string
  readonly log: string
  readonly seq: number
  readonly sentAtMs: number
  readonly text: string
  readonly replyTo?: string
  readonly files?: readonly OfferedFile[]
}

/** How incoming messages are stored. */
export interface Arrival {
  readonly state: ArrivalState
  /** It came over the LAN. Kept of held messages alone. */
  readonly lan: boolean
  readonly storedAtMs: number
  /** Where held messages came from: text that the store keeps without reading it. */
  readonly origin?: string
  /** What their sender calls itself: the newest is kept as long as messages are held. */
  readonly senderName?: string
  /** Refuses new messages while those of this peer take this many bytes or more. Default: no limit. */
  readonly maxIncomingBytes?: number
}

/** What became of one incoming message. */
export interface IncomingResult {
  readonly message: IncomingMessage
  /** The store had it already. */
  readonly known: boolean
  /** Why it was not stored. */
  readonly refused?: 'over-quota'
}

/** A message among the requests. */
export interface HeldMessage {
  readonly peer: string
  readonly lan: boolean
  /** {@link Arrival.origin}; undefined for messages that an earlier version stored. */
  readonly origin?: string
}

/** The newest held message of a peer. */
export interface HeldRequest {
  readonly peer: string
  /** {@link Arrival.senderName}, if it is known. */
  readonly senderName?: string
  readonly storedAtMs: number
  /** The beginning of the text. */
  readonly text: string
}

/** How much disk the incoming messages of one peer take. */
export interface IncomingUse {
  readonly peer: string
  readonly bytes: number
}

export interface StoreUse {
  /** The whole history with its indexes. */
  readonly totalBytes: number
  /** The largest first. */
  readonly peers: readonly IncomingUse[]
}

/**
 * A store of conversations. Each method resolves when its effect is as durable as the store makes it; receipts are sent
 * after that.
 */
export interface MessageStore {
  /**
   * Gives each message its id, log and sequence number, and stores them as `pending`: in the order given, all or none,
   * next to each other in the outbox.
   *
   * @param options.leave they are about to be sent, which is noted as by {@link noteSent}
   */
  addAllOutgoing(
    peer: string,
    messages: readonly NewOutgoing[],
    options?: { readonly leave?: boolean }
  ): Promise<readonly OutboxEntry[]>
  /** The same for one message. */
  addOutgoing(init: NewOutgoing & { readonly peer: string }): Promise<OutgoingMessage>
  /**
   * Stores the messages that are new, in the order given. A known one keeps its state, even after it was deleted: its
   * id stays known.
   */
  addIncoming(peer: string, messages: readonly NewIncoming[], arrival: Arrival): Promise<readonly IncomingResult[]>
  /** Which of these ids from this peer are known. */
  knownIncoming(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>>
  /**
   * Own messages to this peer without a final receipt, in the order in which they joined the outbox. A message that is
   * tried again goes to the end.
   */
  unreceipted(peer: string, options: { after?: number; limit: number }): Promise<readonly OutboxEntry[]>
  /** An own message in its present state. */
  outgoing(peer: string, id: string): Promise<OutgoingMessage | undefined>
  /** Peers with at least one `pending` message. */
  peersWithPending(): Promise<readonly string[]>
  /** Returns the messages that changed. States never go back: `delivered` stays. */
  setDelivery(
    peer: string,
    ids: readonly string[],
    state: DeliveryState,
    reason?: string
  ): Promise<readonly OutgoingMessage[]>
  /** The peer has read these: they are delivered, and seen for good. Returns the messages that changed. */
  setSeen(peer: string, ids: readonly string[], seenAtMs: number): Promise<readonly OutgoingMessage[]>
  /** Puts failed messages at the end of the outbox, where they wait from now on; returns these. */
  retry(peer: string, ids: readonly string[]): Promise<readonly OutgoingMessage[]>
  /** Takes messages out of the outbox: the user has made them fail. A receipt that still comes counts. */
  cancel(peer: string, ids: readonly string[]): Promise<readonly OutgoingMessage[]>
  /** Fails at most `limit` pending messages that joined the outbox, for the first time or again, before that time. */
  failPending(options: { waitingBeforeMs: number; reason: string; limit: number }): Promise<readonly OutgoingMessage[]>
  /** Makes a stranger's held messages part of the history; returns them. */
  acceptHeld(peer: string): Promise<readonly IncomingMessage[]>
  /** Peers with held messages, each with the beginning of its newest one; newest first. */
  held(options: { textLength: number }): Promise<readonly HeldRequest[]>
  /** What the sender of held messages calls itself, where that became known later; of other peers nothing is kept. */
  nameSender(peer: string, name: string): Promise<void>
  /** All held messages, in the order of arrival. */
  heldMessages(): Promise<readonly HeldMessage[]>
  /**
   * Deletes the held messages of these peers; returns how many. The newest ten thousand ids stay for
   * {@link takeEvicted}.
   */
  evictHeld(peers: readonly string[]): Promise<number>
  /**
   * Resolves when no file of the history holds deleted text; until then the log may hold that of evicted messages. It
   * also deletes backups from before a migration and copies of a damaged history.
   */
  eraseDeleted(): Promise<void>
  /** Which of these ids were evicted. Each is returned once: when its message comes again, it is new. */
  takeEvicted(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>>
  /** The disk space in use, and the `limit` peers that take most of it. */
  use(options: { limit: number }): Promise<StoreUse>
  /** The last `limit` messages with this peer, oldest first; without held ones by default. */
  history(peer: string, options: { limit: number; includeHeld?: boolean }): Promise<readonly StoredMessage[]>
  /** Messages before or after a position, or the last ones; always oldest first. */
  page(peer: string, options: PageOptions): Promise<readonly HistoryEntry[]>
  /** The last `limit` messages stored in a span of time, oldest first. */
  log(options: LogOptions): Promise<readonly HistoryEntry[]>
  /** Messages with all of these words, newest first. Accents and case make no difference. */
  search(words: string, options: SearchOptions): Promise<readonly HistoryEntry[]>
  /** The history, or what follows a position, in batches, oldest first; with messages that arrive meanwhile. */
  export(options?: { peer?: string; after?: number }): AsyncIterable<readonly HistoryEntry[]>
  /**
   * What follows a position in all conversations, oldest first: as many messages as fit, without held ones. A call with
   * `after: next` skips nothing, since later messages have higher positions.
   */
  news(options: NewsOptions): Promise<HistoryNews>
  /** The newest position that is known to be on the disk, with all before it. */
  readonly storedUpTo: number
  /** The highest position of a message. */
  newestPosition(): Promise<number>
  /** All conversations that have messages, the newest first. */
  conversations(): Promise<readonly ConversationSummary[]>
  /** Deletes all messages with this peer, with waiting and held ones, from all files of the history; returns how many. */
  forget(peer: string): Promise<number>
  /**
   * Deletes messages stored before that time, except in the outbox and among the requests, from all files of the
   * history; returns how many.
   */
  deleteOlderThan(storedBeforeMs: number): Promise<number>
  /** The end of our own log to this peer; undefined when we have never written to it. Stores nothing. */
  ownPosition(peer: string): Promise<OwnPosition | undefined>
  /** The highest position stored of this peer's newest log. */
  heldPosition(peer: string): Promise<LogPosition | undefined>
  /**
   * Own messages with these numbers may be sent once it resolves. Were one sent without, its number in the peer's next
   * Hello could stand for another message.
   */
  noteSent(peer: string, positions: readonly LogPosition[]): Promise<void>
  /**
   * Numbers our messages to this peer in a new log from now on. Pending messages get new numbers there, in the order of
   * the outbox: the peer may hold other messages under the old ones. A failed message gets one when it is tried again.
   *
   * @param follows the log of ours that the peer holds now
   */
  startNewLog(peer: string, follows?: string): Promise<void>
  unread(peer: string): Promise<number>
  markRead(peer: string): Promise<void>
  close(): Promise<void>
}

/** A message with its place in the whole history. Positions grow, and none is used twice. */
export interface HistoryEntry {
  readonly position: number
  readonly message: StoredMessage
}

export interface PageOptions {
  readonly limit: number
  /** The page that ends before this position. */
  readonly before?: number
  /** The page that begins after this position. Excludes `before`. */
  readonly after?: number
  readonly includeHeld?: boolean
  /** UTF-8 bytes of all texts together, which may mean fewer messages, but at least one. Default: no limit. */
  readonly maxBytes?: number
}

export interface SearchOptions {
  readonly peer?: string
  readonly limit: number
  /** Only messages before this position, for the next page of results. */
  readonly before?: number
  /** As in {@link PageOptions}. */
  readonly maxBytes?: number
  /** Progress while the search waits for messages to be indexed. */
  readonly onIndexing?: (progress: { readonly done: number; readonly total: number }) => void
}

export interface NewsOptions {
  readonly after: number
  readonly limit: number
  /** As in {@link PageOptions}. */
  readonly maxBytes?: number
}

export interface HistoryNews {
  readonly entries: readonly HistoryEntry[]
  /** The position to go on after. */
  readonly next: number
}

export interface LogOptions {
  readonly peer: string
  /** By our clock, from `sinceMs` on and before `untilMs`. */
  readonly sinceMs?: number
  readonly untilMs?: number
  readonly limit: number
}

export interface ConversationSummary {
  readonly peer: string
  readonly unread: number
  readonly last: HistoryEntry
}

/** An own message with its place in its peer's outbox. */
export interface OutboxEntry {
  readonly position: number
  readonly message: OutgoingMessage
}
