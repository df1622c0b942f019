// The reverse proxies that an operator trusts to tell the address of the client
// they speak for, as CIDR ranges. A client elsewhere may write any address into
// X-Forwarded-For or a PROXY header, so the word of every other sender counts
// for nothing. It knows addresses, and neither of the two protocols.
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { UsageError } from './errors.ts'

const IPV4_BITS = 32
const IPV6_BITS = 128
/** As in src/wire/address-class.ts, which the settings can't load: `--help` waits for no libp2p. */
const IPV4_MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/iu

interface Range {
  readonly address: string
  readonly bits: number
  readonly family: 'ipv4' | 'ipv6'
}

export class TrustedProxies {
  readonly #ranges = new BlockList()
  readonly isEmpty: boolean

  /**
   * @param cidrs such as `10.0.0.0/8` and `fd00::/8`; an address alone is a range of one
   * @throws UsageError
   */
  constructor(cidrs: readonly string[]) {
    this.isEmpty = cidrs.length === 0
    for (const { address, bits, family } of cidrs.map(readCidr)) this.#ranges.addSubnet(address, bits, family)
  }

  /** @param address an IP address as text; an IPv4 address may be mapped into IPv6, as a dual-stack socket tells it */
  has(address: string): boolean {
    const [host = ''] = address.split('%')
    const ip = IPV4_MAPPED.exec(host)?.[1] ?? host
    if (isIPv4(ip)) return this.#ranges.check(ip, 'ipv4')
    return isIPv6(ip) && this.#ranges.check(ip, 'ipv6')
  }
}

/** @throws UsageError naming the text and how a range is written */
export function readCidr(text: string): Range {
  const [address = '', length, ...rest] = text.split('/')
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : undefined
  const most = family === 'ipv4' ? IPV4_BITS : IPV6_BITS
  const bits = length === undefined ? most : /^\d{1,3}$/u.test(length) ? Number(length) : Number.NaN
  if (family === undefined || rest.length > 0 || !(bits >= 0 && bits <= most)) {
    throw new UsageError(`${JSON.stringify(text)} is no range of addresses: write one like 10.0.0.0/8 or fd00::/8`)
  }
  return { address, bits, family }
}
