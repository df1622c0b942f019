// The page of the files that Parley keeps. Each name must stand in the sources.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { table } from './markdown.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

interface FileNote {
  readonly path: string
  /** The part of its name that the program has. */
  readonly name: string
  readonly what: string
}

const profile = '$XDG_DATA_HOME/parley/profiles/NAME'
const files: readonly FileNote[] = [
  {
    path: '$XDG_CONFIG_HOME/parley/config.json',
    name: 'config.json',
    what: '[settings](settings.md), written by you or by `parley config set`'
  },
  {
    path: `${profile}/identity.key`,
    name: 'identity.key',
    what: 'the Ed25519 private key, with a passphrase or without ([format](../spec/key-file.md)). Anyone who can read it *is* you'
  },
  {
    path: `${profile}/book.json`,
    name: 'book.json',
    what: 'contacts with their addresses, your names for them and which are verified; blocked and ignored peers; keys learned for addresses; directories used; the port of the first start'
  },
  {
    path: `${profile}/files.json`,
    name: 'files.json',
    what: 'files that were offered to you and by you, and how far they are'
  },
  {
    path: `${profile}/shares.json`,
    name: 'shares.json',
    what: 'the folders that you share, and with whom; one that could not be read is kept as `shares.json.damaged`'
  },
  {
    path: `${profile}/share-hashes.jsonl`,
    name: 'share-hashes.jsonl',
    what: 'the hashes of shared files, so that they are not read again after a restart; when it is deleted, they are'
  },
  {
    path: `${profile}/screen.json`,
    name: 'screen.json',
    what: 'preferences of the full screen: theme, mouse, notifications, quiet hours'
  },
  {
    path: `${profile}/typed.json`,
    name: 'typed.json',
    what: 'what was typed on the full screen, by conversation, for the arrow keys, each line with its time; `forget` takes its conversation out, and each `/msg`, which may have been for that peer; `keep` what is older'
  },
  {
    path: `${profile}/history.db`,
    name: 'history.db',
    what: 'messages, outbox, requests, read marks, search index: an SQLite file'
  },
  {
    path: '…/history.db-wal',
    name: '-wal',
    what: 'its write-ahead log, while a process has it open and after a crash: **a part of the history**. Copy, move and restore both, and only while no parley runs; the file alone is an older history'
  },
  {
    path: '…/history.db.v1.backup',
    name: '.backup',
    what: 'the history before a later version changed its form (1: the version it had). Yours to delete; `forget` and `keep` delete it too, as it holds what they delete'
  },
  {
    path: '…/history.db.damaged',
    name: '.damaged',
    what: 'empty: damage was found, and the next start checks all of the history'
  },
  {
    path: '…/history.db.damaged-TIME, and -wal',
    name: '.damaged-',
    what: 'a damaged history as it was found, before it was repaired. Yours to delete; `forget` and `keep` delete it too'
  },
  {
    path: '…/history.db.copy.DIGITS',
    name: '.copy',
    what: 'the copy for an export; gone as soon as it is read, or at the next start'
  },
  {
    path: '…/history.db.new',
    name: '.new',
    what: 'a new history before it is whole; a crash may leave it, and the next start makes it anew'
  },
  {
    path: '…/history.db.mending, .mended',
    name: '.mending',
    what: 'the new history while it is made, and when it is whole; gone when it is in place'
  },
  {
    path: `${profile}/lock`,
    name: 'lock',
    what: 'held by the running process, with `lock-journal` beside it meanwhile; empty'
  },
  {
    path: '$XDG_RUNTIME_DIR/parley/HASH.sock',
    name: '.sock',
    what: 'the socket of a running parley, mode 0600, in a folder of mode 0700; gone when it ends. Without that variable it lies in `$XDG_DATA_HOME/parley/run`, else in a folder of yours under `/tmp`'
  },
  {
    path: '$XDG_RUNTIME_DIR/parley/HASH.face',
    name: '.face',
    what: 'the socket at which faces attach to it, beside the other one and as private'
  },
  {
    path: '$XDG_CONFIG_HOME/systemd/user/parley.service',
    name: 'parley.service',
    what: 'the service that `parley daemon --install` writes; `parley-PROFILE.service` for another profile than the default'
  },
  {
    path: '$XDG_DATA_HOME/parley/directories/PORT.key',
    name: 'directories',
    what: 'the key of the directory on that port'
  }
]

export function filesPage(): string {
  const sources = globSync('src/**/*.ts', { cwd: root }).map((file) => readFileSync(join(root, file), 'utf8'))
  const unknown = files.filter(
    ({ name }) =>
      !sources.some((text) => text.includes(`${name}'`) || text.includes(`${name}\``) || text.includes(`${name}\${`))
  )
  if (unknown.length > 0) throw new Error(`no source names ${unknown.map(({ name }) => name).join(', ')}`)
  return `# Files

Written by \`npm run reference\`, which checks each name against the sources.

\`$XDG_DATA_HOME\` is \`~/.local/share\` unless set, \`$XDG_CONFIG_HOME\` is \`~/.config\`, and \`$XDG_RUNTIME_DIR\` is given by the
system or not at all. Folders have mode 0700 and files 0600, but for the empty \`lock\`. A folder or file with a wider mode is
closed at the next start, with one notice; a key that others could read is a warning. A folder or file of another user is
refused. Small files are replaced whole and forced to the disk; the history grows in place, by a log of its own.

${table(
  ['file', 'what'],
  files.map(({ path, what }) => [`\`${path}\``, what])
)}
Only a key with a passphrase is encrypted: anyone who can read your disk can read your messages
([key and history at rest](../guide/at-rest.md)). Deleted text is overwritten in the file.

**A backup** is a file of \`parley profile export\`, at any time; or a copy of a profile's folder while no parley runs on it.
Files that are copied while they are written may not fit together: the first start repairs them, with losses. \`parley export
--json\` is for reading; nothing reads it back in. What a restored copy means for your conversations:
[the history](../guide/history.md).

**A profile** is an identity with what it remembers. \`--profile NAME\` chooses one and makes it at the first use; the
commands about the history make none, and say that there is none (exit code 2). One process holds a profile, by a lock of the
operating system that ends with the process. With \`--profile\` (also \`--profile default\`) and with \`--json\` a held profile
is an error (exit code 8). \`parley send\`, \`log\`, \`search\`, \`export\`, \`forget\`, \`verify\` and \`status\` work through
the process that holds it, by its socket; on Windows there is none, and a second command ends with 8. A peer listens on the
port of its first start, or on another one for once when that is taken, which it says.

**To remove Parley**: delete the clone, the link to \`bin/parley\`, \`$XDG_DATA_HOME/parley\` and \`$XDG_CONFIG_HOME/parley\`.
`
}
