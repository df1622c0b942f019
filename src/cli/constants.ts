// The limits and waiting times of the command line, each with its reason. It
// knows nothing of the network's limits: those stand where they are enforced.

/** Longest line read from standard input: the text limit of 64 KiB, with every byte written as a JSON \uXXXX escape. */
export const MAX_INPUT_LINE_BYTES = 512 * 1024

/** Longest line typed or pasted on a terminal: twice the text limit; editing costs time with the length of the line. */
export const MAX_TYPED_CHARACTERS = 128 * 1024

/** Events that may wait for a reader of JSON lines; more are left out and counted. Messages wait in the history. */
export const MAX_WAITING_EVENT_BYTES = 4 * 1024 * 1024

/** Messages in one answer, or read at once to be told: as much as one who reads on takes in a blink. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024

/** Plain lines that may wait for a reader of a pipe; more are left out and counted. */
export const MAX_UNREAD_OUTPUT_BYTES = 4 * 1024 * 1024

/** `parley send PEER -` reads no more than this; the node says what the limit of a text is. */
export const MAX_TEXT_INPUT_BYTES = 1024 * 1024

/** How long a message may be under way before its state is worth a line: people notice half a second. */
export const QUIET_DELIVERY_MS = 500

/** Deliveries that come within this time are told in one line. */
export const DELIVERY_COALESCE_MS = 150

/** Who leaves the conversation and within this time the network is told of in one line. */
export const GOODBYE_COALESCE_MS = 250

/** What one stranger writes within this time is told in one line. */
export const REQUEST_COALESCE_MS = 250

/** Roster changes that come within this time are shown together; a goodbye must be seen within a second. */
export const ROSTER_COALESCE_MS = 250

/** More changes than this at once are shown as the whole list. */
export const MAX_ROSTER_CHANGE_LINES = 5

/** More rows than this are not listed: nobody reads them, and a name finds the peer anyway. */
export const MAX_ROSTER_ROWS = 200

/** An attempt to reach a peer is worth a word after this long. */
export const QUIET_CONNECT_MS = 700

/** How often the seconds in the prompt move on. */
export const PROGRESS_TICK_MS = 1000

/** A second Ctrl-C within this time leaves. */
export const INTERRUPT_WINDOW_MS = 3000

/** After a signal, how long what was written may take to be read. */
export const FLUSH_AT_END_MS = 1000

/** After the end of input, how long what was sent may take to arrive. */
export const SETTLE_AT_END_MS = 10_000

/** Stopping says goodbye to everybody; a network that hangs must not hold the program. */
export const STOP_TIMEOUT_MS = 5000

/** Looking up or dialling what was typed at the prompt. */
export const RESOLVE_TIMEOUT_MS = 8000

/** Lines of history shown when a conversation is opened. */
export const HISTORY_LINES = 20

/** The most messages in one answer to a program, and IDs in one command of it; long ones fill {@link MAX_PAGE_BYTES} before. */
export const MAX_PAGE_MESSAGES = 1000

/** Hits of /search, and conversations, listed at the prompt: some screens full. */
export const MAX_LIST_LINES = 50

/** Commands remembered for the arrow keys. */
export const INPUT_HISTORY_LINES = 200

/** Rows of a terminal that one message leaves to others: the ones before it, the prompt and what goes on. */
export const ROWS_FOR_OTHERS = 4

/** In the smallest window a message has this many rows all the same. */
export const LEAST_MESSAGE_ROWS = 3

/** Lines of one message on a pipe, which has no screen: what people write is shorter, and a script reads JSON. */
export const MAX_PIPED_MESSAGE_LINES = 200

/** Lines of one message in a list of messages, which is scrolled. */
export const MAX_LISTED_MESSAGE_LINES = 100

/** A message of more lines, or of more characters, is long: `/show` means the last one of these. */
export const LONG_MESSAGE_LINES = 3
export const LONG_MESSAGE_CHARACTERS = 240

/** Messages among which `/show` looks for a long one. */
export const SHOW_LOOK_MESSAGES = 200

/** The part of a text that identifies it in a line about it. */
export const EXCERPT_CHARACTERS = 40

/** A stranger's request is shown up to here; accepting it shows all. */
export const REQUEST_CHARACTERS = 300

/** How long `parley send` waits for the receipt unless --wait says otherwise: longer than any one dial, and done in 8 s. */
export const DEFAULT_SEND_WAIT_SECONDS = 6

/** The longest --wait: a day. */
export const MAX_SEND_WAIT_SECONDS = 86_400

/** After QUIT, how long the last lines may take to arrive: somebody waits at the terminal. */
export const SETTLE_AT_QUIT_MS = 1500

/** What a command waits for is worth a word after this long: people notice half a second. */
export const WORTH_A_WORD_MS = 500

/** How often it looks at which stage it is. */
export const SEND_STAGE_POLL_MS = 100

/** How long `parley send` looks for a name that nobody has yet: peers on a LAN find each other within 2 s. */
export const NAME_LOOK_MS = 3000

/** The ports of the case study, where a peer looks for directories by itself. */
export const DEMO_PORTS: readonly number[] = [8000, 8001, 8002]

/** How long one thing may take to be seen in the demo; most take milliseconds. */
export const DEMO_STEP_MS = 10_000

/** How long a client of the demo may take to end after QUIT. */
export const DEMO_END_MS = 6000

/** That a peer has opened the conversation is said once in this time, however often it comes and goes. */
export const ENTERED_AGAIN_MS = 10_000

/** `parley log` and `parley search` list this many messages unless --limit says otherwise: some screens full. */
export const DEFAULT_LISTED_MESSAGES = 100

/** The most that one of them lists: they are held in memory until they are written, `parley export` holds no more than a batch. */
export const MAX_LISTED_MESSAGES = 10_000

/** The answer to a question of `parley forget`: yes, or anything else. */
export const MAX_CONFIRMATION_BYTES = 4096

/** Messages that wait are counted up to here; beyond it the number means no more to anybody. */
export const MAX_COUNTED_WAITING = 1000

/** The path of a Unix socket may have 103 bytes on macOS and 107 on Linux; a longer one is cut without a word. */
export const MAX_SOCKET_PATH_BYTES = 100

/** Programs that may speak to a running chat at once: a script that starts many sends needs some, a leak finds an end. */
export const MAX_CONTROL_CONNECTIONS = 32

/** Connecting to a running parley, which is on this machine: it answers at once or hangs. */
export const CONTROL_CONNECT_MS = 2000

/** How long a running parley may take to answer a command: looking up a peer (RESOLVE_TIMEOUT_MS), and some more. */
export const CONTROL_ANSWER_MS = 12_000

/** Longest line read from a running parley: a roster of ten thousand; a page of messages is smaller. */
export const MAX_ANSWER_LINE_BYTES = 128 * 1024 * 1024

/** How long the last lines to a connection may take to be read, when it ends. */
export const CONTROL_END_MS = 1000

/** A profile that is held by a parley that is just starting or ending, on a busy machine, is tried again for so long. */
export const HELD_PROFILE_MS = 10_000

/** How often it is tried. */
export const HELD_PROFILE_POLL_MS = 100

/** Messages asked for at once from a running parley. */
export const RUNNING_PAGE_MESSAGES = 100

/** What was found about one directory, peer by peer, in a list of directories: more says nothing new. */
export const MAX_FINDING_LINES = 10

/** After Ctrl-Z, when to look whether the system has stopped the program at all. */
export const STOP_CHECK_MS = 100

/** What happens before the first screen of `--plain` stands there is told below it: so much at the most waits for that. */
export const MAX_EARLY_NEWS = 1000

/** A terminal of less shows a row of `parley roster` in two: all columns, with a path such as `direct 34 ms`. */
export const ROSTER_COLUMNS = 70

/** Longest passphrase that is typed or given; what the key file takes is less. */
export const MAX_GIVEN_PASSPHRASE_BYTES = 4096

/** How often a descriptor that has nothing yet is asked again for the passphrase. */
export const PASSPHRASE_FD_POLL_MS = 20

/** A password manager may ask its user first; without a word a wrong number would look like a hang. */
export const PASSPHRASE_FD_NOTICE_MS = 2_000

/** How often a mistyped passphrase may be repeated before the command ends. */
export const PASSPHRASE_TRIES = 3

/** Of the id of a message, which `parley send` chooses: chance enough that no two are ever the same. */
export const MESSAGE_ID_BYTES = 16

/**
 * Peers whose roster number is kept. Keys are free, and strangers come and go; more than two full directories show at a
 * time.
 */
export const MAX_NUMBERED_PEERS = 40_000

/** How often a percentage is updated: people do not read faster. */
export const PROGRESS_EVERY_MS = 200

/** How long a running parley may take to copy its history: the largest ones, on a slow disk. */
export const COPY_ANSWER_MS = 3_600_000
