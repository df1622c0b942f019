/**
 * The identifier, the sizes and the times of `/chat/1.0.0`, each with its reason. docs/spec/chat-1.0.0.md
 * quotes the ones that both sides must agree on, and a test holds the two together. Nothing here is computed
 * from what a peer says.
 */

/** Spoken in the wild by the chat examples of libp2p too: see dialect.ts for how they are told apart. */
export const chatProtocolId = '/chat/1.0.0'

/** `Parley`, a byte that no UTF-8 text contains, and the version of the Hello. */
export const HELLO_MARKER: Uint8Array = Uint8Array.of(0x50, 0x61, 0x72, 0x6c, 0x65, 0x79, 0xff, 0x01)

// ------------------------------------------------------------------ sizes

/** About 30 pages: more is a file and not a message. Counted in UTF-8, as that is what the other side stores. */
export const MAX_TEXT_BYTES = 64 * 1024

/** The longest text, its header, and as much again so that later versions can add fields to a message. */
export const MAX_FRAME_BYTES = 128 * 1024

/** The usual size. It has room for the time, which keeps neighbours together in an index, and 80 bits of chance. */
export const MESSAGE_ID_BYTES = 16

/** Random too, but one per peer and restored backup, not one per message. */
export const LOG_ID_BYTES = 8

/** 16 KiB of ids: one receipt frame stays small beside the messages that it confirms. */
export const MAX_IDS_PER_FRAME = 1024

/** A batch that was numbered by one sender needs one range; this many means that somebody plays games. */
export const MAX_RANGES_PER_RECEIPT = 128

/** No honest refusal asks for more than a day of silence; a longer one is read as this. */
export const MAX_RETRY_AFTER_MS = 24 * 60 * 60 * 1000

// ------------------------------------------------------------------ counts

/**
 * Messages that one side may have on the wire without a receipt or a refusal. With MAX_UNCONFIRMED_BYTES it bounds
 * the send queue and what the other side owes in receipts, so neither side ever stops reading in order to write.
 */
export const MAX_UNCONFIRMED_MESSAGES = 4096

/** Sixteen of the longest messages: fills a link of 10 MB/s at 100 ms, and is all that one slow peer can hold here. */
export const MAX_UNCONFIRMED_BYTES = 1024 * 1024

/** Room beside the messages for receipts, refusals and signals: MAX_UNCONFIRMED_MESSAGES ids take 72 KiB of it. */
export const CONTROL_QUEUE_BYTES = 256 * 1024

/** What a plain dialect may have waiting here. It confirms nothing, so the stream's own backpressure is the only one. */
export const PLAIN_QUEUE_BYTES = 256 * 1024

/** One stream is the rule, two when both sides dial at once; the rest is for quick reconnects. Per connection. */
export const MAX_INBOUND_STREAMS = 8

/** As inbound: one of ours, and a few that are still closing. */
export const MAX_OUTBOUND_STREAMS = 8

/** What a stranger may send: somebody who pastes a page of lines passes, a program that floods does not. */
export const STRANGER_MESSAGES_PER_SECOND = 50
export const STRANGER_BURST = 500

/** Rates are kept for peers who used theirs up lately; beyond this many, the ones that have recovered are dropped. */
export const MAX_TRACKED_RATES = 4096

/** Peers whose marker was seen. 100 bytes each; the oldest is forgotten first, and is then asked for its kind again. */
export const MAX_KNOWN_PARLEY = 65_536

// ------------------------------------------------------------------ times

/** What kind of program the peer is: one probe stream, over a link of several seconds at worst. */
export const KIND_TIMEOUT_MS = 10_000

/** Opening the stream: libp2p's own limit for negotiating a protocol. */
export const NEGOTIATE_TIMEOUT_MS = 10_000

/** From the moment that both are known to speak Parley to the other side's Hello. */
export const HELLO_TIMEOUT_MS = 10_000

/** A Hello is 22 to 41 bytes and is written at once: whoever stops inside of it for so long is typing text. */
export const AMBIGUOUS_WAIT_MS = 500

/** A stream from a peer of unknown kind that says nothing is cut after this, as it holds one of few places. */
export const SILENT_UNDECIDED_MS = 60_000

/**
 * Without a receipt or a refusal for so long, while one is owed, the session is cut and the messages go out again in
 * the next one. Longer than the 15 s in which a dead connection is noticed, so what is cut is a live peer that answers
 * nothing; a slow disk or link answers some of what it was sent in that time.
 */
export const RECEIPT_TIMEOUT_MS = 60_000

/** For the last frames to be written and for the other side to close too. */
export const CLOSE_TIMEOUT_MS = 3_000
