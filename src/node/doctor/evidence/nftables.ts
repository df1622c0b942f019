// What nftables does to a packet: which chains of a ruleset drop it, and
// whether that is certain. Not every condition can be judged from outside the kernel; a
// rule that can't be is passed over, and from then on the answer is only likely. Pure.
import { BlockList, isIP, isIPv4 } from 'node:net'
import { isJson, type Json } from '../../../lib/index.ts'
import { type BaseChain, type ChainName, type NftRuleset, textOf } from './nft-ruleset.ts'

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

/** nftables allows sixteen jumps; a ruleset that was read while it changed might go in a circle. */
const MAX_JUMPS = 16

/**
 * More than a server has that keeps the networks it bans in sets. Chains that jump to each other several
 * times multiply: sixteen of them with ten jumps each would be walked for years.
 */
const MAX_RULES_JUDGED = 10_000

/** A list in a set in a list, with room to spare; nft itself names no set within a set. */
const MAX_NESTED_VALUES = 8

export interface NftDrop extends ChainName {
  readonly by: 'rule' | 'policy'
  /** Every rule before it could be judged. */
  readonly isCertain: boolean
}

type Fate = 'accept' | 'drop' | 'passed'

interface Outcome {
  readonly fate: Fate
  readonly isCertain: boolean
}

/** The chains that drop the packet, in the order in which it meets them. */
export function dropsOf(packet: Packet, ruleset: NftRuleset): readonly NftDrop[] {
  const hooks = packet.direction === 'in' ? ['prerouting', 'input'] : ['output', 'postrouting']
  const chains = ruleset.baseChains.filter(({ family, hook }) => hooks.includes(hook) && isOf(family, packet))
  return chains.flatMap((base) => dropBy(base, packet, ruleset) ?? [])
}

function dropBy(base: BaseChain, packet: Packet, ruleset: NftRuleset): NftDrop | undefined {
  const { family, table, chain, policy } = base
  const { fate, isCertain } = walk(base, { packet, ruleset, rulesLeft: MAX_RULES_JUDGED }, 0)
  const dropped = { family, table, chain, isCertain }
  if (fate === 'drop') return { ...dropped, by: 'rule' }
  return fate === 'passed' && policy === 'drop' ? { ...dropped, by: 'policy' } : undefined
}

/** A packet on its way through the chains of one hook. */
interface Walk {
  readonly packet: Packet
  readonly ruleset: NftRuleset
  rulesLeft: number
}

function walk(chain: ChainName, way: Walk, depth: number): Outcome {
  const { packet, ruleset } = way
  let isCertain = true
  if (depth > MAX_JUMPS) return { fate: 'passed', isCertain: false }
  for (const statements of ruleset.rulesOf(chain)) {
    if (way.rulesLeft-- <= 0) return { fate: 'passed', isCertain: false }
    const { holds, verdict } = judge(statements, packet, { ruleset, chain })
    if (holds === 'no' || verdict === undefined) continue
    if (holds === 'maybe') {
      isCertain = false
      continue
    }
    const to = targetOf(verdict)
    if (to !== undefined) {
      const inner = walk({ ...chain, chain: to }, way, depth + 1)
      isCertain &&= inner.isCertain
      if (inner.fate !== 'passed') return { fate: inner.fate, isCertain }
      if ('goto' in verdict) return { fate: 'passed', isCertain }
    } else if ('accept' in verdict) return { fate: 'accept', isCertain }
    else if ('drop' in verdict || 'reject' in verdict) return { fate: 'drop', isCertain }
    else if ('return' in verdict) return { fate: 'passed', isCertain }
    else isCertain = false // handed to a program
  }
  return { fate: 'passed', isCertain }
}

interface Judged {
  readonly holds: Truth
  /** The statement that decides; undefined for a rule that only counts or logs. */
  readonly verdict: Json | undefined
}

const verdicts = ['accept', 'drop', 'reject', 'return', 'jump', 'goto', 'queue'] as const

function judge(statements: readonly Json[], packet: Packet, place: Place): Judged {
  let holds: Truth = 'yes'
  for (const statement of statements) {
    const { match, vmap } = statement
    if (isJson(match)) {
      const isMet = matches(match, packet, place)
      if (isMet === 'no') return { holds: 'no', verdict: undefined }
      if (isMet === 'maybe') holds = 'maybe'
    } else if (isJson(vmap)) {
      const verdict = mappedVerdict(vmap, packet, place)
      if (verdict === 'maybe') return { holds: 'maybe', verdict: statement }
      if (verdict !== undefined) return { holds, verdict }
    } else if ('xt' in statement) {
      const isMet = xtHolds(statement['xt'], statements, place)
      if (isMet === 'no') return { holds: 'no', verdict: undefined }
      if (isMet === 'maybe') holds = 'maybe'
    } else if (verdicts.some((verdict) => verdict in statement)) return { holds, verdict: statement }
  }
  return { holds, verdict: undefined }
}

/** A condition of iptables: nft names its kind, and not what it asks for. */
function xtHolds(xt: unknown, statements: readonly Json[], { chain }: Place): Truth {
  const name = isJson(xt) ? xt['name'] : undefined
  if (name === 'comment') return 'yes'
  // ufw asks first whether the packet is for this machine or a group, as those are that are judged here; later for broadcasts.
  if (name === 'addrtype' && /^ufw6?-not-local$/u.test(chain.chain)) return 'yes'
  if (name === 'addrtype' && /^ufw6?-after-input$/u.test(chain.chain)) return 'no'
  // Alone it lets in what belongs to an earlier exchange, or drops what belongs to none; a first packet is neither.
  const isAlone = statements.filter((one) => 'match' in one || 'xt' in one).length === 1
  return isAlone && (name === 'conntrack' || name === 'state') ? 'no' : 'maybe'
}

function targetOf(verdict: Json): string | undefined {
  const to = verdict['jump'] ?? verdict['goto']
  return isJson(to) && typeof to['target'] === 'string' ? to['target'] : undefined
}

function isOf(family: string, { target }: Packet): boolean {
  return family === 'inet' || family === (isIPv4(target) ? 'ip' : 'ip6')
}

/** `maybe`: it can't be judged from here. */
type Truth = 'yes' | 'no' | 'maybe'

/** What a condition looks at: `absent` where the packet has no such field. */
type Value =
  | { readonly is: 'known'; readonly value: string | number }
  | { readonly is: 'absent' }
  | { readonly is: 'unknown' }

/** Where a rule stands, and the named sets that it may look into. */
interface Place {
  readonly ruleset: NftRuleset
  readonly chain: ChainName
}

function matches(match: Json, packet: Packet, place: Place): Truth {
  const { op, left, right } = match
  const value = valueOf(left, packet)
  if (value.is === 'unknown') return 'maybe'
  if (value.is === 'absent') return 'no'
  switch (op) {
    case '==':
    case 'in':
      return isAmong(value.value, right, place)
    case '!=':
      return not(isAmong(value.value, right, place))
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compares(Number(value.value), op, numberOf(right))
    default:
      return 'maybe'
  }
}

/** The verdict of a verdict map for the packet. @returns undefined when it has none; `maybe` when that is not known */
function mappedVerdict(vmap: Json, packet: Packet, place: Place): Json | 'maybe' | undefined {
  const { key, data } = vmap
  const value = valueOf(key, packet)
  if (value.is === 'unknown') return 'maybe'
  if (value.is === 'absent') return undefined
  const pairs = isJson(data) ? data['set'] : elements(data, place)
  if (!Array.isArray(pairs)) return 'maybe'
  for (const pair of pairs) {
    if (!Array.isArray(pair)) return 'maybe'
    const fits = isAmong(value.value, pair[0], place)
    if (fits === 'maybe') return 'maybe'
    if (fits === 'yes') return isJson(pair[1]) ? pair[1] : 'maybe'
  }
  return undefined
}

function valueOf(left: unknown, packet: Packet): Value {
  if (!isJson(left)) return { is: 'unknown' }
  const { meta, payload, ct, exthdr, fib } = left
  if (isJson(meta)) return metaValue(meta['key'], packet)
  if (isJson(payload)) return payloadValue(payload, packet)
  // Nothing was exchanged before it, and nothing is translated.
  if (isJson(ct) && ct['key'] === 'state') return known('new')
  if (isJson(ct) && ct['key'] === 'status') return { is: 'absent' }
  // The first packet has no such header of IPv6.
  if (isJson(exthdr)) return { is: 'absent' }
  if (isJson(fib) && fib['result'] === 'type') return kindOfTarget(fib['flags'], packet)
  return { is: 'unknown' }
}

/** What the system's routes say of the target: this machine, a group, or another machine. */
function kindOfTarget(flags: unknown, { direction, target }: Packet): Value {
  const isOfTarget = Array.isArray(flags) ? flags.includes('daddr') : flags === 'daddr'
  if (!isOfTarget) return { is: 'unknown' }
  if (/^(?:ff|22[4-9]\.|23\d\.)/u.test(target)) return known('multicast')
  return known(direction === 'in' ? 'local' : 'unicast')
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

function isAmong(value: string | number, right: unknown, place: Place, depth = 0): Truth {
  if (depth > MAX_NESTED_VALUES) return 'maybe'
  const among = (inner: unknown): Truth => isAmong(value, inner, place, depth + 1)
  if (Array.isArray(right)) return any(right.map(among))
  if (typeof right === 'number') return truth(Number(value) === right)
  if (typeof right === 'string') {
    if (right.startsWith('@')) {
      const elems = elements(right, place)
      return elems === undefined ? 'maybe' : among(elems)
    }
    return truth(right.endsWith('*') ? String(value).startsWith(right.slice(0, -1)) : String(value) === right)
  }
  if (!isJson(right)) return 'maybe'
  if (Array.isArray(right['set'])) return among(right['set'])
  if (isJson(right['elem'])) return among(right['elem']['val'])
  if (Array.isArray(right['range'])) return isBetween(value, right['range'])
  if (isJson(right['prefix'])) return isWithin(value, right['prefix'])
  return 'maybe'
}

function elements(name: unknown, { ruleset, chain }: Place): readonly unknown[] | undefined {
  return typeof name === 'string' ? ruleset.elementsOf(chain, name.slice(1)) : undefined
}

function isBetween(value: string | number, [from, to]: readonly unknown[]): Truth {
  if (typeof value === 'number') return truth(value >= numberOf(from) && value <= numberOf(to))
  return inList(value, (list, family) => list.addRange(textOf(from), textOf(to), family))
}

function isWithin(value: string | number, { addr, len }: Json): Truth {
  return inList(String(value), (list, family) => list.addSubnet(textOf(addr), numberOf(len), family))
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

function numberOf(value: unknown): number {
  return typeof value === 'string' || typeof value === 'number' ? Number(value) : NaN
}
