// The numbers of storage, each with its reason.

/**
 * How long one transaction may take work in, in milliseconds. The event loop
 * stands still meanwhile, and keys are echoed by the same loop.
 */
export const MAX_TRANSACTION_MS = 8

/** How many messages a long reading or deleting handles before it lets others go on: a few milliseconds' worth. */
export const ROWS_PER_SLICE = 500

/** After this quiet time new messages are indexed for search, in milliseconds; a search does not wait for it. */
export const INDEX_DELAY_MS = 100

/** How many messages are indexed in one transaction: about 8 ms on a slow core. */
export const INDEX_SLICE = 200

/** The newest messages are looked at when a store is opened, because a crash damages what was written last. */
export const CHECKED_AT_OPENING = 100

/** Pages that SQLite keeps in memory, in KiB: enough for the inner pages of a million messages. */
export const PAGE_CACHE_KIB = 8 * 1024

/** The write-ahead log is cut back to this after a checkpoint, in bytes; SQLite checkpoints each 4 MB. */
export const WAL_KEPT_BYTES = 16 * 1024 * 1024

/** What a user sees beside a message that was cancelled. */
export const CANCELLED_REASON = 'cancelled'

/** Everything of a profile is for its owner alone. */
export const FILE_MODE = 0o600
