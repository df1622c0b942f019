// The limits and waiting times of the full-screen face, each with its reason.
// What all faces share stands in the constants of the command line.

/** Accents drawn on one letter: Vietnamese needs two; a heap of them would paint over the rows around. */
export const MAX_MARKS_PER_CELL = 2
