// What a person types to talk to a peer, or to join the network: commands with
// real addresses, to be copied into a terminal. Addresses are remote text, so
// nothing is taken from them but what can only be a host and a port. Pure.
import type { Peer, RosterModel } from './roster-model.ts'

interface Place {
  readonly host: string
  readonly port: string
  readonly kind: 'ip4' | 'ip6' | 'dns'
}

/** A command that joins the network or names the relay, and whether it does so on the machine of the page alone. */
export interface Join {
  readonly command: string
  readonly isLocal: boolean
}

/** Without a host and port that others can reach it is the ID, which a directory knows the way to. */
export function chatCommand({ peer, addresses, path }: Peer, pageHost: string): string {
  const places = path === 'relayed' ? [] : placesOf(addresses)
  // A peer on the machine that shows the page is reached at its loopback address too.
  const local = isLoopback(pageHost) ? places.find(({ host }) => isLoopback(host)) : undefined
  const place = outwardBest(places, pageHost) ?? local
  return place === undefined ? `parley chat ${peer}` : `parley chat ${place.host} ${place.port}`
}

/**
 * @param pageHost the host by which the browser has reached the page
 * @returns undefined where the directory has no address that can be typed
 */
export function joinWith({ addresses, network, isRelayOnly }: RosterModel, pageHost: string): Join | undefined {
  const places = placesOf(addresses)
  const outward = outwardBest(places, pageHost)
  const local = isLoopback(pageHost) ? places.find(({ host }) => isLoopback(host)) : undefined
  const where = outward === undefined ? local?.port : hostPort(outward)
  if (where === undefined) return undefined
  if (isRelayOnly) return { command: `parley --relay-via ${where}`, isLocal: outward === undefined }
  const others = network === usualNetwork ? '' : ` --network ${network}`
  return { command: `parley --directory ${where}${others}`, isLocal: outward === undefined }
}

const usualNetwork = 'parley'

/** Of those that other machines reach: the one by which the page was reached, else IPv4 and names first. */
function outwardBest(places: readonly Place[], pageHost: string): Place | undefined {
  const outward = places.filter(({ host }) => !isLoopback(host) && !isLinkLocal(host))
  return outward.find(({ host }) => host === bare(pageHost)) ?? outward.find(({ kind }) => kind !== 'ip6') ?? outward[0]
}

function placesOf(addresses: readonly string[]): readonly Place[] {
  return addresses.flatMap((address) => placeOf(address) ?? [])
}

/** @returns undefined for anything but a host and a TCP port: a relay's address, a link-local one with its zone */
function placeOf(address: string): Place | undefined {
  const [, kind, host = '', port = ''] =
    /^\/(ip4|ip6|dns4|dns6|dns)\/([\da-z](?:[\da-z.:-]{0,250}[\da-z])?|::1?)\/tcp\/(\d{1,5})(?:\/p2p\/[\dA-Za-z]+)?$/iu.exec(
      address
    ) ?? []
  if (kind === undefined) return undefined
  return { host, port, kind: kind === 'ip4' || kind === 'ip6' ? kind : 'dns' }
}

function hostPort({ host, port, kind }: Place): string {
  return kind === 'ip6' ? `[${host}]:${port}` : `${host}:${port}`
}

function isLoopback(host: string): boolean {
  return /^(?:127\.|localhost$|::1$)/u.test(bare(host))
}

function isLinkLocal(host: string): boolean {
  return /^(?:169\.254\.|fe[89ab])/iu.test(host)
}

/** A browser writes IPv6 in brackets. */
function bare(host: string): string {
  return host.replace(/^\[|\]$/gu, '')
}
