/**
 * WebSocket as a libp2p transport among transports: for directories behind a web
 * server, and for peers in networks that let nothing out but HTTPS. Every node
 * dials; a directory listens, without TLS, which is its web server's. Where it is
 * reached from outside only its operator knows, so a listener announces nothing.
 */
import { transportSymbol } from '@libp2p/interface'
import type { ComponentLogger, Transport } from '@libp2p/interface'
import type { LookupFunction } from 'node:net'
import type { HttpProxy } from '../../lib/index.ts'
import { addressClass, stateAddressClass, toError, type MisbehaviourError } from '../../wire/index.ts'
import { openWebSocket } from './open-websocket.ts'
import { webSocketPlaceOf } from './websocket-address.ts'
import { WebSocketConnection, type WebSocketConnectionInit } from './websocket-connection.ts'
import { WebSocketListener, type WebSocketListenerInit } from './websocket-listener.ts'

export interface WebSocketsInit extends Pick<WebSocketListenerInit, 'isTrustedProxy' | 'onUnnamed'> {
  /** Looks up the hosts that are dialled; default the system's. */
  readonly lookup?: LookupFunction
  /** The proxy by which this host is reached; undefined where it is dialled itself. */
  readonly proxyOf?: ((host: string) => HttpProxy | undefined) | undefined
  readonly onMisbehaviour: (error: MisbehaviourError, connection: WebSocketConnection) => void
}

interface Components {
  readonly logger: ComponentLogger
}

/** For `createLibp2p({ transports: [tcp(), webSockets(init)] })`. */
export function webSockets({
  onMisbehaviour,
  lookup,
  proxyOf,
  ...listening
}: WebSocketsInit): (components: Components) => Transport {
  return ({ logger }) => {
    const init = (): Pick<WebSocketConnectionInit, 'log' | 'onMisbehaviour'> => ({
      log: logger.forComponent('parley:websocket'),
      onMisbehaviour
    })
    return {
      [transportSymbol]: true,
      [Symbol.toStringTag]: '@parley/websockets',
      dial: async (address, options) => {
        const place = webSocketPlaceOf(address)
        if (place === undefined) throw new TypeError(`${address.toString()} is not the address of a WebSocket`)
        const { socket, early } = await openWebSocket(place, {
          signal: options.signal,
          lookup,
          proxy: proxyOf?.(place.host)
        })
        stateAddressClass(address, addressClass(socket.remoteAddress ?? ''))
        const connection = new WebSocketConnection({ ...init(), socket, remoteAddr: address, direction: 'outbound' })
        if (early.byteLength > 0) connection.received(early)
        socket.resume()
        try {
          return await options.upgrader.upgradeOutbound(connection, options)
        } catch (error) {
          connection.abort(toError(error))
          throw error
        }
      },
      createListener: ({ upgrader }) => new WebSocketListener({ ...listening, upgrader, connection: init }),
      dialFilter: (addresses) => addresses.filter((address) => webSocketPlaceOf(address) !== undefined),
      listenFilter: (addresses) => addresses.filter((address) => webSocketPlaceOf(address)?.isSecure === false)
    }
  }
}
