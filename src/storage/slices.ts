// How long work on a whole history is cut up, so that others get their turn.

/** How many messages a long reading or deleting handles at once: a few milliseconds' worth. */
export const ROWS_PER_SLICE = 500

/** … and how many bytes of text, as 500 of the longest would be 32 MB. */
export const TEXT_BYTES_PER_SLICE = 4 * 1024 * 1024
