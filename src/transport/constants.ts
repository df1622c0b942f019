// The pace of what this folder does by a clock; what remotes may cost is in
// src/wire/budgets.ts.

/** How often handshakes that wait are looked at: a fraction of every limit of theirs. */
export const HANDSHAKE_TICK_MS = 100

/** An episode of too many connections is over when none has given way for so long: at most two lines a minute. */
export const PRESSURE_QUIET_MS = 30_000

/** How often it is looked whether such an episode is over. */
export const PRESSURE_TICK_MS = 1_000

/** Address classes that are counted in one episode; of an attack from more, the first ones are as good as any. */
export const MAX_COUNTED_CLASSES = 1_024

/** Address classes with the most connections that `parley status` names. */
export const SHOWN_HOLDERS = 3
