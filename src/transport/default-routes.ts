// The routes by which this machine reaches the Internet, as one text that changes when
// they do. A VPN that comes up beside a Wi-Fi, or a cable that goes before it, changes
// routes and need not change an address. Linux shows them as files; elsewhere Node can't
// see them without another program, and only addresses are watched.
import { readFileSync } from 'node:fs'

/**
 * Routes to so wide a part of all addresses count as routes to the Internet. VPNs set halves beside the default route, so
 * that they need not replace it, and for IPv6 sixteenths; no network of an organisation is as wide.
 */
const WIDEST_PREFIX_BITS = 4

const IPV4_TABLE = '/proc/net/route'
const IPV6_TABLE = '/proc/net/ipv6_route'

/** One line for each route; empty where there is none, or the system does not show them. */
export function defaultRoutes(read: (file: string) => string = readTable): string {
  return [...ipv4Routes(read(IPV4_TABLE)), ...ipv6Routes(read(IPV6_TABLE))].toSorted().join('\n')
}

/** `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, addresses with their bytes turned round. */
function ipv4Routes(table: string): readonly string[] {
  const [, ...lines] = table.split('\n')
  return lines.flatMap((line) => {
    const [name, destination, gateway, , , , metric, mask] = line.split(/\s+/u)
    if (mask === undefined || bitsOf(mask) > WIDEST_PREFIX_BITS) return []
    return [`${name} ${destination}/${mask} ${gateway} ${metric}`]
  })
}

/** `destination length source length next-hop metric references use flags interface`. */
function ipv6Routes(table: string): readonly string[] {
  return table.split('\n').flatMap((line) => {
    const [destination, length, , , gateway, metric, , , , name] = line.trim().split(/\s+/u)
    // Linux keeps an entry for "no route" on loopback.
    if (name === undefined || name === 'lo' || Number.parseInt(length ?? '', 16) > WIDEST_PREFIX_BITS) return []
    return [`${name} ${destination}/${length} ${gateway} ${metric}`]
  })
}

function bitsOf(mask: string): number {
  return Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length
}

function readTable(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
