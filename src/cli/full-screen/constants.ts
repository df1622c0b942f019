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
