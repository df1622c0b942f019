// The two messages of STUN that Parley uses (RFC 8489): a binding request and its answer,
// with Parley's own attributes. Bytes in, a message or undefined out; whatever the bytes,
// nothing is thrown. It knows no sockets, and whether an answer is true is not its matter.
import { ipBytes, ipText, IPV4_BYTES, IPV6_BYTES } from '../../wire/index.ts'
import { SIGHTING_PROOF_BYTES, SIGHTING_TAG_BYTES } from './sighting.ts'

/** Random, of the one who asks: its answer carries the same (RFC 8489, 5). */
export const TRANSACTION_BYTES = 12

/** Longer datagrams are no messages of ours: the least that every IPv6 link carries (RFC 8200, 5). */
export const MAX_STUN_BYTES = 1_280

const STUN_HEADER_BYTES = 20

/** Type and length of an attribute. */
const ATTRIBUTE_HEADER_BYTES = 4

/** A reserved byte, the family and the port, before the address of XOR-MAPPED-ADDRESS. */
const MAPPED_HEADER_BYTES = 4

/** Bytes 4 to 7 of every message (RFC 8489, 5). */
const MAGIC_COOKIE = 0x2112a442

const types = { request: 0x0001, answer: 0x0101 } as const

/** Parley's own have numbers that nobody else is given, from the range that others must skip (RFC 8489, 18.3.2). */
const attributes = {
  mappedAddress: 0x0020,
  padding: 0x0026,
  sightingTag: 0xc0a0,
  sighting: 0xc0a1
} as const

/** Attributes with lower numbers may not be skipped (RFC 8489, 14). */
const FIRST_OPTIONAL_ATTRIBUTE = 0x8000

/** As in RFC 8489, 14.1. */
const families = { ipv4: 0x01, ipv6: 0x02 } as const

export interface StunRequest {
  /** {@link TRANSACTION_BYTES} */
  readonly transaction: Uint8Array
  /** {@link SIGHTING_TAG_BYTES}; with it, a sighting is asked for. */
  readonly tag?: Uint8Array
}

export interface StunAnswer {
  readonly transaction: Uint8Array
  /** Where the request came from: the shortest notation. */
  readonly address: string
  readonly port: number
  /** Of the sighting, where the request had a tag: {@link SIGHTING_PROOF_BYTES}. */
  readonly proof?: Uint8Array
}

/** @returns the message, padded to the length of its longest answer */
export function encodeRequest({ transaction, tag }: StunRequest): Uint8Array {
  const written = new Writer(types.request, transaction)
  if (tag !== undefined) written.add(attributes.sightingTag, tag)
  const missing = answerBytes(IPV6_BYTES, tag !== undefined) - written.byteLength - ATTRIBUTE_HEADER_BYTES
  written.add(attributes.padding, new Uint8Array(missing))
  return written.message()
}

/** @returns undefined for what is no binding request, or has an attribute that must not be skipped */
export function decodeRequest(bytes: Uint8Array): StunRequest | undefined {
  const read = readMessage(bytes, types.request)
  if (read === undefined) return undefined
  let tag: Uint8Array | undefined
  for (const { type, value } of read.attributes) {
    if (type === attributes.sightingTag) {
      if (value.byteLength !== SIGHTING_TAG_BYTES) return undefined
      tag ??= value
    } else if (type !== attributes.padding && type < FIRST_OPTIONAL_ATTRIBUTE) return undefined
  }
  return { transaction: read.transaction, ...(tag === undefined ? {} : { tag }) }
}

/** @throws TypeError where the address is none */
export function encodeAnswer({ transaction, address, port, proof }: StunAnswer): Uint8Array {
  const ip = ipBytes(address)
  if (ip === undefined) throw new TypeError(`${address} is not an IP address`)
  const mapped = new Uint8Array(MAPPED_HEADER_BYTES + ip.byteLength)
  mapped[1] = ip.byteLength === IPV4_BYTES ? families.ipv4 : families.ipv6
  new DataView(mapped.buffer).setUint16(2, port ^ (MAGIC_COOKIE >>> 16))
  mapped.set(masked(ip, transaction), MAPPED_HEADER_BYTES)
  const written = new Writer(types.answer, transaction).add(attributes.mappedAddress, mapped)
  if (proof !== undefined) written.add(attributes.sighting, proof)
  return written.message()
}

/** @returns undefined for what is no answer to a binding request, or names no address */
export function decodeAnswer(bytes: Uint8Array): StunAnswer | undefined {
  const read = readMessage(bytes, types.answer)
  if (read === undefined) return undefined
  const { transaction } = read
  // Of an attribute that is there twice, the first counts (RFC 8489, 14).
  const valueOf = (wanted: number): Uint8Array | undefined => read.attributes.find(({ type }) => type === wanted)?.value
  const place = mappedPlace(valueOf(attributes.mappedAddress), transaction)
  const proof = valueOf(attributes.sighting)
  if (place === undefined || (proof !== undefined && proof.byteLength !== SIGHTING_PROOF_BYTES)) return undefined
  return { transaction, ...place, ...(proof === undefined ? {} : { proof }) }
}

/** @returns the length of the answer to a request from an address of so many bytes */
export function answerBytes(ipLength: number, hasTag: boolean): number {
  const mapped = ATTRIBUTE_HEADER_BYTES + MAPPED_HEADER_BYTES + ipLength
  return STUN_HEADER_BYTES + mapped + (hasTag ? ATTRIBUTE_HEADER_BYTES + SIGHTING_PROOF_BYTES : 0)
}

interface Attribute {
  readonly type: number
  readonly value: Uint8Array
}

class Writer {
  readonly #type: number
  readonly #transaction: Uint8Array
  readonly #attributes: Attribute[] = []
  #byteLength = STUN_HEADER_BYTES

  constructor(type: number, transaction: Uint8Array) {
    this.#type = type
    this.#transaction = transaction
  }

  get byteLength(): number {
    return this.#byteLength
  }

  add(type: number, value: Uint8Array): this {
    this.#attributes.push({ type, value })
    this.#byteLength += ATTRIBUTE_HEADER_BYTES + paddedLength(value.byteLength)
    return this
  }

  message(): Uint8Array {
    const bytes = new Uint8Array(this.#byteLength)
    const view = new DataView(bytes.buffer)
    view.setUint16(0, this.#type)
    view.setUint16(2, this.#byteLength - STUN_HEADER_BYTES)
    view.setUint32(4, MAGIC_COOKIE)
    bytes.set(this.#transaction, STUN_HEADER_BYTES - TRANSACTION_BYTES)
    let at = STUN_HEADER_BYTES
    for (const { type, value } of this.#attributes) {
      view.setUint16(at, type)
      view.setUint16(at + 2, value.byteLength)
      bytes.set(value, at + ATTRIBUTE_HEADER_BYTES)
      at += ATTRIBUTE_HEADER_BYTES + paddedLength(value.byteLength)
    }
    return bytes
  }
}

/** @returns undefined unless the bytes are one whole message of that type */
function readMessage(
  bytes: Uint8Array,
  type: number
): { readonly transaction: Uint8Array; readonly attributes: readonly Attribute[] } | undefined {
  if (bytes.byteLength < STUN_HEADER_BYTES || bytes.byteLength > MAX_STUN_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint16(0) !== type || view.getUint32(4) !== MAGIC_COOKIE) return undefined
  if (view.getUint16(2) !== bytes.byteLength - STUN_HEADER_BYTES || bytes.byteLength % 4 !== 0) return undefined
  const read: Attribute[] = []
  // What is kept of it must not keep the buffer that it came in.
  const own = new Uint8Array(bytes)
  let at = STUN_HEADER_BYTES
  while (at < own.byteLength) {
    // The length is a multiple of four, so that a header is there whole.
    const length = view.getUint16(at + 2)
    const start = at + ATTRIBUTE_HEADER_BYTES
    if (start + length > own.byteLength) return undefined
    read.push({ type: view.getUint16(at), value: own.slice(start, start + length) })
    at = start + paddedLength(length)
  }
  return { transaction: own.slice(STUN_HEADER_BYTES - TRANSACTION_BYTES, STUN_HEADER_BYTES), attributes: read }
}

function mappedPlace(
  value: Uint8Array | undefined,
  transaction: Uint8Array
): { readonly address: string; readonly port: number } | undefined {
  if (value === undefined || value.byteLength < MAPPED_HEADER_BYTES) return undefined
  const ip = masked(value.slice(MAPPED_HEADER_BYTES), transaction)
  if (value[1] !== (ip.byteLength === IPV4_BYTES ? families.ipv4 : families.ipv6)) return undefined
  const address = ipText(ip)
  const port = new DataView(value.buffer, value.byteOffset).getUint16(2) ^ (MAGIC_COOKIE >>> 16)
  return address === undefined || port === 0 ? undefined : { address, port }
}

/** The address, exclusive or the cookie and the transaction: some routers rewrite what looks like an address of theirs. */
function masked(ip: Uint8Array, transaction: Uint8Array): Uint8Array {
  const mask = new Uint8Array(IPV6_BYTES)
  new DataView(mask.buffer).setUint32(0, MAGIC_COOKIE)
  mask.set(transaction, IPV6_BYTES - TRANSACTION_BYTES)
  return ip.map((byte, i) => byte ^ (mask[i] ?? 0))
}

/** Attributes begin at multiples of four. */
function paddedLength(length: number): number {
  return Math.ceil(length / 4) * 4
}
