// The messages of circuit relay v2: between a peer and a relay (hop), and between a
// relay and the peer that is reached through it (stop). Encodes and decodes them; it
// does not know when which is sent.
import type { PeerId } from '@libp2p/interface'
import { BrokenProtocolError, isPort, type FrameProtocol } from '../wire/index.ts'
import { decodePeerId, encodePeerId } from '../presence/index.ts'
import { HopMessage, StopMessage } from './pb/relay-frames.ts'

/** A peer asks a relay on it: for a reservation, or for a circuit to another peer. */
export const HOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/hop'

/** A relay offers a circuit on it. */
export const STOP_PROTOCOL = '/libp2p/circuit/relay/0.2.0/stop'

/** A message holds a peer ID, or of other programs a list of addresses with it. */
export const MAX_RELAY_FRAME_BYTES = 4 * 1024

/** Each message, and each answer, is there within a few round trips or not at all. */
const RELAY_ANSWER_TIMEOUT_MS = 5_000

/**
 * Circuits to one peer at one relay: each is a stream that the relay opens on their connection, and with those of the
 * directory's own protocols they stay below {@link MAX_INBOUND_STREAMS}.
 */
export const MAX_CIRCUITS_TO_TARGET = 120

/** The length of a {@link StopFrame.source}: sources of one target that are taken for each other are few, and cost a share. */
export const SOURCE_TAG_BYTES = 8

/** What a relay, or the peer behind it, answers. */
export type RelayStatus =
  | 'ok'
  /** The relay keeps no reservation for this peer. Parley's relays never send it: of other relays it is read as a refusal. */
  | 'reservation-refused'
  /** There are as many circuits as may be, of all or of one of the two peers. */
  | 'resource-limit-exceeded'
  /** The relay does not know this peer, or does not connect it. */
  | 'permission-denied'
  /** The other peer could not be reached, or refused. */
  | 'connection-failed'
  /** The other peer has no reservation at this relay. */
  | 'no-reservation'
  | 'malformed-message'
  | 'unexpected-message'

/** What a relay lets through one circuit before it ends it: Infinity where it says nothing. */
export interface CircuitAllowance {
  readonly durationS: number
  /** Each way. */
  readonly bytes: number
}

/** What a relay grants with a reservation. */
export interface Reservation {
  /** Until when it keeps the reservation unless it is renewed, in seconds since 1970 by the relay's own clock. */
  readonly expiresAtS: number
  readonly allowance: CircuitAllowance
  /** The UDP ports on which it answers STUN; absent where it does not. */
  readonly stun?: { readonly port: number; readonly otherPort: number }
}

export type HopFrame =
  | { readonly type: 'reserve' }
  | { readonly type: 'connect'; readonly peer: PeerId }
  | { readonly type: 'reserved'; readonly reservation: Reservation }
  | { readonly type: 'status'; readonly status: RelayStatus }

export type StopFrame =
  | {
      readonly type: 'connect'
      readonly peer: PeerId
      /**
       * The network from which the dialer is connected with the relay, as a tag in hexadecimal: the same for all dialers
       * of it that reach for this target. Undefined where the relay does not state it.
       */
      readonly source?: string
    }
  | { readonly type: 'status'; readonly status: RelayStatus }

/** The bytes are no message of the protocol, or of a type that it does not have. */
export class BadRelayFrameError extends BrokenProtocolError {
  override readonly name = 'BadRelayFrameError'
}

const hopTypes = { reserve: 0, connect: 1, status: 2 } as const
const stopTypes = { connect: 0, status: 1 } as const

const statusCodes: Readonly<Record<RelayStatus, number>> = {
  ok: 100,
  'reservation-refused': 200,
  'resource-limit-exceeded': 201,
  'permission-denied': 202,
  'connection-failed': 203,
  'no-reservation': 204,
  'malformed-message': 400,
  'unexpected-message': 401
}

const unlimited: CircuitAllowance = { durationS: Infinity, bytes: Infinity }

/**
 * The end of the year 9999, in seconds: at Parley's relays a reservation ends with its connection and not by a clock, and
 * the message has to name a time.
 */
const NEVER_EXPIRES_S = 253_402_300_799

/** What Parley's relays grant. */
export const unlimitedReservation: Reservation = { expiresAtS: NEVER_EXPIRES_S, allowance: unlimited }

export const hopFrames: FrameProtocol<HopFrame> = {
  id: HOP_PROTOCOL,
  maxFrameBytes: MAX_RELAY_FRAME_BYTES,
  timeoutMs: RELAY_ANSWER_TIMEOUT_MS,
  encode: encodeHop,
  decode: decodeHop
}

export const stopFrames: FrameProtocol<StopFrame> = {
  id: STOP_PROTOCOL,
  maxFrameBytes: MAX_RELAY_FRAME_BYTES,
  timeoutMs: RELAY_ANSWER_TIMEOUT_MS,
  encode: encodeStop,
  decode: decodeStop
}

function encodeHop(frame: HopFrame): Uint8Array {
  switch (frame.type) {
    case 'reserve':
      return HopMessage.encode({ type: hopTypes.reserve })
    case 'connect':
      return HopMessage.encode({ type: hopTypes.connect, peer: { id: encodePeerId(frame.peer) } })
    case 'reserved':
      return HopMessage.encode({
        type: hopTypes.status,
        status: statusCodes.ok,
        reservation: { expire: BigInt(frame.reservation.expiresAtS) },
        ...encodedStun(frame.reservation.stun),
        ...encodedAllowance(frame.reservation.allowance)
      })
    case 'status':
      return HopMessage.encode({ type: hopTypes.status, status: statusCodes[frame.status] })
  }
}

/** @throws {BadRelayFrameError} */
function decodeHop(bytes: Uint8Array): HopFrame {
  const { type, peer, reservation, limit, status, stunPort, stunOtherPort } = parsed(() => HopMessage.decode(bytes))
  switch (type) {
    case hopTypes.reserve:
      return { type: 'reserve' }
    case hopTypes.connect:
      return { type: 'connect', peer: readPeer(peer?.id) }
    case hopTypes.status:
      if (status !== statusCodes.ok || reservation === undefined) return { type: 'status', status: readStatus(status) }
      return {
        type: 'reserved',
        reservation: {
          expiresAtS: Number(reservation.expire),
          allowance: readAllowance(limit),
          ...readStun(stunPort, stunOtherPort)
        }
      }
    default:
      throw new BadRelayFrameError(`unknown type of hop message: ${String(type)}`)
  }
}

function encodeStop(frame: StopFrame): Uint8Array {
  switch (frame.type) {
    case 'connect':
      return StopMessage.encode({
        type: stopTypes.connect,
        peer: { id: encodePeerId(frame.peer) },
        ...(frame.source === undefined ? {} : { source: Buffer.from(frame.source, 'hex') })
      })
    case 'status':
      return StopMessage.encode({ type: stopTypes.status, status: statusCodes[frame.status] })
  }
}

/** @throws {BadRelayFrameError} */
function decodeStop(bytes: Uint8Array): StopFrame {
  const { type, peer, source, status } = parsed(() => StopMessage.decode(bytes))
  switch (type) {
    case stopTypes.connect:
      return { type: 'connect', peer: readPeer(peer?.id), ...readSource(source) }
    case stopTypes.status:
      return { type: 'status', status: readStatus(status) }
    default:
      throw new BadRelayFrameError(`unknown type of stop message: ${String(type)}`)
  }
}

function readPeer(id: Uint8Array | undefined): PeerId {
  const peer = id === undefined ? undefined : decodePeerId(id)
  if (peer === undefined) throw new BadRelayFrameError('a message lacks the peer ID that it needs')
  return peer
}

function encodedAllowance({ durationS, bytes }: CircuitAllowance) {
  if (durationS === Infinity && bytes === Infinity) return {}
  return {
    limit: {
      ...(durationS === Infinity ? {} : { duration: durationS }),
      ...(bytes === Infinity ? {} : { data: BigInt(bytes) })
    }
  }
}

function readAllowance(limit: HopMessage['limit']): CircuitAllowance {
  const orNone = (value: number): number => (value === 0 ? Infinity : value)
  return { durationS: orNone(limit?.duration ?? 0), bytes: orNone(Number(limit?.data ?? 0)) }
}

function encodedStun(stun: Reservation['stun']) {
  return stun === undefined ? {} : { stunPort: stun.port, stunOtherPort: stun.otherPort }
}

function readStun(port = 0, otherPort = 0): Pick<Reservation, 'stun'> {
  const arePorts = [port, otherPort].every(isPort)
  return arePorts ? { stun: { port, otherPort } } : {}
}

function readSource(tag: Uint8Array | undefined): { readonly source?: string } {
  if (tag === undefined) return {}
  if (tag.byteLength !== SOURCE_TAG_BYTES)
    throw new BadRelayFrameError(`a source has ${tag.byteLength} bytes; it must have ${SOURCE_TAG_BYTES}`)
  return { source: Buffer.from(tag).toString('hex') }
}

/** A status of a later version is a refusal, as every status but `ok` is. */
function readStatus(code: number | undefined): RelayStatus {
  const named = Object.entries(statusCodes).find(([, known]) => known === code)
  // Object.entries widens the names of the record.
  return named === undefined ? 'connection-failed' : (named[0] as RelayStatus)
}

function parsed<T>(decode: () => T): T {
  try {
    return decode()
  } catch (cause) {
    throw new BadRelayFrameError('these bytes are not a circuit relay v2 message', { cause })
  }
}
