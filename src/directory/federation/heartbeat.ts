// A directory's sign of life, sealed with its key: that it lives, and a digest
// of all that it says of its peers, by which others see whether they have missed
// something. Knows no gossip and no clock.
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { encodePeerId } from '../peer-id-bytes.ts'
import { DIGEST_BYTES, HEARTBEAT_CODEC, HEARTBEAT_DOMAIN } from './constants.ts'
import { BadHeartbeatError } from './errors.ts'
import { Heartbeat as Pb } from './pb/federation.ts'
import { authorOf, checkedCounter, checkedNetwork, open, seal, signerOf } from './sealed.ts'
import type { SealedKind } from './sealed.ts'

export interface Heartbeat {
  readonly directory: PeerId
  readonly network: string
  readonly epoch: bigint
  /** Of the last statement that the digest covers; 0 before the first. */
  readonly counter: bigint
  /** Grows with each heartbeat: an old one proves nothing. */
  readonly beat: bigint
  /** Of all statements of the epoch that have a peer attached (see digest.ts). */
  readonly digest: Uint8Array
  /** How many those are. */
  readonly count: number
}

/** A heartbeat whose signature, author and limits were checked, with the envelope that proves it. */
export interface VerifiedHeartbeat {
  readonly heartbeat: Heartbeat
  readonly envelope: Uint8Array
}

const kind: SealedKind = {
  domain: HEARTBEAT_DOMAIN,
  codec: HEARTBEAT_CODEC,
  what: 'a heartbeat',
  fail: (why, message, options) => new BadHeartbeatError(why, message, options)
}

/**
 * Seals a heartbeat with its directory's key.
 *
 * @throws BadHeartbeatError when it is over a limit
 */
export async function sealHeartbeat(
  init: Omit<Heartbeat, 'directory'>,
  privateKey: PrivateKey
): Promise<VerifiedHeartbeat> {
  const heartbeat = checked({ ...init, directory: authorOf(privateKey) })
  const { directory, network, epoch, counter, beat, digest, count } = heartbeat
  const payload = Pb.encode({
    directory: encodePeerId(directory),
    network,
    epoch,
    counter,
    beat,
    digest: new Uint8Array(digest),
    count
  })
  return { heartbeat, envelope: await seal(kind, new Uint8Array(payload), privateKey) }
}

/**
 * Opens what claims to be a directory's heartbeat: size, signature, that the key
 * is the directory's, and every limit. Which network it is of, the caller checks.
 *
 * @throws BadHeartbeatError
 */
export async function openHeartbeat(
  envelope: Uint8Array,
  options: { readonly signal?: AbortSignal } = {}
): Promise<VerifiedHeartbeat> {
  const opened = await open(kind, envelope, (payload) => Pb.decode(payload), options.signal)
  const { network, epoch, counter, beat, count } = opened.payload
  const directory = signerOf(kind, opened)
  const digest = opened.payload.digest.slice()
  return { heartbeat: checked({ directory, network, epoch, counter, beat, digest, count }), envelope: opened.envelope }
}

function checked(heartbeat: Heartbeat): Heartbeat {
  checkedNetwork(kind, heartbeat.network)
  checkedCounter(kind, 'epoch', heartbeat.epoch)
  checkedCounter(kind, 'counter', heartbeat.counter)
  checkedCounter(kind, 'beat', heartbeat.beat)
  const { byteLength } = heartbeat.digest
  if (byteLength !== DIGEST_BYTES) {
    throw new BadHeartbeatError('bad-digest', `the digest has ${byteLength} bytes; it must have ${DIGEST_BYTES}`)
  }
  return heartbeat
}
