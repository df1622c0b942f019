// Which way packets take: the address that the system would send from, and whether an
// interface is a tunnel. The question sends nothing: it connects a UDP socket.
import { createSocket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import type { Interfaces } from '../../../transport/index.ts'

/** Documentation prefixes (RFC 5737, RFC 3849): nothing is there, so they show the default route. */
export const ELSEWHERE = { ipv4: '192.0.2.1', ipv6: '2001:db8::1' } as const

const DISCARD_PORT = 9

/** The answer is the kernel's own, and is there at once. */
const ROUTE_TIMEOUT_MS = 1_000

/** @returns the address that the system would send from; undefined where it has no route */
export async function sourceTowards(ip: string): Promise<string | undefined> {
  const socket = createSocket(isIPv4(ip) ? 'udp4' : 'udp6')
  try {
    return await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ROUTE_TIMEOUT_MS)
      const done = (source: string | undefined): void => {
        clearTimeout(timer)
        resolve(source)
      }
      socket.on('error', () => done(undefined))
      socket.connect(DISCARD_PORT, ip, () => done(boundTo(socket)))
    })
  } finally {
    socket.close()
  }
}

/** Without a route some systems connect the socket, and bind it to no address. */
function boundTo(socket: ReturnType<typeof createSocket>): string | undefined {
  try {
    const { address } = socket.address()
    return address === '0.0.0.0' || address === '::' ? undefined : address
  } catch {
    return undefined
  }
}

/** The interface that has the address. */
export function interfaceOf(ip: string | undefined, interfaces: Interfaces): string | undefined {
  if (ip === undefined) return undefined
  const plain = ip.split('%')[0]
  const found = Object.entries(interfaces).find(([, infos]) =>
    infos?.some(({ address }) => address.split('%')[0] === plain)
  )
  return found?.[0]
}

/** Linux's types of interfaces without a link layer: PPP, IP in IP, SIT, GRE, and NONE, which TUN and WireGuard have. */
const tunnelTypes = new Set([512, 768, 769, 776, 778, 65_534])

/** As VPN programs name theirs. */
const tunnelNames =
  /^(?:tun|tap|utun|ppp|wg|vpn|ipsec|tailscale|zt|nordlynx|proton|mullvad|wgpia|gpd|cscotun|warp|nebula)/iu

/** Whether the interface is the near end of a tunnel, as that of a VPN is. */
export async function isTunnel(name: string): Promise<boolean> {
  if (tunnelNames.test(name)) return true
  try {
    return tunnelTypes.has(Number(await readFile(`/sys/class/net/${name}/type`, 'latin1')))
  } catch {
    return false
  }
}
