// Opens a WebSocket: a TCP connection or a tunnel of a proxy, TLS where the address asks for
// it, and the opening handshake. TLS and the system's certificates are loaded when they are first needed. It
// knows nothing of libp2p.
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import type { createSecureContext, getCACertificates, SecureContext } from 'node:tls'
import type { HttpProxy } from '../../lib/index.ts'
import { toError } from '../../wire/index.ts'
import { readHttpHead } from './http-head.ts'
import { openTunnel } from './http-proxy.ts'
import { checkUpgradeResponse, upgradeRequest, WebSocketRefusedError } from './upgrade.ts'
import type { WebSocketPlace } from './websocket-address.ts'

export interface OpenWebSocket {
  readonly socket: Socket
  /** What came behind the answer. */
  readonly early: Uint8Array
}

export interface OpenWebSocketOptions {
  readonly signal: AbortSignal
  readonly lookup?: LookupFunction | undefined
  /** The way out; without it, the host is dialled. */
  readonly proxy?: HttpProxy | undefined
}

/**
 * @throws ProxyError when the proxy makes no tunnel to it
 * @throws WebSocketRefusedError when what answers opens no WebSocket
 * @throws the system's error, or that of TLS; the signal's reason
 */
export async function openWebSocket(
  place: WebSocketPlace,
  { signal, lookup, proxy }: OpenWebSocketOptions
): Promise<OpenWebSocket> {
  signal.throwIfAborted()
  const tunnel = proxy === undefined ? undefined : await openTunnel(place, { proxy, signal, lookup })
  const where = { host: place.host, port: place.port, noDelay: true, ...(lookup === undefined ? {} : { lookup }) }
  const bare = tunnel ?? connect(where)
  const socket = place.isSecure ? await tlsOver(bare, place) : bare
  const { promise, resolve, reject } = Promise.withResolvers<OpenWebSocket>()
  const onAbort = (): void => reject(toError(signal.reason))
  const onClose = (): void => reject(new WebSocketRefusedError('the connection was closed before an answer came'))
  const { key, bytes: request } = upgradeRequest(place)
  const onConnect = (): void => void socket.write(request)
  let received: Uint8Array = new Uint8Array()
  const onData = (bytes: Uint8Array): void => {
    received = Buffer.concat([received, bytes])
    const reading = readHttpHead(received)
    if (reading.is === 'incomplete') return
    try {
      if (reading.is === 'invalid') throw new WebSocketRefusedError(`the answer is not HTTP: ${reading.why}`)
      checkUpgradeResponse(reading.head, key)
      socket.pause()
      resolve({ socket, early: received.subarray(reading.byteLength) })
    } catch (error) {
      reject(toError(error))
    }
  }
  const connected = place.isSecure ? 'secureConnect' : 'connect'
  signal.addEventListener('abort', onAbort)
  socket.on('error', reject).on('close', onClose).on('data', onData).once(connected, onConnect)
  if (socket === tunnel) {
    onConnect()
    socket.resume()
  }
  try {
    return await promise
  } catch (error) {
    socket.on('error', () => undefined)
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.off('error', reject).off('close', onClose).off('data', onData).off(connected, onConnect)
  }
}

async function tlsOver(socket: Socket, place: WebSocketPlace): Promise<Socket> {
  const tls = await import('node:tls')
  const name = place.serverName ?? place.host
  return tls.connect({
    socket,
    // HTTP/2, which a proxy may prefer, opens WebSockets in another way (RFC 8441).
    ALPNProtocols: ['http/1.1'],
    secureContext: trustedCertificates(tls),
    ...(isIP(name) === 0 ? { servername: name } : {})
  })
}

/** What is needed of `node:tls`. */
interface Tls {
  readonly createSecureContext: typeof createSecureContext
  readonly getCACertificates: typeof getCACertificates
}

let trusted: SecureContext | undefined

/** The authorities that Node brings, those of NODE_EXTRA_CA_CERTS, and those that this machine's administrator trusts. */
function trustedCertificates(tls: Tls): SecureContext {
  trusted ??= tls.createSecureContext({
    ca: [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])]
  })
  return trusted
}
