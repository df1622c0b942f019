// The limits and waiting times of the full-screen face, each with its reason.
// What all faces share stands in the constants of the command line.

/** Accents drawn on one letter: Vietnamese needs two; a heap of them would paint over the rows around. */
export const MAX_MARKS_PER_CELL = 2

/** An escape sequence that a terminal sends is shorter than this: more is not one. */
export const MAX_ESCAPE_CHARACTERS = 64

/** After an Escape, how long the rest of a sequence may take: a slow line is slower, a person never as fast. */
export const ESCAPE_WAIT_MS = 40

/** Reads that follow lines which came at once belong to the same paste. */
export const PASTE_BURST_MS = 30

/** Text around the cursor that is looked at for where a grapheme begins: the longest in use have 35 units. */
export const GRAPHEME_LOOK_CHARACTERS = 128

/** Changes of the input that can be taken back. */
export const MAX_UNDO_STEPS = 100

/** Longer texts are not offered again by the arrow keys: they are pasted, and the history has them. */
export const MAX_REMEMBERED_CHARACTERS = 4096

/** Text around the cursor that is looked at for where a word ends; a longer one is several. */
export const WORD_LOOK_CHARACTERS = 1024

/** Messages read at once when somebody scrolls: some screens full. */
export const PAGE_MESSAGES = 100

/** Messages of a conversation that are held in memory; the others are read again when they are scrolled to. */
export const MAX_WINDOW_MESSAGES = 600

/** The same in characters: a hundred messages of the longest would be six million. */
export const MAX_WINDOW_CHARACTERS = 4_000_000

/** Changes of own messages that are told before send() has returned them. */
export const MAX_EARLY_DELIVERIES = 256

/** Lines about what has happened that the first screen keeps. */
export const MAX_LOG_LINES = 100

/** Hits of a search in one conversation. */
export const MAX_FOUND = 200

/**
 * Characters of a message that are looked at for each column of the rows that it may have: emoji and accented letters
 * are written in some. Of a text of invisible characters or heaps of accents the rest is not looked at for a frame.
 */
export const CHARACTERS_PER_COLUMN = 2

/** The last rows of a message that is too long to be seen whole: the end of a pasted text often matters. */
export const END_ROWS = 3

/** Characters on one line of a list: a longer one is broken, so that a frame lays out no more than it shows. */
export const MAX_POPUP_LINE_CHARACTERS = 1000

/** Columns of a name before its message; longer ones are clipped, and stand whole in the title. */
export const NAME_COLUMNS = 10

/** The same where there is room. */
export const WIDE_NAME_COLUMNS = 14

/** A conversation of so many columns has room for long names. */
export const WIDE_PANE_COLUMNS = 90

/** A narrower conversation has no columns for time and name: the text would get less than half. */
export const COMPACT_PANE_COLUMNS = 50

/** Terminals narrower than this show no list at the side. */
export const SIDE_FROM_COLUMNS = 72

/** The list at the side, its line included. */
export const SIDE_COLUMNS = 25

/** The same on a wide terminal. */
export const WIDE_SIDE_COLUMNS = 32

/** Terminals from this width on have the wide list. */
export const WIDE_SIDE_FROM_COLUMNS = 110

/** The input takes at most so many rows; a longer text is scrolled in them. */
export const MAX_INPUT_ROWS = 10

/** Older conversations with somebody who is away stand below who is online: these many have a key of their own. */
export const RECENT_CONVERSATIONS = 9

/** Rows of a message in a list of hits: enough to know it by. */
export const MAX_HIT_LINES = 4

/** Lines about what has happened that stand on the first screen. */
export const MAX_HOME_NEWS = 8

/** Rows that one step of the wheel scrolls. */
export const MOUSE_SCROLL_ROWS = 3

/** The other side is told once in this time that somebody types. */
export const TYPING_AGAIN_MS = 3000

/** How long "is typing" stands there: a little longer than it takes to be told again. */
export const TYPING_SHOWN_MS = 5000

/** A clock that goes back by more has been set, and what was counted by it begins anew. */
export const CLOCK_STEP_MS = 1000

/** A receipt that took longer says nothing of the way: the other side was away. */
export const MAX_RECEIPT_SHOWN_MS = 10_000

/** The part of a message that a notification shows. */
export const NOTIFY_CHARACTERS = 120

/** At most one bell in this time, however much comes. */
export const NOTIFY_EVERY_MS = 2000

/** Changes of who is around that come within this time are shown together. */
export const AROUND_COALESCE_MS = 200

/** The files of this face are far smaller: a larger one is not what it has written. */
export const MAX_KEPT_BYTES = 4 * 1024 * 1024

/** Conversations of which it is kept what was typed. */
export const MAX_REMEMBERED_PLACES = 200

/** At most one draw in this time after keys: what a screen shows in one frame. */
export const KEY_FRAME_MS = 16

/** At most one draw in this time when nobody types: messages that come are read, not felt. */
export const NEWS_FRAME_MS = 60

/** The least that is seen of a name in the list at the side, whatever stands behind it. */
export const MIN_SIDE_NAME_COLUMNS = 3

/** The line beside the list, with a space on either side. */
export const SIDE_BORDER_COLUMNS = 3
