// The messages of PCP (RFC 6887): a request for a port of the router, and its answer.
// Bytes in, a message or undefined out; nothing is thrown.
import { isIPv4 } from 'node:net'
import { ipBytes, ipText, IPV4_BYTES, IPV6_BYTES } from '../wire/index.ts'
import { ANSWER_BIT, NAT_PMP_VERSION } from './nat-pmp-messages.ts'
import type { PortRequest } from './port-mapper.ts'

const VERSION = 2
const OPCODE_MAP = 1

/** IANA's number of the protocol: TCP. */
const TCP = 6

export const PCP_NONCE_BYTES = 12

/** The header (RFC 6887, 7.1), and behind it what a MAP adds (11.1). */
const HEADER_BYTES = 24
const MAP_BYTES = 36

/** Offsets in the message. The client's address in a request stands where an answer has its epoch. */
const at = {
  result: 3,
  leaseS: 4,
  client: 8,
  nonce: 24,
  protocol: 36,
  port: 40,
  publicPort: 42,
  publicAddress: 44
} as const

/** An IPv4 address as IPv6 writes it: `::ffff:203.0.113.5` (RFC 6887, 5). */
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)

/** RFC 6887, 7.4 */
const results: Readonly<Record<number, string>> = {
  1: 'it does not speak this version of PCP',
  2: 'it does not allow that',
  3: 'it did not understand the request',
  4: 'it does not know that request',
  7: 'it has no address on the Internet',
  8: 'it has no ports left',
  9: 'it does not map TCP',
  10: 'this machine has all the ports that it may have',
  11: "it can't give that port",
  12: 'it sees this machine at another address: a second router is between'
}

export interface PcpRequest extends PortRequest {
  /** The address of this machine, as the router sees it: IPv4. */
  readonly localAddress: string
  /** Who renews or ends the mapping has to know it. */
  readonly nonce: Uint8Array
}

export type PcpAnswer =
  | { readonly is: 'mapped'; readonly publicAddress: string; readonly publicPort: number; readonly leaseS: number }
  | { readonly is: 'refused'; readonly why: string }

/** For TCP. */
export function encodePcp({ localAddress, nonce, port, publicPort, leaseS }: PcpRequest): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + MAP_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, VERSION)
  view.setUint8(1, OPCODE_MAP)
  view.setUint32(at.leaseS, leaseS)
  bytes.set(MAPPED_PREFIX, at.client)
  bytes.set(ipBytes(localAddress) ?? new Uint8Array(IPV4_BYTES), at.client + MAPPED_PREFIX.length)
  bytes.set(nonce, at.nonce)
  view.setUint8(at.protocol, TCP)
  view.setUint16(at.port, port)
  view.setUint16(at.publicPort, publicPort)
  // Any address of the router.
  bytes.set(MAPPED_PREFIX, at.publicAddress)
  return bytes
}

/** @returns undefined for what is no answer to this request */
export function decodePcp(bytes: Uint8Array, { nonce, port }: PcpRequest): PcpAnswer | undefined {
  if (bytes.byteLength < 4) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  // A router that knows NAT-PMP alone answers in that (RFC 6887, 9).
  const isOlder = view.getUint8(0) === NAT_PMP_VERSION && view.getUint8(1) >= ANSWER_BIT
  if (isOlder) return { is: 'refused', why: 'it speaks NAT-PMP only' }
  if (view.getUint8(0) !== VERSION || view.getUint8(1) !== OPCODE_MAP + ANSWER_BIT) return undefined
  const result = view.getUint8(at.result)
  const isWhole = bytes.byteLength >= HEADER_BYTES + MAP_BYTES
  // An answer to a version that is not known may be its header alone.
  if (isWhole ? !isAbout(bytes, nonce, port) : result !== 1) return undefined
  if (result !== 0) return { is: 'refused', why: results[result] ?? `it answered with the code ${result}` }
  const publicAddress = ipText(bytes.subarray(at.publicAddress, at.publicAddress + IPV6_BYTES)) ?? ''
  if (!isIPv4(publicAddress)) return { is: 'refused', why: 'it names no IPv4 address' }
  return { is: 'mapped', publicAddress, publicPort: view.getUint16(at.publicPort), leaseS: view.getUint32(at.leaseS) }
}

function isAbout(bytes: Uint8Array, nonce: Uint8Array, port: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return (
    nonce.every((byte, index) => bytes[at.nonce + index] === byte) &&
    view.getUint8(at.protocol) === TCP &&
    view.getUint16(at.port) === port
  )
}
