// Every limit of the federation of directories, each with its reason. Knows no
// behaviour.
import { LEASE_MS, MAX_ATTACHED_PEERS, MAX_ENVELOPE_BYTES, MAX_ROSTER_PEERS } from '../constants.ts'

// --- names

/** The stream on which two directories bring each other up to date. */
export const FEDERATION_PROTOCOL = '/chat/federation/1.0.0'
/** What directories tell all others; the network's name follows. */
export const PRESENCE_TOPIC = '/chat/presence/1.0.0'
/** Signature domain of a directory's word about a peer. */
export const STATEMENT_DOMAIN = 'parley-attachment'
/** Payload type of a directory's word about a peer. */
export const STATEMENT_CODEC = new TextEncoder().encode('/parley/attachment')
/** Signature domain of a directory's sign of life. */
export const HEARTBEAT_DOMAIN = 'parley-heartbeat'
/** Payload type of a directory's sign of life. */
export const HEARTBEAT_CODEC = new TextEncoder().encode('/parley/heartbeat')

// --- sizes

/** A sealed statement or heartbeat: two peer IDs, a key, a network's name of 64 characters and a signature. */
export const MAX_STATEMENT_BYTES = 1024
/** Of SHA-256. */
export const DIGEST_BYTES = 32
/** A message of gossip: large enough for a wave of joins, small enough not to hold up others. */
export const MAX_GOSSIP_BYTES = 64 * 1024
/** A frame of the stream between directories: pages of the same size as gossip, so that both are packed alike. */
export const MAX_FEDERATION_FRAME_BYTES = MAX_GOSSIP_BYTES
/** Updates are packed up to here: one more of the largest, a heartbeat and framing still fit behind it. */
export const UPDATE_PAGE_BYTES = MAX_GOSSIP_BYTES - MAX_ENVELOPE_BYTES - 4 * MAX_STATEMENT_BYTES
/** Updates in one message or page: more than fit when every statement and record is as short as can be. */
export const MAX_PAGE_UPDATES = 512
/** Withdrawals in one message or page, likewise. */
export const MAX_PAGE_WITHDRAWALS = 512
/** Epochs, counters and beats stay below this, so that a next one can always be had. */
export const MAX_COUNTER = 1n << 63n

// --- time

/** A sign of life comes this often: a death is noticed within a few, and costs next to nothing. */
export const HEARTBEAT_MS = 1_000
/** Without a fresh heartbeat for this long a directory is dead: four may be lost or late. */
export const DIRECTORY_ALIVE_MS = 5_000
/** … and this long after the connection to it closed: its heartbeats have two ways round in that time. */
export const DIRECTORY_LOST_MS = 3_000
/** A heartbeat that comes so soon after the connection closed may have been under way before: it proves no life. */
export const IN_FLIGHT_MS = 1_000
/** Statements of an earlier start of a directory stand for this long, while its peers come back to it. */
export const OLD_EPOCH_MS = 3_000
/** A directory that was dead and lives again: what we held of it counts when confirmed, or else after this. */
export const REVIVAL_MS = 2_000
/** Detached statements are kept two leases, as tombstones are. */
export const DETACHED_MS = 2 * LEASE_MS
/** Of a dead directory we keep what it said for a partition of this length; longer ones cost a whole answer. */
export const DEAD_KEPT_MS = 10 * 60_000
/** What a heartbeat shows to be missing may still be under way by gossip; then it is asked for. */
export const BEHIND_MS = 500
/** Asked again when the answer did not help, doubling up to the second: a directory that lies costs little. */
export const ASK_AGAIN_MS = { first: 2_000, max: 60_000 } as const

// --- counts

/** Directories connected to this one: all of a large network, each with a stream and a place in the gossip mesh. */
export const MAX_FELLOWS = 16
/** Directories of which something is known, the dead ones included; who is alive takes the place of who is not. */
export const MAX_KNOWN_DIRECTORIES = 64
/** Peers attached to one directory, as it limits itself. */
export const MAX_DIRECTORY_ATTACHMENTS = MAX_ATTACHED_PEERS
/** Detached statements of one directory that are kept; the oldest goes first. */
export const MAX_DIRECTORY_DETACHED = MAX_ATTACHED_PEERS
/** Statements of all other directories together: every peer of a full roster at five directories. */
export const MAX_STATEMENTS = 5 * MAX_ROSTER_PEERS
