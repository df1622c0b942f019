/**
 * The class of an IP address: the addresses that one customer of an internet
 * provider may choose from. Shares of bounded rooms are counted by it. It knows
 * addresses only, and not what is shared.
 */

import type { Multiaddr } from '@multiformats/multiaddr'
import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/** A /64 is the smallest IPv6 prefix that a provider hands out, and its customer may use all 2^64 addresses of it. */
const IPV6_CLASS_GROUPS = 4
/** An IPv6 address is written as eight groups of two bytes. */
export const IPV6_GROUPS = 8

const IPV4_MAPPED = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/iu

/** The class of an address that is not known, as behind a relay that states no source, or behind a name. */
export const UNKNOWN_ADDRESS_CLASS = 'unknown'

const LINK_LOCAL_IPV6 = /^fe[89ab][\da-f]:/iu

/**
 * The whole of an IPv4 address, the first 64 bits of an IPv6 address. But of a link-local IPv6 address the whole, with
 * its zone: all machines of a link share those 64 bits, and one of them must not use up the share of the others. An IPv4
 * address that is mapped into IPv6 counts as IPv4.
 *
 * @param address an IP address as text, of any notation
 * @returns `203.0.113.7`, `2001:db8:0:1::/64`, `fe80::7%eth0`, or {@link UNKNOWN_ADDRESS_CLASS}
 */
export function addressClass(address: string): string {
  const ip = canonicalIp(address)
  if (ip === undefined || !LINK_LOCAL_IPV6.test(ip)) return addressBlock(address)
  const [, zone] = address.split('%')
  return zone === undefined ? ip : `${ip}%${zone}`
}

/**
 * As {@link addressClass}, with the first 64 bits of every IPv6 address: for datagrams, whose sender may write any
 * address of its link into them.
 */
export function addressBlock(address: string): string {
  const ip = canonicalIp(address)
  if (ip === undefined) return UNKNOWN_ADDRESS_CLASS
  if (isIPv4(ip)) return ip
  const prefix = `${groupsOf(ip).slice(0, IPV6_CLASS_GROUPS).join(':')}::`
  return `${new SocketAddress({ address: prefix, family: 'ipv6' }).address}/64`
}

/**
 * One notation for each address: the shortest, without a zone. An IPv4 address that is mapped into IPv6, as a dual-stack
 * socket has it, is an IPv4 address.
 *
 * @returns undefined for a text that is no IP address
 */
export function canonicalIp(address: string): string | undefined {
  if (isIPv4(address)) return address
  const [host = ''] = address.split('%')
  if (isIPv4(host)) return host
  if (!isIPv6(host)) return undefined
  const shortest = new SocketAddress({ address: host, family: 'ipv6' }).address
  return IPV4_MAPPED.exec(shortest)?.[1] ?? shortest
}

/** Classes of addresses that name no IP address: see {@link stateAddressClass}. */
const statedClasses = new WeakMap<Multiaddr, string>()

/**
 * Gives this address, and no equal one, a class: a transport states the source of a relayed connection for the address
 * of that connection.
 */
export function stateAddressClass(address: Multiaddr, stated: string): void {
  statedClasses.set(address, stated)
}

const BEHIND = ' behind '

/**
 * The class of a peer behind a relay, where its address is not seen.
 *
 * @param source the network that the relay states for it; undefined: none
 * @param relay the relay's short ID
 */
export function classBehindRelay(source: string | undefined, relay: string): string {
  return source === undefined ? UNKNOWN_ADDRESS_CLASS : `${source}${BEHIND}${relay}`
}

/** @returns the short ID of the relay that has stated this class; undefined for the class of an address */
export function relayOfClass(ofPeer: string): string | undefined {
  return ofPeer.split(BEHIND)[1]
}

/** The class of the IP address in a multiaddr; of one without, what was stated for it. */
export function addressClassOf(address: Multiaddr): string {
  const stated = statedClasses.get(address)
  if (stated !== undefined) return stated
  const ip = ipOf(address) ?? ''
  const zone = address.getComponents().find(({ name }) => name === 'ip6zone')?.value
  return addressClass(zone === undefined ? ip : `${ip}%${zone}`)
}

/** The first IP address of a multiaddr, as text. */
export function ipOf(address: Multiaddr): string | undefined {
  return address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value
}

/** The eight groups of a shortened IPv6 address. */
function groupsOf(shortest: string): readonly string[] {
  const [head = '', tail] = shortest.split('::')
  const first = head === '' ? [] : head.split(':')
  if (tail === undefined) return first
  const last = tail === '' ? [] : tail.split(':')
  // A last group in IPv4 notation stands for two; only the first four groups matter.
  const lastGroups = last.length + (tail.includes('.') ? 1 : 0)
  return [...first, ...Array<string>(IPV6_GROUPS - first.length - lastGroups).fill('0'), ...last]
}
