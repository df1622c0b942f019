// Which of the addresses that are known for a peer are dialled, in which order, and
// why the others are not. The rule: nobody can make this machine dial where the
// sender of the address could not have dialled itself. So a peer elsewhere can't name
// the services of this machine, of its network or of its cloud; a peer in the same
// network can name that network; only a program of this machine can name loopback.
// And no source of addresses crowds out the others: a forged sighting or a long
// record costs a few dials, and no more. This is the one filter before every dial by
// peer ID. Pure: it looks nothing up. Why so: docs/decisions/0019.
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { isIP, isIPv4 } from 'node:net'
import { addressRange } from '../../wire/index.ts'
import { circuitAddress, circuitRoute } from '../../relay/index.ts'
import { formatAddress, hostPortOf, isLoopback, isRelayed, peerIdOf, remotePlaceOf, withPeerId } from './address.ts'
import type { OwnNetwork } from './own-network.ts'

/** Where an address came from. */
export type Vantage =
  /** The user has named it. */
  | 'user'
  /** It was reached, or has passed this filter, before: only what is never dialled is left out. */
  | 'known'
  /** A program of this machine has sent it. */
  | 'machine'
  /** A peer in a network of this machine has sent it. */
  | 'network'
  /** A peer elsewhere that the user has chosen. */
  | 'contact'
  | 'elsewhere'

const tcpProtocols = new Set(['ip4', 'ip6', 'tcp', 'p2p'])
const webSocketProtocols = ['tls', 'sni', 'ws', 'wss', 'http-path']
const namedProtocols = new Set([...tcpProtocols, ...webSocketProtocols, 'ip6zone', 'dns', 'dns4', 'dns6', 'dnsaddr'])

/** How near a peer is that is connected from this address. */
export function vantageOf(address: Multiaddr, own: OwnNetwork): 'machine' | 'network' | 'elsewhere' {
  const host = remotePlaceOf(address)?.host ?? ''
  if (isIP(host) === 0) return 'elsewhere'
  if (own.isOwn(host)) return 'machine'
  const range = addressRange(host)
  return range === 'private' || range === 'link-local' || own.isOnLink(host) ? 'network' : 'elsewhere'
}

/** The nearest of these. */
export function nearest(vantages: readonly Vantage[]): Vantage {
  const order = ['machine', 'network', 'contact'] as const
  return order.find((one) => vantages.includes(one)) ?? 'elsewhere'
}

/** @returns why the address is not dialled, as the end of a sentence about it; undefined when it is */
export function whyNotDialled(address: Multiaddr, from: Vantage, own: OwnNetwork): string | undefined {
  const isNamed = from === 'user' || from === 'known'
  const components = address.getComponents()
  const allowed = isNamed ? namedProtocols : tcpProtocols
  if (!components.every(({ name }) => allowed.has(name))) {
    // A name may resolve to another address between the check and the dial.
    const isName = components.some(({ name }) => name.startsWith('dns'))
    return isName ? 'is a name, and only you may give names' : 'is not a TCP address'
  }
  const place = hostPortOf(address)
  if (place === undefined) return components[0]?.name === 'dnsaddr' ? undefined : 'is not a TCP address'
  if (place.port === 0) return 'has no port'
  return isIP(place.host) === 0 ? undefined : whyNotReached(place.host, from, own)
}

function whyNotReached(ip: string, from: Vantage, own: OwnNetwork): string | undefined {
  if (own.isEndOfSubnet(ip)) return 'belongs to no machine'
  switch (addressRange(ip)) {
    case 'public':
      return undefined
    case 'none':
      return 'belongs to no machine'
    case 'metadata':
      return from === 'user' ? undefined : "is a cloud's metadata service"
    case 'loopback':
      return from === 'user' || from === 'known' || from === 'machine'
        ? undefined
        : "is another machine's own (loopback)"
    case 'link-local':
      // An IPv6 one needs a zone, which means something on its own machine only.
      return from === 'user' || from === 'known' || (isNear(from) && isIPv4(ip) && own.isOnLink(ip))
        ? undefined
        : 'is an address of another link'
    case 'private':
      return isNear(from) || own.isOnLink(ip) || (from === 'contact' && own.isInPrivateNetwork(ip))
        ? undefined
        : 'is in a private network that this machine is not in'
  }
}

function isNear(from: Vantage): boolean {
  return from !== 'elsewhere' && from !== 'contact'
}

/** After libp2p's own default; more addresses in one dial are a mistake or an attack. */
export const MAX_ADDRESSES_PER_DIAL = 24

/** Addresses from one source: multiaddrs as text, the most promising first. They may hold anything. */
export interface KnownAddresses {
  readonly addresses: readonly string[]
  readonly from: Vantage
}

export interface Candidate {
  /** With the peer ID that must answer. */
  readonly address: Multiaddr
  readonly from: Vantage
}

export interface Candidates {
  /** At most MAX_ADDRESSES_PER_DIAL. */
  readonly dialled: readonly Candidate[]
  /** Addresses that are not dialled, each as a clause: `127.0.0.1:22 is another machine's own (loopback)`. */
  readonly refused: readonly string[]
}

/**
 * @param sources the most promising first
 * @param relays peer IDs of the relays in use: only through these is a peer dialled, whoever names another
 */
export function dialCandidates(
  peer: string,
  sources: readonly KnownAddresses[],
  own: OwnNetwork,
  relays: ReadonlySet<string> = new Set()
): Candidates {
  const dialled = new Map<string, Candidate>()
  const refused = new Map<string, string>()
  const longest = Math.max(0, ...sources.map(({ addresses }) => addresses.length))
  for (let turn = 0; turn < longest; turn++) {
    for (const { addresses, from } of sources) {
      const address = readCandidate(addresses[turn], peer)
      if (address === undefined) continue
      const key = address.toString()
      const why = isRelayed(address) ? whyNotRelayed(address, relays) : whyNotDialled(address, from, own)
      if (why !== undefined) refused.set(key, `${formatAddress(address)} ${why}`)
      else if (!dialled.has(key)) dialled.set(key, { address, from })
    }
  }
  for (const key of dialled.keys()) refused.delete(key)
  return {
    dialled: withoutOthersLoopback([...dialled.values()], own).slice(0, MAX_ADDRESSES_PER_DIAL),
    refused: [...refused.values()]
  }
}

function whyNotRelayed(address: Multiaddr, relays: ReadonlySet<string>): string | undefined {
  return relays.has(circuitRoute(address)?.relay ?? '') ? undefined : 'leads through a relay that is not in use'
}

/**
 * Every peer announces 127.0.0.1, but only a peer on this machine is behind it: for any other, a third program may
 * answer there, and look like an impostor.
 */
function withoutOthersLoopback(candidates: readonly Candidate[], own: OwnNetwork): readonly Candidate[] {
  const outward = candidates.filter(({ address }) => !isLoopback(address) && !isRelayed(address))
  if (outward.length === 0 || outward.some(({ address }) => own.isOwn(hostPortOf(address)?.host ?? ''))) {
    return candidates
  }
  return candidates.filter(({ address }) => !isLoopback(address))
}

function readCandidate(text: string | undefined, peer: string): Multiaddr | undefined {
  if (text === undefined) return undefined
  try {
    const address = withPeerId(multiaddr(text), peer)
    if (peerIdOf(address) !== peer) return undefined
    const route = circuitRoute(address)
    // Whatever stands before the relay's ID: the connection with a relay in use is there.
    return route === undefined ? address : circuitAddress(route.relay, peer)
  } catch {
    return undefined // an address of a kind that this version does not know
  }
}

/** Reported addresses in one dial; the others are dialled only after these have failed. */
const MAX_REPORTED_ADDRESSES_PER_DIAL = 8

/**
 * A few of the reported addresses at a time, without those that have just failed. When all have failed, the one whose
 * back-off ends first is tried now: when to try is decided elsewhere.
 *
 * @param againAtMs when an address may be dialled again
 */
export function inTurn(
  candidates: readonly Candidate[],
  againAtMs: (address: Multiaddr) => number,
  nowMs: number
): readonly Candidate[] {
  const againAt = new Map(candidates.map((one) => [one, againAtMs(one.address)]))
  const at = (one: Candidate): number => againAt.get(one) ?? 0
  const reported = candidates.filter(({ from }) => from !== 'user')
  // There are as many relayed ones as relays in use: a long record must not push them out.
  const ready = reported
    .filter((one) => at(one) <= nowMs)
    .toSorted((a, b) => Number(isRelayed(b.address)) - Number(isRelayed(a.address)))
    .slice(0, MAX_REPORTED_ADDRESSES_PER_DIAL)
  const isLast = ready.length === 0 && reported.length === candidates.length
  const chosen = isLast ? reported.toSorted((a, b) => at(a) - at(b)).slice(0, 1) : ready
  return candidates.filter((one) => one.from === 'user' || chosen.includes(one))
}
