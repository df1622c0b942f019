// The frames of /chat/numbers/1.0.0 as a closed union, with the bounds of each field.
// It does not know when which is sent.
import type { PeerId } from '@libp2p/interface'
import { decodePeerId, encodePeerId, MAX_NETWORK_CHARS } from '../../presence/index.ts'
import { MAX_CODE_NUMBER } from '../code.ts'
import { INVITE_ANSWER_TIMEOUT_MS } from '../invite-frames.ts'
import { BrokenProtocolError, type FrameProtocol } from '../../wire/index.ts'
import { NumberFrame as Pb } from './pb/number-frames.ts'

/** Directories keep on it which peer has made the invitation of a number. */
export const NUMBERS_PROTOCOL = '/chat/numbers/1.0.0'

/** Makers whom a directory names for one number: of all that are joined, each keeps one. */
export const MAX_HOLDERS = 8

/** {@link MAX_HOLDERS} pairs of peer IDs, the longest of 68 bytes. */
const MAX_NUMBER_FRAME_BYTES = 2 * 1024

/** Why a directory does not do what it is asked. */
export type NumberRefusal =
  /** Another peer has the number, here or at a directory that is joined with this one. */
  | 'taken'
  /** The peer is not registered here. */
  | 'not-registered'
  /** The peer, its address class or all together hold too many. */
  | 'full'
  | 'too-fast'
  | 'other-network'

/** A peer that says that the number is of an invitation which it has made. */
export interface Holder {
  readonly peer: PeerId
  /** The directory that keeps the number for it. */
  readonly directory: PeerId
}

export type NumberFrame =
  | { readonly type: 'claim'; readonly network: string; readonly number: number }
  | { readonly type: 'claimed'; readonly number: number }
  | { readonly type: 'release'; readonly number: number }
  | { readonly type: 'find'; readonly network: string; readonly number: number; readonly own: boolean }
  | { readonly type: 'found'; readonly holders: readonly Holder[] }
  | { readonly type: 'refuse'; readonly reason: NumberRefusal }

/** The other side broke the protocol, or speaks a later version of it. */
export class NumberProtocolError extends BrokenProtocolError {
  override readonly name = 'NumberProtocolError'
}

export const numberFrames: FrameProtocol<NumberFrame> = {
  id: NUMBERS_PROTOCOL,
  maxFrameBytes: MAX_NUMBER_FRAME_BYTES,
  timeoutMs: INVITE_ANSWER_TIMEOUT_MS,

  encode(frame) {
    switch (frame.type) {
      case 'claim':
        return Pb.encode({ claim: { network: frame.network, number: frame.number } })
      case 'claimed':
        return Pb.encode({ claimed: { number: frame.number } })
      case 'release':
        return Pb.encode({ release: { number: frame.number } })
      case 'find':
        return Pb.encode({ find: { network: frame.network, number: frame.number, own: frame.own } })
      case 'found':
        return Pb.encode({
          found: {
            holders: frame.holders.map(({ peer, directory }) => ({
              peer: encodePeerId(peer),
              directory: encodePeerId(directory)
            }))
          }
        })
      case 'refuse':
        return Pb.encode({ refuse: { reason: frame.reason } })
    }
  },

  /** @throws NumberProtocolError for what is no frame, or out of its bounds */
  decode(bytes) {
    const { claim, claimed, release, find, found, refuse } = decoded(bytes)
    if (claim !== undefined) {
      return { type: 'claim', network: networkOf(claim.network), number: numberOf(claim.number) }
    }
    if (claimed !== undefined) return { type: 'claimed', number: numberOf(claimed.number) }
    if (release !== undefined) return { type: 'release', number: numberOf(release.number) }
    if (find !== undefined) {
      const { network, number, own } = find
      return { type: 'find', network: networkOf(network), number: numberOf(number), own }
    }
    if (found !== undefined) return { type: 'found', holders: found.holders.slice(0, MAX_HOLDERS).flatMap(holderOf) }
    if (refuse !== undefined) return { type: 'refuse', reason: refusalOf(refuse.reason) }
    throw new NumberProtocolError('a frame of an unknown kind')
  }
}

const refusals: ReadonlySet<string> = new Set<NumberRefusal>([
  'taken',
  'not-registered',
  'full',
  'too-fast',
  'other-network'
])

function decoded(bytes: Uint8Array): Pb {
  try {
    return Pb.decode(bytes)
  } catch (error) {
    throw new NumberProtocolError('these bytes are not a frame', { cause: error })
  }
}

function networkOf(network: string): string {
  if (network.length > MAX_NETWORK_CHARS) throw new NumberProtocolError('the network name is too long')
  return network
}

function numberOf(number: number): number {
  if (number < 1 || number > MAX_CODE_NUMBER)
    throw new NumberProtocolError(`${number} is not the number of an invitation`)
  return number
}

/** One that is named by no peer ID is left out. */
function holderOf(holder: { readonly peer: Uint8Array; readonly directory: Uint8Array }): readonly Holder[] {
  const [peer, directory] = [decodePeerId(holder.peer), decodePeerId(holder.directory)]
  return peer === undefined || directory === undefined ? [] : [{ peer, directory }]
}

/** A reason of a later version is one more way to say no. */
function refusalOf(reason: string): NumberRefusal {
  // It is one of the set.
  return refusals.has(reason) ? (reason as NumberRefusal) : 'full'
}
