// The messages of NAT-PMP (RFC 6886): a request for the router's public address, or for
// a port, and what it answers. Bytes in, a message or undefined out; nothing is thrown.
import { ipText } from '../wire/index.ts'
import type { PortRequest } from './port-mapper.ts'

export const NAT_PMP_VERSION = 0
/** Set in the opcode of an answer; PCP keeps its place (RFC 6887, 7.2). */
export const ANSWER_BIT = 128

const opcodes = { address: 0, tcp: 2 } as const

const ANSWER_HEADER_BYTES = 8
const ADDRESS_ANSWER_BYTES = 12
const MAP_ANSWER_BYTES = 16

/** RFC 6886, 3.5 */
const results: Readonly<Record<number, string>> = {
  1: 'it does not speak this version of NAT-PMP',
  2: 'it does not allow that',
  3: 'it has no address on the Internet',
  4: 'it has no ports left',
  5: 'it does not know that request'
}

export type NatPmpAnswer =
  | { readonly is: 'address'; readonly address: string }
  | { readonly is: 'mapped'; readonly port: number; readonly publicPort: number; readonly leaseS: number }
  | { readonly is: 'refused'; readonly to: 'address' | 'mapped'; readonly why: string }

export function encodeAddressRequest(): Uint8Array {
  return Uint8Array.of(NAT_PMP_VERSION, opcodes.address)
}

/** For TCP. */
export function encodeMapRequest({ port, publicPort, leaseS }: PortRequest): Uint8Array {
  const bytes = new Uint8Array(12)
  const view = new DataView(bytes.buffer)
  view.setUint8(1, opcodes.tcp)
  view.setUint16(4, port)
  view.setUint16(6, publicPort)
  view.setUint32(8, leaseS)
  return bytes
}

/** @returns undefined for what is no answer to one of these requests */
export function decodeNatPmp(bytes: Uint8Array): NatPmpAnswer | undefined {
  if (bytes.byteLength < ANSWER_HEADER_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const opcode = view.getUint8(1) - ANSWER_BIT
  if (view.getUint8(0) !== NAT_PMP_VERSION || (opcode !== opcodes.address && opcode !== opcodes.tcp)) return undefined
  const to = opcode === opcodes.address ? 'address' : 'mapped'
  const result = view.getUint16(2)
  if (result !== 0) return { is: 'refused', to, why: results[result] ?? `it answered with the code ${result}` }
  if (to === 'address') {
    if (bytes.byteLength < ADDRESS_ANSWER_BYTES) return undefined
    const address = ipText(bytes.subarray(ANSWER_HEADER_BYTES, ADDRESS_ANSWER_BYTES))
    return address === undefined ? undefined : { is: 'address', address }
  }
  if (bytes.byteLength < MAP_ANSWER_BYTES) return undefined
  return { is: 'mapped', port: view.getUint16(8), publicPort: view.getUint16(10), leaseS: view.getUint32(12) }
}
