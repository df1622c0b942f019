/** What a relay and the peers at it say to each other. */
import { peerIdFromString } from '@libp2p/peer-id'
import {
  BadRelayFrameError,
  hopFrames,
  type HopFrame,
  type RelayStatus,
  stopFrames,
  type StopFrame
} from '../../../src/relay/relay-frames.ts'
import { allow, sameText, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const peer = peerIdFromString('12D3KooWGtp8AcRjjpzWMnL3RbMfFMCSEZMWmMyNSuvdBHAxXhPy')
const statuses: readonly RelayStatus[] = ['ok', 'resource-limit-exceeded', 'no-reservation', 'unexpected-message']

function someHop(reader: InputReader): HopFrame {
  switch (reader.below(4)) {
    case 0:
      return { type: 'reserve' }
    case 1:
      return { type: 'connect', peer }
    case 2:
      return { type: 'status', status: reader.oneOf(statuses) }
    default:
      return {
        type: 'reserved',
        reservation: {
          expiresAtS: reader.safe(),
          allowance: { durationS: reader.uint32(), bytes: reader.safe() },
          stun: { port: reader.below(65_536), otherPort: reader.below(65_536) }
        }
      }
  }
}

function someStop(reader: InputReader): StopFrame {
  if (reader.flag()) return { type: 'status', status: reader.oneOf(statuses) }
  return { type: 'connect', peer, source: Buffer.from(reader.bytes(reader.flag() ? 8 : 7)).toString('hex') }
}

const hop: FuzzTarget = {
  name: 'relay-hop-frames',
  reaches: 'what a peer asks of a relay, and its answers',
  seeds: () => [
    asIs(hopFrames.encode({ type: 'reserve' })),
    asIs(hopFrames.encode({ type: 'connect', peer })),
    asIs(hopFrames.encode({ type: 'status', status: 'no-reservation' })),
    choices(3, 9, 1, 7, 2)
  ],
  run(input) {
    const bytes = bytesOf(input, (reader) => hopFrames.encode(someHop(reader)))
    const frame = allow([BadRelayFrameError], () => hopFrames.decode(bytes))
    // Times and sizes beyond what a number holds are not given back to the last digit.
    if (frame === undefined || frame.type === 'reserved') return
    sameText(hopFrames.decode(hopFrames.encode(frame)), frame, 'a message, there and back')
  }
}

const stop: FuzzTarget = {
  name: 'relay-stop-frames',
  reaches: 'what a relay says to the peer that is reached through it, and its answers',
  seeds: () => [
    asIs(stopFrames.encode({ type: 'connect', peer, source: '00112233aabbccdd' })),
    asIs(stopFrames.encode({ type: 'status', status: 'ok' })),
    choices(2, 1, 3)
  ],
  run(input) {
    const bytes = bytesOf(input, (reader) => stopFrames.encode(someStop(reader)))
    const frame = allow([BadRelayFrameError], () => stopFrames.decode(bytes))
    if (frame !== undefined) sameText(stopFrames.decode(stopFrames.encode(frame)), frame, 'a message, there and back')
  }
}

export const targets: readonly FuzzTarget[] = [hop, stop]
