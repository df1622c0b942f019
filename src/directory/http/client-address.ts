// Whose request it is: the address of the connection, or what a trusted reverse
// proxy says of it. Any client may write X-Forwarded-For, and each proxy appends
// the address that it saw: so the list is read from its end, and the first
// address that is not a trusted proxy's is the client. Knows no proxies itself.
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** @returns an IP address as text; empty when the connection is gone already */
export function clientAddress(
  request: Pick<IncomingMessage, 'socket' | 'headers'>,
  isTrustedProxy: (address: string) => boolean
): string {
  let client = request.socket.remoteAddress ?? ''
  const header = request.headers['x-forwarded-for']
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',')
  while (isTrustedProxy(client)) {
    const hop = plainAddress(hops.pop() ?? '')
    if (hop === undefined) break // nothing was appended, or no address: the last known one counts
    client = hop
  }
  return client
}

/** Some proxies append the port, and then put an IPv6 address into brackets. */
function plainAddress(text: string): string | undefined {
  const trimmed = text.trim()
  const [, bracketed] = /^\[([^\]]*)\](?::\d{1,5})?$/u.exec(trimmed) ?? []
  const [, beforePort] = /^([\d.]+):\d{1,5}$/u.exec(trimmed) ?? []
  const address = bracketed ?? beforePort ?? trimmed
  return isIP(address) === 0 ? undefined : address
}
