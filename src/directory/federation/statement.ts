// A directory's word that a peer is, or is no longer, attached to it, sealed
// with the directory's key. Sealing and opening enforce the same limits. Knows
// no roster, no gossip and no clock.
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { decodePeerId, encodePeerId } from '../peer-id-bytes.ts'
import { STATEMENT_CODEC, STATEMENT_DOMAIN } from './constants.ts'
import { BadStatementError } from './errors.ts'
import { AttachmentStatement as Pb } from './pb/federation.ts'
import { authorOf, checkedCounter, checkedNetwork, claimOf, open, seal, signerOf } from './sealed.ts'
import type { SealedKind } from './sealed.ts'

export interface AttachmentStatement {
  /** Who says it. */
  readonly directory: PeerId
  readonly network: string
  /** Of this start of the directory: the highest is the newest. */
  readonly epoch: bigint
  /** Within the epoch: the highest is the newest. The first is 1. */
  readonly counter: bigint
  /** Of whom it is said. */
  readonly peer: PeerId
  /** The sequence number of the record with which the peer is, or was, attached. */
  readonly seq: bigint
  readonly attached: boolean
}

/** A statement whose signature, author and limits were checked, with the envelope that proves it. */
export interface VerifiedStatement {
  readonly statement: AttachmentStatement
  readonly envelope: Uint8Array
}

const kind: SealedKind = {
  domain: STATEMENT_DOMAIN,
  codec: STATEMENT_CODEC,
  what: 'a statement',
  fail: (why, message, options) => new BadStatementError(why, message, options)
}

/**
 * Seals a statement with its directory's key.
 *
 * @throws BadStatementError when it is over a limit
 */
export async function sealStatement(
  init: Omit<AttachmentStatement, 'directory'>,
  privateKey: PrivateKey
): Promise<VerifiedStatement> {
  const statement = checked({ ...init, directory: authorOf(privateKey) })
  const { directory, network, epoch, counter, peer, seq, attached } = statement
  const payload = Pb.encode({
    directory: encodePeerId(directory),
    network,
    epoch,
    counter,
    peer: encodePeerId(peer),
    seq,
    attached
  })
  return { statement, envelope: await seal(kind, new Uint8Array(payload), privateKey) }
}

/**
 * Opens what claims to be a directory's statement: size, signature, that the key
 * is the directory's, and every limit. Which network it is of, the caller checks.
 *
 * @throws BadStatementError
 */
export async function openStatement(
  envelope: Uint8Array,
  options: { readonly signal?: AbortSignal } = {}
): Promise<VerifiedStatement> {
  const opened = await open(kind, envelope, (payload) => Pb.decode(payload), options.signal)
  const { network, epoch, counter, seq, attached } = opened.payload
  const peer = decodePeerId(opened.payload.peer)
  if (peer === undefined) throw new BadStatementError('bad-peer', 'a statement speaks of something that is no peer ID')
  const directory = signerOf(kind, opened)
  return { statement: checked({ directory, network, epoch, counter, peer, seq, attached }), envelope: opened.envelope }
}

/** Whose word about whom an envelope claims to be, without a look at its signature. See {@link claimOf}. */
export function claimedStatement(
  envelope: Uint8Array
): { readonly directory: string; readonly peer: string; readonly counter: bigint } | undefined {
  const claim = claimOf(envelope, (payload) => Pb.decode(payload))
  const peer = claim === undefined ? undefined : decodePeerId(claim.payload.peer)
  if (claim === undefined || peer === undefined) return undefined
  return { directory: claim.signer, peer: peer.toString(), counter: claim.payload.counter }
}

function checked(statement: AttachmentStatement): AttachmentStatement {
  checkedNetwork(kind, statement.network)
  checkedCounter(kind, 'epoch', statement.epoch)
  checkedCounter(kind, 'counter', statement.counter)
  if (statement.counter === 0n)
    throw new BadStatementError('bad-number', 'a statement has the counter 0; the first is 1')
  if (statement.seq < 0n || statement.seq >= 1n << 64n) {
    throw new BadStatementError('bad-number', `a statement has the sequence number ${statement.seq}: out of range`)
  }
  return statement
}
