// The WebSocket of a directory or a relay: where it listens, behind a web server, and
// where clients reach it from outside, as its operator says. It opens no socket.
import type { Multiaddr } from '@multiformats/multiaddr'
import { webSocketPlaceOf, type HostInit } from '../../transport/index.ts'
import { UsageError } from '../api/errors.ts'
import type { Config } from '../config/config.ts'
import type { TrustedProxies } from '../config/trusted-proxies.ts'
import { addressOf, parseAddress, peerIdOf } from '../dialing/address.ts'
import { whyNotListening, type ListenPlace } from '../dialing/listening.ts'
import { withoutForwardedFor } from '../misbehaviour.ts'
import type { Misbehaviour } from '../api/notices.ts'

/** The web server is on this machine unless the operator says otherwise. */
const DEFAULT_WS_HOST = '127.0.0.1'

export interface DirectoryWebSocket extends ListenPlace {
  readonly host: string
  /** Where clients reach it, without a peer ID; undefined where the operator has not said it. */
  readonly announced: Multiaddr | undefined
}

/**
 * @param port on which the node listens for TCP
 * @returns undefined where it listens for none
 * @throws UsageError, BadAddressError, PortTakenError, PortForbiddenError, ListenAddressError
 */
export async function directoryWebSocket(
  { wsPort, wsHost, wsAnnounce }: Config['settings'],
  port: number
): Promise<DirectoryWebSocket | undefined> {
  if (wsPort === undefined) {
    if (wsHost === undefined && wsAnnounce === undefined) return undefined
    throw new UsageError('--ws-host and --ws-announce are about the WebSocket of a directory: give --ws-port too')
  }
  if (wsPort === port) {
    throw new UsageError(`--port and --ws-port ask for the same port, ${port}: give each its own`)
  }
  const place = { host: wsHost ?? DEFAULT_WS_HOST, port: wsPort }
  const unusable = await whyNotListening(place, { portOption: '--ws-port', hostOption: '--ws-host' })
  if (unusable !== undefined) throw unusable
  return { ...place, announced: wsAnnounce === undefined ? undefined : readAnnounced(wsAnnounce) }
}

/** Where it listens. */
export function webSocketAt({ host, port }: ListenPlace): Multiaddr {
  return addressOf({ host: host ?? DEFAULT_WS_HOST, port }).encapsulate('/ws')
}

/** For `hostOptions`. */
export function webSocketsOf(
  { host, port }: DirectoryWebSocket,
  { proxies, misbehaved }: { readonly proxies: TrustedProxies; readonly misbehaved: (what: Misbehaviour) => void }
): NonNullable<HostInit['webSockets']> {
  return {
    host,
    port,
    isTrustedProxy: (address) => proxies.has(address),
    onUnnamed: (address) => misbehaved(withoutForwardedFor(address))
  }
}

function readAnnounced(text: string): Multiaddr {
  const address = parseAddress([text])
  if (address === undefined || webSocketPlaceOf(address) === undefined || peerIdOf(address) !== undefined) {
    throw new UsageError(
      `--ws-announce: ${JSON.stringify(text)} is not the URL of a WebSocket: give one such as wss://directory.example`
    )
  }
  return address
}
