// The user's own identity in words: name, ID, and the addresses at which others
// reach it. Pure.
import type { SelfView } from '../chat-api/chat-api.ts'

export interface Identity {
  readonly peer: string
  readonly shortId: string
  readonly nickname: string
  readonly network: string
  readonly profile: string
  readonly addresses: readonly string[]
}

export function greetingLines(self: Pick<SelfView, 'nickname' | 'shortId' | 'profile' | 'addresses'>): string[] {
  const place = reachableAt(self.addresses)
  const where = place === undefined ? 'not listening' : `host ${place.host}, port ${place.port}`
  const { name, insteadOf } = self.profile
  const instead =
    insteadOf === undefined ? [] : [`The profile ${insteadOf} is in use by another parley: this is ${name}.`]
  return [...instead, `You are ${self.nickname} (${self.shortId}), ${where}.`]
}

interface HostAndPort {
  readonly host: string
  readonly port: string
}

/** The host and port that others would type to reach it. */
export function reachableAt(addresses: readonly string[]): HostAndPort | undefined {
  return placesOf(addresses)[0]
}

/** Hosts and ports of multiaddrs, the most useful first: loopback last, IPv4 before IPv6. */
export function placesOf(addresses: readonly string[]): readonly HostAndPort[] {
  return addresses.flatMap((address) => placeOf(address) ?? []).toSorted((one, other) => rank(one) - rank(other))
}

/** The multiaddrs to give to others, the most useful first; those that lead nowhere from elsewhere only without any other. */
export function addressesForOthers(addresses: readonly string[]): readonly string[] {
  const rankOf = (address: string): number => rank(placeOf(address))
  const direct = addresses.filter((address) => placeOf(address) !== undefined)
  const relayed = addresses.filter((address) => placeOf(address) === undefined)
  const ranked = direct.toSorted((one, other) => rankOf(one) - rankOf(other))
  const outward = ranked.filter((address) => rankOf(address) < loopbackRank)
  return [...(outward.length > 0 ? outward : ranked), ...relayed]
}

function placeOf(address: string): HostAndPort | undefined {
  const [, host, port] = /^\/(?:ip4|ip6|dns[46]?)\/([^/]+)\/tcp\/(\d+)/u.exec(address) ?? []
  return host === undefined || port === undefined ? undefined : { host, port }
}

const loopbackRank = 2

function rank(place: HostAndPort | undefined): number {
  const host = place?.host ?? ''
  const isLoopback = host === '::1' || host.startsWith('127.')
  return (isLoopback ? loopbackRank : 0) + (host.includes(':') ? 1 : 0)
}

/** @param place of the addresses: beside their heading, or below it where they may take several rows each */
export function identityLines(identity: Identity, place: 'beside' | 'below' = 'beside'): string[] {
  const addresses = addressesForOthers(identity.addresses)
  return [
    `Nickname:  ${identity.nickname}`,
    `Peer ID:   ${identity.peer} (short: ${identity.shortId})`,
    `Network:   ${identity.network}`,
    `Profile:   ${identity.profile}`,
    ...(place === 'below'
      ? ['Addresses:', ...addresses.map((address) => `  ${address}`)]
      : addresses.map((address, index) => `${index === 0 ? 'Addresses: ' : '           '}${address}`))
  ]
}
