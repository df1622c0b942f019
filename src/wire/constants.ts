/**
 * The bounds of the wire, each with its reason. Everything a peer can make this
 * process hold or wait for on a stream is limited by one of these numbers; this
 * file knows no protocol and no message.
 */

/**
 * The largest receive window that Yamux may grow to, in bytes. 1 MiB lets one
 * stream run at 10 MB/s over a round trip of 100 ms; Yamux's own default of
 * 16 MiB is more than the 4 MiB that a paused libp2p stream may buffer, so a
 * reader that pauses would be reset.
 */
export const MAX_STREAM_WINDOW_BYTES = 1 << 20

/**
 * The most that a bounded duplex holds of one stream, in bytes: one window that
 * was handed to the reader's queue and one that the remote may fill meanwhile.
 */
export const MAX_HELD_BYTES = 2 * MAX_STREAM_WINDOW_BYTES

/**
 * The most unread bytes libp2p may keep of one stream before it resets it. More
 * than the window, because bytes that arrive while the protocol is still being
 * negotiated are read ahead and put back.
 */
export const MAX_UNREAD_BYTES = 4 * MAX_STREAM_WINDOW_BYTES

/**
 * Concurrent streams that one connection may open to us. libp2p allows 32 of
 * each protocol; a peer that uses all of Parley's protocols needs fewer than
 * 32 together, and each stream may hold {@link MAX_HELD_BYTES}.
 */
export const MAX_INBOUND_STREAMS = 128

/**
 * The largest piece given to a stream in one `send()`, in bytes. At 64 KiB the
 * cost of a call is lost in that of encryption, and no more than this waits
 * inside libp2p when the remote stops reading.
 */
export const MAX_WRITE_BYTES = 64 * 1024

/**
 * Bytes of an unsigned-varint length prefix. Nine is the limit of the
 * multiformats specification (63 bits).
 * @see https://github.com/multiformats/unsigned-varint#practical-maximum-of-9-bytes-for-security
 */
export const MAX_LENGTH_PREFIX_BYTES = 9

/**
 * Frames handed on as one batch. An empty frame is one byte on the wire but an
 * object of some 100 bytes here: without this a full window of them would be a
 * million objects at once.
 */
export const MAX_FRAMES_PER_BATCH = 1024

/**
 * The first allocation for a frame that is still incomplete, in bytes. It grows
 * by doubling as bytes arrive, so that announcing a large frame costs nothing
 * to us until it is really sent.
 */
export const FIRST_PARTIAL_BYTES = 4096

/**
 * How long a remote may leave us unable to write, in milliseconds, before the
 * stream is given up. Longer than the 15 s in which a dead connection is
 * noticed, so that what is cut here is a live peer that does not read.
 */
export const WRITE_STALL_TIMEOUT_MS = 60_000

/**
 * How long a remote may be silent without closing its half after we have closed
 * ours, in milliseconds. A stream is only freed when both halves are closed.
 */
export const CLOSE_TIMEOUT_MS = 10_000

/**
 * How often links are looked at for silence, in milliseconds: a small part of
 * any time in which silence is noticed. Ten thousand links are looked at in
 * less than a millisecond.
 */
export const LINK_WATCH_TICK_MS = 500

/** Of so many round trips the middle one is told: a single slow one, or a quick one, is not the distance. */
export const ROUND_TRIPS = 3

/**
 * From so many received bytes on a connection is worth a ping of our own, in
 * bytes: half of Yamux's first window of 256 KiB, which it widens only when it
 * knows the round-trip time. Most connections never carry as much.
 */
export const WIDEN_FROM_BYTES = 128 * 1024

/**
 * A stream's window updates go out when they give so many bytes together, in
 * bytes: half of the first window, so that a sender always has the other half.
 */
export const WINDOW_UPDATE_BYTES = 128 * 1024
