// The presence record: a peer's name, status and addresses, sealed with its own key in
// a libp2p envelope. Sealing and opening enforce the same limits, so that no record is
// sealed that others refuse. It knows no roster, no streams and no clock.
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { CODE_P2P, CODE_P2P_CIRCUIT, multiaddr } from '@multiformats/multiaddr'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isVisible } from '../lib/index.ts'
import { isSignedFor, sealEnvelope } from './envelope-signature.ts'
import { Presence } from './pb/presence.ts'
import { encodePeerId, unsharedPeerId } from './peer-id-bytes.ts'

/** A sealed record: 16 addresses, a nickname and a status fit several times over. */
export const MAX_ENVELOPE_BYTES = 4 * 1024

/** A laptop with several interfaces, IPv4 and IPv6, has about ten. */
export const MAX_ADDRESSES = 16

/** A network's name is typed by people. */
export const MAX_NETWORK_CHARS = 64

/** Why an envelope was not accepted. */
export type BadRecordWhy =
  | 'too-large'
  | 'malformed'
  | 'bad-signature'
  | 'other-key'
  | 'other-peer'
  | 'bad-nickname'
  | 'bad-status'
  | 'bad-network'
  | 'too-many-addresses'
  | 'bad-capabilities'
  | 'bad-number'

/** An envelope that its receiver must not accept, or a record that cannot be sealed. */
export class BadRecordError extends Error {
  override readonly name = 'BadRecordError'
  readonly why: BadRecordWhy

  constructor(why: BadRecordWhy, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.why = why
  }
}

/** Signature domain: keeps a presence record from being taken for any other signed thing of the same key. */
export const RECORD_DOMAIN = 'parley-presence'

/** Payload type in the envelope: a name of our own, as the private range of multicodec has no entry for us. */
export const RECORD_CODEC = new TextEncoder().encode('/parley/presence')

/** In characters (code points) after normalisation: longer breaks any list of names. */
export const MAX_NICKNAME_CHARS = 64

/** In characters (code points): one line of a screen and a half. */
export const MAX_STATUS_CHARS = 140

/** Each names a whole feature; a dozen is far away. */
const MAX_CAPABILITIES = 16

/** Short identifiers such as "relay/1". */
const MAX_CAPABILITY_CHARS = 32

/** What a peer publishes about itself. */
interface PresenceRecord {
  readonly peer: PeerId
  /** The highest is the newest; made of the owner's clock in milliseconds (`nextSeq`). */
  readonly seq: bigint
  /** By the owner's clock: to be shown, never compared. */
  readonly issuedAtMs: number
  /** Empty or visible. Neither unique nor trusted. */
  readonly nickname: string
  readonly status: string
  /** Without a trailing /p2p of the peer itself. */
  readonly addresses: readonly Multiaddr[]
  readonly capabilities: readonly string[]
  readonly network: string
  /** True in the record with which its owner leaves. */
  readonly withdrawn: boolean
}

/** A record whose signature, owner and limits have been checked, with the envelope that proves it. */
export interface VerifiedRecord {
  readonly record: PresenceRecord
  /** Encoded anew: it holds only what is signed, and shares no memory with the frame that brought it. */
  readonly envelope: Uint8Array
  /** The signed bytes: two records of one sequence number are ordered by them. */
  readonly payload: Uint8Array
}

/** The owner's part of its record; the rest comes from the key. */
export type PresenceInit = Omit<PresenceRecord, 'peer' | 'withdrawn'> & { readonly withdrawn?: boolean }

/**
 * Seals a record with its owner's key.
 *
 * @returns the record as others will see it, with its envelope
 * @throws BadRecordError when it is over a limit, or the nickname is nothing that a reader could see
 */
export async function sealRecord(init: PresenceInit, privateKey: PrivateKey): Promise<VerifiedRecord> {
  const peer = peerIdFromPrivateKey(privateKey)
  const record = checked({ ...init, peer, withdrawn: init.withdrawn ?? false })
  if (record.nickname !== '' && !isVisible(record.nickname)) {
    throw new BadRecordError(
      'bad-nickname',
      'the nickname has no visible character: choose one with a letter or a sign'
    )
  }
  const payload = Presence.encode({
    peerId: encodePeerId(peer),
    seq: record.seq,
    issuedAtMs: BigInt(record.issuedAtMs),
    nickname: record.nickname,
    status: record.status,
    addresses: record.addresses.map((address) => address.bytes),
    capabilities: [...record.capabilities],
    network: record.network,
    withdrawn: record.withdrawn
  })
  const sealed = await sealEnvelope({ domain: RECORD_DOMAIN, codec: RECORD_CODEC, payload }, privateKey)
  // A copy: the bytes lie in a slab of 64 KiB, which a record in use would keep alive.
  const envelope = sealed.marshal().slice()
  if (envelope.byteLength > MAX_ENVELOPE_BYTES) throw tooLarge(envelope.byteLength)
  return { record: new OpenedRecord(record, payload), envelope, payload }
}

/**
 * Opens an envelope and checks it: sizes, signature, that the key belongs to the peer ID, and every limit.
 *
 * @param options.expectedPeer whose record it must be, where that is known
 * @throws BadRecordError
 */
export async function openRecord(
  envelope: Uint8Array,
  options: { readonly expectedPeer?: PeerId; readonly signal?: AbortSignal } = {}
): Promise<VerifiedRecord> {
  if (envelope.byteLength > MAX_ENVELOPE_BYTES) throw tooLarge(envelope.byteLength)
  const opened = parse(() => RecordEnvelope.createFromProtobuf(envelope.slice()))
  if (!equalBytes(opened.payloadType, RECORD_CODEC)) {
    throw new BadRecordError('malformed', 'the envelope holds something else than a presence record')
  }
  await verifySignature(opened, options.signal)
  const presence = parse(() => decode(opened.payload))
  // openAndCertify and the like accept a record that another key signed: the record belongs to the owner of the key.
  const peer = peerIdFromPublicKey(opened.publicKey)
  if (!equalBytes(presence.peerId, encodePeerId(peer))) {
    throw new BadRecordError('other-key', `the record is signed by ${peer.toString()}, which is not its owner`)
  }
  const expected = options.expectedPeer
  if (expected !== undefined && !peer.equals(expected)) {
    throw new BadRecordError('other-peer', `the record is of ${peer.toString()}, not of ${expected.toString()}`)
  }
  const own = opened.marshal().slice()
  const start = Buffer.from(own.buffer).indexOf(opened.payload)
  const payload = own.subarray(start, start + opened.payload.byteLength)
  const said = checked({ ...presence, peer, issuedAtMs: Number(presence.issuedAtMs), addresses: [] })
  // An invisible name counts as none: a row of the roster with it would look empty.
  const nickname = isVisible(said.nickname) ? said.nickname : ''
  return { record: new OpenedRecord({ ...said, nickname }, payload), envelope: own, payload }
}

/** Addresses that stay decoded, about a megabyte: those of a roster on a screen. */
const MAX_DECODED_ADDRESSES = 1_024
const decodedAddresses = new Map<PresenceRecord, readonly Multiaddr[]>()
let decodedCount = 0

/**
 * A record, held in thousands. Each multiaddr takes some 770 bytes as an object, and a record may have sixteen: they are
 * decoded on request, and kept for the last few records only.
 */
class OpenedRecord implements PresenceRecord {
  readonly peer: PeerId
  readonly seq: bigint
  readonly issuedAtMs: number
  readonly nickname: string
  readonly status: string
  readonly capabilities: readonly string[]
  readonly network: string
  readonly withdrawn: boolean
  readonly #payload: Uint8Array

  constructor(said: PresenceRecord, payload: Uint8Array) {
    // The envelope's key shares memory with all of the envelope; this peer ID holds its own bytes alone.
    this.peer = unsharedPeerId(said.peer)
    this.seq = said.seq
    this.issuedAtMs = said.issuedAtMs
    this.nickname = said.nickname
    this.status = said.status
    this.capabilities = said.capabilities.length === 0 ? none : said.capabilities
    this.network = said.network
    this.withdrawn = said.withdrawn
    this.#payload = payload
  }

  get addresses(): readonly Multiaddr[] {
    const known = decodedAddresses.get(this)
    if (known !== undefined) return known
    const addresses = decode(this.#payload).addresses.flatMap(readAddress)
    if (addresses.length === 0) return addresses
    decodedAddresses.set(this, addresses)
    decodedCount += addresses.length
    for (const [oldest, its] of decodedAddresses) {
      if (decodedCount <= MAX_DECODED_ADDRESSES) break
      decodedAddresses.delete(oldest)
      decodedCount -= its.length
    }
    return addresses
  }
}

const none: readonly string[] = []

/**
 * The peer whose record the envelope claims to hold. The signature is not checked: use it only to look up whether the peer
 * is known.
 */
export function claimedPeer(envelope: Uint8Array): string | undefined {
  if (envelope.byteLength > MAX_ENVELOPE_BYTES) return undefined
  try {
    return peerIdFromPublicKey(RecordEnvelope.createFromProtobuf(envelope).publicKey).toString()
  } catch {
    return undefined
  }
}

/** @returns the sequence number of the next record: the clock, or just above what is known when that is ahead of it */
export function nextSeq(newestKnown: bigint, nowMs: number): bigint {
  const clock = BigInt(Math.max(0, Math.trunc(nowMs)))
  return clock > newestKnown ? clock : newestKnown + 1n
}

/**
 * Orders the records of one peer: by sequence number, then by their signed bytes, so that all who hold the same records
 * agree on the newest.
 *
 * @returns above 0 when a is newer, 0 when they say the same
 */
export function compareRecords(a: VerifiedRecord, b: VerifiedRecord): number {
  if (a.record.seq !== b.record.seq) return a.record.seq > b.record.seq ? 1 : -1
  if (a.record.withdrawn !== b.record.withdrawn) return a.record.withdrawn ? 1 : -1
  return Buffer.compare(a.payload, b.payload)
}

/** @returns the text as records carry it: in NFC, without space around it */
export function normaliseText(text: string): string {
  return text.normalize('NFC').trim()
}

function decode(payload: Uint8Array): Presence {
  return Presence.decode(payload, { limits: { addresses: MAX_ADDRESSES, capabilities: MAX_CAPABILITIES } })
}

function checked(record: PresenceRecord): PresenceRecord {
  if (record.seq < 0n || record.seq >= 1n << 64n || !Number.isSafeInteger(record.issuedAtMs) || record.issuedAtMs < 0) {
    throw new BadRecordError('bad-number', `sequence ${record.seq}, issued at ${record.issuedAtMs}: out of range`)
  }
  if (record.addresses.length > MAX_ADDRESSES) {
    throw new BadRecordError(
      'too-many-addresses',
      `${record.addresses.length} addresses; a record may have ${MAX_ADDRESSES}: announce fewer`
    )
  }
  if (
    record.capabilities.length > MAX_CAPABILITIES ||
    record.capabilities.some((name) => name.length > MAX_CAPABILITY_CHARS || !/^[\x21-\x7e]+$/.test(name))
  ) {
    throw new BadRecordError(
      'bad-capabilities',
      `capabilities are at most ${MAX_CAPABILITIES} printable ASCII words of ${MAX_CAPABILITY_CHARS} characters`
    )
  }
  return {
    ...record,
    nickname: checkedText('bad-nickname', 'nickname', record.nickname, MAX_NICKNAME_CHARS),
    status: checkedText('bad-status', 'status', record.status, MAX_STATUS_CHARS),
    network: checkedText('bad-network', 'network', record.network, MAX_NETWORK_CHARS)
  }
}

/** More UTF-16 units than normalisation can join to one character: a longer text is too long in any case. */
const MAX_UNITS_OF_A_CHARACTER = 8

function checkedText(why: BadRecordWhy, field: string, text: string, maxChars: number): string {
  const isFarTooLong = text.length > maxChars * MAX_UNITS_OF_A_CHARACTER
  // Normalising thousands of marks costs more than the signature.
  const normal = isFarTooLong ? text : normaliseText(text)
  const chars = [...normal].length
  if (chars > maxChars) {
    throw new BadRecordError(why, `the ${field} has ${chars} characters; ${maxChars} are allowed: shorten it`)
  }
  // Control characters, and the two separators that are line ends in disguise.
  if (/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(normal)) {
    throw new BadRecordError(why, `the ${field} holds a control character: remove it`)
  }
  return normal
}

/** Leaves out an address of a kind that this version does not know: the rest of the record is valid. */
function readAddress(bytes: Uint8Array): Multiaddr[] {
  try {
    const address = multiaddr(bytes.slice())
    // A /p2p here could only name another peer; behind a relay it names the relay.
    const direct = !address.getComponents().some((part) => part.code === CODE_P2P_CIRCUIT)
    if (direct && address.getComponents().some((part) => part.code === CODE_P2P)) return []
    return address.getComponents().length === 0 ? [] : [address]
  } catch {
    return []
  }
}

async function verifySignature(envelope: RecordEnvelope, signal: AbortSignal | undefined): Promise<void> {
  let valid: boolean
  try {
    valid = await isSignedFor(RECORD_DOMAIN, envelope, signal)
  } catch (cause) {
    signal?.throwIfAborted()
    throw new BadRecordError('bad-signature', 'the signature of the record cannot be checked', { cause })
  }
  if (!valid) throw new BadRecordError('bad-signature', 'the record was not signed by the key in its envelope')
}

function parse<T>(run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw new BadRecordError('malformed', 'the bytes are no presence record', { cause })
  }
}

function tooLarge(sizeBytes: number): BadRecordError {
  return new BadRecordError('too-large', `the record has ${sizeBytes} bytes; ${MAX_ENVELOPE_BYTES} are allowed`)
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
