// The networks that this machine is in, by the addresses of its interfaces: which
// addresses are on one of its links, and which only in a private network that it
// shares. It does not decide what is dialled.
import { BlockList, isIPv4 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { addressRange, canonicalIp, privateIpv4Subnets, steadyNow } from '../../wire/index.ts'
import { IPV4_BITS } from '../config/setting-values.ts'
import { INTERFACE_POLL_MS, type Interfaces, networkInterfaces, zoneOf } from '../../transport/index.ts'

/** RFC 4193: the first 48 bits of a unique local address name one site. */
const IPV6_SITE_BITS = 48

export class OwnNetwork {
  readonly #own = new BlockList()
  /** A link-local IPv6 address is this machine's on one link only: on another link it is another machine's. */
  readonly #ownOnLink = new Set<string>()
  readonly #zones = new Set<string>()
  readonly #links = new BlockList()
  readonly #privateBlocks = new BlockList()
  /** The first and the last address of an IPv4 subnet belong to no machine. */
  readonly #notMachines = new BlockList()
  #isOnNetwork = false

  constructor(interfaces: Interfaces = networkInterfaces()) {
    for (const [name, list] of Object.entries(interfaces)) for (const one of list ?? []) this.#add(name, one)
  }

  /** Whether it is an address of this machine, loopback included. The zone of a link-local IPv6 address counts. */
  isOwn(ip: string): boolean {
    const zone = ip.split('%')[1]
    if (zone !== undefined) return this.#ownOnLink.has(`${canonicalIp(ip) ?? ''}%${zone}`)
    return addressRange(ip) === 'loopback' || check(this.#own, ip)
  }

  /** Whether an interface other than loopback has an address. */
  get isOnNetwork(): boolean {
    return this.#isOnNetwork
  }

  /** The zones in which this machine has a link-local IPv6 address: its links that are up. */
  get zones(): readonly string[] {
    return [...this.#zones]
  }

  /** Whether the machine at the address is reached without a router. */
  isOnLink(ip: string): boolean {
    return check(this.#links, ip) && !this.isEndOfSubnet(ip)
  }

  /** Whether it is the address of a subnet itself, or of all its machines (broadcast). */
  isEndOfSubnet(ip: string): boolean {
    return check(this.#notMachines, ip)
  }

  /** Whether it is a private address of a network in which this machine has one too. */
  isInPrivateNetwork(ip: string): boolean {
    return addressRange(ip) === 'private' && check(this.#privateBlocks, ip) && !this.isEndOfSubnet(ip)
  }

  #add(name: string, info: NetworkInterfaceInfo): void {
    const { address, cidr, internal } = info
    const ip = address.split('%')[0] ?? ''
    const family = isIPv4(ip) ? 'ipv4' : 'ipv6'
    this.#own.addAddress(ip, family)
    if (family === 'ipv6' && addressRange(ip) === 'link-local') {
      const zone = zoneOf(name, info)
      this.#zones.add(zone)
      this.#ownOnLink.add(`${canonicalIp(ip) ?? ''}%${zone}`)
    }
    const bits = Number(cidr?.split('/')[1])
    this.#isOnNetwork ||= !internal
    if (internal || !Number.isInteger(bits)) return
    this.#links.addSubnet(ip, bits, family)
    if (family === 'ipv4') {
      if (bits < IPV4_BITS - 1) this.#addEnds(ip, bits)
      // An organisation routes within one of these blocks, hardly between them.
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

/** This machine's networks now, read no more often than its interfaces are watched. */
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
