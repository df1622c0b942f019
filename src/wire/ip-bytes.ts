// IP addresses between their text and their bytes on the wire. It knows no ports and no packets.
import { canonicalIp, IPV6_GROUPS } from './address-class.ts'

/** Of an IPv4 address, as anything that is not an IPv6 address here. */
export const IPV4_BYTES = 4

/** Of an IPv6 address. */
export const IPV6_BYTES = 16

/**
 * @param address IPv4 or IPv6, with or without a zone; an IPv4 address that is mapped into IPv6 counts as IPv4
 * @returns 4 or 16 bytes; undefined for a text that is no IP address
 */
export function ipBytes(address: string): Uint8Array | undefined {
  const ip = canonicalIp(address)
  if (ip === undefined) return undefined
  if (!ip.includes(':')) return Uint8Array.from(ip.split('.'), Number)
  const [head = '', tail] = ip.split('::')
  const [first, last] = [groupsOf(head), groupsOf(tail ?? '')]
  const zeros = Array<number>(IPV6_GROUPS - first.length - last.length).fill(0)
  const groups = tail === undefined ? first : [...first, ...zeros, ...last]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))
}

/** @returns the shortest notation, of a mapped IPv4 address that of IPv4; undefined for another number of bytes */
export function ipText(bytes: Uint8Array): string | undefined {
  if (bytes.byteLength === IPV4_BYTES) return bytes.join('.')
  if (bytes.byteLength !== IPV6_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const groups = Array.from({ length: IPV6_GROUPS }, (_, i) => view.getUint16(2 * i).toString(16))
  return canonicalIp(groups.join(':'))
}

/** A last part in IPv4 notation is two groups. */
function groupsOf(text: string): readonly number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number)
    return [(a << 8) | b, (c << 8) | d]
  })
}
