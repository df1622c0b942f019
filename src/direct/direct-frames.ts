// The frames of /chat/direct/1.0.0: what two peers tell each other before they make a
// direct path. Encodes and decodes them, and bounds what they hold; whether an address
// in them may be used is decided elsewhere.
import type { PeerId } from '@libp2p/interface'
import { isPort, MAX_PORT } from '../lib/index.ts'
import { decodePeerId, encodePeerId } from '../presence/index.ts'
import { DirectFrame as Message } from './pb/direct-frames.ts'
import { BrokenProtocolError, ipBytes, ipText, type FrameProtocol } from '../wire/index.ts'
import { SIGHTING_NONCE_BYTES, SIGHTING_PROOF_BYTES, type Mapping } from './stun/index.ts'

export const DIRECT_PROTOCOL = '/chat/direct/1.0.0'

/** Nobody guesses 128 random bits within the seconds in which a token counts. */
export const TOKEN_BYTES = 16

/**
 * Candidates of one offer: two directories with two ports each, of both families, are eight sightings where the router
 * maps each destination anew; and four addresses of the machine's own interfaces.
 */
export const MAX_OFFER_CANDIDATES = 12

/** A frame with {@link MAX_OFFER_CANDIDATES} takes about 2 KiB. */
export const MAX_DIRECT_FRAME_BYTES = 4 * 1024

/** A frame is there within a few round trips, and after the other side has looked where it is seen. */
const DIRECT_ANSWER_TIMEOUT_MS = 5_000

/** An address and port at which a peer may be reached. */
export interface Candidate {
  /** The shortest notation of an IPv4 or IPv6 address. */
  readonly host: string
  readonly port: number
  /** Undefined for an address of the peer's own interfaces. */
  readonly sighted: { readonly directory: PeerId; readonly proof: Uint8Array } | undefined
}

export interface Offer {
  readonly type: 'offer'
  /** {@link TOKEN_BYTES}: probes to the sender of this offer carry it. */
  readonly token: Uint8Array
  /** Number of the sender's UDX stream, 32 bits. */
  readonly stream: number
  /** What the sender's router does with its socket. */
  readonly mapping: Mapping
  /** Of the tags in the sightings. */
  readonly nonce: Uint8Array
  readonly candidates: readonly Candidate[]
}

type RefusalReason =
  /** It makes no direct path to this peer, or none now. It does not say why: a stranger would learn who is a contact. */
  | 'not-now'
  /** Both have asked at once, and the other stream goes on. */
  | 'busy'

export type DirectFrame = Offer | { readonly type: 'refuse'; readonly reason: RefusalReason }

/** The bytes are no frame of the protocol, or break its limits. */
export class BadDirectFrameError extends BrokenProtocolError {
  override readonly name = 'BadDirectFrameError'
}

const mappingCodes: Readonly<Record<Mapping, number>> = { unknown: 0, independent: 1, varying: 2 }
const reasonCodes: Readonly<Record<RefusalReason, number>> = { 'not-now': 0, busy: 1 }

export const directFrames: FrameProtocol<DirectFrame> = {
  id: DIRECT_PROTOCOL,
  maxFrameBytes: MAX_DIRECT_FRAME_BYTES,
  timeoutMs: DIRECT_ANSWER_TIMEOUT_MS,
  encode: encodeDirect,
  decode: decodeDirect
}

function encodeDirect(frame: DirectFrame): Uint8Array {
  if (frame.type === 'refuse') return Message.encode({ refuse: { reason: reasonCodes[frame.reason] } })
  const { stream, mapping } = frame
  const candidates = frame.candidates.map(({ host, port, sighted }) => ({
    address: addressBytes(host),
    port,
    ...(sighted === undefined
      ? {}
      : { sighted: { directory: encodePeerId(sighted.directory), proof: new Uint8Array(sighted.proof) } })
  }))
  const [token, nonce] = [new Uint8Array(frame.token), new Uint8Array(frame.nonce)]
  return Message.encode({ offer: { token, stream, mapping: mappingCodes[mapping], nonce, candidates } })
}

/** @throws {BadDirectFrameError} */
function decodeDirect(bytes: Uint8Array): DirectFrame {
  const { offer, refuse } = parsed(bytes)
  if (offer !== undefined) return readOffer(offer)
  if (refuse === undefined) throw new BadDirectFrameError('a frame holds neither an offer nor a refusal')
  return { type: 'refuse', reason: refuse.reason === reasonCodes.busy ? 'busy' : 'not-now' }
}

function readOffer({ token, stream, mapping, nonce, candidates }: NonNullable<Message['offer']>): Offer {
  checkLength('token', token, TOKEN_BYTES)
  checkLength('nonce', nonce, SIGHTING_NONCE_BYTES)
  if (candidates.length > MAX_OFFER_CANDIDATES) {
    throw new BadDirectFrameError(`an offer has ${candidates.length} candidates; the limit is ${MAX_OFFER_CANDIDATES}`)
  }
  return {
    type: 'offer',
    token,
    stream,
    mapping: readMapping(mapping),
    nonce,
    candidates: candidates.map(readCandidate)
  }
}

function readCandidate({ address, port, sighted }: NonNullable<Message['offer']>['candidates'][number]): Candidate {
  const host = ipText(address)
  if (host === undefined) throw new BadDirectFrameError(`an address has ${address.byteLength} bytes, not 4 or 16`)
  if (!isPort(port)) throw new BadDirectFrameError(`a candidate has the port ${port}; ports go from 1 to ${MAX_PORT}`)
  return { host, port, sighted: sighted === undefined ? undefined : readSighted(sighted) }
}

function readSighted({ directory, proof }: { directory: Uint8Array; proof: Uint8Array }): Candidate['sighted'] {
  checkLength('proof', proof, SIGHTING_PROOF_BYTES)
  const peer = decodePeerId(directory)
  if (peer === undefined) throw new BadDirectFrameError('a sighting names no peer ID of a directory')
  return { directory: peer, proof }
}

/** A kind of a later version is one that is not known. */
function readMapping(code: number): Mapping {
  if (code === mappingCodes.independent) return 'independent'
  return code === mappingCodes.varying ? 'varying' : 'unknown'
}

function checkLength(what: string, bytes: Uint8Array, expected: number): void {
  if (bytes.byteLength === expected) return
  throw new BadDirectFrameError(`a ${what} has ${bytes.byteLength} bytes; it must have ${expected}`)
}

/** @throws {TypeError} */
function addressBytes(host: string): Uint8Array<ArrayBuffer> {
  const bytes = ipBytes(host)
  if (bytes === undefined) throw new TypeError(`a candidate needs an IP address; ${host} is not one`)
  return new Uint8Array(bytes)
}

function parsed(bytes: Uint8Array): Message {
  try {
    return Message.decode(bytes, { limits: { offer: { candidates: MAX_OFFER_CANDIDATES } } })
  } catch (cause) {
    throw new BadDirectFrameError('these bytes are not a frame of a direct path', { cause })
  }
}
