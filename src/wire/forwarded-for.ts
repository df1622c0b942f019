// Whose request a reverse proxy forwards, by the header X-Forwarded-For. Any client may
// write it, and each proxy appends the address that it saw: so the list is read from its
// end, and the first address that is not a trusted proxy's is the client. Pure.
import { isIP } from 'node:net'

/**
 * @param sender the address of the connection
 * @param header all its values, with commas between them
 * @returns an IP address as text; `sender` when it is no trusted proxy, or names nobody
 */
export function forwardedFor(sender: string, header: string, isTrustedProxy: (address: string) => boolean): string {
  let client = sender
  const hops = header.split(',')
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
