// The pace of what this folder does by a clock; what remotes may cost is in
// src/wire/budgets.ts.

/** How often handshakes that wait are looked at: a fraction of every limit of theirs. */
export const HANDSHAKE_TICK_MS = 100

/** An episode of too many connections is over when none has given way for so long: at most two lines a minute. */
export const PRESSURE_QUIET_MS = 30_000

/** How often the end of such an episode is checked. */
export const PRESSURE_TICK_MS = 1_000

/** Address classes that are counted in one episode; of an attack from more, the first ones are as good as any. */
export const MAX_COUNTED_CLASSES = 1_024

/** Address classes with the most connections that `parley status` names. */
export const SHOWN_HOLDERS = 3

/**
 * Open files that connections leave to the rest of the program: a chat has 30 at rest (the history, the key, listeners,
 * the event loop), and opens a few more for dials and for commands.
 */
export const RESERVED_OPEN_FILES = 48

/** The least number of places for connections, however few files may be open. */
export const LEAST_CONNECTIONS = 8

/** The part of the connections that may be pending where the open files are too few for all places. */
export const PENDING_PART_OF_FILES = 0.25
