// Which addresses that others have told are dialled. There is one rule:
// no teller can make this machine dial where it could not have dialled itself. So a
// peer elsewhere can't name the services of this machine, of its network or of
// its cloud; a peer in the same network can name that network; and only a program
// of this machine can name loopback. It is the one filter before every dial by
// peer ID. Pure: it looks nothing up. Why so: docs/decisions/0019.
import type { Multiaddr } from '@multiformats/multiaddr'
import { isIP, isIPv4 } from 'node:net'
import { addressRange } from '../wire/index.ts'
import { hostPortOf } from './address.ts'
import type { OwnNetwork } from './own-network.ts'

/** Where the word of an address came from. */
export type Vantage =
  /** The user has named it. */
  | 'user'
  /** It was reached, or has passed this filter, before: only what is never dialled is looked for. */
  | 'known'
  /** A program of this machine has told it. */
  | 'machine'
  /** A peer in a network of this machine has told it. */
  | 'network'
  /** A peer elsewhere that the user has chosen. */
  | 'contact'
  | 'elsewhere'

const tcpProtocols = new Set(['ip4', 'ip6', 'tcp', 'p2p'])
const namedProtocols = new Set([...tcpProtocols, 'ip6zone', 'dns', 'dns4', 'dns6', 'dnsaddr'])

/** Where a peer is that is connected from this address. */
export function vantageOf(address: Multiaddr, own: OwnNetwork): 'machine' | 'network' | 'elsewhere' {
  const host = hostPortOf(address)?.host ?? ''
  if (isIP(host) === 0) return 'elsewhere'
  if (own.isOwn(host)) return 'machine'
  const range = addressRange(host)
  return range === 'private' || range === 'link-local' || own.isOnLink(host) ? 'network' : 'elsewhere'
}

/** The one of these that is nearest. */
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
    // What a name means may change between a look at it and the dial.
    const isName = components.some(({ name }) => name.startsWith('dns'))
    return isName ? 'is a name, which only you can give' : 'is no address for TCP'
  }
  const place = hostPortOf(address)
  if (place === undefined) return components[0]?.name === 'dnsaddr' ? undefined : 'is no address for TCP'
  if (place.port === 0) return 'has no port'
  return isIP(place.host) === 0 ? undefined : whyNotReached(place.host, from, own)
}

function whyNotReached(ip: string, from: Vantage, own: OwnNetwork): string | undefined {
  if (own.isEndOfSubnet(ip)) return 'is the address of no machine'
  switch (addressRange(ip)) {
    case 'public':
      return undefined
    case 'none':
      return 'is the address of no machine'
    case 'metadata':
      return from === 'user' ? undefined : 'is where a cloud keeps the secrets of its machines'
    case 'loopback':
      return from === 'user' || from === 'known' || from === 'machine'
        ? undefined
        : "is another machine's own (loopback)"
    case 'link-local':
      // Of IPv6 it needs a zone, which has a meaning on its own machine only.
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
