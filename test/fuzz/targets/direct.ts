/** What a contact may say over a relayed connection to get a direct path. */
import { peerIdFromString } from '@libp2p/peer-id'
import {
  BadDirectFrameError,
  directFrames,
  type Candidate,
  type DirectFrame
} from '../../../src/direct/direct-frames.ts'
import { allow, sameText, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const directory = peerIdFromString('12D3KooWGtp8AcRjjpzWMnL3RbMfFMCSEZMWmMyNSuvdBHAxXhPy')
const hosts = ['192.0.2.1', '203.0.113.255', '2001:db8::1', '::', '127.0.0.1']

function someCandidate(reader: InputReader): Candidate {
  const sighted = reader.flag() ? { directory, proof: reader.bytes(72) } : undefined
  return { host: reader.oneOf(hosts), port: reader.below(65_536), sighted }
}

function someFrame(reader: InputReader): DirectFrame {
  if (!reader.flag()) return { type: 'refuse', reason: reader.oneOf(['busy', 'not-now'] as const) }
  return {
    type: 'offer',
    token: reader.bytes(16),
    stream: reader.uint32(),
    mapping: reader.oneOf(['unknown', 'independent', 'varying'] as const),
    nonce: reader.bytes(16),
    candidates: reader.list(14, () => someCandidate(reader))
  }
}

const offer: DirectFrame = {
  type: 'offer',
  token: new Uint8Array(16),
  stream: 7,
  mapping: 'varying',
  nonce: new Uint8Array(16),
  candidates: [
    { host: '192.0.2.1', port: 4_001, sighted: { directory, proof: new Uint8Array(72) } },
    { host: '2001:db8::1', port: 4_001, sighted: undefined }
  ]
}

const frames: FuzzTarget = {
  name: 'direct-frames',
  reaches: 'the offers by which two contacts make a direct path',
  seeds: () => [
    asIs(directFrames.encode(offer)),
    asIs(directFrames.encode({ type: 'refuse', reason: 'busy' })),
    asIs(directFrames.encode({ type: 'refuse', reason: 'not-now' })),
    choices(1, 2, 3)
  ],
  run(input) {
    const bytes = bytesOf(input, (reader) => directFrames.encode(someFrame(reader)))
    const frame = allow([BadDirectFrameError], () => directFrames.decode(bytes))
    if (frame !== undefined) sameText(directFrames.decode(directFrames.encode(frame)), frame, 'a frame, there and back')
  }
}

export const targets: readonly FuzzTarget[] = [frames]
