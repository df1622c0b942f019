// Every limit of the federation of directories, each with its reason. Knows no
// behaviour.
import { LEASE_MS, MAX_ATTACHED_PEERS, MAX_ENVELOPE_BYTES } from '../constants.ts'

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
export const MAX_FEDERATION_FRAME_BYTES = 64 * 1024
/** A fellow's address: the longest name of a host, a port and a peer ID. */
export const MAX_FELLOW_ADDRESS_BYTES = 320
/** What the addresses of one fellow may take of a Hello: sixteen of the usual length fit several times over. */
export const FELLOW_BYTES = 1024
/** A Hello is filled up to here: all fellows and the digests of all of them fit, and most others that are known. */
export const HELLO_BYTES = MAX_FEDERATION_FRAME_BYTES - 1024
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
/**
 * Of a dead directory we keep what it said for a partition of this length; longer ones cost a whole answer. Of one that
 * was not named, for a restart: a made-up directory must not hold memory after it has gone.
 */
export const DEAD_KEPT_MS = { named: 10 * 60_000, other: 30_000 } as const
/** What a heartbeat shows to be missing may still be under way by gossip; then it is asked for. */
export const BEHIND_MS = 500
/** Asked again when the answer did not help, doubling up to the second: a directory that lies costs little. */
export const ASK_AGAIN_MS = { first: 2_000, max: 60_000 } as const

// --- counts

/** Directories connected to this one that the operator did not name: all of a large network, each with a stream. */
export const MAX_FELLOWS = 16
/** Where all places are taken by as many address prefixes, or by the newcomer's own, the oldest gives way after this. */
export const FELLOW_TURN_MS = 60_000
/** A directory that was refused a place, or has lost it, comes back after this: soon enough for its turn. */
export const FELLOW_REFUSED_RETRY_MS = 30_000
/** Directories of which something is known, the dead ones included; who is alive takes the place of who is not. */
export const MAX_KNOWN_DIRECTORIES = 64
/** Peers attached to one directory, as it limits itself. */
export const MAX_DIRECTORY_ATTACHMENTS = MAX_ATTACHED_PEERS
/** Detached statements of one directory that are kept; the oldest goes first. */
export const MAX_DIRECTORY_DETACHED = MAX_ATTACHED_PEERS
/** Digests of a moment ago that are remembered: so many statements may overtake a heartbeat. */
export const MAX_PAST_DIGESTS = 64
/** What a statement takes in memory beside its envelopes: objects, keys and places in tables, as measured. */
export const HELD_STATEMENT_BYTES = 2_048
/** Statements of the directories that the operator named: some 26,000 attachments, more than a full roster. */
export const NAMED_STATEMENTS_BYTES = 64 * 1024 * 1024
/** … and of all other directories, which strangers may run: some 13,000 attachments of the usual size. */
export const STATEMENTS_BYTES = 32 * 1024 * 1024

// --- fellows: who is connected, and dialling

/** Connecting and agreeing on the protocol: a partition that heals is noticed at the next dial. */
export const FELLOW_DIAL_TIMEOUT_MS = 3_000
/** Between dials of a fellow that is away. It stays short: directories that meet again agree within seconds. */
export const FELLOW_REDIAL_MS = { first: 250, max: 2_000 } as const
/** The side with the larger peer ID waits this long for the other's dial, when both know of each other. */
export const FELLOW_DIAL_PATIENCE_MS = 400
/** No directory answers there, or it has no place for us: asked again after this. */
export const NO_FELLOW_RETRY_MS = 10_000
/** A fellow that others told of and that was never reached: after a minute it is dialled this seldom. */
export const UNPROVEN_REDIAL_MS = 60_000
/** Two streams that were opened within this time have crossed; a later one tells that the other side lost the first. */
export const CROSSING_MS = 1_000
/** One that was named and was never reached so long: who runs this directory is told, once. It may only just start. */
export const UNREACHED_NOTICE_MS = 5_000
/** A fellow that others told of, and that is away for so long, is forgotten. Those that were named never are. */
export const LEARNT_FELLOW_TTL_MS = 6 * 60 * 60 * 1_000
/** Fellows that are known by what others told and the LAN showed; beyond it the one that was away longest goes. */
export const MAX_LEARNT_FELLOWS = 64
/** Directories whose Hello is awaited at one time: strangers that never say it take no more room. */
export const MAX_CANDIDATES = 32
/** Streams of one fellow's connection: one to keep, and others while it is replaced. */
export const MAX_FEDERATION_STREAMS_PER_CONNECTION = 4
/** A directory that floods, or sends what it must know to be forged, is refused for so long. */
export const FELLOW_BAN_MS = 60_000
/** Bans that are remembered; the oldest is forgotten first. */
export const MAX_BANS = 256
/** Messages over the rate, or forged, that are only dropped; one more costs the connection. */
export const STRIKE_RATE = { burst: 20, perSecond: 0.2 } as const
/** Notices about directories that were not joined: an attacker may come with ever new keys. */
export const NOTICE_RATE = { burst: 10, perSecond: 0.1 } as const
/** New epochs of our own: two directories with one key would go on for ever. */
export const RAISE_RATE = { burst: 5, perSecond: 0.1 } as const
/** Denials sealed for clients that doubt: all of two leases fit among the detached statements that are kept. */
export const DENIAL_RATE = { burst: 100, perSecond: 50 } as const
/** A timer that comes so much too late tells that this process stood still: it listens before it calls others dead. */
export const STALL_MS = 1_000
/** The value of a connection with a fellow when libp2p has too many: above every client's. */
export const FELLOW_TAG_VALUE = 100

// --- the sync stream

/** Each fellow says Hello again so often: what gossip missed is found, and who is silent is noticed. */
export const HELLO_MS = 1_500
/** Hellos of one stream: one more follows each join of another directory, and these may come at once. More is a flood. */
export const HELLO_RATE = { burst: 40, perSecond: 2 } as const
/** A fellow that has not said three Hellos is taken to be lost, whatever TCP says: within five seconds. */
export const FELLOW_SILENCE_MS = 4_500
/** The first Hello. */
export const FIRST_HELLO_TIMEOUT_MS = 3_000
/** What may wait for one fellow: some pages of an answer. */
export const SYNC_QUEUE_BYTES = 512 * 1024
/** A fellow that was asked and sends no page of any answer for so long: the question is put to another. */
export const ASK_TIMEOUT_MS = 3_000
/** … and one whose answer takes so long: five directories of 10,000 peers each take half of it. */
export const ASK_LONGEST_MS = 60_000
/** Questions of one fellow: about every directory at once, and then as many as honest losses of gossip can cause. */
export const ASK_RATE = { burst: 130, perSecond: 5 } as const
/** Directories that one fellow tells of and nobody has before: all that may be joined at once, then three a minute. */
export const TELL_RATE = { burst: 32, perSecond: 0.05 } as const
/** How often is looked for what is missing, who is silent, and whether gossip reaches everybody. */
export const PULSE_MS = 250
/** Signatures that are checked between two looks at the rest of the world: some ten milliseconds. */
export const VERIFICATIONS_PER_TURN = 32

// --- gossip

/** A gossip message and the frame of gossipsub around it. */
export const MAX_RPC_BYTES = MAX_GOSSIP_BYTES + 4 * 1024
/** What may wait for a fellow that reads too slowly, before gossip with it starts anew: a second of a stampede. */
export const GOSSIP_QUEUE_BYTES = 4 * 1024 * 1024
/** Few directories: nearly all of them are each other's neighbours, up to the most that may be connected. */
export const GOSSIP_DEGREE = { D: 8, Dlo: 6, Dhi: 16, Dscore: 4, Dout: 2 } as const
/** A fellow that gossip has not reached for so long gets new streams. */
export const REGOSSIP_MS = 2_000
/** Gossip's own streams, one while another is replaced, for each of its versions. */
export const MAX_GOSSIP_STREAMS_PER_CONNECTION = 4
/** Gossip of a directory whose Hello is still on its way. */
export const MAX_PARKED_STREAMS = 4
/** Gossipsub opens its streams one after the other. */
export const GOSSIP_NEGOTIATION_TIMEOUT_MS = 3_000
/** Bytes that one fellow may pass on, by gossip or otherwise unasked: a stampede of 10,000 peers at once, and 400 a second. */
export const FORWARDER_RATE = { burst: 8 * 1024 * 1024, perSecond: 256 * 1024 } as const
/** New statements of one directory, however they come: all its peers twice, and more than it can accept in a second. */
export const AUTHOR_RATE = { burst: 20_000, perSecond: 500 } as const
/**
 * Signatures that are checked of what directories bring that were not named; each costs a quarter of a millisecond. All
 * together: those of 2,000 peers at once, then an eighth of a core. Each address prefix: what an honest directory says
 * of itself in quiet times, whatever others take.
 */
export const SIGNATURE_RATE = {
  all: { burst: 4_000, perSecond: 500 },
  each: { burst: 400, perSecond: 50 }
} as const
/** Fresh heartbeats of one directory that are passed on: twice as many as it sends. */
export const HEARTBEAT_RATE = { burst: 10, perSecond: 2 } as const
/** Withdrawals of peers that nobody here has heard of, of one address prefix: what leaves a large network in a minute. */
export const FAREWELL_RATE = { burst: 1_000, perSecond: 20 } as const
/** Own statements that are sealed before the first of them goes out: some milliseconds of signing. */
export const SEALING_BATCH = 16
