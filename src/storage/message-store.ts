// What a message store must do, whatever it is made of. It knows messages,
// their order and their states; it knows no streams and no screens.

/** Where a message of ours stands. There is no state called "sent". */
export type DeliveryState = 'pending' | 'held' | 'delivered' | 'unconfirmed' | 'failed'

/** Whether a message of somebody else's is in the history or waits as a stranger's request. */
export type ArrivalState = 'held' | 'accepted'

interface MessageFields {
  /** The peer ID, as text, of the other side. */
  readonly peer: string
  /** 32 hexadecimal digits; unique together with `peer`, for good. */
  readonly id: string
  /** 16 hexadecimal digits: the sequence of its sender that `seq` counts in. */
  readonly log: string
  readonly seq: number
  /** The sender's clock, in milliseconds since 1970. */
  readonly sentAtMs: number
  /** Our clock when it was stored. */
  readonly storedAtMs: number
  readonly text: string
  readonly replyTo?: string
}

export interface OutgoingMessage extends MessageFields {
  readonly direction: 'out'
  readonly state: DeliveryState
  /** Why it failed, in words for the user. */
  readonly reason?: string
  /** When the other side said that it has read it; only a delivered message has this. */
  readonly seenAtMs?: number
}

export interface IncomingMessage extends MessageFields {
  readonly direction: 'in'
  readonly state: ArrivalState
}

export type StoredMessage = OutgoingMessage | IncomingMessage

/** The place that a sender has reached in one of its logs. */
export interface LogPosition {
  readonly log: string
  readonly seq: number
}

/** The place that we have reached in our own log to a peer. */
export interface OwnPosition extends LogPosition {
  /** The highest number that may have been sent: the other side can hold no higher one of this history. */
  readonly sentSeq: number
  /** The log that the other side held when this one began, if it held one that was not this. */
  readonly follows?: string
}

export interface NewOutgoing {
  readonly text: string
  /** 32 hexadecimal digits that no message to this peer has. Default: an id is made. */
  readonly id?: string
  readonly sentAtMs: number
  readonly replyTo?: string
}

export interface NewIncoming {
  readonly id: string
  readonly log: string
  readonly seq: number
  readonly sentAtMs: number
  readonly text: string
  readonly replyTo?: string
}

/** How incoming messages are stored. */
export interface Arrival {
  readonly state: ArrivalState
  readonly lan: boolean
  readonly storedAtMs: number
  /** Where held messages came from, in words that the store keeps and does not read. */
  readonly origin?: string
  /** New messages are refused while those of this peer take this many bytes or more. Default: no limit. */
  readonly maxIncomingBytes?: number
}

/** What became of one incoming message. */
export interface IncomingResult {
  readonly message: IncomingMessage
  /** It was here already. */
  readonly known: boolean
  /** It was not stored, for that reason. */
  readonly refused?: 'over-quota'
}

/** A message in the room for requests. */
export interface HeldMessage {
  readonly peer: string
  readonly lan: boolean
  /** As it was given when the message was stored; undefined for one that an earlier version stored. */
  readonly origin?: string
}

/** The newest message that is held of a peer. */
export interface HeldRequest {
  readonly peer: string
  readonly storedAtMs: number
  /** Its beginning. */
  readonly text: string
}

/** How much the incoming messages of one peer take on the disk. */
export interface IncomingUse {
  readonly peer: string
  readonly bytes: number
}

export interface StoreUse {
  /** The whole history, with its indexes. */
  readonly totalBytes: number
  /** The largest first. */
  readonly peers: readonly IncomingUse[]
}

/**
 * A store of conversations. Each method resolves when its effect is as durable
 * as the store makes it: a receipt is sent only after that.
 */
export interface MessageStore {
  /**
   * Gives each message its id, log and sequence number and stores them as `pending`, in the order given, all or none.
   * They join the outbox one directly after the other.
   *
   * @param options.leave they are about to be sent, which is noted with them; see {@link noteSent}
   */
  addAllOutgoing(
    peer: string,
    messages: readonly NewOutgoing[],
    options?: { readonly leave?: boolean }
  ): Promise<readonly OutboxEntry[]>
  /** One of these. */
  addOutgoing(init: NewOutgoing & { readonly peer: string }): Promise<OutgoingMessage>
  /**
   * Stores those that are new, in the order given. A message that is known keeps
   * its state, also after it was deleted here: its id stays known.
   */
  addIncoming(peer: string, messages: readonly NewIncoming[], arrival: Arrival): Promise<readonly IncomingResult[]>
  /** Which of these ids from this peer are here already. */
  knownIncoming(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>>
  /**
   * Own messages to this peer that have no final receipt, in the order in which
   * they joined the outbox: a message that is tried again goes to its end.
   */
  unreceipted(peer: string, options: { after?: number; limit: number }): Promise<readonly OutboxEntry[]>
  /** An own message as it stands now. */
  outgoing(peer: string, id: string): Promise<OutgoingMessage | undefined>
  /** Peers with at least one `pending` message. */
  peersWithPending(): Promise<readonly string[]>
  /** Returns the messages that changed. A state never goes backwards: `delivered` stays. */
  setDelivery(
    peer: string,
    ids: readonly string[],
    state: DeliveryState,
    reason?: string
  ): Promise<readonly OutgoingMessage[]>
  /** The other side has read these: they are delivered, and seen for good. Returns the messages that changed. */
  setSeen(peer: string, ids: readonly string[], seenAtMs: number): Promise<readonly OutgoingMessage[]>
  /** Puts failed messages at the end of the outbox, where they wait from now on; returns those that had failed. */
  retry(peer: string, ids: readonly string[]): Promise<readonly OutgoingMessage[]>
  /** Takes messages out of the outbox: they have failed, by the user's wish. A receipt that still comes counts. */
  cancel(peer: string, ids: readonly string[]): Promise<readonly OutgoingMessage[]>
  /** Fails at most `limit` pending messages that joined the outbox, for the first or another time, before that time. */
  failPending(options: { waitingBeforeMs: number; reason: string; limit: number }): Promise<readonly OutgoingMessage[]>
  /** Makes a stranger's held messages part of the history; returns them. */
  acceptHeld(peer: string): Promise<readonly IncomingMessage[]>
  /** Peers whose messages are held, with the beginning of the newest message of each, newest first. */
  held(options: { textLength: number }): Promise<readonly HeldRequest[]>
  /** All messages that are held, in the order in which they came. */
  heldMessages(): Promise<readonly HeldMessage[]>
  /**
   * Deletes the held messages of these peers; returns how many. Their ids are kept
   * for {@link takeEvicted}, the newest ten thousand of all.
   */
  evictHeld(peers: readonly string[]): Promise<number>
  /**
   * What was deleted is in no file of the history when this resolves; until then text that was evicted may still lie
   * in the log. Backups that were made before a migration, and copies of a damaged history, are deleted with it.
   */
  eraseDeleted(): Promise<void>
  /** Which of these ids were evicted. Each is returned once: a message that comes again after that is a new one. */
  takeEvicted(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>>
  /** What is on the disk, and the `limit` peers that take most of it. */
  use(options: { limit: number }): Promise<StoreUse>
  /** The last `limit` messages with this peer, oldest first; held ones are left out unless asked for. */
  history(peer: string, options: { limit: number; includeHeld?: boolean }): Promise<readonly StoredMessage[]>
  /** The messages before or after a position, or the last ones; always oldest first. */
  page(peer: string, options: PageOptions): Promise<readonly HistoryEntry[]>
  /** The last `limit` messages that were stored in a span of time, oldest first. */
  log(options: LogOptions): Promise<readonly HistoryEntry[]>
  /** Messages that hold all of these words, newest first. Accents and case make no difference. */
  search(words: string, options: SearchOptions): Promise<readonly HistoryEntry[]>
  /** The whole history, or what came after a position, in batches, oldest first. What comes meanwhile is included. */
  export(options?: { peer?: string; after?: number }): AsyncIterable<readonly HistoryEntry[]>
  /**
   * What came after a position in all conversations, oldest first: so many messages as fit, and held ones left out.
   * Going on from `next` skips nothing: what comes later has a higher position.
   */
  news(options: NewsOptions): Promise<HistoryNews>
  /** The highest position that was given out. */
  newestPosition(): Promise<number>
  /** Everybody with whom there are messages, the newest conversation first. */
  conversations(): Promise<readonly ConversationSummary[]>
  /** Deletes all messages with this peer, waiting and held ones too, from all files of the history; returns how many. */
  forget(peer: string): Promise<number>
  /**
   * Deletes what was stored before that time, except what waits in the outbox or as a request; returns how many.
   * They are gone from all files of the history.
   */
  deleteOlderThan(storedBeforeMs: number): Promise<number>
  /** Where our own log to this peer stands; undefined when nothing was ever written to it. Asking stores nothing. */
  ownPosition(peer: string): Promise<OwnPosition | undefined>
  /** The highest position that is held of this peer's newest log. */
  heldPosition(peer: string): Promise<LogPosition | undefined>
  /**
   * Own messages with these numbers are about to be sent: when it resolves they may be. One that left unnoted would
   * make its number, in the other side's Hello, that of somebody else's message.
   */
  noteSent(peer: string, positions: readonly LogPosition[]): Promise<void>
  /**
   * From now on our messages to this peer are numbered in a new log. What is pending is numbered anew there, in the
   * order of the outbox: its old numbers may be those of other messages over there. What fails and is tried again later
   * gets a number of the new log then.
   *
   * @param follows the log of ours that the other side holds now
   */
  startNewLog(peer: string, follows?: string): Promise<void>
  unread(peer: string): Promise<number>
  markRead(peer: string): Promise<void>
  close(): Promise<void>
}

/** A message with its place in the whole history. Places grow, and none is used twice. */
export interface HistoryEntry {
  readonly position: number
  readonly message: StoredMessage
}

export interface PageOptions {
  readonly limit: number
  /** Only messages before this position: the page that ends there. */
  readonly before?: number
  /** Only messages after this position: the page that begins there. Not together with `before`. */
  readonly after?: number
  readonly includeHeld?: boolean
  /** Of UTF-8, for all texts together: fewer messages then, but at least one. Default: no limit. */
  readonly maxBytes?: number
}

export interface SearchOptions {
  readonly peer?: string
  readonly limit: number
  /** Only messages before this position: the next page of results. */
  readonly before?: number
  /** As of a page. */
  readonly maxBytes?: number
}

export interface NewsOptions {
  readonly after: number
  readonly limit: number
  /** As of a page. */
  readonly maxBytes?: number
}

export interface HistoryNews {
  readonly entries: readonly HistoryEntry[]
  /** The position after which the following ones are looked for. */
  readonly next: number
}

export interface LogOptions {
  readonly peer: string
  /** The span by our clock: from `sinceMs` on, and before `untilMs`. */
  readonly sinceMs?: number
  readonly untilMs?: number
  readonly limit: number
}

export interface ConversationSummary {
  readonly peer: string
  readonly unread: number
  readonly last: HistoryEntry
}

/** An own message with its place in its peer's outbox, to continue after. */
export interface OutboxEntry {
  readonly position: number
  readonly message: OutgoingMessage
}
