// The fallback to WebSocket, through the web server of a directory's host, where its TCP
// port is not reached. It makes one attempt at both; when to make the next is decided
// elsewhere.
import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { isIP } from 'node:net'
import { webSocketAddress, webSocketPlaceOf, webSocketUrl } from '../../transport/index.ts'
import { hostPortOf, isLoopback, peerIdOf, withPeerId } from '../dialing/address.ts'
import { type Dial, dialEither } from '../dialing/dial-either.ts'

/**
 * The address at which a directory is dialled by WebSocket too. One that the directory names counts only for the host by
 * which it is known: else it could send its clients to the web servers of others. Without one, port 443 of a host that
 * has a name is tried. One that is known by WebSocket itself has a fallback only where it names another path or port.
 *
 * @param said what the directory names: any text
 * @returns undefined where there is no fallback
 */
export function webSocketOf(address: Multiaddr, said: string | undefined): Multiaddr | undefined {
  const host = hostPortOf(address)?.host
  if (host === undefined) return undefined
  const known = webSocketPlaceOf(address)
  const hasName = isIP(host.split('%')[0] ?? '') === 0 && !isLoopback(address)
  const usual = hasName && known === undefined ? webSocketAddress(`wss://${host}`) : undefined
  const found = readSaid(said, host) ?? usual
  const place = found === undefined ? undefined : webSocketPlaceOf(found)
  if (known !== undefined && place !== undefined && webSocketUrl(place) === webSocketUrl(known)) return undefined
  // Nor is what was encrypted by TLS ever tried without it.
  if (known?.isSecure === true && place?.isSecure === false) return undefined
  const peer = peerIdOf(address)
  return found === undefined || peer === undefined ? found : withPeerId(found, peer)
}

function readSaid(said: string | undefined, host: string): Multiaddr | undefined {
  if (said === undefined) return undefined
  try {
    const address = multiaddr(said)
    const place = webSocketPlaceOf(address)
    const isOfHost = place?.host.toLowerCase() === host.toLowerCase() && place.serverName === undefined
    return isOfHost && peerIdOf(address) === undefined ? address : undefined
  } catch {
    return undefined // no multiaddr of this version
  }
}

/**
 * Dials a directory at its address, and by WebSocket where that fails.
 *
 * @param known what it has said of its WebSocket: any text
 * @throws as {@link dialEither}
 */
export async function dialDirectory(
  dial: Dial,
  address: Multiaddr,
  known: { readonly webSocket: string | undefined; readonly signal: AbortSignal }
): Promise<Connection> {
  const { webSocket, signal } = known
  const second = webSocketOf(address, webSocket)
  return second === undefined ? dial(address, { signal }) : dialEither(dial, [address, second], { signal })
}
