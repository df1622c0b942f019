/**
 * The wire: a libp2p stream as a bounded duplex for it-pipe, length-prefixed
 * frames in batches, deadlines, and errors that name their stage. Every
 * protocol stands on it; it knows none of them.
 *
 * @example
 * const outgoing = new FrameQueue<Frame>({ maxBytes: 1 << 20, sizeOf })
 * await runFrames({ stream, codec, outgoing, onFrames, maxFrameBytes: 128 * 1024, signal })
 */

export type { Rate } from '../lib/index.ts'
export * from './budgets.ts'
export { isPort, MAX_PORT, RateLimiter, steadyNow, TokenBucket } from '../lib/index.ts'
export {
  addressBlock,
  addressClass,
  addressClassOf,
  canonicalIp,
  classBehindRelay,
  ipOf,
  relayOfClass,
  stateAddressClass,
  UNKNOWN_ADDRESS_CLASS
} from './address-class.ts'
export { forwardedFor } from './forwarded-for.ts'
export { addressRange, privateIpv4Subnets } from './address-range.ts'
export { ipBytes, ipText, IPV4_BYTES, IPV6_BYTES } from './ip-bytes.ts'
export { NEGOTIATE_TIMEOUT_MS, orAborted, withDeadline } from './deadline.ts'
export type { ByteDuplex } from './duplex.ts'
export { MAX_HELD_BYTES, MAX_WRITE_BYTES, streamDuplex } from './duplex.ts'
export type { Breach } from './errors.ts'
export { endStream, lossOf, onClosed, StreamLostError } from './stream-end.ts'
export {
  BrokenProtocolError,
  DeadlineError,
  FrameTooLargeError,
  MisbehaviourError,
  toError,
  WireError
} from './errors.ts'
export { elected, preferredOpener } from './election.ts'
export type { Opener } from './election.ts'
export { FrameBudget, YAMUX_HEADER } from './frame-budget.ts'
export type { FrameHeader } from './frame-budget.ts'
export { FrameQueue, QueueClosedError } from './frame-queue.ts'
export type { FrameProtocol } from './frame-stream.ts'
export { FrameStream } from './frame-stream.ts'
export {
  BadLengthPrefixError,
  decodeFrames,
  encodeFrames,
  joinFrames,
  MAX_FRAMES_PER_BATCH,
  TruncatedFrameError
} from './frames.ts'
export { IdleConnections } from './liveness/idle-connections.ts'
export type { LinkPace } from './liveness/link-watch.ts'
export { LinkWatch } from './liveness/link-watch.ts'
export { distanceOf, roundTripOf } from './liveness/round-trip.ts'
export type { RoundTrip } from './liveness/round-trip.ts'
export type { BatchCodec, FrameCodec, RunFramesInit } from './run-frames.ts'
export { driveFrames, runFrames } from './run-frames.ts'
export { ServedStreams } from './served-streams.ts'
export type { StreamRegistrar } from './served-streams.ts'
export { PRESSURE_PART, Shares } from './shares.ts'
export { FairQueue } from './fair-queue.ts'
