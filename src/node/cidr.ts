// Ranges of IP addresses as an operator writes them. It is read with the settings,
// for --help too, and so loads nothing of libp2p.
import { isIPv4, isIPv6 } from 'node:net'
import { UsageError } from './errors.ts'

const IPV4_BITS = 32
const IPV6_BITS = 128

export interface CidrRange {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

/** @throws UsageError naming the text and how a range is written */
export function readCidr(text: string): CidrRange {
  const [address = '', length, ...rest] = text.split('/')
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : undefined
  const most = family === 'ipv4' ? IPV4_BITS : IPV6_BITS
  const bits = length === undefined ? most : /^\d{1,3}$/u.test(length) ? Number(length) : Number.NaN
  if (family === undefined || rest.length > 0 || !(bits >= 0 && bits <= most)) {
    throw new UsageError(`${JSON.stringify(text)} is no range of addresses: write one like 10.0.0.0/8 or fd00::/8`)
  }
  return { address, bits, family }
}
