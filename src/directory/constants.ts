// Every limit of presence, each with its reason: records, the roster, the two
// protocols and the client's redialling. Knows no behaviour.

/** Serves and probes the exchange of records between peers. */
export const RECORD_PROTOCOL = '/chat/record/1.0.0'
/** A directory's roster. */
export const DIRECTORY_PROTOCOL = '/chat/directory/1.0.0'

// --- the presence record

/** Signature domain: keeps a presence record from being taken for any other signed thing of the same key. */
export const RECORD_DOMAIN = 'parley-presence'
/** Payload type in the envelope: a name of our own, as the private range of multicodec has no entry for us. */
export const RECORD_CODEC = new TextEncoder().encode('/parley/presence')
/** A sealed record: 16 addresses, a nickname and a status fit several times over. */
export const MAX_ENVELOPE_BYTES = 4 * 1024
/** A laptop with several interfaces, IPv4 and IPv6, has about ten. */
export const MAX_ADDRESSES = 16
/** In characters (code points) after normalisation: longer breaks any list of names. */
export const MAX_NICKNAME_CHARS = 64
/** In characters (code points): one line of a screen and a half. */
export const MAX_STATUS_CHARS = 140
/** A network's name is typed by people. */
export const MAX_NETWORK_CHARS = 64
/** Each names a whole feature; a dozen is far away. */
export const MAX_CAPABILITIES = 16
/** Short identifiers such as "relay/1". */
export const MAX_CAPABILITY_CHARS = 32

// --- leases

/** How long a directory believes an announcement: long enough that renewals cost next to nothing. */
export const LEASE_MS = 60_000
/** How long a lost connection may be away unnoticed: a quick reconnect is no flicker. */
export const GRACE_MS = 5_000
/** Tombstones outlive two leases: no directory can then still hold the older record alive. */
export const TOMBSTONE_MS = 2 * LEASE_MS
/** Renewals come between these parts of a lease, spread at random, so that a restart causes no wave. */
export const REFRESH_AT = { earliest: 1 / 3, latest: 1 / 2 } as const

// --- the roster

/** Peers in one roster: a directory's 10,000 connections, twice over for what is merged. */
export const MAX_ROSTER_PEERS = 20_000
/** Tombstones in one roster; beyond it the one that ends first goes early. */
export const MAX_TOMBSTONES = 20_000
/** Sources that may vouch for one peer: every directory that is known, oneself and the LAN, so that none is crowded out. */
export const MAX_ATTACHMENTS = 66

// --- /chat/record/1.0.0

/** One envelope and its framing. */
export const MAX_RECORD_FRAME_BYTES = MAX_ENVELOPE_BYTES + 64
/** What may wait for a slow peer: a few records; each newer one makes the older ones worthless. */
export const RECORD_QUEUE_BYTES = 8 * MAX_RECORD_FRAME_BYTES
/** Peers with whom a record stream stays open: a large LAN party; about 14 KB of memory each. */
export const MAX_RECORD_PEERS = 256
/** Record streams that one connection may have open towards us: ours to keep, one more while it is replaced. */
export const MAX_RECORD_STREAMS_PER_CONNECTION = 4
/** "Is it Parley?" must be answered before a person waits for it; a LAN answers in milliseconds. */
export const PROBE_TIMEOUT_MS = 5_000
/** A Parley that dials opens its stream in the packet that ends the handshake; who has not by then is asked. */
export const RECORD_PATIENCE_MS = 500
/** The first record of the other side. */
export const FIRST_RECORD_TIMEOUT_MS = 5_000
/** Peers remembered as Parley after their connection has gone, the least recently seen forgotten first. */
export const MAX_KNOWN_PARLEY_PEERS = 4_096
/** Records that one peer may send at once, and per second: one per change of name or address is far less. */
export const RECORD_RATE = { burst: 20, perSecond: 1 } as const
/** A stream that was lost while its connection lives is opened again after this, doubling up to the second. */
export const REOPEN_MS = { first: 1_000, max: 60_000 } as const
/** The side with the larger peer ID waits longer, since the smaller one's stream is the one that is kept. */
export const REOPEN_LARGER_FACTOR = 3
/** A peer whose stream is not kept is asked again within its lease. */
export const REEXCHANGE_MS = LEASE_MS / 2
/** What a farewell may cost when a peer does not read it. */
export const WITHDRAW_TIMEOUT_MS = 500

// --- /chat/directory/1.0.0, the directory's side

/** A client's frame: an envelope or a query, with its framing. */
export const MAX_CLIENT_FRAME_BYTES = MAX_ENVELOPE_BYTES + 256
/** A directory's frame: DESIGN's frame limit, 128 KiB. */
export const MAX_DIRECTORY_FRAME_BYTES = 128 * 1024
/** Entries in one frame: what fits when every record is as short as a sealed record can be. */
export const MAX_FRAME_ENTRIES = 1_024
/** Removed peer IDs in one frame, of forty bytes each. */
export const MAX_FRAME_REMOVALS = 1_024
/** Entries are packed up to here: the largest single entry still fits behind it, and a page is one message of Noise. */
export const PAGE_BYTES = 60 * 1024
/** What may wait for one watcher before it counts as too slow; whole-roster frames are shared by all of them. */
export const WATCHER_QUEUE_BYTES = 512 * 1024
/** Updates sent per flush; the rest goes with the next, so that a wave never overruns a healthy watcher. */
export const MAX_FLUSH_BYTES = 256 * 1024
/** Updates after the first are gathered for this long: below what a person sees as delay. */
export const COALESCE_MS = 100
/** Of a directory's time that telling all watchers may take: beyond it changes are gathered for longer. */
export const PUSH_PART = 1 / 4
/** … but never for longer than this, which a person just notices. */
export const MAX_COALESCE_MS = 2_000
/** Watchers of a page or a query are told this often: each costs a search of the whole roster. */
export const PARTIAL_COALESCE_MS = 1_000
/** Of snapshots in one turn of the event loop: some ten milliseconds of encryption, then others are heard. */
export const SNAPSHOT_BYTES_PER_TURN = 512 * 1024
/** A snapshot of an unchanged roster is encoded once for all who ask within this time. */
export const SNAPSHOT_CACHE_MS = 1_000
/** … unless a larger part of it than this has changed meanwhile, which is told beside it to each. */
export const SNAPSHOT_CACHE_PART = 1 / 4
/** Bytes of other directories' records in the roster that a watcher gets: some 5,000 of the usual size. */
export const MAX_TOLD_FOREIGN_BYTES = 1.5 * 1024 * 1024
/** Bytes that changes of other directories' peers may cost each watcher: the whole of them twice, and a hundred a second. */
export const FOREIGN_PUSH_RATE = { burst: 4 * 1024 * 1024, perSecond: 64 * 1024 } as const
/** Streams of all clients together: one each to announce and to look, for every attached peer. */
export const MAX_DIRECTORY_STREAMS = 20_000
/** Peers attached here: DESIGN's number of connections of a directory. */
export const MAX_ATTACHED_PEERS = 10_000
/** Directory streams that one connection may have open: its own, a query, and one more of each while replaced. */
export const MAX_DIRECTORY_STREAMS_PER_CONNECTION = 4
/** Streams that watch a page or a query: each costs a search per flush. The whole roster is not limited. */
export const MAX_PARTIAL_WATCHERS = 256
/** Longer than any nickname is pointless. */
export const MAX_QUERY_CHARS = 64
/** Announcements on one connection; a verification costs a quarter of a millisecond. */
export const ANNOUNCE_RATE = { burst: 10, perSecond: 1 } as const
/** Changes of what is watched: scrolling and typing a query. */
export const WATCH_RATE = { burst: 20, perSecond: 5 } as const
/** Questions about single peers on one connection: what a client asks that doubts a few at a time. */
export const LOOKUP_RATE = { burst: 20, perSecond: 5 } as const
/** Statements about one peer in one answer: one of each directory that a directory may know. */
export const MAX_FOUND_STATEMENTS = 64
/** A sealed statement is some 250 bytes; so many of them fit into one frame. */
export const MAX_STATEMENT_BYTES = 1_024
/** Directories that one is joined with, as it tells them. */
export const MAX_FOUND_FELLOWS = 64
/** Refusals in a row before a stream that won't listen is reset. */
export const MAX_REFUSALS = 20
/** A stream that says nothing at all is not worth its place. */
export const FIRST_CLIENT_FRAME_TIMEOUT_MS = 10_000
/** A watcher that does not take its snapshot in this time is reset. */
export const SNAPSHOT_TIMEOUT_MS = 30_000
/** How often the operator may be notified that a directory is full. */
export const FULL_NOTICE_MS = 60_000
/** When to come back to a full directory. */
export const FULL_RETRY_MS = 30_000

// --- /chat/directory/1.0.0, the client's side

/** Connecting and agreeing on the protocol: libp2p's own dial limit is 10 s. */
export const CONNECT_TIMEOUT_MS = 10_000
/** From the open stream to Welcome, and from an announcement to its answer. */
export const ANSWER_TIMEOUT_MS = 10_000
/** Peers that a client takes from one directory, those of that directory first: as many as may be attached to it. */
export const MAX_TOLD_PEERS = 10_000
/** … and what their records may take together: four times the usual. */
export const MAX_TOLD_BYTES = 8 * 1024 * 1024
/** Frames that may wait in a client: it sends one announcement at a time. */
export const CLIENT_QUEUE_BYTES = 8 * MAX_CLIENT_FRAME_BYTES
/** Redialling in the first minute: a directory that returns is used again within three seconds. */
export const REDIAL_MS = { first: 250, max: 2_000 } as const
/** … and after that minute, for ever. */
export const PATIENT_REDIAL_MS = 7_000
/** When patience begins. */
export const PATIENT_AFTER_MS = 60_000
/** A session that lasted this long was a good one: the next failure starts from the first delay again. */
export const STABLE_MS = 5_000
/** A delay is chosen between this part of it and the whole, so that clients of one directory spread out. */
export const REDIAL_JITTER = 0.5
/** Whatever a directory asks for, waiting stays within this: it can neither spin a client nor lose it. */
export const RETRY_BOUNDS_MS = { min: 1_000, max: 60_000 } as const
/** A record refused as stale is sealed anew so many times before the client waits. */
export const MAX_RESEALS = 3
/** Of another network: it may be restarted as ours some day. */
export const OTHER_NETWORK_RETRY_MS = 60_000
/** An answer about one peer: it takes one round trip and a look into a table. */
export const LOOKUP_TIMEOUT_MS = 3_000
/** Questions that one stream may have open: a client asks about a few peers at a time. */
export const MAX_OPEN_LOOKUPS = 32
/** A directory that goes down is asked again after this: a restart takes no longer. */
export const RETURN_AFTER_MS = 2_000
/** … and later by so many clients a second: an accept costs several milliseconds, and there is other work to do. */
export const RETURNS_PER_SECOND = 100
/** A directory that goes down waits for its clients to read that, for no longer than a person would. */
export const DISMISS_TIMEOUT_MS = 500
/** Clients come back to a directory that went down within this part more than the time that it asked for. */
export const RETURN_SPREAD = 0.5

// --- directories that disagree, as a client sees it

/** News crosses a joined network in well under a second; a dead directory's word ends within five. */
export const DISAGREEMENT_MS = 6_000
/** A disagreement that lasts is judged again this often. */
export const REJUDGE_MS = 10_000
/** Peers that are asked about in one round: their questions stay within the rate of every directory. */
export const MAX_JUDGED_AT_ONCE = 8
/** Between two rounds: below what a directory answers, and without haste where nobody is to blame. */
export const DISAGREEMENT_ROUNDS = { blamedMs: 2_000, blamelessMs: 10_000 } as const
/** Where directories differ about more peers than this, one's word alone convicts no other: it may make them up. */
export const MAX_ON_ONE_WORD = 32
/** Whoever has just come is told by all directories within this: before, "only via" one of them would be too early. */
export const ONLY_VIA_AFTER_MS = 2_000
