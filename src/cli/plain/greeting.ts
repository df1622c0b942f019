// The first lines of a chat: who one is, and where one can be reached. Pure.
import type { ChatApi } from '../chat-api.ts'

type Self = Pick<ChatApi, 'nickname' | 'shortId' | 'profile' | 'addresses'>

export function greetingLines(node: Self): string[] {
  const place = reachableAt(node.addresses())
  const where = place === undefined ? 'not listening' : `host ${place.host}, port ${place.port}`
  const { name, insteadOf } = node.profile
  const instead = insteadOf === undefined ? [] : [`The profile ${insteadOf} is in use by another parley: this is ${name}.`]
  return [...instead, `You are ${node.nickname} (${node.shortId}), ${where}.`]
}

/** The host and port that others would type: not a loopback address when there is another, IPv4 before IPv6. */
export function reachableAt(addresses: readonly string[]): { readonly host: string; readonly port: string } | undefined {
  const places = addresses.flatMap((address) => {
    const match = /^\/(?:ip4|ip6|dns[46]?)\/([^/]+)\/tcp\/(\d+)/u.exec(address)
    const [, host, port] = match ?? []
    return host === undefined || port === undefined ? [] : [{ host, port }]
  })
  const isLoopback = ({ host }: { host: string }): boolean => host === '::1' || host.startsWith('127.')
  const isV4 = ({ host }: { host: string }): boolean => !host.includes(':')
  const rank = (place: { host: string }): number => (isLoopback(place) ? 2 : 0) + (isV4(place) ? 0 : 1)
  return places.toSorted((one, other) => rank(one) - rank(other))[0]
}
