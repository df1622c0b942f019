// The guest's side of an invitation: asks the peer that seems to be its maker, proves
// the words once, and gets the maker's record. It does not know how the maker was found.
import { randomBytes } from 'node:crypto'
import type { PeerId } from '@libp2p/interface'
import { encodePeerId, openRecord, type VerifiedRecord } from '../presence/index.ts'
import type { FrameStream } from '../wire/index.ts'
import { GuestExchange, INVITE_NONCE_BYTES, WrongProofError } from './exchange.ts'
import { BadShareError } from './cpace.ts'
import { expected, type InviteFrame, type InviteRefusal } from './invite-frames.ts'

/** The other side has no such invitation, or lets nobody try, or the words are others. */
export class InviteRefusedError extends Error {
  override readonly name = 'InviteRefusedError'
  readonly reason: InviteRefusal

  constructor(reason: InviteRefusal, options?: ErrorOptions) {
    super(`the invitation was refused: ${reason}`, options)
    this.reason = reason
  }
}

/** A peer says that the number is of an invitation that it has made. It has proven nothing yet. */
export interface Offer {
  readonly maker: PeerId
  /**
   * Proves the words, and gets the maker's proof and record. Call it once: each call is one guess that the other side
   * may make.
   *
   * @throws InviteRefusedError: `wrong-code` when the other side used other words, be it the maker or another peer; WireError
   */
  redeem(words: readonly string[]): Promise<Redeemed>
  /** The offer is not taken. */
  close(): Promise<void>
}

export interface Redeemed {
  readonly record: VerifiedRecord
  /** The maker has not made us its contact. */
  readonly isForMany: boolean
}

export interface Question {
  readonly number: number
  readonly directory: PeerId | undefined
  readonly network: string
  readonly guest: PeerId
  /** The peer at the other end of the connection. */
  readonly maker: PeerId
  ownEnvelope(): Uint8Array
}

/** @throws InviteRefusedError, WireError */
export async function askMaker(frames: FrameStream<InviteFrame>, question: Question): Promise<Offer> {
  const { number, directory, network, maker } = question
  const guestNonce = randomBytes(INVITE_NONCE_BYTES)
  try {
    await frames.write({ type: 'ask', network, number, directory, nonce: guestNonce })
    const { nonce: makerNonce } = await answered('offer', frames)
    return {
      maker,
      redeem: async (words) => {
        const exchange = new GuestExchange({
          number,
          words,
          network,
          directory: directory === undefined ? undefined : encodePeerId(directory),
          maker: encodePeerId(maker),
          guest: encodePeerId(question.guest),
          makerNonce,
          guestNonce
        })
        return redeemed(frames, exchange, question)
      },
      close: async () => frames.close()
    }
  } catch (error) {
    frames.abort(error)
    throw error
  }
}

async function redeemed(
  frames: FrameStream<InviteFrame>,
  exchange: GuestExchange,
  { maker, ownEnvelope }: Question
): Promise<Redeemed> {
  try {
    await frames.write({ type: 'share', share: exchange.share })
    const answer = await answered('answer', frames)
    const { proof, seal } = exchange.proven(answer.share, answer.proof)
    await frames.write({ type: 'proof', proof, sealed: seal.seal(ownEnvelope()) })
    const { sealed, isForMany } = await answered('record', frames)
    const record = await openRecord(seal.open(sealed), { expectedPeer: maker })
    await frames.close()
    return { record, isForMany }
  } catch (error) {
    frames.abort(error)
    if (error instanceof WrongProofError || error instanceof BadShareError) {
      throw new InviteRefusedError('wrong-code', { cause: error })
    }
    throw error
  }
}

/** @throws InviteRefusedError, InviteProtocolError, WireError */
async function answered<T extends InviteFrame['type']>(
  type: T,
  frames: FrameStream<InviteFrame>
): Promise<Extract<InviteFrame, { readonly type: T }>> {
  const frame = await frames.read()
  if (frame.type === 'refuse') throw new InviteRefusedError(frame.reason)
  return expected(type, frame)
}
