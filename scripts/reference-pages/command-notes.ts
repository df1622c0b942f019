// What the page of commands says beside what the program knows of itself: what a
// command promises, and with which codes it ends.
import type { ExitName } from './exit-codes.ts'

interface CommandNote {
  /** Markdown. */
  readonly text: string
  /** Beside `unexpected`, `usage` and `interrupted`, which every command may end with. */
  readonly exits: readonly ExitName[]
}

export const peerNote = `## PEER

In descending order of strength:

1. a number of the list, at the prompt only;
2. a peer ID, its short form, or a longer beginning that only one peer has; also behind its name, as lines
   show it: \`anna (ID)\`;
3. an address: \`HOST:PORT\`, \`[v6]:PORT\`, \`HOST PORT\`, or a multiaddr such as \`/ip4/192.168.1.7/tcp/4001\`,
   \`/dns4/…\`, \`/dnsaddr/…\`, with or without \`/p2p/ID\`;
4. a contact's name;
5. the nickname of another peer on the roster, or of one with a conversation or request that has left;
6. four letters or more of a short ID that only one peer has;
7. the code of an [invitation](../guide/invitations.md), such as \`7-oak-pilot-river\`, or what its QR code holds.

Names match in any case, and with or without invisible characters. So a stranger who takes the name of a contact never
gets the contact's messages. The letters of a short ID work only where a nickname would, unless the peer is a contact: an ID with so
few letters in common is quickly made. A whole ID that is unknown and begins like a known one, or like your own, is refused,
and the known one is shown: most likely a letter is wrong.
`

const chatExits: readonly ExitName[] = [
  'ok',
  'peerNotFound',
  'unreachable',
  'profileInUse',
  'keyChanged',
  'portTaken',
  'storage',
  'locked',
  'wrongPassphrase'
]
const historyExits: readonly ExitName[] = ['ok', 'peerNotFound', 'profileInUse', 'storage']
const throughChat = `It goes on no network. While a chat runs on the profile, the command works through it; otherwise it opens the
history itself, and a chat that is started meanwhile finds the profile in use.`
const messageJson =
  'With `--json` it prints one object per message: a [message](json.md#a-message) with `position` and `name`.'

const shareNote = `It goes on no network. While a parley runs on the profile, the command works through it; otherwise it is written down,
and others see it once a parley runs. With \`--json\` one object with \`event\` \`share\` or \`shares\`.`
const sharedNote = `While a parley runs on the profile, that one asks; otherwise a node of its own does, for as long as it takes:
see [the guide](../guide/shares.md).`

/** By the whole name of the command. */
export const commandNotes: Readonly<Record<string, CommandNote>> = {
  parley: {
    text: `On a terminal it is the [full screen](../guide/full-screen.md); on a pipe, and on a terminal that can't be drawn on
(\`TERM=dumb\`), plain lines.

**While a daemon runs on the profile** it attaches to it: the same person, in one more window
([always on](../guide/daemon.md)).

**A second window.** While a window has the usual profile, another one on a terminal asks: Enter opens another identity
(\`default-2\`, …), \`s\` opens it as the same person. The setting [\`secondWindow\`](settings.md) answers in advance. On a pipe
there is no question: it takes the next free identity and says so in its first line; with \`secondWindow\` \`same\` it is the
same person. \`--profile\` takes exactly that profile.`,
    exits: chatExits
  },
  'parley chat': { text: '', exits: chatExits },
  'parley daemon': {
    text: `It runs until SIGTERM, SIGINT, or \`--stop\`, and prints a log: who it is, what becomes of directories and the network, how
many faces are attached; never the words of a message ([always on](../guide/daemon.md)). \`--install\` writes a service of
the user with the options that stand beside it, starts it, and lets it start at each login; the file is a unit of systemd in
\`~/.config/systemd/user\`, or an agent of launchd on macOS (not tried there). \`--restart\` restarts the service, or ends the
daemon that runs and starts one with the options given.`,
    exits: ['ok', 'profileInUse', 'portTaken', 'storage', 'notRunning', 'locked', 'wrongPassphrase']
  },
  'parley attach': {
    text: `ssh starts \`parley attach --pipe\` there, which passes bytes between the two ends and the node that runs; no port is
opened. What ssh asks for (a password, an unknown host) it asks before the chat begins; a line that was cut is opened again
without asking, so use a key. \`QUIT\` leaves the daemon there running. Preferences and typed lines are not kept.`,
    exits: ['ok', 'unreachable', 'notRunning', 'profileInUse']
  },
  'parley await': {
    text: `It attaches to the node that runs on the profile, and is one itself for as long as it waits where none runs. Messages that
are stored from its start on count; those of strangers that wait as a request do not. REGEXP is one of JavaScript with the
flag \`u\`, and may match anywhere in the text.

${messageJson}`,
    exits: [...chatExits, 'timedOut']
  },
  'parley send': {
    text: `It ends with 0 only when the other side has *stored* the message, and in bounded time. A message that is not delivered
by then is queued (12): it is stored here, and goes out when the peer is seen while any parley runs a node on this profile.
A peer that was never seen can be written to by its whole peer ID, or by a multiaddr that ends with it; an address without
an ID needs a peer that answers there. The nickname of a peer that is not a contact is refused without \`--trust-name\`,
because any peer may take it. With \`--no-queue\` the message stays in the history as failed. With \`--passphrase-fd 0\` the
passphrase is the first line of standard input, before the text.

While a chat runs on the same profile, \`parley send\` works through it, with the same words and exit codes; several may run
at once. The other settings are then those of the chat. If the chat ends before the message has arrived, \`parley send\`
goes on alone. What takes long is reported on standard error: \`looking for …\`, \`connecting to …\`,
\`waiting for the receipt of …\` (not with \`--json\`).

With \`--json\` it prints one object: \`{"event":"sent","peer","name","shortId","id","state","queued","reason","exitCode"}\`.`,
    exits: [
      'ok',
      'peerNotFound',
      'unreachable',
      'held',
      'unconfirmed',
      'refused',
      'profileInUse',
      'keyChanged',
      'portTaken',
      'storage',
      'queued',
      'locked',
      'wrongPassphrase'
    ]
  },
  'parley log': {
    text: `TIME is a day (\`2026-11-22\`) or a time (\`2026-11-22T10:00\`, with seconds if you like) by this machine's clock, a time
with its zone (\`2026-11-22T10:00Z\`, \`2026-11-22T10:00+02:00\`), or how long ago (\`90s\`, \`15m\`, \`2h\`, \`3d\`, \`1w\`). It is
compared with when a message was stored here. \`→\` is yours, \`←\` is theirs; under a message of yours that was not simply
delivered stands its [mark](../guide/prompt.md#marks). Further lines of a text begin with \`|\`. Standard error says when
there are more messages than were printed, or none. A stranger admitted by \`--accept all\` is no contact: while no chat
runs only its ID is known. ${messageJson}

${throughChat}`,
    exits: historyExits
  },
  'parley search': {
    text: `Case, accents and invisible characters make no difference; the last word may be the beginning of a longer one. The
rules: [the history](../guide/history.md). After an update that changes how words are found, the first search may update
the index, with its progress on a terminal. ${messageJson}

${throughChat}`,
    exits: historyExits
  },
  'parley export': {
    text: `It is a stream: memory does not grow with the history, and it is read no faster than its reader takes it. A reader that
has seen enough, such as \`head\`, ends it with exit code 0. \`--after\` continues an earlier export from its last
\`position\`. ${messageJson}

${throughChat}`,
    exits: historyExits
  },
  'parley forget': {
    text: `Messages that wait to be sent are deleted too. The other side keeps its own; the contact stays. On a terminal it asks,
and accepts only \`yes\`; elsewhere it needs \`--yes\`. An ambiguous name is refused with the IDs. With \`--json\`:
\`{"event":"forgotten","peer","name","count"}\`.

${throughChat}`,
    exits: historyExits
  },
  'parley contact': {
    text: 'It works beside a running chat, which shows a change at once. An ambiguous PEER is refused with the IDs.',
    exits: ['ok', 'peerNotFound', 'profileInUse', 'storage']
  },
  'parley contact list': {
    text: `Name, peer ID, \`[verified]\`, and the name that the contact gives itself, if it is another one. With \`--json\` one
object, \`contacts\`.`,
    exits: ['ok', 'profileInUse', 'storage']
  },
  'parley contact rename': {
    text: `Without NAME the contact goes by its own name again. Your name replaces it everywhere, and only you can change it. It
has up to \`MAX_NICKNAME_CHARS\` characters, follows the rules for nicknames, and must not look like another contact's. With
\`--json\`: \`{"event":"contact-renamed","peer","name","was"}\`.`,
    exits: ['ok', 'peerNotFound', 'profileInUse', 'storage']
  },
  'parley contact remove': {
    text: `With its name, its verified mark and its addresses. What waits for it is given up; the messages stay. On a terminal it
asks; elsewhere it needs \`--yes\`. With \`--json\`: \`{"event":"contact-removed","peer","name"}\`.`,
    exits: ['ok', 'peerNotFound', 'profileInUse', 'storage']
  },
  'parley roster': {
    text: `It goes online under an identity that is not kept, and announces nothing. With \`--directory\` it prints what that one
directory reports; with \`--query\` the directory itself searches, and finds peers that it leaves out of a full list. The
profile's contacts, verified and blocked peers are marked, also while it is in use; a chat that runs on the profile is listed
as \`(you)\`. With \`--watch\`: \`+\` came, \`~\` changed, \`-\` went. With \`--json\`:
\`{"event":"roster","total","directories","roster"}\` with [rows](json.md#a-row), whole each time; \`directories\` says how many
answer.`,
    exits: ['ok', 'unreachable']
  },
  'parley doctor': {
    text: `A parley that runs on the profile examines; without one, a node under an identity that is not kept does, and announces
nothing. It ends within 8 s, and shows on a terminal that it goes on. [What it looks at, and how it concludes](../guide/doctor.md).
With \`--json\`: \`{"event":"examined","findings"}\` with the [findings](json.md) of \`doctor\`.`,
    exits: ['ok', 'problemFound', 'profileInUse']
  },
  'parley directory': {
    text: `It prints \`READY\`, \`LEFT\` and \`LOST\` as peers come and go, and how it gets on with other directories. Every line, and how
to run one for others: [operating a directory](../operating-a-directory.md). On a terminal it asks for its port unless
\`--port\` is given; otherwise it takes the first of 8000, 8001 and 8002 that is free. It keeps a key for each port. Without
\`--http\`, the page's port is the directory's plus 80 (8000: 8080), or the next that is free; \`PARLEY_HTTP=off\` shows none.`,
    exits: ['ok', 'portTaken', 'storage', 'locked', 'wrongPassphrase']
  },
  'parley id': { text: 'It does not go on the network.', exits: ['ok', 'storage'] },
  'parley invite': {
    text: `While a parley runs on the profile, the code is made by that one; otherwise by a node of its own, which ends with the
code. It prints the code, on a terminal also as a QR code, and waits until the person has come. Ctrl-C takes the code back. On a
terminal the conversation with the one who came opens then, where no other parley shows it.
With \`--json\` each line is an [\`invitation\`](json.md#events), the first with \`what\` \`made\`; \`--list\` prints
\`invitations\`. [The guide](../guide/invitations.md) has more.`,
    exits: ['ok', 'profileInUse', 'portTaken', 'storage', 'locked', 'wrongPassphrase', 'timedOut']
  },
  'parley share': { text: 'See [the guide](../guide/shares.md).', exits: ['ok'] },
  'parley share add': { text: shareNote, exits: ['ok', 'peerNotFound', 'profileInUse', 'storage'] },
  'parley share list': { text: shareNote, exits: ['ok', 'profileInUse', 'storage'] },
  'parley share remove': { text: shareNote, exits: ['ok', 'profileInUse', 'storage'] },
  'parley browse': {
    text: `${sharedNote} It prints at most 500 entries. With \`--json\` one object with \`event\` \`folder\` and the fields of the
answer to [\`browse\`](json.md#commands).`,
    exits: chatExits
  },
  'parley get': {
    text: `${sharedNote} It waits until all of it is here, and prints where each file is. When it ends before, or the peer goes away,
what has come stays and the next \`parley\` goes on. With \`--json\` each line is a [\`transfer\`](json.md#events).`,
    exits: chatExits
  },
  'parley find': {
    text: `${sharedNote} With \`--json\` one object with \`event\` \`files-found\` and the fields of the answer to
[\`find\`](json.md#commands); with \`--wait\` each line is a [\`found\`](json.md#events).`,
    exits: chatExits
  },
  'parley verify': {
    text: `The 60 digits are the same on the screen of the other side: [trust](../guide/trust.md). For a contact, for a peer with
whom there are messages, and for any whole peer ID it needs no network. Any other PEER is looked for on the network, without
being seen there. While a chat runs on the profile it works through it. \`--confirm\` marks the peer as verified, which makes
it a contact; it refuses the nickname of a peer that is not one. With \`--json\` one object with \`event\` \`safety-number\`,
\`verified\` or \`unverified\`, and the fields of [\`verify\`](json.md#commands). Whether a peer is verified is in \`--json\`, not
in the exit code.`,
    exits: ['ok', 'peerNotFound', 'unreachable', 'profileInUse', 'keyChanged', 'storage']
  },
  'parley status': {
    text: `It asks the running parley and starts none. It prints who you are, whether the key has a passphrase, addresses,
directories, connections and which addresses have most of them, the interfaces on which LAN peers are looked for, how many
peers are online, open conversations, what waits, requests and where most come from, the size of the history, contacts near
their quota, and how many remotes were cut or refused. With \`--json\` one object: \`running\`, \`profile\`, \`keyPassphrase\`
(\`null\` where there is no key yet); when one runs \`locked\`, \`peer\`, \`shortId\`; and when its key is not locked \`nickname\`,
\`network\`, \`addresses\`, \`directories\`, \`connections\`, \`lan\`, \`online\`, \`requests\`, \`conversations\`, \`waiting\`, \`room\`
and \`misbehaviour\` as in [\`ready\`](json.md#ready).`,
    exits: ['ok', 'profileInUse', 'notRunning']
  },
  'parley unlock': {
    text: `For a parley that started without a person and waits. It asks on the terminal, at most \`PASSPHRASE_TRIES\` times, and
ends with 0 when the key is open, also when it already was. With \`--json\`: \`running\`, \`profile\`, \`unlocked\` (whether this
command did it).`,
    exits: ['ok', 'profileInUse', 'notRunning', 'locked', 'wrongPassphrase']
  },
  'parley profile': { text: '', exits: ['ok'] },
  'parley profile protect': {
    text: `The profile must not be in use. The new passphrase is asked for twice. Whatever is mistyped or interrupted, the key
stays as it was. On a key without a passphrase \`--passphrase-fd\` reads the new one. With \`--json\`: \`owner\`, \`peer\`,
\`protected\`, \`oldBytesOverwritten\`. More: [key and history at rest](../guide/at-rest.md).`,
    exits: ['ok', 'profileInUse', 'storage', 'locked', 'wrongPassphrase']
  },
  'parley profile export': {
    text: `It works while the chat runs. FILE is there whole or not at all, and an existing file is not replaced unless you add
\`--force\`. On a terminal, what takes longer than half a second shows its progress; Ctrl-C stops it. With \`--json\`:
\`{"event":"exported","file","sizeBytes","profile","peer","protected"}\`, \`protected\` being whether the key has a passphrase
of its own.`,
    exits: ['ok', 'profileInUse', 'storage', 'locked']
  },
  'parley profile import': {
    text: `Under the name of \`--profile\`, else \`default\`. All of it is checked before the profile appears; a file that is damaged or
cut short changes nothing. With \`--force\` an existing profile of that name gets another one, which is printed; that one must
not be in use. With \`--json\`: \`{"event":"imported","profile","peer","from","protected","settings","putAside"}\`; \`from\` has
\`profile\`, \`exportedAtMs\`, \`version\`; \`settings\` is \`none\`, \`taken\` or \`kept yours\`.`,
    exits: ['ok', 'profileInUse', 'storage', 'locked', 'wrongPassphrase', 'archive']
  },
  'parley config': {
    text: `Where a value comes from is \`default\`, \`profile\` (the nickname, typing notices and port that the profile remembers),
\`file\`, \`environment\` or \`flag\`; \`-\` is no value. With NAME it prints that value alone. With \`--json\` one object: for each
setting its \`value\` (times in milliseconds, sizes in bytes, \`null\` for no end), as it is \`written\`, and its \`source\`.`,
    exits: ['ok']
  },
  'parley config set': {
    text: `VALUE is checked first; several values make a list. Everything else in the file stays, comments too, and the file is
replaced atomically. A running parley uses the value from its next start.`,
    exits: ['ok', 'storage']
  },
  'parley config unset': {
    text: 'An unknown setting, which would keep Parley from starting, is removed too.',
    exits: ['ok', 'storage']
  },
  'parley demo': {
    text: 'It runs in a temporary folder and on a network of its own, and ends with 0 when every step was seen.',
    exits: ['ok', 'portTaken']
  },
  'parley completion': { text: 'SHELL is `bash`, `zsh`, `fish` or `powershell`.', exits: ['ok'] }
}
