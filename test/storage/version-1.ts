// A history as version 1 wrote it, in its own SQL, which later code can't change.
import { DatabaseSync } from 'node:sqlite'

export function fillVersion1(file: string): void {
  const database = new DatabaseSync(file)
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE conversation (
      id INTEGER PRIMARY KEY, peer TEXT NOT NULL UNIQUE, own_log ANY NOT NULL, own_seq INTEGER NOT NULL,
      next_outbox INTEGER NOT NULL, their_log ANY, their_seq INTEGER, read_up_to INTEGER NOT NULL,
      unread INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE message (
      position INTEGER PRIMARY KEY AUTOINCREMENT, conversation INTEGER NOT NULL, state INTEGER NOT NULL,
      id ANY NOT NULL, log ANY NOT NULL, seq INTEGER NOT NULL, sent_at INTEGER NOT NULL,
      stored_at INTEGER NOT NULL, text TEXT NOT NULL, reply_to ANY, reason TEXT, seen_at INTEGER, outbox INTEGER,
      checksum INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX message_by_conversation ON message(conversation, position);
    CREATE INDEX message_in_outbox ON message(conversation, outbox) WHERE outbox IS NOT NULL;
    CREATE INDEX message_held ON message(conversation, state) WHERE state >= 11;
    CREATE TABLE seen (
      conversation INTEGER NOT NULL, incoming INTEGER NOT NULL, id ANY NOT NULL, position INTEGER NOT NULL,
      left_state INTEGER, PRIMARY KEY (conversation, incoming, id)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO conversation VALUES (1, 'somebody', x'aaaaaaaaaaaaaaaa', 1, 2, 'log', 7, 0, 1);
    INSERT INTO message VALUES
      (1, 1, 0, x'00112233445566778899aabbccddeeff', x'aaaaaaaaaaaaaaaa', 1, 5, 6, 'an old café', NULL, NULL, NULL, 1,
        2837964670),
      (2, 1, 10, 'id7', 'log', 7, 7, 8, 'an old answer', NULL, NULL, NULL, NULL, 4094564851);
    INSERT INTO seen VALUES (1, 0, x'00112233445566778899aabbccddeeff', 1, NULL), (1, 1, 'id7', 2, NULL);
    PRAGMA application_id = 0x50726c79;
    PRAGMA user_version = 1;
  `)
  database.close()
}
