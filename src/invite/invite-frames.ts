// The frames of /chat/invite/1.0.0 as a closed union, with the bounds of each field.
// It does not know when which is sent.
import type { PeerId } from '@libp2p/interface'
import { decodePeerId, encodePeerId, MAX_ENVELOPE_BYTES, MAX_NETWORK_CHARS } from '../presence/index.ts'
import { BrokenProtocolError, type FrameProtocol } from '../wire/index.ts'
import { MAX_CODE_NUMBER } from './code.ts'
import { CPACE_SHARE_BYTES } from './cpace.ts'
import { INVITE_NONCE_BYTES, INVITE_PROOF_BYTES } from './exchange.ts'
import type { TryRefusal } from './open-invitations.ts'
import { InviteFrame as Pb } from './pb/invite-frames.ts'

/** A guest asks the maker of a code on it. */
export const INVITE_PROTOCOL = '/chat/invite/1.0.0'

/** A sealed record in its frame. */
const MAX_INVITE_FRAME_BYTES = MAX_ENVELOPE_BYTES + 256

/** Each frame is there within a few round trips or not at all; a person waits for it. */
export const INVITE_ANSWER_TIMEOUT_MS = 10_000

/** Why a guest gets no offer, or nothing after its proof. */
export type InviteRefusal =
  | TryRefusal
  | 'other-network'
  /** The words are others. */
  | 'wrong-code'
  /** Too many questions at a time. */
  | 'too-fast'

export type InviteFrame =
  | {
      readonly type: 'ask'
      readonly network: string
      readonly number: number
      readonly directory: PeerId | undefined
      readonly nonce: Uint8Array
    }
  | { readonly type: 'offer'; readonly nonce: Uint8Array }
  | { readonly type: 'refuse'; readonly reason: InviteRefusal }
  | { readonly type: 'share'; readonly share: Uint8Array }
  | { readonly type: 'answer'; readonly share: Uint8Array; readonly proof: Uint8Array }
  | { readonly type: 'proof'; readonly proof: Uint8Array; readonly sealed: Uint8Array }
  | { readonly type: 'record'; readonly sealed: Uint8Array; readonly isForMany: boolean }

/** The other side broke the protocol, or speaks a later version of it. */
export class InviteProtocolError extends BrokenProtocolError {
  override readonly name = 'InviteProtocolError'
}

const refusals: ReadonlySet<string> = new Set<InviteRefusal>([
  'unknown',
  'expired',
  'revoked',
  'used',
  'ended',
  'too-many-tries',
  'other-network',
  'wrong-code',
  'too-fast'
])

export const inviteFrames: FrameProtocol<InviteFrame> = {
  id: INVITE_PROTOCOL,
  maxFrameBytes: MAX_INVITE_FRAME_BYTES,
  timeoutMs: INVITE_ANSWER_TIMEOUT_MS,
  encode: encodeInvite,
  decode: decodeInvite
}

/** @throws InviteProtocolError for a frame of another kind */
export function expected<T extends InviteFrame['type']>(
  type: T,
  frame: InviteFrame
): Extract<InviteFrame, { readonly type: T }> {
  if (frame.type !== type) throw new InviteProtocolError(`a frame "${frame.type}" where "${type}" was expected`)
  // Its type was compared.
  return frame as Extract<InviteFrame, { readonly type: T }>
}

function encodeInvite(frame: InviteFrame): Uint8Array {
  switch (frame.type) {
    case 'ask': {
      const { network, number, directory, nonce } = frame
      const by = directory === undefined ? {} : { directory: encodePeerId(directory) }
      return Pb.encode({ ask: { network, number, nonce: bytes(nonce), ...by } })
    }
    case 'offer':
      return Pb.encode({ offer: { nonce: bytes(frame.nonce) } })
    case 'refuse':
      return Pb.encode({ refuse: { reason: frame.reason } })
    case 'share':
      return Pb.encode({ share: { share: bytes(frame.share) } })
    case 'answer':
      return Pb.encode({ answer: { share: bytes(frame.share), proof: bytes(frame.proof) } })
    case 'proof':
      return Pb.encode({ proof: { proof: bytes(frame.proof), sealed: bytes(frame.sealed) } })
    case 'record':
      return Pb.encode({ record: { sealed: bytes(frame.sealed), forMany: frame.isForMany } })
  }
}

/** @throws InviteProtocolError for what is no frame, or out of its bounds */
function decodeInvite(encoded: Uint8Array): InviteFrame {
  const { ask, offer, refuse, share, answer, proof, record } = decoded(encoded)
  if (ask !== undefined) {
    if (ask.number < 1 || ask.number > MAX_CODE_NUMBER)
      throw new InviteProtocolError(`${ask.number} is not the number of an invitation`)
    if (ask.network.length > MAX_NETWORK_CHARS) throw new InviteProtocolError('the network name is too long')
    const { network, number } = ask
    return {
      type: 'ask',
      network,
      number,
      directory: peerOf(ask.directory),
      nonce: sized(ask.nonce, INVITE_NONCE_BYTES)
    }
  }
  if (offer !== undefined) return { type: 'offer', nonce: sized(offer.nonce, INVITE_NONCE_BYTES) }
  if (refuse !== undefined) return { type: 'refuse', reason: refusalOf(refuse.reason) }
  if (share !== undefined) return { type: 'share', share: sized(share.share, CPACE_SHARE_BYTES) }
  if (answer !== undefined) {
    return {
      type: 'answer',
      share: sized(answer.share, CPACE_SHARE_BYTES),
      proof: sized(answer.proof, INVITE_PROOF_BYTES)
    }
  }
  if (proof !== undefined) return { type: 'proof', proof: sized(proof.proof, INVITE_PROOF_BYTES), sealed: proof.sealed }
  if (record !== undefined) return { type: 'record', sealed: record.sealed, isForMany: record.forMany }
  throw new InviteProtocolError('a frame of an unknown kind')
}

function decoded(encoded: Uint8Array): Pb {
  try {
    return Pb.decode(encoded)
  } catch (error) {
    throw new InviteProtocolError('these bytes are not a frame', { cause: error })
  }
}

function peerOf(multihash: Uint8Array | undefined): PeerId | undefined {
  if (multihash === undefined) return undefined
  const peer = decodePeerId(multihash)
  if (peer === undefined) throw new InviteProtocolError('the peer ID of the directory is invalid')
  return peer
}

function sized(given: Uint8Array, length: number): Uint8Array {
  if (given.byteLength !== length) {
    throw new InviteProtocolError(`a field has ${given.byteLength} bytes; it must have ${length}`)
  }
  return given
}

/** A reason of a later version is one more way to say no. */
function refusalOf(reason: string): InviteRefusal {
  // It is one of the set.
  return refusals.has(reason) ? (reason as InviteRefusal) : 'unknown'
}

/** What protons writes takes a plain array of bytes, and no Buffer. */
function bytes(given: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(given)
}
