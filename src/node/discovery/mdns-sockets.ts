// The sockets of multicast DNS: bound to its port beside other programs, in its group on
// one link; and why the system refuses one, in words.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { errorCode } from '../../lib/index.ts'
import type { Link } from './links.ts'

export type Family = 'ipv4' | 'ipv6'

/** RFC 6762, 3. */
export const MDNS_PORT = 5353

/** RFC 6762, 3. */
export const mdnsGroups: Readonly<Record<Family, string>> = { ipv4: '224.0.0.251', ipv6: 'ff02::fb' }

/** RFC 6762, 11: older implementations believe a packet only where no router can have passed it on. */
const MDNS_TTL = 255

/** One family on one link. */
export interface LinkFamily {
  readonly link: Link
  readonly family: Family
}

/** Where datagrams for all on the link are sent. */
export function mdnsGroup({ link, family }: LinkFamily): string {
  return family === 'ipv4' ? mdnsGroups.ipv4 : `${mdnsGroups.ipv6}%${link.zone ?? ''}`
}

/** A socket that is bound to the link's own address hears no multicast, and sends from that address. */
export async function linkSender({ ipv4 = '' }: Link): Promise<Socket> {
  const socket = await boundForMdns('ipv4', ipv4)
  try {
    socket.setMulticastInterface(ipv4)
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}

export async function boundForMdns(family: Family, address: string): Promise<Socket> {
  const socket = createSocket({
    type: family === 'ipv4' ? 'udp4' : 'udp6',
    reuseAddr: true,
    ...(family === 'ipv6' ? { ipv6Only: true } : {})
  })
  socket.bind({ address, port: MDNS_PORT, exclusive: true })
  try {
    await once(socket, 'listening')
    socket.setMulticastTTL(MDNS_TTL)
    socket.setMulticastLoopback(true)
  } catch (error) {
    closeQuietly(socket)
    throw error
  }
  // Errors of datagrams go to the callback of `send`; the next look at the interfaces finds links that have gone.
  socket.on('error', () => undefined)
  return socket
}

/** The arguments with which a socket joins a family's group on one link. */
function membership({ link, family }: LinkFamily): readonly [group: string, onLink: string] {
  return [mdnsGroups[family], family === 'ipv4' ? (link.ipv4 ?? '') : `::%${link.zone ?? ''}`]
}

export function joinGroup(socket: Socket, path: LinkFamily): void {
  try {
    socket.addMembership(...membership(path))
  } catch (error) {
    // Two addresses of one interface stand for the same membership.
    if (errorCode(error) !== 'EADDRINUSE') throw error
  }
}

export function leaveGroup(socket: Socket, path: LinkFamily): void {
  try {
    socket.dropMembership(...membership(path))
  } catch {
    // The link has gone, and the membership with it.
  }
}

export async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.close(() => resolve()))
}

function closeQuietly(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // It was never open.
  }
}

/** Why a socket could not be had, or a datagram not sent, in words that follow `cannot be found: `. */
export function multicastFault(error: unknown): string {
  switch (errorCode(error)) {
    case 'EADDRINUSE':
      return 'another program holds UDP port 5353 exclusively'
    case 'EACCES':
    case 'EPERM':
      return 'the system, or a firewall on this machine, forbids what mDNS needs (UDP port 5353)'
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return 'the system has no multicast route there'
    case 'ENETDOWN':
      return 'the interface is down'
    case 'EADDRNOTAVAIL':
    case 'ENODEV':
      return 'its address is not ready'
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open'
    case 'ENOBUFS':
      return 'the system allows no more multicast groups'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}
