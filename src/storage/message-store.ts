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

export interface NewIncoming {
  readonly id: string
  readonly log: string
  readonly seq: number
  readonly sentAtMs: number
  readonly text: string
  readonly replyTo?: string
}

/** What became of one incoming message: `known` says that it was here already. */
export interface IncomingResult {
  readonly message: IncomingMessage
  readonly known: boolean
}

/** How many requests are held, to be compared with their limits. */
export interface HeldCounts {
  readonly fromPeer: number
  readonly total: number
  readonly lan: number
}

/**
 * A store of conversations. Each method resolves when its effect is as durable
 * as the store makes it: a receipt is sent only after that.
 */
export interface MessageStore {
  /** Gives the message its id, log and sequence number and stores it as `pending`. */
  addOutgoing(init: { peer: string; text: string; sentAtMs: number; replyTo?: string }): Promise<OutgoingMessage>
  /** Stores those that are new, in the order given. A message that is known keeps its state. */
  addIncoming(
    peer: string,
    messages: readonly NewIncoming[],
    init: { state: ArrivalState; lan: boolean; storedAtMs: number }
  ): Promise<readonly IncomingResult[]>
  /** Which of these ids from this peer are here already. */
  knownIncoming(peer: string, ids: readonly string[]): Promise<ReadonlySet<string>>
  /** Own messages to this peer that have no final receipt (`pending`, then also `held`), oldest first. */
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
  /** Makes a stranger's held messages part of the history; returns them. */
  acceptHeld(peer: string): Promise<readonly IncomingMessage[]>
  /** Peers whose messages are held, with the newest message of each, newest first. */
  held(): Promise<readonly IncomingMessage[]>
  heldCounts(peer: string): Promise<HeldCounts>
  /** The last `limit` messages with this peer, oldest first; held ones are left out unless asked for. */
  history(peer: string, options: { limit: number; includeHeld?: boolean }): Promise<readonly StoredMessage[]>
  /** Where our own log to this peer stands. */
  ownPosition(peer: string): Promise<LogPosition>
  /** The highest position that is held of this peer's newest log. */
  heldPosition(peer: string): Promise<LogPosition | undefined>
  /** From now on our messages to this peer are numbered in a new log. */
  startNewLog(peer: string): Promise<void>
  unread(peer: string): Promise<number>
  markRead(peer: string): Promise<void>
  close(): Promise<void>
}

/** An own message with its place in the outbox, to continue after. */
export interface OutboxEntry {
  readonly position: number
  readonly message: OutgoingMessage
}
