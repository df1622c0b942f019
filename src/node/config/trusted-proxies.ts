// The reverse proxies that an operator trusts to name a client's address, as CIDR
// ranges. Any client may write any address into X-Forwarded-For or a PROXY header,
// so those of other senders are ignored. It knows addresses, and neither of the
// two protocols.
import { BlockList, isIPv4 } from 'node:net'
import { canonicalIp } from '../../wire/index.ts'
import { readCidr } from './setting-values.ts'

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

  /** @param address an IP address as text; an IPv4 address may be mapped into IPv6, as a dual-stack socket reports it */
  has(address: string): boolean {
    const ip = canonicalIp(address)
    return ip !== undefined && this.#ranges.check(ip, isIPv4(ip) ? 'ipv4' : 'ipv6')
  }
}
