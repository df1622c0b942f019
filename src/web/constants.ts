// Every limit of the roster page, each with its reason. Knows no behaviour.

/** A directory that comes back is looked at again within seconds; one that is gone is not pestered. */
export const PAGE_RETRY_MS = { first: 500, max: 5_000 } as const
/** What a directory that ends the connection may ask for before the next try; up to as much again is left to chance. */
export const PAGE_END_WAIT_MS = { least: 1_000, max: 60_000 } as const
/** Three signs of life that did not come: the connection is dead, whatever the browser believes. */
export const PAGE_SILENCE_MS = 16_000
/** A directory that has been away for so long is said to be gone. */
export const PAGE_GONE_MS = 30_000
/** What happened is read aloud at most this often, gathered. */
export const PAGE_ANNOUNCE_MS = 5_000
/** … and so many of them by name. */
export const PAGE_ANNOUNCE_NAMES = 3
/** Times such as "4 min" are brought up to date this often. */
export const PAGE_CLOCK_MS = 10_000
/** Rows of what happened lately. */
export const PAGE_RECENT = 60
/** The height of a row of the list, in pixels: the rows that are drawn are reckoned by it. */
export const PAGE_ROW_PX = 60
/** Rows drawn beyond what is seen, on either side, so that scrolling shows no gap. */
export const PAGE_SPARE_ROWS = 8
/** How long a peer takes to its new place in the picture. */
export const PAGE_MOVE_MS = 320
/** A picture of more peers than this jumps: each frame would take too long. */
export const PAGE_MOVING_PEERS = 1_500
/** A search looks among peer IDs from so many characters on: shorter beginnings are of many. */
export const PAGE_ID_CHARS = 3
/** Names in the picture, in characters: a longer one would cover its neighbours. */
export const PAGE_LABEL_CHARS = 18
