/**
 * What kind of place an IP address is, by the registries of special addresses
 * (IANA, RFC 6890). Whether something there may be dialled or believed is for
 * others to decide: it knows addresses only.
 */

import { BlockList, isIPv4 } from 'node:net'
import { canonicalIp } from './address-class.ts'

export type AddressRange =
  /** One machine somewhere on the Internet. The ranges for documentation count too: laboratories use them as theirs. */
  | 'public'
  /** RFC 1918, RFC 4193, the shared space of providers (RFC 6598) and of test networks (RFC 2544). */
  | 'private'
  | 'link-local'
  | 'loopback'
  /** A cloud's metadata service, which gives a machine its secrets. */
  | 'metadata'
  /** No single machine: unspecified, multicast, broadcast, reserved, and tunnels that hide another address. */
  | 'none'

type Subnet = readonly [address: string, bits: number]

export const privateIpv4Subnets: readonly Subnet[] = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['198.18.0.0', 15]
]

/** The first range that holds an address decides. */
const ipv4Ranges: readonly (readonly [AddressRange, readonly Subnet[]])[] = [
  // AWS, Azure, Google and others; AWS DNS, time and containers; Alibaba; Oracle.
  [
    'metadata',
    [
      ['169.254.169.254', 32],
      ['169.254.169.253', 32],
      ['169.254.169.123', 32],
      ['169.254.170.0', 24],
      ['100.100.100.200', 32],
      ['192.0.0.192', 32]
    ]
  ],
  ['loopback', [['127.0.0.0', 8]]],
  ['link-local', [['169.254.0.0', 16]]],
  ['private', privateIpv4Subnets],
  [
    'none',
    [
      ['0.0.0.0', 8],
      ['192.0.0.0', 24],
      ['192.88.99.0', 24],
      ['224.0.0.0', 4],
      ['240.0.0.0', 4]
    ]
  ],
  ['public', [['0.0.0.0', 0]]]
]

const ipv6Ranges: readonly (readonly [AddressRange, readonly Subnet[]])[] = [
  // AWS: instance data, DNS, time, containers; Google; the IPv4 one as a link-local address.
  [
    'metadata',
    [
      ['fd00:ec2::', 32],
      ['fd20:ce::254', 128],
      ['fe80::a9fe:a9fe', 128]
    ]
  ],
  ['loopback', [['::1', 128]]],
  ['link-local', [['fe80::', 10]]],
  ['private', [['fc00::', 7]]],
  // Protocol assignments with Teredo in them, and 6to4.
  [
    'none',
    [
      ['2001::', 23],
      ['2002::', 16]
    ]
  ],
  ['public', [['2000::', 3]]]
]

const ipv4Lists = ipv4Ranges.map(([range, subnets]) => [range, listOf(subnets, 'ipv4')] as const)
const ipv6Lists = ipv6Ranges.map(([range, subnets]) => [range, listOf(subnets, 'ipv6')] as const)
const translated = listOf([['64:ff9b::', 96]], 'ipv6')

/**
 * @param address an IP address as text, of any notation, with or without a zone
 * @returns `none` for a text that is no IP address; an IPv4 address inside an IPv6 address is what it is alone
 */
export function addressRange(address: string): AddressRange {
  const ip = canonicalIp(address)
  if (ip === undefined) return 'none'
  if (isIPv4(ip)) return ipv4Lists.find(([, list]) => list.check(ip, 'ipv4'))?.[0] ?? 'none'
  if (translated.check(ip, 'ipv6')) {
    // RFC 6052: the well-known prefix stands before public addresses only.
    return addressRange(lastIpv4(ip)) === 'public' ? 'public' : 'none'
  }
  return ipv6Lists.find(([, list]) => list.check(ip, 'ipv6'))?.[0] ?? 'none'
}

function listOf(subnets: readonly Subnet[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const [address, bits] of subnets) list.addSubnet(address, bits, family)
  return list
}

/** The last 32 bits of a shortened IPv6 address, as an IPv4 address. */
function lastIpv4(shortest: string): string {
  const dotted = /[\d.]+$/u.exec(shortest)?.[0] ?? ''
  if (isIPv4(dotted)) return dotted
  const [low = '', high = ''] = (shortest.split('::').at(-1) ?? '').split(':').toReversed()
  const [a, b] = [Number.parseInt(high || '0', 16), Number.parseInt(low || '0', 16)]
  return [a >> 8, a & 0xff, b >> 8, b & 0xff].join('.')
}
