// Addresses of WebSockets, as URLs and as multiaddrs: `wss://directory.example/parley` is
// `/dns/directory.example/tcp/443/tls/ws/http-path/parley`. Pure.
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { isIP, isIPv6 } from 'node:net'

/** Where a WebSocket is opened. */
export interface WebSocketPlace {
  /** An IP address, an IPv6 one without brackets, or a name. */
  readonly host: string
  readonly port: number
  /** Over TLS. */
  readonly isSecure: boolean
  /** The name that the certificate has to hold; undefined: that of the host. */
  readonly serverName?: string
  /** As it stands in a request: printable ASCII that begins with a slash. */
  readonly path: string
}

const HTTP_PORT = 80
const HTTPS_PORT = 443

/** The longest path that is asked for: servers take a few KB, and operators choose a word. */
const MAX_PATH_CHARS = 256

/** Protocols of a multiaddr, each with a space behind it. */
const webSocketForm =
  /^(?:ip6zone )?(?:ip4|ip6|dns|dns4|dns6) tcp (?:ws|wss|tls (?:sni )?ws) (?:http-path )?(?:p2p )?$/u

/** @returns undefined for an address of another kind, or whose path can't be asked for */
export function webSocketPlaceOf(address: Multiaddr): WebSocketPlace | undefined {
  const components = address.getComponents()
  if (!webSocketForm.test(components.map(({ name }) => `${name} `).join(''))) return undefined
  const valueOf = (...names: string[]): string | undefined => components.find(({ name }) => names.includes(name))?.value
  const zone = valueOf('ip6zone')
  const ip6 = valueOf('ip6')
  const host =
    ip6 === undefined ? valueOf('ip4', 'dns', 'dns4', 'dns6') : `${ip6}${zone === undefined ? '' : `%${zone}`}`
  const serverName = valueOf('sni')
  const path = valueOf('http-path') ?? '/'
  if (host === undefined || !isPath(path)) return undefined
  return {
    host,
    port: Number(valueOf('tcp')),
    isSecure: components.some(({ name }) => name === 'tls' || name === 'wss'),
    ...(serverName === undefined ? {} : { serverName }),
    path
  }
}

/** @returns undefined for a text that is no URL of a WebSocket, or has a user, a query or a fragment */
export function webSocketAddress(text: string): Multiaddr | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) return undefined
  const { hostname, username, password, search, hash, pathname } = url
  if (hostname === '' || [username, password, search, hash].some((part) => part !== '') || !isPath(pathname)) {
    return undefined
  }
  const isSecure = url.protocol === 'wss:'
  const port = url.port === '' ? (isSecure ? HTTPS_PORT : HTTP_PORT) : Number(url.port)
  const host = hostname.replace(/^\[(.*)\]$/u, '$1')
  const kinds = { 0: 'dns', 4: 'ip4', 6: 'ip6' } as const
  const kind = kinds[isIP(host) as keyof typeof kinds]
  const path = pathname === '/' ? '' : `/http-path/${encodeURIComponent(pathname.slice(1))}`
  return multiaddr(`/${kind}/${host}/tcp/${port}/${isSecure ? 'tls/ws' : 'ws'}${path}`)
}

/** The URL that a person would type. */
export function webSocketUrl(place: WebSocketPlace): string {
  return `${place.isSecure ? 'wss' : 'ws'}://${authority(place.host, place)}${place.path}`
}

/** As a request names the place. */
export function hostHeader(place: WebSocketPlace): string {
  return authority(place.serverName ?? place.host, place)
}

/** A host and its port, unless that is the default one of the scheme. */
function authority(host: string, { port, isSecure }: WebSocketPlace): string {
  return port === (isSecure ? HTTPS_PORT : HTTP_PORT) ? bracketed(host) : `${bracketed(host)}:${port}`
}

function bracketed(host: string): string {
  const [ip = ''] = host.split('%')
  return isIPv6(ip) ? `[${ip}]` : host
}

function isPath(text: string): boolean {
  return text.length <= MAX_PATH_CHARS && /^\/[\x21-\x7e]*$/u.test(text)
}
