/**
 * The header with which a reverse proxy tells whose connection it forwards, in
 * both versions of the PROXY protocol. Pure: it reads bytes. Whose word counts
 * is for others to say.
 *
 * @see https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt
 */

import { isIPv4, isIPv6 } from 'node:net'

interface ProxySource {
  /** An IP address as text. */
  readonly address: string
  readonly port: number
}

export type ProxyHeader =
  /** More bytes are needed. */
  | { readonly is: 'incomplete' }
  | { readonly is: 'invalid' }
  /** Without a source the proxy speaks for itself (a health check), or does not know. */
  | { readonly is: 'complete'; readonly byteLength: number; readonly source?: ProxySource }

/** The longest line of version 1, its end included. */
const MAX_V1_BYTES = 107
/** What version 2 may add to the addresses: proxies put there what they know of TLS, a few hundred bytes. */
const MAX_V2_BODY_BYTES = 2_048

const v1Start = Buffer.from('PROXY ')
const v2Signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])
const V2_HEAD_BYTES = 16
const V2_LENGTH_OFFSET = 14
const LOCAL = 0x20
const PROXY = 0x21
const TCP4 = 0x11
const TCP6 = 0x21
const incomplete: ProxyHeader = { is: 'incomplete' }
const invalid: ProxyHeader = { is: 'invalid' }

/** @param bytes all that came on the connection so far */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (startsLike(buffer, v2Signature)) return buffer.byteLength < V2_HEAD_BYTES ? incomplete : readV2(buffer)
  return startsLike(buffer, v1Start) ? readV1(buffer) : invalid
}

/** As far as there are bytes. */
function startsLike(buffer: Buffer, start: Buffer): boolean {
  const length = Math.min(buffer.byteLength, start.byteLength)
  return buffer.subarray(0, length).equals(start.subarray(0, length))
}

function readV1(buffer: Buffer): ProxyHeader {
  const line = buffer.subarray(0, MAX_V1_BYTES).toString('latin1')
  const end = line.indexOf('\r\n')
  if (end < 0) return buffer.byteLength >= MAX_V1_BYTES ? invalid : incomplete
  const byteLength = end + 2
  const [, family, address = '', , port = '', ...rest] = line.slice(0, end).split(' ')
  if (family === 'UNKNOWN') return { is: 'complete', byteLength }
  // A zone has a meaning on the proxy's machine only, and no place in a multiaddr.
  const isZoned = address.includes('%')
  const isOfFamily = family === 'TCP4' ? isIPv4(address) : family === 'TCP6' && isIPv6(address) && !isZoned
  if (!isOfFamily || !/^\d{1,5}$/u.test(port) || Number(port) > 0xffff || rest.length !== 1) return invalid
  return { is: 'complete', byteLength, source: { address, port: Number(port) } }
}

function readV2(buffer: Buffer): ProxyHeader {
  const command = buffer[v2Signature.byteLength]
  const family = buffer[v2Signature.byteLength + 1]
  const bodyBytes = buffer.readUInt16BE(V2_LENGTH_OFFSET)
  if ((command !== LOCAL && command !== PROXY) || bodyBytes > MAX_V2_BODY_BYTES) return invalid
  const byteLength = V2_HEAD_BYTES + bodyBytes
  if (buffer.byteLength < byteLength) return incomplete
  const body = buffer.subarray(V2_HEAD_BYTES, byteLength)
  if (command === LOCAL || (family !== TCP4 && family !== TCP6)) return { is: 'complete', byteLength }
  const addressBytes = family === TCP4 ? 4 : 16
  const portOffset = 2 * addressBytes
  if (bodyBytes < portOffset + 4) return invalid
  const address = family === TCP4 ? body.subarray(0, addressBytes).join('.') : ipv6Of(body.subarray(0, addressBytes))
  return { is: 'complete', byteLength, source: { address, port: body.readUInt16BE(portOffset) } }
}

function ipv6Of(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(':')
}
