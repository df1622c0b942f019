// What a directory signs: that a peer is, or is no longer, attached to it, and that
// it lives, with a digest of all that it says of its peers. Each is sealed with its
// key in libp2p's envelope, of a domain of its own; sealing and opening enforce the
// same limits. Knows no roster, no gossip and no clock.
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import type { PeerId, PrivateKey, PublicKey } from '@libp2p/interface'
import { LruMap } from '../lib/index.ts'
import {
  decodePeerId,
  encodePeerId,
  isSignedFor,
  MAX_NETWORK_CHARS,
  normaliseText,
  openRecord,
  sealEnvelope,
  unsharedPeerId
} from '../presence/index.ts'
import type { VerifiedRecord } from '../presence/index.ts'
import { DIGEST_BYTES, MAX_STATEMENT_BYTES } from './federation-frames.ts'
import type { WireUpdate } from './federation-frames.ts'
import { AttachmentStatement as PbStatement, Heartbeat as PbHeartbeat } from './pb/federation.ts'

/** Why something that a directory should have signed was not accepted. */
type BadStatementWhy =
  | 'too-large'
  | 'malformed'
  | 'bad-signature'
  /** The key in the envelope is not the directory's that the payload names. */
  | 'other-key'
  | 'bad-peer'
  | 'bad-network'
  | 'bad-number'
  | 'bad-digest'
  /** The record that came with a statement is not the one that it speaks of, or is missing. */
  | 'other-record'

/** A statement or heartbeat that its receiver must not believe, or that cannot be sealed. */
export class BadStatementError extends Error {
  override readonly name = 'BadStatementError'
  readonly why: BadStatementWhy

  constructor(why: BadStatementWhy, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.why = why
  }
}

/** Epochs, counters and beats stay below this, so that a next one can always be had. */
export const MAX_COUNTER = 1n << 63n

export interface AttachmentStatement {
  /** The author. */
  readonly directory: PeerId
  readonly network: string
  /** Of this start of the directory: the highest is the newest. */
  readonly epoch: bigint
  /** Within the epoch: the highest is the newest. The first is 1. */
  readonly counter: bigint
  /** The peer that it is about. */
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

export interface Heartbeat {
  readonly directory: PeerId
  readonly network: string
  readonly epoch: bigint
  /** Of the last statement that the digest covers; 0 before the first. */
  readonly counter: bigint
  /** Grows with each heartbeat: an old one proves nothing. */
  readonly beat: bigint
  /** Of all statements of the epoch that have a peer attached: see `AttachmentDigest`. */
  readonly digest: Uint8Array
  /** How many those are. */
  readonly count: number
}

/** A heartbeat whose signature, author and limits were checked, with the envelope that proves it. */
export interface VerifiedHeartbeat {
  readonly heartbeat: Heartbeat
  readonly envelope: Uint8Array
}

/** What all that a directory signs says. */
interface Authored {
  readonly directory: PeerId
  readonly network: string
  readonly epoch: bigint
  readonly counter: bigint
}

/** One kind of sealed thing: what keeps it apart from every other, and how it is written and read. */
interface SealedKind<T extends Authored, Payload extends { readonly directory: Uint8Array }> {
  /** Signature domain. */
  readonly domain: string
  /** Payload type. */
  readonly codec: Uint8Array
  /** As people read it: "a statement". */
  readonly what: string
  encode(sealed: T): Uint8Array
  decode(bytes: Uint8Array): Payload
  /** @throws BadStatementError */
  read(payload: Payload, directory: PeerId): T
  /** The limits of this kind alone. @throws BadStatementError */
  check(sealed: T): void
}

export const statementKind: SealedKind<AttachmentStatement, PbStatement> = {
  domain: 'parley-attachment',
  codec: new TextEncoder().encode('/parley/attachment'),
  what: 'a statement',
  encode: (statement) =>
    PbStatement.encode({
      ...statement,
      directory: encodePeerId(statement.directory),
      peer: encodePeerId(statement.peer)
    }),
  decode: (bytes) => PbStatement.decode(bytes),
  read: ({ network, epoch, counter, peer: bytes, seq, attached }, directory) => {
    const peer = decodePeerId(bytes)
    if (peer === undefined)
      throw new BadStatementError('bad-peer', 'a statement speaks of something that is no peer ID')
    return { directory, network, epoch, counter, peer, seq, attached }
  },
  check: ({ counter, seq }) => {
    if (counter === 0n) throw new BadStatementError('bad-number', 'a statement has the counter 0; the first is 1')
    if (seq < 0n || seq >= 1n << 64n) {
      throw new BadStatementError('bad-number', `a statement has the sequence number ${seq}: out of range`)
    }
  }
}

export const heartbeatKind: SealedKind<Heartbeat, PbHeartbeat> = {
  domain: 'parley-heartbeat',
  codec: new TextEncoder().encode('/parley/heartbeat'),
  what: 'a heartbeat',
  encode: (heartbeat) =>
    PbHeartbeat.encode({
      ...heartbeat,
      directory: encodePeerId(heartbeat.directory),
      digest: new Uint8Array(heartbeat.digest)
    }),
  decode: (bytes) => PbHeartbeat.decode(bytes),
  read: ({ network, epoch, counter, beat, digest, count }, directory) => ({
    directory,
    network,
    epoch,
    counter,
    beat,
    digest: digest.slice(),
    count
  }),
  check: ({ beat, digest: { byteLength } }) => {
    checkCounter(heartbeatKind.what, 'beat', beat)
    if (byteLength !== DIGEST_BYTES) {
      throw new BadStatementError('bad-digest', `the digest has ${byteLength} bytes; it must have ${DIGEST_BYTES}`)
    }
  }
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
  const statement = { ...init, directory: authorOf(privateKey) }
  return { statement, envelope: await seal(statementKind, statement, privateKey) }
}

/**
 * Opens what claims to be a directory's statement: size, signature, that the key
 * is the directory's, and every limit. Which network it is of, the caller checks.
 *
 * @throws BadStatementError
 */
export async function openStatement(
  bytes: Uint8Array,
  options: { readonly signal?: AbortSignal } = {}
): Promise<VerifiedStatement> {
  const { sealed: statement, envelope } = await open(statementKind, bytes, options.signal)
  return { statement, envelope }
}

/** As {@link sealStatement}, of a heartbeat. */
export async function sealHeartbeat(
  init: Omit<Heartbeat, 'directory'>,
  privateKey: PrivateKey
): Promise<VerifiedHeartbeat> {
  const heartbeat = { ...init, directory: authorOf(privateKey) }
  return { heartbeat, envelope: await seal(heartbeatKind, heartbeat, privateKey) }
}

/** As {@link openStatement}, of a heartbeat. */
export async function openHeartbeat(
  bytes: Uint8Array,
  options: { readonly signal?: AbortSignal } = {}
): Promise<VerifiedHeartbeat> {
  const { sealed: heartbeat, envelope } = await open(heartbeatKind, bytes, options.signal)
  return { heartbeat, envelope }
}

/** What an envelope says that it states, before anything of it is proven. */
export interface ClaimedStatement extends Pick<AttachmentStatement, 'epoch' | 'counter'> {
  readonly directory: string
  /** Asked for last: writing a peer ID as text takes longer than all the rest. @returns undefined for what is no peer */
  peer(): string | undefined
}

/** Keys whose peer IDs are remembered: those of more directories than a federation has. */
const MAX_NAMED_KEYS = 1_024

/** By the bytes of a key. A directory makes thousands of statements, and its peer ID takes 10 µs to write as text. */
const namesOfKeys = new LruMap<string, string>(MAX_NAMED_KEYS)

/**
 * Whose word about whom an envelope claims to be, without a look at its signature: worth nothing but to find out whether
 * the very same bytes were opened before.
 *
 * @returns undefined where the bytes are no envelope
 */
export function claimedStatement(bytes: Uint8Array): ClaimedStatement | undefined {
  if (bytes.byteLength > MAX_STATEMENT_BYTES) return undefined
  try {
    const { publicKey, payload } = RecordEnvelope.createFromProtobuf(bytes)
    const { epoch, counter, peer } = statementKind.decode(payload)
    return { directory: nameOf(publicKey), epoch, counter, peer: () => decodePeerId(peer)?.toString() }
  } catch {
    return undefined
  }
}

function nameOf(publicKey: PublicKey): string {
  const key = `${publicKey.type} ${Buffer.from(publicKey.raw).toString('latin1')}`
  const known = namesOfKeys.get(key)
  if (known !== undefined) return known
  const name = peerIdFromPublicKey(publicKey).toString()
  namesOfKeys.set(key, name)
  return name
}

interface OpenUpdateInit {
  /** Anything of another network is refused. */
  readonly network: string
  /** The newest record that is known of a peer: the same bytes need not be verified twice. */
  readonly newest?: (peer: string) => VerifiedRecord | undefined
  /** The peer ID of a directory that is known already: thousands of its statements can share it. */
  readonly author?: (directory: string) => PeerId | undefined
  readonly signal?: AbortSignal
}

export interface OpenedUpdate {
  readonly statement: VerifiedStatement
  /** With every statement that attaches, and with no other. */
  readonly record?: VerifiedRecord
  readonly forMs: number
}

/**
 * @throws BadStatementError when the statement, or the record beside it, is not what it must be
 * @throws BadRecordError when the record proves nothing
 */
export async function openUpdate(update: WireUpdate, init: OpenUpdateInit): Promise<OpenedUpdate> {
  const options = init.signal === undefined ? {} : { signal: init.signal }
  const statement = await openStatement(update.statement, options)
  const { peer, network, attached } = statement.statement
  if (!attached || network !== init.network || update.record === undefined) {
    return openedUpdate(statement, undefined, update.forMs, init)
  }
  const newest = init.newest?.(peer.toString())
  const isKnown = newest !== undefined && Buffer.compare(newest.envelope, update.record) === 0
  const record = isKnown ? newest : await openRecord(update.record, { expectedPeer: peer, ...options })
  return openedUpdate(statement, record, update.forMs, init)
}

/**
 * @param record that came with the statement, with its signature checked
 * @throws BadStatementError when the statement and the record do not fit
 */
export function openedUpdate(
  statement: VerifiedStatement,
  record: VerifiedRecord | undefined,
  forMs: number,
  init: Pick<OpenUpdateInit, 'network' | 'author'>
): OpenedUpdate {
  const { directory, seq, network, attached } = statement.statement
  if (network !== init.network) throw new BadStatementError('bad-network', 'the statement is of another network')
  if (!attached) return { statement, forMs }
  if (record === undefined) throw new BadStatementError('other-record', 'the statement came without its record')
  if (record.record.network !== network) throw new BadStatementError('bad-network', 'the record is of another network')
  if (record.record.seq !== seq || record.record.withdrawn) {
    throw new BadStatementError(
      'other-record',
      `the statement speaks of the record ${seq}, and came with ${record.record.seq}${record.record.withdrawn ? ', a withdrawal' : ''}`
    )
  }
  const shared = { directory: init.author?.(directory.toString()) ?? directory, network: init.network }
  return {
    statement: { ...statement, statement: { ...statement.statement, ...shared, peer: record.record.peer } },
    record,
    forMs
  }
}

const authors = new WeakMap<PrivateKey, PeerId>()

/** @returns the peer ID of the key's owner: the same object each time, as a directory keeps many statements */
function authorOf(privateKey: PrivateKey): PeerId {
  const known = authors.get(privateKey)
  if (known !== undefined) return known
  const author = unsharedPeerId(peerIdFromPrivateKey(privateKey))
  authors.set(privateKey, author)
  return author
}

/** @returns the envelope */
async function seal<T extends Authored, P extends { readonly directory: Uint8Array }>(
  kind: SealedKind<T, P>,
  sealed: T,
  privateKey: PrivateKey
): Promise<Uint8Array> {
  check(kind, sealed)
  const { domain, codec } = kind
  const payload = new Uint8Array(kind.encode(sealed))
  const made = await sealEnvelope({ domain, codec, payload }, privateKey)
  // A copy: what is written lies in a slab of 64 KiB, which a statement that is kept would keep with it.
  const envelope = made.marshal().slice()
  checkSize(kind.what, envelope)
  return envelope
}

/** @returns what was signed, with the envelope encoded anew, so that it holds nothing else */
async function open<T extends Authored, P extends { readonly directory: Uint8Array }>(
  kind: SealedKind<T, P>,
  bytes: Uint8Array,
  signal: AbortSignal | undefined
): Promise<{ readonly sealed: T; readonly envelope: Uint8Array }> {
  const { what } = kind
  checkSize(what, bytes)
  const envelope = parsed(what, () => RecordEnvelope.createFromProtobuf(bytes.slice()))
  if (Buffer.compare(envelope.payloadType, kind.codec) !== 0) {
    throw new BadStatementError('malformed', `the envelope holds something else than ${what}`)
  }
  const payload = parsed(what, () => kind.decode(envelope.payload))
  let isValid: boolean
  try {
    isValid = await isSignedFor(kind.domain, envelope, signal)
  } catch (cause) {
    signal?.throwIfAborted()
    throw new BadStatementError('bad-signature', `the signature of ${what} cannot be checked`, { cause })
  }
  if (!isValid) throw new BadStatementError('bad-signature', `${what} was not signed by the key in its envelope`)
  const signer = unsharedPeerId(peerIdFromPublicKey(envelope.publicKey))
  const named = decodePeerId(payload.directory)
  if (named === undefined || !named.equals(signer)) {
    throw new BadStatementError('other-key', `${what} is signed by ${signer.toString()}, which is not its author`)
  }
  const sealed = kind.read(payload, signer)
  check(kind, sealed)
  return { sealed, envelope: envelope.marshal().slice() }
}

function check<T extends Authored, P extends { readonly directory: Uint8Array }>(
  kind: SealedKind<T, P>,
  sealed: T
): void {
  const { network, epoch, counter } = sealed
  const chars = [...network].length
  if (chars > MAX_NETWORK_CHARS || normaliseText(network) !== network) {
    throw new BadStatementError(
      'bad-network',
      `${kind.what} names a network of ${chars} characters; ${MAX_NETWORK_CHARS} are allowed, without space around them`
    )
  }
  checkCounter(kind.what, 'epoch', epoch)
  checkCounter(kind.what, 'counter', counter)
  kind.check(sealed)
}

/** Counters of the federation leave room for a next one. */
function checkCounter(what: string, field: string, value: bigint): void {
  if (value < 0n || value >= MAX_COUNTER) {
    throw new BadStatementError('bad-number', `the ${field} of ${what} is ${value}; it must be below ${MAX_COUNTER}`)
  }
}

function checkSize(what: string, { byteLength }: Uint8Array): void {
  if (byteLength > MAX_STATEMENT_BYTES) {
    throw new BadStatementError('too-large', `${what} has ${byteLength} bytes; ${MAX_STATEMENT_BYTES} are allowed`)
  }
}

function parsed<T>(what: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw new BadStatementError('malformed', `the bytes are not ${what}`, { cause })
  }
}
