// The networks that this machine is in, by the addresses of its interfaces: what
// is on one of its links, and what only in a private network that it shares.
// Its interfaces go in; whether something there is dialled is for others to say.
import { BlockList, isIPv4 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { addressRange, canonicalIp, privateIpv4Subnets, steadyNow } from '../wire/index.ts'
import { INTERFACE_POLL_MS } from './constants.ts'
import { networkInterfaces, type Interfaces } from './network-interfaces.ts'

/** RFC 4193: the first 48 bits of a unique local address are one site's. */
const IPV6_SITE_BITS = 48

const IPV4_BITS = 32

export class OwnNetwork {
  readonly #own = new BlockList()
  readonly #links = new BlockList()
  readonly #privateBlocks = new BlockList()
  /** The first and the last address of an IPv4 subnet belong to no machine. */
  readonly #notMachines = new BlockList()

  constructor(interfaces: Interfaces = networkInterfaces()) {
    for (const list of Object.values(interfaces)) for (const one of list ?? []) this.#add(one)
  }

  /** One of this machine's addresses, loopback among them. */
  isOwn(ip: string): boolean {
    return addressRange(ip) === 'loopback' || check(this.#own, ip)
  }

  /** An address of a machine that is reached without a router. */
  isOnLink(ip: string): boolean {
    return check(this.#links, ip) && !this.isEndOfSubnet(ip)
  }

  /** The address of a subnet itself, or that of all its machines (broadcast). */
  isEndOfSubnet(ip: string): boolean {
    return check(this.#notMachines, ip)
  }

  /** A private address of a network in which this machine has one too. */
  isInPrivateNetwork(ip: string): boolean {
    return addressRange(ip) === 'private' && check(this.#privateBlocks, ip) && !this.isEndOfSubnet(ip)
  }

  #add({ address, cidr, internal }: NetworkInterfaceInfo): void {
    const ip = address.split('%')[0] ?? ''
    const family = isIPv4(ip) ? 'ipv4' : 'ipv6'
    this.#own.addAddress(ip, family)
    const bits = Number(cidr?.split('/')[1])
    if (internal || !Number.isInteger(bits)) return
    this.#links.addSubnet(ip, bits, family)
    if (family === 'ipv4') {
      if (bits < IPV4_BITS - 1) this.#addEnds(ip, bits)
      // An organisation routes within one of them, hardly from one to another.
      const block = privateIpv4Subnets.find(([start, length]) => isWithin(ip, start, length))
      if (block !== undefined) this.#privateBlocks.addSubnet(block[0], block[1], 'ipv4')
    } else if (addressRange(ip) === 'private') {
      this.#privateBlocks.addSubnet(ip, IPV6_SITE_BITS, 'ipv6')
    }
  }

  #addEnds(ip: string, bits: number): void {
    const mask = bits === 0 ? 0 : -1 << (IPV4_BITS - bits)
    const value = ip.split('.').reduce((sum, byte) => (sum << 8) | Number(byte), 0)
    for (const end of [value & mask, value | ~mask]) {
      this.#notMachines.addAddress([24, 16, 8, 0].map((shift) => (end >>> shift) & 0xff).join('.'), 'ipv4')
    }
  }
}

/** This machine's networks as they are now, looked at no more often than its interfaces are watched anyway. */
export function ownNetworkNow(now: () => number = steadyNow): () => OwnNetwork {
  let kept: { readonly own: OwnNetwork; readonly atMs: number } | undefined
  return () => {
    const nowMs = now()
    if (kept === undefined || nowMs - kept.atMs >= INTERFACE_POLL_MS) kept = { own: new OwnNetwork(), atMs: nowMs }
    return kept.own
  }
}

function isWithin(ip: string, start: string, bits: number): boolean {
  const block = new BlockList()
  block.addSubnet(start, bits, 'ipv4')
  return block.check(ip, 'ipv4')
}

function check(list: BlockList, text: string): boolean {
  const ip = canonicalIp(text)
  return ip !== undefined && list.check(ip, isIPv4(ip) ? 'ipv4' : 'ipv6')
}
