// The links of this machine on which multicast DNS is spoken: each interface that
// can multicast, and loopback for the programs of this machine. And the addresses at
// which this node is reached on one of them. It opens no socket.
import type { PeerId } from '@libp2p/interface'
import type { AddressManager, TransportManager } from '@libp2p/interface-internal'
import { readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { addressRange } from '../../wire/index.ts'
import { zoneOf, type Interfaces } from '../../transport/index.ts'
import { addressOf, hostPortOf, withPeerId, type HostPort } from '../dialing/address.ts'

/** Interfaces that speak multicast DNS, loopback among them: by default, Linux lets a socket join twenty groups. */
export const MAX_MULTICAST_LINKS = 16

export interface Link {
  /** The interface's name, as the system has it. */
  readonly name: string
  /** The IPv4 address that stands for the interface where a socket joins a group; undefined without IPv4. */
  readonly ipv4: string | undefined
  /** The zone of its link-local IPv6 address; undefined without one. */
  readonly zone: string | undefined
  /** All of its addresses, without zones. */
  readonly addresses: readonly string[]
  /** It reaches this machine only. */
  readonly isLoopback: boolean
}

export interface Links {
  readonly links: readonly Link[]
  /** Interfaces with an address that are not used, and why. */
  readonly unused: readonly { readonly name: string; readonly why: string }[]
}

/** @param isAble whether an interface can multicast, by its name */
export function multicastLinks(interfaces: Interfaces, isAble: (name: string) => boolean): Links {
  const all = Object.entries(interfaces).flatMap(([name, infos = []]) => linkOf(name, infos) ?? [])
  const able = all.filter((link) => link.isLoopback || isAble(link.name))
  const loopback = able.filter(({ isLoopback }) => isLoopback).slice(0, 1)
  const outward = able.filter(({ isLoopback }) => !isLoopback)
  const used = outward.slice(0, MAX_MULTICAST_LINKS - loopback.length)
  return {
    links: [...loopback, ...used],
    unused: [
      ...all.filter((link) => !able.includes(link)).map(({ name }) => ({ name, why: 'it cannot multicast' })),
      ...outward
        .slice(used.length)
        .map(({ name }) => ({ name, why: `only ${used.length + loopback.length} interfaces are used` }))
    ]
  }
}

function linkOf(name: string, infos: readonly NetworkInterfaceInfo[]): Link | undefined {
  const isLoopback = infos.some(({ internal }) => internal)
  const ipv4 = infos.find(({ address }) => isIPv4(address))?.address
  const local = infos.find(({ address, family }) => family === 'IPv6' && addressRange(address) === 'link-local')
  // On loopback IPv4 is enough, and is always there.
  const zone = local === undefined || isLoopback ? undefined : zoneOf(name, local)
  if (ipv4 === undefined && zone === undefined) return undefined
  return { name, ipv4, zone, addresses: infos.map(({ address }) => address.split('%')[0] ?? address), isLoopback }
}

/** Linux's flag of an interface that can multicast: a tunnel of WireGuard can't, a bridge or Wi-Fi can. */
const IFF_MULTICAST = 0x1000

/** Where the system does not say, the interface is tried. */
export function canMulticast(name: string): boolean {
  try {
    return (Number(readFileSync(`/sys/class/net/${name}/flags`, 'latin1').trim()) & IFF_MULTICAST) !== 0
  } catch {
    return true
  }
}

/** Addresses taken of one sighting, one for each way in which its sender listens. */
export const MAX_SIGHTED_ADDRESSES = 4

const ANY_IPV4 = '0.0.0.0'
const ANY_IPV6 = '::'

/** Hosts as configured: `0.0.0.0` and `::` stand for all addresses of their family. */
export function listeningPlaces(
  asked: Pick<AddressManager, 'getListenAddrs'>,
  listening: Pick<TransportManager, 'getAddrs'>
): readonly HostPort[] {
  return asked.getListenAddrs().flatMap((address) => {
    const place = hostPortOf(address)
    if (place === undefined || place.port > 0) return place ?? []
    const given = listening
      .getAddrs()
      .flatMap((one) => hostPortOf(one) ?? [])
      .find(({ host }) => isIPv4(host) === isIPv4(place.host))
    return given === undefined ? [] : { ...place, port: given.port }
  })
}

/** The multiaddrs, with the peer ID, at which a machine on the link reaches this node. */
export function addressesOnLink(link: Link, places: readonly HostPort[], self: PeerId): readonly string[] {
  const reached = link.addresses.flatMap((ip) =>
    places.filter(({ host }) => isReachedBy(host, ip)).map(({ port }) => ({ host: ip, port }))
  )
  return reached
    .slice(0, 2 * MAX_SIGHTED_ADDRESSES)
    .map((place) => withPeerId(addressOf(place), self.toString()).toString())
}

function isReachedBy(listening: string, ip: string): boolean {
  return listening === (isIPv4(ip) ? ANY_IPV4 : ANY_IPV6) || listening.split('%')[0] === ip
}
