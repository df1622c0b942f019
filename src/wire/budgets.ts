/**
 * What one remote may cost this process, whichever protocol it speaks: the
 * budgets of a connection, and the places that connections share, by chapter.
 * Each number says which attack it stops, and why honest traffic stays below it.
 * Beyond a budget the connection is cut at once, with a MisbehaviourError that
 * names it; without a place another connection gives way. The bounds of a single
 * stream are in constants.ts; stores of limited size keep their limits with them.
 */

import type { Rate } from '../lib/index.ts'

/**
 * The largest receive window that Yamux may grow to, in bytes. 1 MiB lets one
 * stream run at 10 MB/s over a round trip of 100 ms; Yamux's own default of
 * 16 MiB is more than the 4 MiB that a paused libp2p stream may buffer, so a
 * reader that pauses would be reset.
 */
export const MAX_STREAM_WINDOW_BYTES = 1 << 20

// --- Negotiation: what multistream-select may take, before Noise, behind it, and in each stream

/**
 * Bytes of the length prefix of a multistream message. The messages are at most
 * 1 KiB, so the prefix has two; readers that look for its end byte by byte take
 * 5 µs for each, so an endless one of 8 MB is 40 s of CPU.
 */
export const MAX_NEGOTIATION_PREFIX_BYTES = 2

/**
 * Bytes of one multistream message, as js-libp2p and go-multistream have it.
 * @see https://github.com/multiformats/go-multistream/blob/master/multistream.go
 */
export const MAX_NEGOTIATION_MESSAGE_BYTES = 1024

/**
 * Messages in one negotiation. Honest dialers send two or three; each one is
 * answered, and `ls` with all protocols, so their number bounds what a remote
 * makes us send, too.
 */
export const MAX_NEGOTIATION_MESSAGES = 32

/**
 * Bytes on a connection until it is encrypted and multiplexed. A handshake takes
 * less than 1 KiB; a dialer may send its first streams right behind it. libp2p
 * alone keeps 4 MiB for each of the handshakes that are pending at a time, which
 * a stranger needs no key for.
 */
export const MAX_UPGRADE_BYTES = 256 * 1024

/**
 * Bytes of one identify message: the limit of @libp2p/identify, whose reader
 * looks for the end of the length prefix byte by byte, as above.
 */
export const MAX_IDENTIFY_MESSAGE_BYTES = 8 * 1024

/** Bytes of the length prefix of one identify message. */
export const MAX_IDENTIFY_PREFIX_BYTES = 2

// --- Unsent: what waits for a remote that does not read

/**
 * Bytes that wait in the connection, of all its streams together. A stream puts
 * at most one piece of 64 KiB there and then waits, and honest peers have fewer
 * than ten streams that send much; a remote that opens many streams and reads
 * none is stopped here.
 */
export const MAX_UNSENT_BYTES = 4 * 1024 * 1024

/**
 * Frames without data that wait in the connection: answers to pings, window
 * updates, resets. Each takes 150 bytes of memory for its twelve. A remote that
 * reads slowly but sends much collects one for each 128 KiB that it sends.
 */
export const MAX_UNSENT_CONTROL_FRAMES = 1024

// --- Rates: what a remote may ask for without giving anything

/**
 * Pings. Each is answered, and is a sign of life. Parley sends one after 3 s of
 * silence and when its user asks for the distance; Yamux's own keep-alive, one in
 * 30 s.
 */
export const PING_RATE: Rate = { burst: 64, perSecond: 2 }

/**
 * Streams that the remote opens. Each costs a negotiation, up to 0.5 ms; one
 * that is opened and reset at once does not count against
 * MAX_INBOUND_STREAMS. A peer that uses all of Parley's protocols opens fewer
 * than ten, and then one for each try of a protocol that failed.
 */
export const STREAM_OPENING_RATE: Rate = { burst: 64, perSecond: 32 }

/**
 * Frames that have no effect: for streams that are gone, without data and flags,
 * window updates that nothing was sent for. When this side resets a stream, what
 * the remote has under way is such: of a window of 1 MiB in frames of 64 bytes,
 * 16,384. A frame takes about 1 µs.
 */
export const IDLE_FRAME_RATE: Rate = { burst: 16_384, perSecond: 512 }

/**
 * Window updates that may follow what this side has sent, one for each data
 * frame as js-libp2p sends them; more than are ever under way are not kept.
 */
export const MAX_GRANT_CREDIT = 65_536

/**
 * Data frames of a few bytes, which cost as much as large ones: at 13 bytes on
 * the wire, 77,000 for each MB, of about 2 µs. A program that sends the length of a message
 * apart from it makes one such frame for each message, and a person who types
 * one for each key.
 */
export const TINY_FRAME_RATE: Rate = { burst: 8192, perSecond: 4096 }

/** A data frame of fewer bytes than this counts as tiny. */
export const TINY_FRAME_BYTES = 16

/**
 * An encrypted message of fewer bytes than a Yamux header counts as tiny, too,
 * at the same rate: it costs as much as one of 64 KiB. Honest implementations
 * make one where a frame does not end with a message.
 */
export const TINY_MESSAGE_BYTES = 12

/**
 * Streams of one protocol on which an address class sends what is no message of it. Each costs a negotiation, a
 * handler and a reset, up to 2 ms, and nothing is gained by it. An honest peer sends none; one with a later version of
 * the protocol, a few while its user tries.
 */
export const GARBAGE_STREAM_RATE: Rate = { burst: 16, perSecond: 0.5 }

/** Address classes whose garbage is counted at a time, for each protocol. */
export const MAX_GARBAGE_CLASSES = 4096

// --- Unread: what a remote may make this process keep of a stream that is paused

/**
 * Pieces of unread data of one stream, or of a frame or an encrypted message that
 * is not whole, before they are joined into one. Yamux and Noise keep what comes
 * apart, about 350 bytes of memory for each piece: a window of 256 KiB that comes
 * as frames of one byte would be 90 MB.
 */
export const MAX_UNREAD_PIECES = 256

// --- Offenders: what follows for those who were cut

/**
 * How long a peer that was cut is refused: for the first time, and doubled each
 * time up to the longest. A key costs nothing, so this spares the handshakes of
 * those that come back as they are.
 */
export const OFFENDER_BACKOFF = { firstMs: 10_000, maxMs: 600_000, jitter: 0 } as const

/** An offence is forgotten after this time without another, in milliseconds. */
export const OFFENCE_MEMORY_MS = 900_000

/**
 * Offences behind the handshake from one address class within {@link OFFENCE_WINDOW_MS} before the class
 * is slowed. Many honest people may stand behind one address, so that a few
 * offences there change nothing.
 */
export const OFFENCES_UNTIL_SLOWED = 8

/** Offences from one address class that are further apart than this don't add up. */
export const OFFENCE_WINDOW_MS = 10_000

/**
 * New connections from an address class that is slowed. Offenders with ever new
 * keys cost a handshake of 5 ms and up to 50 ms within the budgets, each; at this
 * rate that is less than a third of a core, and those who share the address still
 * come in, later.
 */
export const SLOWED_CONNECTION_RATE: Rate = { burst: 5, perSecond: 5 }

/** Offenders that are remembered at a time; the one whose offence is longest ago is forgotten first. */
export const MAX_OFFENDERS = 4096

// --- Open connections: places that address classes and peers share

/** Connections of a peer. One peer has few; a node on a crowded LAN has many peers. */
export const MAX_CONNECTIONS = 400

/** Connections of a directory, about 75 KB of memory each. */
export const DIRECTORY_MAX_CONNECTIONS = 10_000

/**
 * Connections that one peer keeps while more than three quarters of the places
 * are taken. Two peers that dial each other at once have two, and a peer whose
 * network has changed may have one more for a moment.
 */
export const MAX_CONNECTIONS_OF_PEER = 4

/**
 * The part of a peer's places that the LAN keeps against strangers from
 * elsewhere: more than a LAN of a hundred needs.
 */
export const NEIGHBOUR_PART = 0.25

/** The part of the places that stays with strangers, however many contacts are connected: newcomers are not shut out. */
export const STRANGER_PART = 0.1

/** A connection without a stream is idle after this time; Parley's peers open the first one at once. */
export const IDLE_CONNECTION_MS = 10_000

// --- Pending handshakes: connections that have no identity yet

/** Pending connections of a peer; each is an open file and about 10 KB. */
export const MAX_PENDING_CONNECTIONS = 256

/** Pending connections of a directory: those that wait while thousands come back at once. */
export const DIRECTORY_MAX_PENDING_CONNECTIONS = 1_024

/**
 * Handshakes that run at a time: at twenty a second on a busy machine the last of them is done before its client's
 * dial times out. Of a thousand that came at once with more of them, most were begun and few were finished.
 */
export const MAX_RUNNING_HANDSHAKES = 48

/**
 * Handshakes of all address classes together that begin. One takes about 5 ms of CPU with all that follows from it:
 * a flood takes a quarter of a core from the conversations of a peer.
 */
export const HANDSHAKE_RATE: Rate = { burst: 100, perSecond: 50 }

/** The same at a directory, which has nothing more important to do than to let its clients in. */
export const DIRECTORY_HANDSHAKE_RATE: Rate = { burst: 200, perSecond: 200 }

/** A dialer speaks first. Its first bytes come half a round trip after the connection, or after one retransmission. */
export const FIRST_BYTES_TIMEOUT_MS = 3_000

/** A dialer waits five seconds for an address: what has waited longer than this may not be finished in time. */
export const MAX_HANDSHAKE_WAIT_MS = 1_500

/** A running handshake that received nothing for this long, several round trips, may give way under pressure. */
export const STALLED_HANDSHAKE_MS = 1_000

/** As long as a dialer waits for an address: nothing waits for a handshake that takes longer. */
export const HANDSHAKE_TIMEOUT_MS = 5_000

/** Bytes before the first answer. An honest dialer's proposal with the first message of Noise has less than 100. */
export const MAX_EARLY_BYTES = 4_096
