// Whether one condition of an nftables rule holds for a packet: yes, no, or not known,
// since not every condition can be judged from outside the kernel. Pure.
import { BlockList, isIP, isIPv4 } from 'node:net'
import { type ChainName, isJson, type Json, type NftRuleset } from './nft-ruleset.ts'

/** The first packet of an exchange. */
export interface Packet {
  readonly direction: 'in' | 'out'
  /** The interface that it arrives on or leaves by. */
  readonly interface: string
  readonly protocol: 'tcp' | 'udp'
  readonly source: string
  readonly sourcePort: number
  readonly target: string
  readonly targetPort: number
}

/** A source port of the kind that systems choose for a connection (RFC 6056, 3.2): rules on services don't match it. */
export const SOME_SOURCE_PORT = 50_000

/** `maybe`: it can't be judged from here. */
export type Truth = 'yes' | 'no' | 'maybe'

/** What a condition looks at: `absent` where the packet has no such field. */
type Value =
  | { readonly is: 'known'; readonly value: string | number }
  | { readonly is: 'absent' }
  | { readonly is: 'unknown' }

interface Surroundings {
  readonly ruleset: NftRuleset
  readonly chain: ChainName
}

export function matches(match: Json, packet: Packet, surroundings: Surroundings): Truth {
  const { op, left, right } = match
  const value = valueOf(left, packet)
  if (value.is === 'unknown') return 'maybe'
  if (value.is === 'absent') return 'no'
  switch (op) {
    case '==':
    case 'in':
      return isAmong(value.value, right, surroundings)
    case '!=':
      return not(isAmong(value.value, right, surroundings))
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compares(Number(value.value), op, Number(right))
    default:
      return 'maybe'
  }
}

/** The verdict of a verdict map for the packet. @returns undefined when it has none; `maybe` when that is not known */
export function mappedVerdict(vmap: Json, packet: Packet, surroundings: Surroundings): Json | 'maybe' | undefined {
  const { key, data } = vmap
  const value = valueOf(key, packet)
  if (value.is === 'unknown') return 'maybe'
  if (value.is === 'absent') return undefined
  const pairs = isJson(data) ? data['set'] : elements(data, surroundings)
  if (!Array.isArray(pairs)) return 'maybe'
  for (const pair of pairs) {
    if (!Array.isArray(pair)) return 'maybe'
    const fits = isAmong(value.value, pair[0], surroundings)
    if (fits === 'maybe') return 'maybe'
    if (fits === 'yes') return isJson(pair[1]) ? pair[1] : 'maybe'
  }
  return undefined
}

function valueOf(left: unknown, packet: Packet): Value {
  if (!isJson(left)) return { is: 'unknown' }
  const { meta, payload, ct } = left
  if (isJson(meta)) return metaValue(meta['key'], packet)
  if (isJson(payload)) return payloadValue(payload, packet)
  // Nothing was exchanged before it, and nothing is translated.
  if (isJson(ct) && ct['key'] === 'state') return known('new')
  if (isJson(ct) && ct['key'] === 'status') return { is: 'absent' }
  return { is: 'unknown' }
}

function metaValue(key: unknown, packet: Packet): Value {
  const isIn = packet.direction === 'in'
  switch (key) {
    case 'iif':
    case 'iifname':
      return isIn ? known(packet.interface) : { is: 'absent' }
    case 'oif':
    case 'oifname':
      return isIn ? { is: 'absent' } : known(packet.interface)
    case 'l4proto':
      return known(packet.protocol)
    case 'nfproto':
      return known(isIPv4(packet.target) ? 'ipv4' : 'ipv6')
    case 'protocol':
      return known(isIPv4(packet.target) ? 'ip' : 'ip6')
    default:
      return { is: 'unknown' }
  }
}

function payloadValue({ protocol, field }: Json, packet: Packet): Value {
  const family = isIPv4(packet.target) ? 'ip' : 'ip6'
  if (protocol === 'tcp' || protocol === 'udp' || protocol === 'th') {
    if (protocol !== 'th' && protocol !== packet.protocol) return { is: 'absent' }
    if (field === 'dport') return known(packet.targetPort)
    return field === 'sport' ? known(packet.sourcePort) : { is: 'unknown' }
  }
  if (protocol === 'ip' || protocol === 'ip6') {
    if (protocol !== family) return { is: 'absent' }
    if (field === 'saddr') return known(packet.source)
    if (field === 'daddr') return known(packet.target)
    return field === 'protocol' || field === 'nexthdr' ? known(packet.protocol) : { is: 'unknown' }
  }
  // Protocols such as ICMP, which the packet is not of.
  return typeof protocol === 'string' ? { is: 'absent' } : { is: 'unknown' }
}

function known(value: string | number): Value {
  return { is: 'known', value }
}

function isAmong(value: string | number, right: unknown, surroundings: Surroundings): Truth {
  if (Array.isArray(right)) return any(right.map((one) => isAmong(value, one, surroundings)))
  if (typeof right === 'number') return truth(Number(value) === right)
  if (typeof right === 'string') {
    if (right.startsWith('@')) {
      const elems = elements(right, surroundings)
      return elems === undefined ? 'maybe' : isAmong(value, elems, surroundings)
    }
    return truth(right.endsWith('*') ? String(value).startsWith(right.slice(0, -1)) : String(value) === right)
  }
  if (!isJson(right)) return 'maybe'
  if (Array.isArray(right['set'])) return isAmong(value, right['set'], surroundings)
  if (isJson(right['elem'])) return isAmong(value, right['elem']['val'], surroundings)
  if (Array.isArray(right['range'])) return isBetween(value, right['range'])
  if (isJson(right['prefix'])) return isWithin(value, right['prefix'])
  return 'maybe'
}

function elements(name: unknown, { ruleset, chain }: Surroundings): readonly unknown[] | undefined {
  return typeof name === 'string' ? ruleset.elementsOf(chain, name.slice(1)) : undefined
}

function isBetween(value: string | number, [from, to]: readonly unknown[]): Truth {
  if (typeof value === 'number') return truth(value >= Number(from) && value <= Number(to))
  return inList(value, (list, family) => list.addRange(String(from), String(to), family))
}

function isWithin(value: string | number, { addr, len }: Json): Truth {
  return inList(String(value), (list, family) => list.addSubnet(String(addr), Number(len), family))
}

function inList(ip: string, add: (list: BlockList, family: 'ipv4' | 'ipv6') => void): Truth {
  if (isIP(ip) === 0) return 'maybe'
  const family = isIPv4(ip) ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  try {
    add(list, family)
  } catch {
    return 'maybe' // not an address of this family
  }
  return truth(list.check(ip, family))
}

function compares(value: number, op: '<' | '<=' | '>' | '>=', bound: number): Truth {
  if (Number.isNaN(value) || Number.isNaN(bound)) return 'maybe'
  switch (op) {
    case '<':
      return truth(value < bound)
    case '<=':
      return truth(value <= bound)
    case '>':
      return truth(value > bound)
    case '>=':
      return truth(value >= bound)
  }
}

function truth(isTrue: boolean): Truth {
  return isTrue ? 'yes' : 'no'
}

function not(one: Truth): Truth {
  return one === 'maybe' ? 'maybe' : truth(one === 'no')
}

function any(all: readonly Truth[]): Truth {
  if (all.includes('yes')) return 'yes'
  return all.includes('maybe') ? 'maybe' : 'no'
}
