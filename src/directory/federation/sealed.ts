// The envelope around what a directory signs: libp2p's, of a domain of its own.
// Knows keys, signatures and sizes, and nothing of what is inside.
import { peerIdFromPrivateKey, peerIdFromPublicKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { MAX_COUNTER, MAX_STATEMENT_BYTES } from './constants.ts'
import { MAX_NETWORK_CHARS } from '../constants.ts'
import type { BadStatementWhy } from './errors.ts'
import { normaliseText } from '../presence-record.ts'
import { decodePeerId, unsharedPeerId } from '../peer-id-bytes.ts'

/** What keeps one kind of sealed thing apart from every other, and how its faults are told. */
export interface SealedKind {
  readonly domain: string
  readonly codec: Uint8Array
  /** As people read it: "a statement". */
  readonly what: string
  fail(why: BadStatementWhy, message: string, options?: { cause?: unknown }): Error
}

const authors = new WeakMap<PrivateKey, PeerId>()

/** @returns the peer ID of who seals with this key: the same object each time, as a directory keeps many statements */
export function authorOf(privateKey: PrivateKey): PeerId {
  const known = authors.get(privateKey)
  if (known !== undefined) return known
  const author = unsharedPeerId(peerIdFromPrivateKey(privateKey))
  authors.set(privateKey, author)
  return author
}

/** @returns the envelope */
export async function seal(
  kind: SealedKind,
  payload: Uint8Array<ArrayBuffer>,
  privateKey: PrivateKey
): Promise<Uint8Array> {
  const { domain, codec } = kind
  const sealed = await RecordEnvelope.seal({ domain, codec, marshal: () => payload, equals: () => false }, privateKey)
  // A copy: what is written lies in a slab of 64 KiB, which a statement that is kept would keep with it.
  const envelope = sealed.marshal().slice()
  checkSize(kind, envelope)
  return envelope
}

export interface Opened<T> {
  /** Whose key signed it. */
  readonly signer: PeerId
  readonly payload: T
  /** Encoded anew: it holds nothing but what is signed. */
  readonly envelope: Uint8Array
}

/**
 * Opens an envelope: size, kind, payload, signature. Who signed it must still be
 * compared with who the payload says.
 */
export async function open<T>(
  kind: SealedKind,
  bytes: Uint8Array,
  decode: (payload: Uint8Array) => T,
  signal?: AbortSignal
): Promise<Opened<T>> {
  checkSize(kind, bytes)
  const envelope = parse(kind, () => RecordEnvelope.createFromProtobuf(bytes.slice()))
  if (Buffer.compare(envelope.payloadType, kind.codec) !== 0) {
    throw kind.fail('malformed', `the envelope holds something else than ${kind.what}`)
  }
  const payload = parse(kind, () => decode(envelope.payload))
  let isValid: boolean
  try {
    isValid = await envelope.validate(kind.domain, signal === undefined ? {} : { signal })
  } catch (cause) {
    signal?.throwIfAborted()
    throw kind.fail('bad-signature', `the signature of ${kind.what} cannot be checked`, { cause })
  }
  if (!isValid) throw kind.fail('bad-signature', `${kind.what} was not signed by the key in its envelope`)
  const signer = unsharedPeerId(peerIdFromPublicKey(envelope.publicKey))
  return { signer, payload, envelope: envelope.marshal().slice() }
}

/**
 * What an envelope claims, without a look at its signature: worth nothing but to find out whether the very same bytes
 * were opened before.
 *
 * @returns undefined where the bytes are no envelope
 */
export function claimOf<T>(
  bytes: Uint8Array,
  decode: (payload: Uint8Array) => T
): { readonly signer: string; readonly payload: T } | undefined {
  if (bytes.byteLength > MAX_STATEMENT_BYTES) return undefined
  try {
    const { publicKey, payload } = RecordEnvelope.createFromProtobuf(bytes)
    return { signer: peerIdFromPublicKey(publicKey).toString(), payload: decode(payload) }
  } catch {
    return undefined
  }
}

/** @returns the peer ID that must be the signer's */
export function signerOf(kind: SealedKind, opened: Opened<{ readonly directory: Uint8Array }>): PeerId {
  const named = decodePeerId(opened.payload.directory)
  if (named === undefined || !named.equals(opened.signer)) {
    throw kind.fail('other-key', `${kind.what} is signed by ${opened.signer.toString()}, which is not its author`)
  }
  return opened.signer
}

export function checkedNetwork(kind: SealedKind, network: string): string {
  const chars = [...network].length
  if (chars > MAX_NETWORK_CHARS || normaliseText(network) !== network) {
    throw kind.fail(
      'bad-network',
      `${kind.what} names a network of ${chars} characters; ${MAX_NETWORK_CHARS} are allowed, without space around them`
    )
  }
  return network
}

/** Counters of the federation leave room for a next one. */
export function checkedCounter(kind: SealedKind, field: string, value: bigint): bigint {
  if (value < 0n || value >= MAX_COUNTER) {
    throw kind.fail('bad-number', `the ${field} of ${kind.what} is ${value}; it must be below ${MAX_COUNTER}`)
  }
  return value
}

function checkSize(kind: SealedKind, { byteLength }: Uint8Array): void {
  if (byteLength > MAX_STATEMENT_BYTES) {
    throw kind.fail('too-large', `${kind.what} has ${byteLength} bytes; ${MAX_STATEMENT_BYTES} are allowed`)
  }
}

function parse<T>(kind: SealedKind, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw kind.fail('malformed', `the bytes are not ${kind.what}`, { cause })
  }
}
