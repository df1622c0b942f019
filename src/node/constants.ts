// The limits and defaults of a node, each with its reason.

/** What Parley calls itself to others (identify's agent version begins with it). */
export const AGENT_NAME = 'parley'

/** The ports at which directories are looked for on this machine, as in the case study. */
export const DEFAULT_DIRECTORY_PORTS = [8000, 8001, 8002] as const

/** Two, so that one may die without a gap. */
export const DIRECTORIES_IN_USE = 2

/** For this long directories that were used before go first; then one that does not answer holds nobody up. */
export const DIRECTORY_PRECEDENCE_MS = 1_000

/** How far the directories are is measured soon after the start, and then now and then; a gain is measured again. */
export const MEASURE_DIRECTORIES_MS = { first: 5_000, again: 5_000, every: 300_000 } as const

/** Up to this part of each such time is left to chance, so that the clients of a network do not measure together. */
export const MEASURE_JITTER = 0.5

/** Of so many measurements in a row the best counts: the others met something else on their way. */
export const MEASUREMENTS = 3

/** One that stands by takes the place of one in use when it is nearer by both, twice in a row: nothing flaps. */
export const NEARER_BY = { factor: 0.7, leastMs: 10 } as const

/** So long the nearer one has to get ready before the other keeps its place. */
export const TAKEOVER_MS = 5_000

/** Findings about one directory are told again no sooner. */
export const FINDING_AGAIN_MS = 60_000

/** One address: longer than a LAN or a transatlantic handshake ever takes, short enough for a command to end in 8 s. */
export const ADDRESS_DIAL_TIMEOUT_MS = 5_000

/** LAN addresses are given this start before the others are dialled too (after RFC 8305's connection attempt delay). */
export const LAN_HEAD_START_MS = 250

/** Between the starts of dials to one peer: a handshake on a LAN is often over by then, and the others are spared. */
export const DIAL_STAGGER_MS = 40

/** After libp2p's own default; more addresses than this in one dial are somebody's mistake or malice. */
export const MAX_ADDRESSES_PER_DIAL = 24

/** Told addresses in one dial; the others are dialled only after these have failed. */
export const MAX_TOLD_ADDRESSES_PER_DIAL = 8

/** Back-off of an address that failed, while the peer has others; no longer than an urgent peer waits. */
export const ADDRESS_BACKOFF = { firstMs: 1_000, maxMs: 30_000 } as const

/**
 * Dials at addresses that others told, of strangers and once more of contacts: a LAN of a hundred peers is met at once,
 * and made-up peers make no more dials than a person who clicks about in a browser.
 */
export const TOLD_DIAL_RATE = { burst: 128, perSecond: 32 } as const
/** … at one host, an IPv4 address or an IPv6 /64: a class behind one router is met, and no host is flooded. */
export const TOLD_DIAL_RATE_OF_HOST = { burst: 32, perSecond: 2 } as const
/** … to one peer: every address of a full record, and then one a second. */
export const TOLD_DIAL_RATE_OF_PEER = { burst: 16, perSecond: 1 } as const
/** Peers and hosts whose dials are remembered; the oldest is forgotten, and the rate over all still holds. */
export const MAX_DIALLED_PEERS = 1_024
/** Addresses of one peer that are remembered to have failed: a record, a sighting and a contact's old ones. */
export const MAX_FAILED_ADDRESSES = 64

/** How soon after a failure a wanted peer is dialled again: quickly at first, then with mercy. */
export const REDIAL_BACKOFF = { firstMs: 500, maxMs: 600_000 } as const

/** A peer whose conversation is on the screen is tried at least this often; others wait for longer, or for a sighting. */
export const URGENT_REDIAL_MAX_MS = 30_000

/** After a session of this length the back-off starts over, even if no message was exchanged. */
export const STEADY_SESSION_MS = 30_000

/** News of a peer never makes tries follow each other faster than this. */
export const MIN_REDIAL_GAP_MS = 250

/** … nor faster than this part of the back-off: a peer that hangs up on us is asked every two seconds at last. */
export const REDIAL_GAP_PART = 1 / 16

/** Of two peers that see each other the one with the larger ID waits this long for the other's dial. */
export const LAN_DIAL_PATIENCE_MS = 300

/** A sighting younger than this says where a peer is now: mDNS is asked every 10 s. */
export const LAN_SIGHTING_TTL_MS = 120_000

/** How often the machine's own addresses are looked at: a laptop that wakes is back within seconds. */
export const INTERFACE_POLL_MS = 2_000

/**
 * How often a peer whose conversation is open on a screen is asked for its round-trip time, when nothing else has shown
 * it: often enough to see a path become slow, and 24 bytes there and back.
 */
export const PATH_LOOK_MS = 10_000

/** Who asks for the path to a peer waits so long for its round-trip time: a longer one is told as it has become. */
export const PATH_ANSWER_MS = 2_000

/** A dead link is noticed after one interval and one timeout; far below the 15 s that a roster may be wrong. */
export const LINK_PING = { intervalMs: 3_000, timeoutMs: 3_000 } as const

/**
 * A directory is more patient than its clients, so that they ask and it only answers. A client that died on a cut
 * link is noticed in ten seconds, and off the roster after the grace: within fifteen.
 */
export const DIRECTORY_LINK_PING = { pingAfterMs: 5_000, answerWithinMs: 4_000 } as const

/**
 * What libp2p knows of a peer is forgotten so long after its last connection: a peer that comes back within it is no
 * stranger, and everything that libp2p itself does at the end of a connection is done.
 */
export const FORGET_DEPARTED_MS = 30_000

/** The first roster is waited for this long before "nobody else is online" is said. */
export const FIRST_LOOK_MS = 1_500

/** Goodbyes when the program ends: the user is waiting for the prompt of the shell. */
export const FAREWELL_TIMEOUT_MS = 700

/** Messages that wait as requests: from one stranger, from all, and the part that only the LAN may fill. */
export const MAX_HELD_PER_STRANGER = 20
export const MAX_HELD_TOTAL = 1_000
export const HELD_RESERVED_FOR_LAN = 200

/** When there is no room for a request the sender is told to come back after this. */
export const NO_ROOM_RETRY_MS = 60_000

/** Unanswered requests are deleted after this time: their places are for newer ones. */
export const REQUEST_EXPIRY_MS = 30 * 24 * 60 * 60 * 1_000

/** Characters of a request's newest message in a list: a room full of the longest would be 64 MB. */
export const REQUEST_TEXT_CHARACTERS = 1_000

/** How long the sender of an evicted message is asked to wait, if it does not know this reason: soon it would only evict another. */
export const EVICTED_RETRY_MS = 3_600_000

/** A person has to make room, and needs longer than a minute. */
export const QUOTA_RETRY_MS = 300_000

/**
 * What the messages of one contact may take on the disk: a person who writes all day makes 10 MB a year and a chatty
 * program 1 MB a day, while a flood of 30 MB/s is stopped after half a minute.
 */
export const DEFAULT_CONTACT_QUOTA_BYTES = 1024 * 1024 * 1024

/** Free space that messages of others leave: SQLite's log, copies that a migration makes, and everybody else on the disk. */
export const DEFAULT_MIN_FREE_BYTES = 256 * 1024 * 1024
/** … but no more than this part of the disk, which may be a small volume. */
export const MIN_FREE_PART = 0.05

/** How old what is known of the free space may be: at 30 MB/s an eighth of the least that stays free. */
export const FREE_SPACE_LOOK_MS = 1_000

/** How soon a notice about a full room, or a contact over its quota, may repeat. */
export const ROOM_NOTICE_AGAIN_MS = 600_000

/** Contacts over their quota that are remembered as told; beyond it the oldest may be told once more. */
export const MAX_TOLD_QUOTAS = 1_000

/** Contacts with the largest conversations, as `parley status` shows them. */
export const LARGEST_SHOWN = 5

/** Whatever the other side asks for, what it refused is not sent again sooner: refusals must not make a circle. */
export const MIN_RETRY_MS = 1_000

/** How many of a conversation's last messages are shown when it is opened. */
export const RECENT_MESSAGES = 20

/** Messages are read from the outbox and handed to a session in batches of this many. */
export const OUTBOX_BATCH = 256

/**
 * Characters of messages that were stored a moment ago and wait for a slow session: these are handed on without being
 * read from the store again, and those beyond are read when it is their turn.
 */
export const OUTBOX_AT_HAND_LENGTH = 1_048_576
/** And no more messages than this, however short: each takes some 250 bytes beside its text. */
export const OUTBOX_AT_HAND_MESSAGES = 16_384

/** Messages sent in one turn that are stored as one: a few milliseconds' worth of a transaction. */
export const SENDS_AT_ONCE = 256

/** A newcomer asks at once; this is how soon a cable that was put back is noticed. */
export const MDNS_QUERY_INTERVAL_MS = 5_000

/** Addresses of one sighting that are the sender's own: one for each way in which it listens. */
export const MAX_SIGHTED_ADDRESSES = 4
/** … and of one whose sender is not known. */
export const MAX_UNPROVEN_SIGHTED_ADDRESSES = 1
/** New peers that one sender may show: as many as run on a machine of demonstrations, and then one a second. */
export const SIGHTING_RATE_OF_SENDER = { burst: 32, perSecond: 1 } as const
/** Senders that show one peer, and are remembered: a forged sighting does not hide the true one. */
export const MAX_SENDERS_OF_SIGHTING = 3

/** More sightings than a LAN has machines are somebody's flood; the oldest are forgotten. */
export const MAX_LAN_SIGHTINGS = 1_024

/** identify answers in one round trip; a peer that leaves it open is taken to have one. */
export const IDENTIFY_TIMEOUT_MS = 5_000

/** Dials on account of sightings at one time: a flood of made-up peers must not fill the dial queue. */
export const MAX_LAN_DIALS = 32

/** Found and remembered directories that are kept ready beside the two in use. */
export const MAX_FOUND_DIRECTORIES = 8

/** Strangers who open a conversation with us are announced at this pace, all together; the rest is in the requests. */
export const KNOCK_RATE = { burst: 10, perSecond: 0.2 } as const

/** Likewise the requests that are announced as they come; all of them are listed. */
export const REQUEST_NOTICE_RATE = { burst: 30, perSecond: 1 } as const

/** Names of peers that have gone: as many as there can be requests. */
export const MAX_REMEMBERED_NAMES = 1_000

/** A message that nobody took for a month is news to nobody: it fails, and the user hears of it. */
export const DEFAULT_GIVE_UP_MS = 30 * 24 * 60 * 60 * 1_000

/** How often messages that are too old to wait, or to be kept, are looked for. */
export const HOUSEKEEPING_MS = 60_000

/**
 * After the start nothing is given up or deleted for its age for so long: a machine that was just switched on may have
 * a clock that is years ahead, until the network corrects it.
 */
export const CLOCK_SETTLES_MS = 600_000

/** Limits of less than this are for trials and hold from the start. */
export const SHORT_LIMIT_MS = 24 * 60 * 60 * 1_000

/** Messages that fail in one step of housekeeping: each is told to the faces. */
export const GIVE_UP_BATCH = 256

/** Peers that are dialled at the same time: many absent friends are no dial storm. */
export const MAX_PURSUITS_AT_ONCE = 12

/**
 * Dials that must stay free for peers of a higher priority, by priority: never reached, reached before, just written to
 * or just heard of, and on the screen. An absent peer holds its dial for five seconds, so a friend who is online would
 * wait for minutes behind a thousand of them.
 */
export const DIALS_KEPT_FREE = [4, 4, 2, 0] as const

/** A peer that was written to or heard of within this time is dialled before others: as long as one round of dials takes. */
export const RECENT_NEWS_MS = 30_000

/** `/retry` and `/cancel` without an ID take what has failed, or waits, among so many last messages. */
export const RETRIED_MESSAGES = 1_000

/** A store that can't be read or written now is asked again after this: somebody may be making room. */
export const STORE_RETRY_MS = 5_000

/** Records without their owner's signature that one directory may tell before it is left alone. */
export const MAX_FORGED_ENTRIES = 100

/** Of what a contact's record says: its first ones are the best, and those that were dialled must have room beside them. */
export const KEPT_RECORD_ADDRESSES = 3

/**
 * Rounds of SHA-512 behind each half of a safety number, as Signal's fingerprints have: they make a search for a key
 * with the same 30 digits 5200 times as long (2^112 hashes in place of 2^100), and cost nobody more than a blink.
 */
export const SAFETY_NUMBER_ROUNDS = 5_200

/** Namesakes of contacts are told loudly at this pace; of more, each is still marked on the roster. */
export const NAMESAKE_NOTICE_RATE = { burst: 5, perSecond: 0.1 } as const

/** Names whose shape is remembered: a full roster (10,000) and its contacts, about 4 MB. */
export const MAX_REMEMBERED_SHAPES = 16_384

/** Namesakes that are remembered as told; beyond it the oldest may be told once more. */
export const MAX_TOLD_NAMESAKES = 1_000

/** Messages of Noise from this size on are opened where they were read: a fresh buffer for each costs as much as opening. */
export const OPEN_IN_PLACE_FROM_BYTES = 16 * 1024

/** Pieces of a message that are smaller together are written as one: copying so much costs less than a list of two. */
export const JOIN_UP_TO_BYTES = 4 * 1024

/** Sockets that hold their writes back until a turn ends: of more, the first is written while others are sealed for. */
export const MAX_GATHERING_SOCKETS = 16

/** A message of Noise, which is at most 65,535 bytes. */
export const SPARE_BUFFER_BYTES = 64 * 1024
/** Such buffers that are kept for the next messages: a megabyte, a few rosters under way. */
export const MAX_SPARE_BUFFERS = 16

/** Notices of misbehaviour, of all remotes together; all of it is counted. */
export const MISBEHAVIOUR_NOTICE_RATE = { burst: 5, perSecond: 0.1 } as const
/** How soon one address class may be reported again for the same breach. */
export const MISBEHAVIOUR_AGAIN_MS = 60_000
/** Address classes whose last report is remembered. */
export const MAX_REPORTED_OFFENDERS = 1_000

/**
 * Argon2id behind the passphrase of an identity key: the second recommended choice of RFC 9106 §4, for machines without
 * gigabytes to spare. A guess takes about 130 ms and 64 MiB here, and no less memory on an attacker's hardware.
 */
export const KEY_DERIVATION = { memoryKib: 65_536, passes: 3, lanes: 4 } as const
/** What the header of a key file may ask for: another machine may have written it, and must not fill this one's memory. */
export const MAX_KEY_DERIVATION = { memoryKib: 262_144, passes: 12, lanes: 16 } as const

/** A protected Ed25519 key has 165 bytes; an RSA key of 8192 bits, which libp2p reads too, less than 5 KB. */
export const MAX_KEY_FILE_BYTES = 16 * 1024

/** NIST SP 800-63B allows no fewer. */
export const MIN_PASSPHRASE_CHARACTERS = 8
/** Longer than people type; input from a file descriptor must have an end, too. */
export const MAX_PASSPHRASE_BYTES = 1024

/** More profiles than one machine has terminals; the search for a free one must end. */
export const MAX_NUMBERED_PROFILES = 64
