// The tables of a history file, as the steps by which each version grew out of the one before, and how a file takes
// them: each step once, in a transaction of its own, after a copy of the file as it was. A step that was released never
// changes: another one follows.
import { closeSync, openSync, renameSync, rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { OWNER_ONLY, syncFileSync } from '../atomic-file.ts'
import { StorageTooNewError } from '../errors.ts'
import type { OfferedFile } from '../message-store.ts'
import { offersColumn } from './offered-files.ts'

/** Marks a file as a Parley history: "Prly". */
export const APPLICATION_ID = 0x50726c79

/** Measured disk space of a message without its text: its row, its id and its place in two indexes. */
export const STORED_OVERHEAD_BYTES = 192

/** The bytes of a quota that an incoming message takes. */
export function messageBytes({
  text,
  files
}: {
  readonly text: string
  readonly files?: readonly OfferedFile[]
}): number {
  const offers = offersColumn(files)
  return Buffer.byteLength(text) + (offers === null ? 0 : Buffer.byteLength(offers)) + STORED_OVERHEAD_BYTES
}

/** The bytes of a row beside {@link STORED_OVERHEAD_BYTES}, as an SQL expression: no text is read for it. */
export const rowBytes = '(octet_length(text) + coalesce(octet_length(files), 0))'

/**
 * Version 1: messages and what belongs to them.
 *
 * - `conversation` counts both logs and the outbox of one peer, and the messages after the last position that was read.
 * - `message` is the history in the order of `position`. States below 10 belong to own messages, the others to incoming
 *   ones. `outbox` is the place among the waiting messages. `checksum` covers the fields that never change.
 * - `seen` has every id for good; `left_state` is set when its message is deleted.
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
 * Version 2: full-text search. The index keeps no text of its own. Its words come folded from search-words.ts, so the
 * tokenizer only splits at spaces.
 */
const version2 = `
  CREATE VIRTUAL TABLE search USING fts5(
    words, conversation, content = '', contentless_delete = 1, tokenize = 'ascii'
  );
  CREATE TABLE indexed (up_to INTEGER NOT NULL) STRICT;
  INSERT INTO indexed VALUES (0);
`

/**
 * Version 3: since when, by our clock, a message waits that was tried again. Its `stored_at` stays, and counts where this is
 * null.
 */
const version3 = `
  ALTER TABLE message ADD COLUMN waits_since INTEGER;
`

/** Version 4: how far our own log to a peer may have been sent; for older rows, all of it. */
const version4 = `
  ALTER TABLE conversation ADD COLUMN own_sent INTEGER NOT NULL DEFAULT 0;
  UPDATE conversation SET own_sent = own_seq;
`

/**
 * Version 5: what the limits of requests and of each peer's disk space need.
 *
 * - `origin` of a held message is where it came from, as the caller named it; null when unknown. The index holds all that
 *   counting needs, so that counting reads no long text.
 * - `incoming_bytes` is the sum of {@link messageBytes} over a conversation's incoming messages, which had no files then.
 * - `evicted` has ids of held messages that were deleted before they were accepted, until their senders know.
 */
const version5 = `
  ALTER TABLE message ADD COLUMN origin TEXT;
  DROP INDEX message_held;
  CREATE INDEX message_held ON message(conversation, state, origin) WHERE state >= 11;
  ALTER TABLE conversation ADD COLUMN incoming_bytes INTEGER NOT NULL DEFAULT 0;
  UPDATE conversation SET incoming_bytes = (
    SELECT coalesce(sum(octet_length(text)) + count(*) * ${STORED_OVERHEAD_BYTES}, 0) FROM message
    WHERE message.conversation = conversation.id AND state >= 10);
  CREATE TABLE evicted (
    number INTEGER PRIMARY KEY,
    peer TEXT NOT NULL,
    id ANY NOT NULL,
    UNIQUE (peer, id)
  ) STRICT;
`

/** Version 6: the log of ours that the peer held when the present one began; null when unknown. */
const version6 = `
  ALTER TABLE conversation ADD COLUMN own_follows ANY;
`

/**
 * Version 7: words are folded differently. Messages up to `old_words_up_to` are indexed by the old words; it counts down to
 * 0 while they are indexed again, newest first.
 */
const version7 = `
  ALTER TABLE indexed ADD COLUMN old_words_up_to INTEGER NOT NULL DEFAULT 0;
  UPDATE indexed SET old_words_up_to = up_to;
`

/** Version 8: the name of the stranger whose messages are held, for while it is away; null when unknown, and of others. */
const version8 = `
  ALTER TABLE conversation ADD COLUMN sender_name TEXT;
`

/** Version 9: the files that a message offers; null when it offers none. */
const version9 = `
  ALTER TABLE message ADD COLUMN files TEXT;
`

/** The disk space of a conversation's incoming messages as an SQL expression, which `incoming_bytes` must equal. */
export function incomingBytesOf(conversation: string): string {
  return `(SELECT coalesce(sum(${rowBytes}) + count(*) * ${STORED_OVERHEAD_BYTES}, 0) FROM message
    WHERE message.conversation = ${conversation} AND state >= 10)`
}

/** The step at index n makes version n + 1. */
export const MIGRATIONS: readonly string[] = [
  version1,
  version2,
  version3,
  version4,
  version5,
  version6,
  version7,
  version8,
  version9
]

/**
 * Brings a file to the version of this program, after a backup of an older one.
 *
 * @throws StorageTooNewError for a file of a later version, which stays as it is
 */
export function migrate(database: DatabaseSync, file: string): void {
  const version = readPragma(database, 'user_version')
  if (version > MIGRATIONS.length) throw new StorageTooNewError(file, version, MIGRATIONS.length)
  if (version > 0 && version < MIGRATIONS.length) backUp(database, `${file}.v${version}.backup`)
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(step)
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}; COMMIT`)
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

export function readPragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  const value = database.prepare(`PRAGMA ${name}`).get()?.[name]
  return typeof value === 'number' ? value : 0
}

/** Writes under another name first, so that a backup that exists is whole. */
function backUp(database: DatabaseSync, backup: string): void {
  const partial = `${backup}.part`
  rmSync(partial, { force: true })
  try {
    closeSync(openSync(partial, 'wx', OWNER_ONLY))
    database.prepare('VACUUM INTO ?').run(partial)
    syncFileSync(partial)
    renameSync(partial, backup)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
}
