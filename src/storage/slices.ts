// How long work on a whole history is cut up, so that others get their turn.

/** How many messages a long reading or deleting handles at once: a few milliseconds' worth. */
export const ROWS_PER_SLICE = 500
