// A history as version 2 wrote it, in its own SQL, which later code can't change.
import { DatabaseSync } from 'node:sqlite'
import { fillVersion1 } from './version-1.ts'

export function fillVersion2(file: string): void {
  fillVersion1(file)
  const database = new DatabaseSync(file)
  database.exec(`
    CREATE VIRTUAL TABLE search USING fts5(
      words, conversation, content = '', contentless_delete = 1, tokenize = 'ascii'
    );
    CREATE TABLE indexed (up_to INTEGER NOT NULL) STRICT;
    INSERT INTO indexed VALUES (2);
    INSERT INTO search (rowid, words, conversation) VALUES (1, 'an old cafe', 'c1'), (2, 'an old answer', 'c1');
    PRAGMA user_version = 2;
  `)
  database.close()
}
