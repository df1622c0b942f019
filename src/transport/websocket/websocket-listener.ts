// Where a directory listens for WebSockets. A trusted proxy says whose connection it is, by
// `X-Forwarded-For`; from anyone else that header means nothing.
import { TypedEventEmitter, type Listener, type ListenerEvents, type Upgrader } from '@libp2p/interface'
import { ipPortToMultiaddr } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { forwardedFor, toError } from '../../wire/index.ts'
import { AcceptedWebSocket, type WebSocketConnectionInit } from './websocket-connection.ts'
import { webSocketPlaceOf } from './websocket-address.ts'

export interface WebSocketListenerInit {
  readonly upgrader: Upgrader
  readonly connection: () => Pick<WebSocketConnectionInit, 'log' | 'onMisbehaviour'>
  /** Whether what this IP address says of its clients' addresses counts. */
  readonly isTrustedProxy: (address: string) => boolean
  /** A trusted proxy did not say whose request it was; it was refused. */
  readonly onUnnamed: (address: Multiaddr) => void
}

export class WebSocketListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #init: WebSocketListenerInit
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  readonly #life = new AbortController()

  constructor(init: WebSocketListenerInit) {
    super()
    this.#init = init
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket))
    this.#server.on('error', (detail) => this.safeDispatchEvent('error', { detail }))
    this.#server.on('close', () => this.safeDispatchEvent('close'))
  }

  async listen(address: Multiaddr): Promise<void> {
    const { host, port } = webSocketPlaceOf(address) ?? {}
    this.#server.listen({ host, port })
    await once(this.#server, 'listening')
    this.safeDispatchEvent('listening')
  }

  async close(): Promise<void> {
    this.#life.abort()
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  getAddrs(): Multiaddr[] {
    return []
  }

  updateAnnounceAddrs(): void {
    // It announces none.
  }

  #accept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const { upgrader, connection: connectionInit, isTrustedProxy, onUnnamed } = this.#init
    const remoteAddr = ipPortToMultiaddr(remoteAddress, remotePort)
    const connection = new AcceptedWebSocket({
      ...connectionInit(),
      socket,
      remoteAddr,
      clientOf: ({ headers }) => {
        if (!isTrustedProxy(remoteAddress)) return remoteAddr
        const header = headers.get('x-forwarded-for')
        if (header !== undefined) {
          return ipPortToMultiaddr(forwardedFor(remoteAddress, header, isTrustedProxy), remotePort)
        }
        onUnnamed(remoteAddr)
        return undefined
      }
    })
    upgrader
      .upgradeInbound(connection, { signal: this.#life.signal })
      .catch((error: unknown) => connection.abort(toError(error)))
  }
}
