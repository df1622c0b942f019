/**
 * The wire: a libp2p stream as a bounded duplex for it-pipe, length-prefixed
 * frames in batches, deadlines, and errors that name their stage. Every
 * protocol stands on it; it knows none of them.
 *
 * @example
 * const outgoing = new FrameQueue<Frame>({ maxBytes: 1 << 20, sizeOf })
 * await runFrames({ stream, codec, outgoing, onFrames, maxFrameBytes: 128 * 1024, signal })
 */

export { addressClass, addressClassOf, canonicalIp, ipOf, UNKNOWN_ADDRESS_CLASS } from './address-class.ts'
export { addressRange, privateIpv4Subnets } from './address-range.ts'
export { boundedYamux, MUXER_PROTOCOL, yamuxInit } from './bounded-yamux.ts'
export type { BoundedYamuxInit, OnMisbehaviour } from './bounded-yamux.ts'
export * from './budgets.ts'
export { MAX_FRAMES_PER_BATCH, MAX_HELD_BYTES, MAX_STREAM_WINDOW_BYTES, MAX_WRITE_BYTES } from './constants.ts'
export { withDeadline } from './deadline.ts'
export { streamDuplex } from './duplex.ts'
export type { ByteDuplex, StreamDuplexOptions } from './duplex.ts'
export {
  BadLengthPrefixError,
  DeadlineError,
  FrameTooLargeError,
  MisbehaviourError,
  QueueClosedError,
  StreamLostError,
  toError,
  TruncatedFrameError,
  WireError
} from './errors.ts'
export type { Breach, Stage, StreamLoss } from './errors.ts'
export { FrameQueue } from './frame-queue.ts'
export type { FrameQueueInit } from './frame-queue.ts'
export { decodeFrames, encodeFrames, joinFrames } from './frames.ts'
export type { FrameLimits } from './frames.ts'
export type { LinkPace, LinkWatchInit } from './link-watch.ts'
export { agreesToProposal, guardNegotiation, isTakingStream } from './negotiation.ts'
export { Offenders } from './offenders.ts'
export { distanceOf } from './round-trip.ts'
export { PRESSURE_PART, Shares } from './shares.ts'
export type { SharesInit } from './shares.ts'
export { steadyNow } from './steady-clock.ts'
export { RateLimiter } from './rate-limiter.ts'
export { TokenBucket } from './token-bucket.ts'
export type { Rate } from './token-bucket.ts'
export { MAX_PEER_ID_CHARS } from './peer-id-bounds.ts'
export { runFrames } from './run-frames.ts'
export type { FrameCodec, RunFramesInit } from './run-frames.ts'
