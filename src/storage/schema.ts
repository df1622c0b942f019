// The tables of a history file, as the steps by which each version grew out of
// the one before. A step that was released is never changed: another one follows.

/** Marks a file as a Parley history: "Prly". */
export const APPLICATION_ID = 0x50726c79

/** What a message takes on the disk beside its text: its row, its id and its place in two indexes, as measured. */
export const MESSAGE_OVERHEAD_BYTES = 192

/** What an incoming message counts for against a quota. */
export function messageBytes(text: string): number {
  return Buffer.byteLength(text) + MESSAGE_OVERHEAD_BYTES
}

/**
 * Version 1: messages and what belongs to them.
 *
 * - `conversation` counts both logs and the outbox of one peer, and what came
 *   after the last position that was read.
 * - `message` is the history in the order of `position`. States below 10 are of
 *   own messages, the others of incoming ones. `outbox` is the place among those
 *   that wait. `checksum` covers what never changes of a message.
 * - `seen` has every id for good: `left_state` is set when the message itself was
 *   deleted.
 */
const version1 = `
  CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    peer TEXT NOT NULL UNIQUE,
    own_log ANY NOT NULL,
    own_seq INTEGER NOT NULL,
    next_outbox INTEGER NOT NULL,
    their_log ANY,
    their_seq INTEGER,
    read_up_to INTEGER NOT NULL,
    unread INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE message (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL,
    state INTEGER NOT NULL,
    id ANY NOT NULL,
    log ANY NOT NULL,
    seq INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    reply_to ANY,
    reason TEXT,
    seen_at INTEGER,
    outbox INTEGER,
    checksum INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX message_by_conversation ON message(conversation, position);
  CREATE INDEX message_in_outbox ON message(conversation, outbox) WHERE outbox IS NOT NULL;
  CREATE INDEX message_held ON message(conversation, state) WHERE state >= 11;
  CREATE TABLE seen (
    conversation INTEGER NOT NULL,
    incoming INTEGER NOT NULL,
    id ANY NOT NULL,
    position INTEGER NOT NULL,
    left_state INTEGER,
    PRIMARY KEY (conversation, incoming, id)
  ) STRICT, WITHOUT ROWID;
`

/**
 * Version 2: full-text search. The index keeps no text of its own; its words come
 * ready from search-words.ts, so the tokenizer has only spaces to look for.
 */
const version2 = `
  CREATE VIRTUAL TABLE search USING fts5(
    words, conversation, content = '', contentless_delete = 1, tokenize = 'ascii'
  );
  CREATE TABLE indexed (up_to INTEGER NOT NULL) STRICT;
  INSERT INTO indexed VALUES (0);
`

/**
 * Version 3: since when a message waits that was tried again, by our clock. Its
 * `stored_at` stays what it was, and is the answer where this is not set.
 */
const version3 = `
  ALTER TABLE message ADD COLUMN waits_since INTEGER;
`

/** Version 4: how far our own log to a peer was ever sent; of what is there already nobody knows. */
const version4 = `
  ALTER TABLE conversation ADD COLUMN own_sent INTEGER NOT NULL DEFAULT 0;
  UPDATE conversation SET own_sent = own_seq;
`

/**
 * Version 5: what a bounded room is counted by.
 *
 * - `origin` of a held message is where it came from, in the words of its caller; null when unknown. The index holds
 *   all that counting needs, so that no long text is read for it.
 * - `incoming_bytes` is the sum of {@link messageBytes} over a conversation's incoming messages.
 * - `evicted` has ids of held messages that were deleted before they were accepted: their senders still have to be told.
 */
const version5 = `
  ALTER TABLE message ADD COLUMN origin TEXT;
  DROP INDEX message_held;
  CREATE INDEX message_held ON message(conversation, state, origin) WHERE state >= 11;
  ALTER TABLE conversation ADD COLUMN incoming_bytes INTEGER NOT NULL DEFAULT 0;
  UPDATE conversation SET incoming_bytes = ${incomingBytesOf('conversation.id')};
  CREATE TABLE evicted (
    number INTEGER PRIMARY KEY,
    peer TEXT NOT NULL,
    id ANY NOT NULL,
    UNIQUE (peer, id)
  ) STRICT;
`

/** Version 6: the log of ours that the other side held when the present one began; null where that is not known. */
const version6 = `
  ALTER TABLE conversation ADD COLUMN own_follows ANY;
`

/** What the incoming messages of a conversation take, as an SQL expression: the one answer that a kept sum must equal. */
export function incomingBytesOf(conversation: string): string {
  return `(SELECT coalesce(sum(octet_length(text)) + count(*) * ${MESSAGE_OVERHEAD_BYTES}, 0) FROM message
    WHERE message.conversation = ${conversation} AND state >= 10)`
}

/** The step at index n makes version n + 1. */
export const MIGRATIONS: readonly string[] = [version1, version2, version3, version4, version5, version6]
