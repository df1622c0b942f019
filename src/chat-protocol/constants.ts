/**
 * The identifier, the sizes and the times of `/chat/1.0.0`, each with its reason. docs/spec/chat-1.0.0.md
 * quotes the ones that both sides must agree on, and a test holds the two together. Nothing here is computed
 * from what a peer says.
 */

/** Spoken in the wild by the chat examples of libp2p too: see dialect.ts for how they are told apart. */
export const chatProtocolId = '/chat/1.0.0'

/** `Parley`, a byte that no UTF-8 text contains, and the version of the Hello. */
export const helloMarker: Uint8Array = Uint8Array.of(0x50, 0x61, 0x72, 0x6c, 0x65, 0x79, 0xff, 0x01)

// ------------------------------------------------------------------ sizes

/** About 30 pages: more is a file and not a message. Counted in UTF-8, as that is what the other side stores. */
export const maxTextBytes = 64 * 1024

/** The longest text, its header, and as much again so that later versions can add fields to a message. */
export const maxFrameBytes = 128 * 1024

/** Random, so that two messages never share one: 122 bits would do, 128 are the usual size. */
export const messageIdBytes = 16

/** Random too, but one per peer and restored backup, not one per message. */
export const logIdBytes = 8

/** 16 KiB of ids: one receipt frame stays small beside the messages that it confirms. */
export const maxIdsPerFrame = 1024

/** A batch that was numbered by one sender needs one range; this many means that somebody plays games. */
export const maxRangesPerReceipt = 128

/** No honest refusal asks for more than a day of silence; a longer one is read as this. */
export const maxRetryAfterMs = 24 * 60 * 60 * 1000

// ------------------------------------------------------------------ counts

/**
 * Messages that one side may have on the wire without a receipt or a refusal. With maxUnconfirmedBytes it bounds
 * the send queue and what the other side owes in receipts, so neither side ever stops reading in order to write.
 */
export const maxUnconfirmedMessages = 4096

/** Sixteen of the longest messages: fills a link of 10 MB/s at 100 ms, and is all that one slow peer can hold here. */
export const maxUnconfirmedBytes = 1024 * 1024

/** Room beside the messages for receipts, refusals and signals: maxUnconfirmedMessages ids take 72 KiB of it. */
export const controlQueueBytes = 256 * 1024

/** What a plain dialect may have waiting here. It confirms nothing, so the stream's own backpressure is the only one. */
export const plainQueueBytes = 256 * 1024

/** One stream is the rule, two when both sides dial at once; the rest is for quick reconnects. Per connection. */
export const maxInboundStreams = 8

/** As inbound: one of ours, and a few that are still closing. */
export const maxOutboundStreams = 8

/** What a stranger may send: somebody who pastes a page of lines passes, a program that floods does not. */
export const strangerMessagesPerSecond = 50
export const strangerBurst = 500

/** Rates are kept for peers who used theirs up lately; beyond this many, the ones that have recovered are dropped. */
export const maxTrackedRates = 4096

/** Peers whose marker was seen. 100 bytes each; the oldest is forgotten first, and is then asked for its kind again. */
export const maxKnownParley = 65_536

// ------------------------------------------------------------------ times

/** What kind of program the peer is: one probe stream, over a link of several seconds at worst. */
export const kindTimeoutMs = 10_000

/** Opening the stream: libp2p's own limit for negotiating a protocol. */
export const negotiateTimeoutMs = 10_000

/** From the moment that both are known to speak Parley to the other side's Hello. */
export const helloTimeoutMs = 10_000

/** A Hello is 22 to 41 bytes and is written at once: whoever stops inside of it for so long is typing text. */
export const ambiguousWaitMs = 500

/** A stream from a peer of unknown kind that says nothing is cut after this, as it holds one of few places. */
export const silentUndecidedMs = 60_000

/** For the last frames to be written and for the other side to close too. */
export const closeTimeoutMs = 3_000
