// Every limit of a directory's HTTP side, each with its reason. Knows no behaviour.

/** Listened on unless somebody says otherwise: the roster page is for whoever runs the directory. */
export const HTTP_HOST = '127.0.0.1'
/** The page of the directory on port 8000 is at 8080. */
export const HTTP_PORT_OFFSET = 80
/** Ports tried after the usual one, when something else listens there, before any free one is taken. */
export const HTTP_PORT_TRIES = 8

// --- connections and requests

/** Open connections: each page holds one, and others come and go. Of a fuller room the largest holder's oldest go. */
export const MAX_HTTP_CONNECTIONS = 512
/** … and of the files that the process may have open: most are for peers. */
export const HTTP_PART_OF_FILES = 0.125
/** A request's line and headers: a browser sends well under 2 KB, and a query is 64 characters. */
export const MAX_HTTP_HEADER_BYTES = 8 * 1024
/** … and how many of them: a browser sends about fifteen, and each proxy adds a few. */
export const MAX_HTTP_HEADERS = 64
/** Headers have come by then, or the connection goes. */
export const HTTP_HEADERS_TIMEOUT_MS = 5_000
/** The whole request has. */
export const HTTP_REQUEST_TIMEOUT_MS = 10_000
/** How often connections are looked at for those that are late with their request. */
export const HTTP_LATE_CHECK_MS = 1_000
/** An idle connection that may be used again: longer than a browser takes to fetch a page's parts. */
export const HTTP_KEEP_ALIVE_MS = 5_000
/** An answer that nobody reads ends after this. */
export const HTTP_STALL_TIMEOUT_MS = 15_000
/** An answer has been read by then, however slowly: a roster of megabytes takes half of it on a slow line. */
export const HTTP_ANSWER_TIMEOUT_MS = 60_000
/** Requests of one address, but for the page's own files: each page opens one stream, and a program asks now and then. */
export const HTTP_RATE = { burst: 60, perSecond: 20 } as const
/** Addresses whose pace is remembered; the oldest is forgotten, and begins anew. */
export const MAX_PACED_ADDRESSES = 4_096

/** Requests on one connection that are being answered: browsers wait for each answer, and more cost much to refuse. */
export const MAX_HTTP_PIPELINED = 4
/** Requests of one address that are no HTTP, or come faster than they may: a client that is broken, and no mistake. */
export const HTTP_OFFENCE_RATE = { burst: 100, perSecond: 2 } as const
/** Beyond that its connections are held back for so long after the last one … */
export const HTTP_HELD_BACK_MS = 30_000
/** … and so many of them are taken all the same: others may be behind the address. */
export const HTTP_HELD_BACK_RATE = { burst: 4, perSecond: 2 } as const

// --- /api/roster

/** Longer than any nickname is pointless. */
export const MAX_HTTP_QUERY_CHARS = 64
/** Answers of one query each that are being made or sent: each may be as large as the roster. */
export const MAX_QUERY_ANSWERS = 16

// --- /api/events

/** Pages that look on at one time. Of a fuller room the largest holder's oldest gives way. */
export const MAX_EVENT_STREAMS = 256
/** One that gave way comes back after this: sooner it would take the place of one of its neighbours. */
export const EVICTED_RETRY_MS = 30_000
/** How often evictions are reported: the first at once, then their number. */
export const EVICTION_REPORT_MS = 10_000
/** Changes after the first are gathered for this long: below what a person sees as delay. */
export const HTTP_COALESCE_MS = 100
/** What is kept of past changes, for readers that are behind or come back. */
export const MAX_LOG_BYTES = 4 * 1024 * 1024
/** … and how many batches: half a minute of ten a second. */
export const MAX_LOG_BATCHES = 300
/** Entries are packed up to here into one event: a browser parses it in a few milliseconds. */
export const EVENT_PAGE_BYTES = 64 * 1024
/** One batch of changes: with the log it is what a slow reader may be behind. */
export const MAX_BATCH_PEERS = 1_000
/** A sign of life: a page that has heard nothing for three of these connects anew. */
export const BEAT_MS = 5_000
/** How often the state of fellow directories is looked at while somebody watches. */
export const FELLOWS_POLL_MS = 1_000
/** A directory that has been away for so long, and has no peers, is not shown any more. */
export const LOST_FELLOW_SHOWN_MS = 10 * 60_000
/** What happened lately: two screens of it. */
export const MAX_RECENT = 100
/** A snapshot of a roster that changes is made at most this often; what changed since comes from the log. */
export const HTTP_SNAPSHOT_CACHE_MS = 1_000

// --- /metrics

/** How exactly the delay of the event loop is measured: prom-client's 10 ms would wake an idle process too often. */
export const EVENT_LOOP_PRECISION_MS = 100
