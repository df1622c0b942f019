// Addresses as people type them, and multiaddrs: reads and writes both. Pure: it looks
// nothing up and dials nothing.
import { peerIdFromString } from '@libp2p/peer-id'
import { CODE_P2P, CODE_P2P_CIRCUIT } from '@multiformats/multiaddr'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { isIP, isIPv4, isIPv6 } from 'node:net'
import { parsePort } from '../config/setting-values.ts'
import { circuitRoute } from '../../relay/index.ts'
import { webSocketAddress, webSocketPlaceOf, webSocketUrl } from '../../transport/index.ts'
import type { PathKind } from '../api/chat-events.ts'
import { BadAddressError, quote, ParleyError } from '../api/errors.ts'
import { exitCodes } from '../api/exit-codes.ts'

/** An address of a kind that Parley does not dial; `text` as it was typed. */
class UnusableAddressError extends ParleyError {
  override readonly name = 'UnusableAddressError'
  override readonly exitCode = exitCodes.usage
  readonly text: string

  /** @param kind of address: "QUIC", "a relay" */
  constructor(text: string, kind: string) {
    super(
      `${quote(text)} is an address of ${kind}, and Parley dials TCP and WebSocket: use one such as /ip4/192.168.1.7/tcp/4001`
    )
    this.text = text
  }
}

export interface HostPort {
  readonly host: string
  readonly port: number
}

const hostPattern = /^(?=.{1,253}$)[\p{L}\p{N}_]([\p{L}\p{N}_-]{0,62})(\.[\p{L}\p{N}_][\p{L}\p{N}_-]{0,62})*\.?$/u
const usableProtocols = new Set(['ip4', 'ip6', 'ip6zone', 'dns', 'dns4', 'dns6', 'tcp', 'p2p'])
const urlPattern = /^[a-z][a-z0-9+.-]*:\/\//iu
/** The kinds of addresses that Parley can't dial, by a protocol in them; the last such protocol decides. */
const foreignTransports: ReadonlyMap<string, string> = new Map([
  ['quic', 'QUIC'],
  ['quic-v1', 'QUIC'],
  ['webtransport', 'WebTransport'],
  ['webrtc', 'WebRTC'],
  ['webrtc-direct', 'WebRTC'],
  ['ws', 'WebSocket'],
  ['wss', 'WebSocket'],
  ['p2p-circuit', 'a relay and no peer behind it'],
  ['udp', 'UDP']
])

/**
 * Reads one or two words as an address: a multiaddr, `HOST:PORT`, `[v6]:PORT`, `HOST PORT` or the URL of a WebSocket.
 *
 * @returns undefined when the words don't look like an address
 * @throws BadAddressError when they look like an address and are none; UnusableAddressError when Parley can't dial it
 */
export function parseAddress(words: readonly string[]): Multiaddr | undefined {
  const address = readAddress(words)
  const place = address === undefined ? undefined : hostPortOf(address)
  if (place !== undefined && isIPv6(place.host) && /^fe[89ab][\da-f]:[^%]*$/iu.test(place.host)) {
    throw new BadAddressError(
      words.join(' '),
      'the interface is missing that a link-local address needs: ' +
        `write [${place.host}%eth0]:${place.port}, with the name of your interface in place of eth0`
    )
  }
  return address
}

function readAddress(words: readonly string[]): Multiaddr | undefined {
  const [first = '', second, ...rest] = words
  if (rest.length > 0) return undefined
  if (/^wss?:\/\//iu.test(first)) return parseWebSocket(words)
  if (urlPattern.test(first)) {
    throw new BadAddressError(
      first,
      'it is the address of a web page; peers and directories are named by HOST:PORT or a multiaddr, ' +
        'and a directory prints its own port as "listening on port"; behind a web server it is named by wss://HOST'
    )
  }
  if (first.startsWith('/')) {
    if (second !== undefined) throw new BadAddressError(words.join(' '), 'nothing may follow a multiaddr')
    return parseMultiaddr(first)
  }
  if (second !== undefined)
    return looksLikePort(second) ? hostPort(words.join(' '), unbracket(first), second) : undefined
  const bracketed = /^\[(.*)\](?::(.*))?$/.exec(first)
  if (bracketed !== null) {
    const [, host = '', port] = bracketed
    if (port === undefined) throw new BadAddressError(first, `a port is missing: write [${host}]:PORT`)
    if (!isIPv6(host)) throw new BadAddressError(first, 'only an IPv6 address may stand in brackets')
    return hostPort(first, host, port)
  }
  if (isIP(first) !== 0) {
    const form = isIPv6(first) ? `[${first}]:PORT` : `${first}:PORT`
    throw new BadAddressError(first, `a port is missing: write ${form}`)
  }
  const colon = first.lastIndexOf(':')
  if (colon < 0) return undefined
  return hostPort(first, first.slice(0, colon), first.slice(colon + 1))
}

/** @throws BadAddressError */
export function addressOf({ host, port }: HostPort): Multiaddr {
  return hostPort(`${host} ${port}`, unbracket(host), String(port))
}

/** The host and port that a person would type; undefined for an address of another kind. */
export function hostPortOf(address: Multiaddr): HostPort | undefined {
  return placeOf(address, 'tcp')
}

/**
 * The other end of a connection, whether by TCP or a direct path over UDP. A UDP port was opened for this connection: it
 * is no place to dial.
 */
export function remotePlaceOf(address: Multiaddr): HostPort | undefined {
  return hostPortOf(address) ?? (isPunched(address) ? placeOf(address, 'udp') : undefined)
}

/** Whether it is the end of a direct path over UDP, as it is opened through routers. */
export function isPunched(address: Multiaddr): boolean {
  const [end, before] = withoutPeerId(address).getComponents().toReversed()
  return end?.name === 'udp' && (before?.name === 'ip4' || before?.name === 'ip6')
}

function placeOf(address: Multiaddr, transport: 'tcp' | 'udp'): HostPort | undefined {
  let host: string | undefined
  let port: number | undefined
  let zone = ''
  for (const { name, value } of address.getComponents()) {
    if (name === 'ip6zone') zone = `%${value}`
    else if (host === undefined && (name === 'ip4' || name.startsWith('dns'))) host = value
    // A link-local address belongs to one link: without its zone it cannot be reached.
    else if (host === undefined && name === 'ip6') host = `${value}${zone}`
    else if (name === transport) port = Number(value)
    else if (name === 'p2p-circuit') return undefined
  }
  return host === undefined || port === undefined ? undefined : { host, port }
}

/**
 * `HOST:PORT` or `[v6]:PORT`, with `/udp` behind it for UDP; the URL of a WebSocket; the multiaddr's own text for an
 * address of another kind.
 */
export function formatAddress(address: Multiaddr): string {
  const webSocket = webSocketPlaceOf(address)
  if (webSocket !== undefined) return webSocketUrl(webSocket)
  const place = remotePlaceOf(address)
  if (place === undefined) return address.toString()
  const { host, port } = place
  return `${isIPv6(host) ? `[${host}]` : host}:${port}${isPunched(address) ? '/udp' : ''}`
}

/** The peer ID that the multiaddr ends with; that of a relay before it is another's. */
export function peerIdOf(address: Multiaddr): string | undefined {
  const parts = address.getComponents()
  const circuit = parts.findLastIndex(({ code }) => code === CODE_P2P_CIRCUIT)
  return parts.slice(circuit + 1).findLast(({ code }) => code === CODE_P2P)?.value
}

/** Whether it leads through a relay. */
export function isRelayed(address: Multiaddr): boolean {
  return address.getComponents().some(({ code }) => code === CODE_P2P_CIRCUIT)
}

/** The peer ID of the relay through which it leads. */
export function relayOf(address: Multiaddr): string | undefined {
  return circuitRoute(address)?.relay
}

/** What a connection with this remote address runs over. */
export function pathKindOf(address: Multiaddr): PathKind {
  if (isRelayed(address)) return 'relayed'
  return isLocal(address) ? 'lan' : 'direct'
}

const pathRanks: Readonly<Record<PathKind, number>> = { relayed: 0, direct: 1, lan: 2 }

/** Of two connections, the one with the higher rank is used: the LAN before direct ones, and these before a relay. */
export function pathRankOf(address: Multiaddr): number {
  return pathRanks[pathKindOf(address)]
}

/** The same place without the peer ID. */
export function withoutPeerId(address: Multiaddr): Multiaddr {
  const peer = peerIdOf(address)
  return peer === undefined ? address : address.decapsulate(`/p2p/${peer}`)
}

/** A name that libp2p resolves to several addresses. */
export function isDnsaddr(address: Multiaddr): boolean {
  return address.getComponents()[0]?.name === 'dnsaddr'
}

export function withPeerId(address: Multiaddr, peer: string): Multiaddr {
  return peerIdOf(address) === undefined ? address.encapsulate(`/p2p/${peer}`) : address
}

export function isLoopback(address: Multiaddr): boolean {
  const host = remotePlaceOf(address)?.host
  return host !== undefined && (host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.')))
}

/** It belongs to one link, and means nothing without the zone of this machine (RFC 4291, 2.5.6). */
export function isLinkLocalIPv6(address: Multiaddr): boolean {
  const host = hostPortOf(address)?.host
  return host !== undefined && /^fe[89ab][\da-f]:/iu.test(host)
}

/** Private, link-local or loopback: a place on this machine or its LAN (RFC 1918, 3927, 4193, 4291). */
export function isLocal(address: Multiaddr): boolean {
  const host = remotePlaceOf(address)?.host
  if (host === undefined) return false
  if (isLoopback(address)) return true
  if (isIPv6(host)) return /^f[cd]|^fe[89ab]/i.test(host)
  return /^(10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host)
}

function parseMultiaddr(text: string): Multiaddr {
  let address: Multiaddr
  try {
    // From a QR code it is in capitals, with the peer ID as a CID; its bytes are those of the usual form.
    address = /^\/IP[46]\//u.test(text) ? multiaddr(multiaddr(text.toLowerCase()).bytes) : multiaddr(text)
  } catch (error) {
    throw new BadAddressError(text, `${reasonOf(error)}; one looks like /ip4/192.168.1.7/tcp/4001`, { cause: error })
  }
  const names = address.getComponents().map(({ name }) => name)
  const isWebSocket = webSocketPlaceOf(address) !== undefined
  for (const { name, value = '' } of address.getComponents()) if (name.startsWith('dns')) checkHostName(text, value)
  if (names[0] === 'dnsaddr') {
    checkPeerId(text, address)
    return address
  }
  if (circuitRoute(address)?.peer !== undefined) {
    checkPeerId(text, address)
    return address
  }
  const foreign = isWebSocket
    ? undefined
    : (names.findLast((name) => foreignTransports.has(name)) ?? names.find((name) => !usableProtocols.has(name)))
  if (foreign !== undefined) throw new UnusableAddressError(text, foreignTransports.get(foreign) ?? `/${foreign}`)
  checkPeerId(text, address)
  const place = hostPortOf(address)
  if (place === undefined)
    throw new BadAddressError(text, 'it needs a host and a TCP port, as in /ip4/192.168.1.7/tcp/4001')
  if ([names.filter((name) => name === 'tcp'), names.filter(isHost)].some(({ length }) => length > 1)) {
    throw new BadAddressError(text, 'it holds two addresses: give one')
  }
  checkPort(text, String(place.port))
  return address
}

/** A peer ID has no place in a URL: it is given by a multiaddr. */
function parseWebSocket(words: readonly string[]): Multiaddr {
  const text = words.join(' ')
  const address = words.length === 1 ? webSocketAddress(text) : undefined
  if (address === undefined) {
    throw new BadAddressError(text, 'the URL of a WebSocket is written wss://HOST, wss://HOST:PORT or wss://HOST/PATH')
  }
  const place = webSocketPlaceOf(address)
  if (place !== undefined && isIP(place.host) === 0) checkHostName(text, place.host)
  checkPort(text, String(place?.port))
  return address
}

/** Whether a multiaddr's protocol names a host. */
function isHost(name: string): boolean {
  return name === 'ip4' || name === 'ip6' || name.startsWith('dns')
}

/** multiaddr accepts any letters and digits behind /p2p/. */
function checkPeerId(text: string, address: Multiaddr): void {
  const peer = peerIdOf(address)
  if (peer === undefined) return
  try {
    peerIdFromString(peer)
  } catch (error) {
    throw new BadAddressError(
      text,
      `the peer ID behind /p2p/ is mistyped or cut off (it has ${peer.length} characters; one like 12D3KooW… has 52). ` +
        'Copy it again, or leave out /p2p/ and what follows',
      { cause: error }
    )
  }
}

function hostPort(typed: string, host: string, portText: string): Multiaddr {
  const port = checkPort(typed, portText)
  if (isIPv4(host)) return multiaddr(`/ip4/${host}/tcp/${port}`)
  if (isIPv6(host)) {
    const [ip = '', zone] = host.split('%')
    return multiaddr(zone === undefined ? `/ip6/${ip}/tcp/${port}` : `/ip6zone/${zone}/ip6/${ip}/tcp/${port}`)
  }
  if (isIPv6(`${host}:${port}`)) {
    throw new BadAddressError(typed, `an IPv6 address with a port is written [${host}]:${port}`)
  }
  if (host.includes(':')) {
    throw new BadAddressError(typed, 'it has more than one colon: write HOST:PORT, or [IPV6]:PORT')
  }
  if (/^[\d.]+$/.test(host))
    throw new BadAddressError(typed, `${host} is not an IPv4 address: it has four numbers up to 255`)
  checkHostName(typed, host)
  return multiaddr(`/dns/${host}/tcp/${port}`)
}

/** multiaddr accepts any characters behind /dns/. */
function checkHostName(typed: string, host: string): void {
  if (!hostPattern.test(host)) throw new BadAddressError(typed, 'that is not a host name or IP address')
}

function checkPort(typed: string, port: string): number {
  try {
    return parsePort(port)
  } catch (error) {
    throw new BadAddressError(typed, `its port is ${port === '' ? 'missing' : port}; ports go from 1 to 65535`, {
      cause: error
    })
  }
}

function looksLikePort(word: string): boolean {
  return /^\d+$/.test(word)
}

function unbracket(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
